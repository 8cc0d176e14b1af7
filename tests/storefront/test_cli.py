"""The command line where no server is needed: help, wrong usage, wrong input, no Temporal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from domain import wording
from domain.cases.record import Channel
from domain.messages import Answer, ChargebackState, Finding
from domain.parties import Role
from domain.policy import Remedy
from runtime import Exit
from storefront.cli import app
from storefront.options import Found, Language, Side, Stage, Verdict, Voice, Way, Word
from tests.server.processes import ROOT, environment
from tests.storefront.orders import document

NOWHERE = "127.0.0.1:1"
"""An address at which nothing listens."""


def _starter(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "starter.py", *words],
        cwd=ROOT,
        env=environment(TEMPORAL_ADDRESS=NOWHERE),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_names_every_exit_code() -> None:
    """Whoever scripts the command line finds its exit codes in the help."""
    text = CliRunner().invoke(app, ["--help"]).output

    epilog = " ".join(text.partition("Exit codes: ")[2].split())
    assert [] == [code for code in Exit if not epilog.startswith(f"{code} ") and f"; {code} " not in epilog]


def test_help_does_not_wait_for_temporal() -> None:
    """Help appears before the slow imports: Temporal, the models, the tables."""
    heavy = ("temporalio", "pydantic", "sqlalchemy", "rich.table")
    program = f"import sys, storefront.cli; print([name for name in {heavy} if name in sys.modules])"

    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "[]\n" == found.stdout


def test_choices_are_those_of_the_models() -> None:
    """The command line writes choices out, so that it need not import the models; they must be the same."""
    assert {Role.BUYER, Role.SELLER} == set(get_args(Side))
    assert {Role.BUYER, Role.SELLER, Role.SUPPORT} == set(get_args(Voice))
    assert (set(Answer), set(ChargebackState), set(Remedy), set(Finding), set(Channel)) == tuple(
        set(get_args(choice)) for choice in (Word, Stage, Verdict, Found, Way)
    )
    assert wording.LOCALES == get_args(Language)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fly"], "No such command 'fly'."),
        (["start"], "Missing argument 'FILE...'."),
        (["cancel", "A-1"], "Missing option '--by'."),
        (["cancel", "A-1", "--by", "nobody"], "'nobody' is not one of 'buyer', 'seller'"),
        (["rule", "case-A-1-1", "half", "--agent", "x", "--reason", "y"], "is not one of 'return_for_refund'"),
        (["offer", "case-A-1-1", "release"], "Missing option '--by'."),
        (["inspect", "case-A-1-1", "fine"], "'fine' is not one of 'as_sent', 'worse'"),
        (["message", "case-A-1-1", "--by", "buyer"], "Missing argument 'text'"),
        (["undo", "case-A-1-1", "--agent", "x"], "Missing option '--text'."),
        (["confirm", "case-A-1-1", "--agent", "x"], "Missing option '--agree'."),
        (["complain", "A-1", "damaged", "--keep-for", "101"], "Invalid value for '--keep-for'"),
        (["reasons", "case-A-1-1", "--lang", "de"], "'de' is not one of 'en', 'zh'"),
        (["list", "--limit", "0"], "Invalid value for '--limit'"),
        (["demo", "--day", "soon"], "Invalid value for '--day'"),
    ],
)
def test_wrong_usage_is_told(words: list[str], expected: str) -> None:
    """Wrong usage ends with exit code 2 and the option at fault."""
    result = CliRunner().invoke(app, words)

    assert Exit.USAGE == result.exit_code
    assert expected in result.output


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('{"order_id": ', "standard input is not JSON from line 1, column 14 on: Expecting value."),
        (json.dumps(document(order_id="A/1")), "order_id: String should match pattern"),
        (json.dumps(document(lines=[])), "lines: Tuple should have at least 1 item"),
        (json.dumps(document(payment_ref="x" * 2_000_000)), "payment_ref: String should have at most 255 characters"),
    ],
)
def test_malformed_order_is_told_on_standard_error(given: str, expected: str) -> None:
    """A malformed order ends with exit code 2, before Temporal is asked; what was given is not repeated."""
    done = _starter("start", "-", given=given)

    assert (Exit.USAGE, "") == (done.returncode, done.stdout)
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 500


def test_errors_for_machines_are_json_on_standard_error() -> None:
    """With --json, an error is one line of JSON with its kind and all its problems."""
    done = _starter("start", "-", "--json", given=json.dumps(document(lines=[], payment_ref="")))

    told = json.loads(done.stderr)
    assert (Exit.USAGE, "BadInput", 2) == (done.returncode, told["error"], len(told["problems"]))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["chargeback", "A-1", "cb-1", "opened", "--amount", "12"], "amount: write an amount as currency and number"),
        (["chargeback", "A-1", "cb-1", "opened", "--amount", "DM 12"], "amount: 'DM' is not an ISO 4217 currency"),
        (["extend", "A-1", "--by", "seller", "--until", "tomorrow"], "--until: write an instant with its time zone"),
        (["extend", "A-1", "--by", "seller", "--until", "2026"], "--until: write an instant with its time zone"),
        (["accept", "A-1", "--at", "2026-11-24T09:00:00"], "--at: needs a time zone"),
        (["start", "nowhere.json"], "nowhere.json cannot be read (No such file or directory)"),
        (["pack", "show", "resale-v9"], "There is no policy pack 'resale-v9', did you mean 'resale-v1'?"),
        (["pack", "check", "starter.py"], "starter.py:1: is not TOML"),
        (["pack", "check", "nowhere.toml"], "nowhere.toml cannot be read"),
    ],
)
def test_wrong_values_are_told(words: list[str], expected: str) -> None:
    """A value that cannot be right is named with its field, and nothing is sent."""
    done = _starter(*words)

    assert (Exit.USAGE, "") == (done.returncode, done.stdout)
    assert expected in done.stderr


def test_unreachable_temporal_is_told() -> None:
    """Without a server, the message names the address and what to do."""
    done = _starter("status", "A-1")

    assert (Exit.UNREACHABLE, "") == (done.returncode, done.stdout)
    assert done.stderr == (
        f"Temporal cannot be reached at {NOWHERE} (Connection refused). "
        "Start one with `python worker.py --embedded`, or set TEMPORAL_ADDRESS to yours.\n"
    )


def test_own_pack_can_be_checked(tmp_path: Path) -> None:
    """A good pack is told so, with exit code 0."""
    file = ROOT / "domain" / "packs" / "resale-v1.toml"

    done = _starter("pack", "check", str(file))

    assert (Exit.OK, f"{file}: resale-v1 can be used.\n", "") == (done.returncode, done.stdout, done.stderr)
