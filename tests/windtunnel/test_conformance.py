"""Published rules of real marketplaces, reproduced to the second, and shown to be found where they are not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain import policy_packs
from domain.money import Money
from domain.policy_packs import PackError
from domain.spans import Span
from windtunnel import overrides
from windtunnel.__main__ import app
from windtunnel.checks import CHECKS
from windtunnel.conformance import check
from windtunnel.rulebook import Book, Rule, books, sources

BOOKS = {book.pack: book for book in books()}
KEYS = re.compile(r"\b[A-Z]{2}\d{0,2}\b(?=[,)])")
INDIFFERENT = {"seller_must_approve"}
"""Checks of something that holds at any time, whose value only says when it is looked at."""


def wrong(rule: Rule) -> Rule | None:
    """The rule with another value than the published one; none if its value is no number."""
    if rule.kinds:
        return rule.model_copy(update={"kinds": rule.kinds[:-1]})
    value = ""
    if rule.value.endswith(" %"):
        value = f"{int(rule.value.removesuffix(' %')) + 1} %"
    elif rule.value.startswith("USD "):
        value = str(Money.parse(rule.value) + Money(minor=1, currency="USD"))
    elif re.match(r"\d+ [a-zA-Z]+$", rule.value):
        span = Span.parse(rule.value)
        value = str(Span(span.amount + 1, span.unit))
    return rule.model_copy(update={"value": value}) if value and rule.check not in INDIFFERENT else None


@pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
def test_every_published_rule_holds_at_its_instant_and_not_one_second_before(book: Book) -> None:
    """Under a marketplace's pack, the real workflow does what the marketplace has published."""
    results = check(book)

    assert {} == {result.rule.rule: result.findings for result in results if not result.ok}


@pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
def test_no_check_would_be_content_with_another_value(book: Book) -> None:
    """A rule whose value were one unit longer, one cent more or one photo less is found not to hold."""
    others = tuple(other for rule in book.rules if (other := wrong(rule)))

    results = check(book.model_copy(update={"rules": others}))

    assert [] == [(result.rule.rule, result.rule.value) for result in results if result.ok]


@pytest.mark.parametrize(
    ("name", "right", "mistaken", "found"),
    [
        ("poshmark", 'within = "7 CD"', 'within = "8 CD"', {"may_cancel"}),
        ("mercari", '"72 h"\non_silence = "release"', '"4321 min"\non_silence = "release"', {"releases"}),
        ("mercari", '"photo_sides", ', "", {"checklist"}),
        ("vinted", 'remedy = "refund_and_keep"', 'remedy = "return_for_refund"', {"keeps_the_item"}),
        ("vinted", 'label_paid_by = "buyer"', 'label_paid_by = "platform"', {"buyer_pays_return"}),
        ("vinted", 'on_silence = "ask_support"', 'on_silence = "refund"', {"silence"}),
        ("depop", 'label_paid_by = "platform"', 'label_paid_by = "buyer"', {"free_return"}),
        ("depop", "appealable = false", "appealable = true", {"no_appeal"}),
        ("ebay", 'grace = "0 h"', 'grace = "2 h"', {"seller_must_approve"}),
        ("ebay", "deduction = 0.5", "deduction = 0.51", {"deduction"}),
        ("ebay", "USD 749.99", "USD 750.00", {"tracked_delivery"}),
    ],
)
def test_a_wrong_constant_in_a_pack_is_found(name: str, right: str, mistaken: str, found: set[str]) -> None:
    """Exactly the rules that a mistaken constant breaks are reported."""
    written = overrides.known(name)
    assert right in written
    pack = policy_packs.read(overrides.written_out(written.replace(right, mistaken)))

    results = check(BOOKS[name], pack)

    assert found == {result.rule.check for result in results if not result.ok}


def test_a_failing_rule_is_printed_and_fails_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's exit code is 1 if a rule is not reproduced, and its JSON says which."""
    mistaken = overrides.known("offerup").replace('remind_after = ["48 h", ', 'remind_after = ["47 h", ')
    (tmp_path / "offerup.toml").write_text(mistaken, encoding="utf-8")
    monkeypatch.setattr(overrides, "FOLDER", tmp_path)

    ran = CliRunner().invoke(app, ["conformance", "offerup", "--json"])

    assert 1 == ran.exit_code
    told = json.loads(ran.stdout)
    assert {"marketplace", "rule", "value", "source", "ok", "findings"} == set(told[0])
    assert ["48 h"] == [rule["value"] for rule in told if not rule["ok"]]


def test_the_table_also_lists_what_no_policy_can_express() -> None:
    """Rules, what cannot be expressed and why, and the sources are printed for people."""
    ran = CliRunner().invoke(app, ["conformance", "offerup"])

    assert 0 == ran.exit_code
    assert "4 of 4 rules reproduced exactly" in ran.stdout
    assert "Not expressible" in ran.stdout
    assert sources()["OU1"].page in ran.stdout


def test_at_least_sixty_rules_of_eight_marketplaces_are_checked() -> None:
    """The packs cover as much as was promised, and every kind of check is used by a rule."""
    assert len(BOOKS) >= 8
    assert sum(len(book.rules) for book in books()) >= 60
    assert set(CHECKS) == {rule.check for book in books() for rule in book.rules}


def test_the_page_counts_the_rules_as_they_are() -> None:
    """The table in docs/windtunnel.md says of each pack how many rules it reproduces and how many it cannot state."""
    page = (Path(__file__).parents[2] / "docs" / "windtunnel.md").read_text(encoding="utf-8")

    told = re.findall(r"^\| .* \| `([a-z-]+)` \| (\d+) \| (\d+) \|$", page, re.MULTILINE)

    counted = [(book.pack, str(len(book.rules)), str(len(book.not_expressible))) for book in books()]
    assert counted == told
    total = sum(len(book.rules) for book in books()), sum(len(book.not_expressible) for book in books())
    assert f"| **{total[0]}** | **{total[1]}** |" in page


@pytest.mark.parametrize("name", overrides.names())
def test_a_pack_says_where_each_value_is_from(name: str) -> None:
    """Each value of a marketplace's pack cites pages that are listed, or says that it is not published."""
    pack = overrides.load(name)
    base = policy_packs.load("resale-v1")

    assert base.sources.keys() <= pack.sources.keys()
    for setting, source in pack.sources.items():
        cited = set(KEYS.findall(source))
        assert cited <= set(sources()), f"{setting}: {source}"
        assert cited or source.startswith("Not published"), f"{setting}: {source}"


def test_no_source_is_listed_in_vain() -> None:
    """Each listed page is cited by a rule, or by one that cannot be expressed."""
    cited = {key for book in books() for one in (*book.rules, *book.not_expressible) for key in one.source}

    assert set(sources()) == cited


def test_a_value_without_a_source_is_refused() -> None:
    """What replaces a value of resale-v1 cannot pass for the sourced one."""
    own = 'pack = "some-v1"\ntitle = "Some"\n[shipping.soft]\nwithin = "6 CD"\n'

    with pytest.raises(PackError, match=r"`shipping.soft.within` has no source"):
        policy_packs.read(overrides.written_out(own))


def test_what_is_not_published_stays_as_in_the_base() -> None:
    """A pack changes only what it names, for all reasons of a group unless one speaks for itself."""
    own = """
        pack = "some-v1"
        title = "Some"

        [reasons.arrived]
        closes = "60 h"
        source = "A page"

        [reasons.damaged]
        closes = "50 h"
        source = "Another page"
    """

    pack = policy_packs.read(overrides.written_out(own))

    base = policy_packs.load("resale-v1").policy
    closes = {reason: str(rule.closes) for reason, rule in pack.policy.reasons.items()}
    assert {
        reason: {"damaged": "50 h", "not_received": "5 CD", "late": "30 CD", "lost": "30 CD"}.get(reason, "60 h")
        for reason in base.reasons
    } == closes
    assert base.shipping == pack.policy.shipping
    assert ("A page", "Another page") == (
        pack.sources["reasons.wrong_item.closes"],
        pack.sources["reasons.damaged.closes"],
    )
    assert overrides.NOT_PUBLISHED == pack.sources["reasons.damaged.opens"]
