"""The texts for people: complete in both languages, and every code that the source uses has one."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from pathlib import Path

import pytest

from domain import wording
from domain.cases.record import Channel
from domain.duties import DutyKind, Silence
from domain.messages import ChargebackState, Finding, Reply
from domain.money import Money
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import CaseState, EvidenceKind, Reason, Remedy
from domain.settlement import Ending
from domain.states import OrderState
from domain.story import Notice

ROOT = Path(__file__).parents[2]
CATALOGUES = {
    locale: tomllib.loads((ROOT / f"domain/catalogues/{locale}.toml").read_text(encoding="utf-8"))
    for locale in wording.LOCALES
}
TABLES = ("actions", "consequences", "events", "replies", "sentences", "names")
SOURCES = [path for folder in ("domain", "workflows") for path in sorted((ROOT / folder).rglob("*.py"))]
CALLERS = [path for folder in ("storefront", "fastmotion") for path in sorted((ROOT / folder).rglob("*.py"))]

NAMED: dict[str, type[StrEnum]] = {
    "by": Role,
    "reason": Reason,
    "remedy": Remedy,
    "state": CaseState,
    "kinds": EvidenceKind,
    "ending": Ending,
    "order_state": OrderState,
    "status": TrackingStatus,
    "channel": Channel,
    "finding": Finding,
    "chargeback_state": ChargebackState,
    "clocks": DutyKind,
}
"""The enums whose members are told as facts, each under a fact that has them."""


def texts(locale: str) -> dict[str, str]:
    """All texts of a catalogue, by table and code."""
    return {f"{table}.{code}": text for table in TABLES for code, text in CATALOGUES[locale][table].items()}


def gaps(text: str) -> set[str]:
    """The facts that a text needs."""
    return set(re.findall(r"\{(\w+)\}", text))


def _constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def used(paths: list[Path]) -> dict[str, set[str]]:
    """The codes written in calls that tell something, by the table that has their texts."""
    found: dict[str, set[str]] = {"events": set(), "replies": set(), "sentences": set()}
    for node in chain.from_iterable(ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for path in paths):
        if not isinstance(node, ast.Call):
            continue
        first = node.args[0] if node.args else next((one.value for one in node.keywords if one.arg == "code"), None)
        match node.func:
            case ast.Attribute(attr="note"):
                table = "events"
            case ast.Attribute(value=ast.Name(id="Reply"), attr="no" | "yes" | "asked"):
                table = "replies"
            case ast.Attribute(attr="answer", value=ast.Name(id="step")) | ast.Name(id="Fault"):
                table = "replies"
            case ast.Name(id="Ground" | "sentence") | ast.Attribute(attr="sentence"):
                table = "sentences"
            case _:
                continue
        found[table] |= set(_constants(first)) if first is not None else set()
    return found


def strings(paths: list[Path]) -> set[str]:
    """All texts written in the source, since a code may be looked up before it is told."""
    nodes = chain.from_iterable(ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for path in paths)
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_catalogues_have_the_same_codes() -> None:
    """What can be said in one language can be said in the other."""
    english, chinese = texts("en"), texts("zh")

    assert [] == sorted(english.keys() ^ chinese.keys())


def test_catalogues_need_the_same_facts() -> None:
    """A text needs the same facts in both languages."""
    english, chinese = texts("en"), texts("zh")

    assert {} == {code: text for code, text in chinese.items() if gaps(text) != gaps(english[code])}


def test_chinese_texts_are_chinese() -> None:
    """A Chinese text has no English word of its own."""
    words = {code: re.findall(r"[A-Za-z]{3,}", re.sub(r"\{\w+\}", "", text)) for code, text in texts("zh").items()}

    assert {} == {code: found for code, found in words.items() if found}


@pytest.mark.parametrize("locale", wording.LOCALES)
def test_every_duty_and_silence_has_its_text(locale: str) -> None:
    """Each kind of duty and each consequence is told in each language, and nothing else is."""
    assert set(DutyKind) == set(CATALOGUES[locale]["actions"])
    assert set(Silence) == set(CATALOGUES[locale]["consequences"])


@pytest.mark.parametrize(("fact", "codes"), NAMED.items())
def test_every_code_has_its_name(fact: str, codes: type[StrEnum]) -> None:
    """Each member of what is told as a fact has a name, in Chinese one without English."""
    names = [wording.name(code, "zh", fact) for code in codes]

    assert [] == [name for name in names if re.search(r"[A-Za-z]", name)]


@pytest.mark.parametrize("table", ["events", "replies", "sentences"])
def test_every_code_of_the_source_has_a_text(table: str) -> None:
    """No event, reply or ground is told without a text in the catalogues."""
    assert [] == sorted(used(SOURCES + CALLERS)[table] - set(CATALOGUES["en"][table]))


@pytest.mark.parametrize("table", ["events", "replies", "sentences"])
def test_every_text_is_used(table: str) -> None:
    """No text is kept for a code that nothing tells."""
    assert [] == sorted(set(CATALOGUES["en"][table]) - strings(SOURCES + CALLERS))


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("zh", "zh"), ("zh-CN", "zh"), ("zh-Hans-CN", "zh"), ("zh_CN", "zh"), ("en-GB", "en"), ("pt_BR", "en"), ("", "en")],
)
def test_a_locale_finds_its_catalogue(locale: str, expected: str) -> None:
    """The language of a locale decides; English serves whoever has none of theirs."""
    assert expected == wording.catalogue_of(locale)


@pytest.mark.parametrize(
    ("what", "facts", "locale", "expected"),
    [
        (
            "reminded",
            {"owner": "seller", "action": "ship", "due": "2026-11-05 18:00 UTC", "consequence": "buyer_may_cancel"},
            "en",
            "Reminder to seller: hand the parcel to the carrier by 2026-11-05 18:00 UTC. "
            "Otherwise the buyer may cancel or grant more time.",
        ),
        (
            "reminded",
            {"owner": "seller", "action": "ship", "due": "2026-11-05 18:00 UTC", "consequence": "buyer_may_cancel"},
            "zh-CN",
            "提醒卖家：请在 2026-11-05 18:00 UTC 前发货（将包裹交给快递公司）；"
            "逾期未处理，买家可取消订单或同意延长发货时间。",
        ),
        ("tracking", {"status": "accepted", "at": "2026-11-05 18:00 UTC"}, "zh", "物流更新：已揽收，2026-11-05 18:00 UTC。"),
        ("closed", {"ending": "accepted"}, "zh", "订单已关闭：买家确认收货。"),
        ("closed", {"ending": "accepted"}, "en", "The order is closed: accepted by the buyer."),
        ("disrupted", {"disruption": "lost", "clocks": "deliver, move"}, "zh", "因 lost，以下期限已调整：按预计时间送达、更新物流。"),
        ("closed", {}, "en", "The order is closed: ?."),
        ("an event of tomorrow {x}", {}, "zh", "an event of tomorrow {x}"),
        ("tracking", {"status": "Held at customs", "at": "now"}, "en", "Carrier: Held at customs at now."),
    ],
)
def test_events_translate_their_codes(what: str, facts: dict[str, str], locale: str, expected: str) -> None:
    """Codes among the facts are told in the language of the text; ids, unknown words and missing facts do no harm."""
    assert expected == wording.event(what, facts, locale)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        (
            "en",
            "The chargeback from platform was not accepted: a chargeback of USD 200.00 cannot belong to a payment of "
            "USD 129.00 (2026-11-05 18:00 UTC, resale-v1/chargebacks).",
        ),
        (
            "zh",
            "平台的拒付通知未被接受：拒付金额 USD 200.00 与付款金额 USD 129.00 不符"
            "（2026-11-05 18:00 UTC、resale-v1/chargebacks）。",
        ),
    ],
)
def test_a_refusal_is_told_in_both_languages(locale: str, expected: str) -> None:
    """The story keeps the code and facts of a refusal, so that each side reads it in their own language."""
    at = datetime(2026, 11, 5, 18, tzinfo=UTC)
    amount, total = (Money(minor=minor, currency="USD") for minor in (20_000, 12_900))
    reply = Reply.no("chargeback_amount", "resale-v1/chargebacks", at, amount=amount, total=total)

    kept = wording.refusal(reply.code, reply.facts, reply.rule, reply.instant)

    assert expected == wording.event("refused", {"message": "chargeback", "by": "platform", **kept}, locale)
    assert reply.facts == wording.replied(kept)


def test_items_keep_their_ids_beside_their_kinds() -> None:
    """In a list of evidence, each id stays and its kind is told in words."""
    shown = wording._shown("items", "e1 photo_front, e2 holiday_film", "zh")

    assert "e1 正面照片、e2 holiday_film" == shown


def test_a_notice_is_told_in_the_language_of_its_reader() -> None:
    """The locale of the party decides."""
    told = Notice(
        key="k", subject="order-A-1", to=Role.BUYER, party_id="b-1", kind="returned", at=datetime(2026, 11, 5, tzinfo=UTC)
    )

    assert "The parcel is back at the seller." == wording.notice(told)
    assert "包裹已退回卖家。" == wording.notice(told.model_copy(update={"locale": "zh-CN"}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 11, 5, 18, 30, 59, tzinfo=UTC), "2026-11-05 18:30 UTC"),
        (Money(minor=12_900, currency="USD"), "USD 129.00"),
        ((Reason.LATE, Reason.LOST), "late, lost"),
        (Role.BUYER, "buyer"),
        ("x" * 500, "x" * 300),
    ],
)
def test_facts_are_short_texts(value: object, expected: str) -> None:
    """Instants are told to the minute, amounts with their currency, several codes with commas; nothing is long."""
    assert expected == wording.fact(value)
