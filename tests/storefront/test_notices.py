"""The commands about notices: what they show, and what they refuse."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner, Result

import runtime
from activities.dispatch.records import Channel, State
from activities.ports import Refused
from runtime import Exit
from storefront.cli import app
from storefront.options import NoticeState
from tests.activities.dispatch.scene import NIGHT, Recorder, Scene, news, reminder

Run = Callable[..., Result]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """One reminder that is held, one dead letter, and one that was sent."""
    made = Scene(tmp_path, Channel.MAIL)
    made.post(reminder("held"), manner=NIGHT)
    made.post(news("dead"))
    made.post(news("sent", subject="case-A-1-1"))
    asyncio.run(made.deliverer(Recorder(Refused("smtp_550", ""))).deliver_due())
    return made


@pytest.fixture
def run(scene: Scene, tmp_path: Path, bare_environment: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`starter.py notices` on that store, with no Temporal in reach."""

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr(runtime, "leave", leave)

    def starter(*words: str, store: Path = tmp_path / "store.sqlite") -> Result:
        monkeypatch.setenv("REDRESS_STORE_URL", f"sqlite:///{store}")
        return CliRunner().invoke(app, ["notices", *words])

    return starter


def test_states_are_those_of_the_model() -> None:
    """The command line writes the states out, so that its help appears at once."""
    assert set(State) == set(get_args(NoticeState))


def test_lists_what_became_of_each(run: Run) -> None:
    """All, of one state, of one order or case; for people and for machines."""
    everything = run("list")
    dead = json.loads(run("list", "--state", "dead", "--json").stdout)
    of_order = json.loads(run("list", "--of", "A-1", "--json").stdout)
    of_case = json.loads(run("list", "--of", "case-A-1-1", "--json").stdout)

    assert "3 found" in everything.stdout
    assert "smtp_550" in everything.stdout
    assert [("dead", "smtp_550")] == [(row["key"], row["reason"]) for row in dead]
    assert [{"dead", "held"}, {"sent"}] == [{row["key"] for row in rows} for rows in (of_order, of_case)]


def test_shows_a_notice_as_it_is_sent(run: Run, tmp_path: Path) -> None:
    """Text on the terminal, HTML into a file; the reader's name is the directory's, and not shown."""
    file = tmp_path / "letter.html"

    shown = run("show", "held", "--html", str(file))
    read = json.loads(run("show", "held", "--json").stdout)

    assert "hand the parcel to the carrier by March 5, 2026" in shown.stdout
    assert "mail: held" in shown.stdout
    assert file.read_text(encoding="utf-8") == read["html"]
    assert ["held"] == [row["state"] for row in read["dispatches"]]


def test_sends_a_dead_letter_again(run: Run, scene: Scene) -> None:
    """By its key or with all others; a deliverer then sends it under its old id."""
    recorder = Recorder()

    again = json.loads(run("resend", "--all", "--json").stdout)
    scene.clock.advance(days=365)
    asyncio.run(scene.deliverer(recorder).deliver_due())

    assert {"resent": ["dead"]} == again
    assert ("dead", ("dead",)) in recorder.sent
    assert "There are no dead letters.\n" == run("resend", "--all").stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("resend",), Exit.USAGE, "give keys, or --all"),
        (("resend", "dead", "--all"), Exit.USAGE, "give keys, or --all"),
        (("resend", "sent"), Exit.REFUSED, "Not given up, so not sent again: sent."),
        (("resend", "nobody"), Exit.NOT_FOUND, "No such notice to deliver: nobody."),
        (("show", "nobody"), Exit.NOT_FOUND, "No such notice to deliver: nobody."),
        (("show", "held", "--html", "/nowhere/letter.html"), Exit.USAGE, "cannot be written"),
        (("list", "--state", "lost"), Exit.USAGE, "'lost' is not one of"),
    ],
)
def test_what_cannot_be_done_is_told(run: Run, words: tuple[str, ...], code: Exit, said: str) -> None:
    """The exit code says which kind of mistake it was, the message what to do."""
    done = run(*words)

    assert (code, "") == (done.exit_code, done.stdout)
    assert said in done.stderr


def test_no_store_is_made_by_looking(run: Run, tmp_path: Path) -> None:
    """A wrong path is told, and not answered with an empty list."""
    missing = tmp_path / "elsewhere.sqlite"

    done = run("list", store=missing)

    assert (Exit.USAGE, False) == (done.exit_code, missing.exists())
    assert "There is no store at REDRESS_STORE_URL yet" in done.stderr
