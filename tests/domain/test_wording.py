"""The texts for people: complete in both languages, and every code that the source uses has one."""

# ruff: noqa: RUF001  Chinese has its own punctuation

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
TABLES = ("actions", "consequences", "events", "titles", "letters", "replies", "sentences", "names")
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

TRANSIT = ROOT / "workflows/transit.py"
RETURN = "return_"
"""What the events of a parcel on its way begin with if it is a return: the same code follows both."""


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


def told(paths: list[Path]) -> Iterator[tuple[str, str, set[str] | None]]:
    """Table, code and facts of each call that tells something; no facts where they are put together elsewhere."""
    for node in chain.from_iterable(ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for path in paths):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(attr="note" | "_note" | "_look_into"):
                table = "events"
            case ast.Attribute(value=ast.Name(id="Reply"), attr="no" | "yes" | "asked"):
                table = "replies"
            case ast.Attribute(attr="answer", value=ast.Name(id="step" | "drafted")) | ast.Name(id="Fault"):
                table = "replies"
            case ast.Name(id="Ground") | ast.Attribute(attr="sentence"):
                table = "sentences"
            case _:
                continue
        by_name = {keyword.arg: keyword.value for keyword in node.keywords}
        first = node.args[0] if node.args else by_name.get("code")
        for code in _constants(first) if first is not None else ():
            yield table, code, _facts(table, node, by_name)


def _facts(table: str, node: ast.Call, by_name: dict[str | None, ast.expr]) -> set[str] | None:
    match node.func:
        case ast.Attribute(attr="_look_into") | ast.Name(id="Fault"):
            return None
        case ast.Attribute() if table != "sentences":
            return None if None in by_name else {name for name in by_name if name}
    given = node.args[1] if len(node.args) > 1 else by_name.get("facts")
    if given is None:
        return set()
    if isinstance(given, ast.Dict) and all(isinstance(key, ast.Constant) for key in given.keys):
        return {str(key.value) for key in given.keys if isinstance(key, ast.Constant)}
    return None


def used(paths: list[Path], table: str) -> set[str]:
    """The codes of a table that are told somewhere."""
    return {code for found, code, _ in told(paths) if found == table}


def unused(table: str, paths: list[Path]) -> list[str]:
    """The codes of a table that are written nowhere in the source, neither whole nor as the end of an f-string."""
    whole: set[str] = set()
    ends: set[str] = set()
    for node in chain.from_iterable(ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for path in paths):
        if isinstance(node, ast.Constant):
            whole.add(str(node.value))
        elif isinstance(node, ast.JoinedStr) and isinstance(end := node.values[-1], ast.Constant):
            ends |= {str(end.value)} if re.fullmatch(r"_[a-z_]{4,}", str(end.value)) else set()
    whole |= {f"{RETURN}{code}" for code in used([TRANSIT], "events")}
    return sorted(code for code in set(CATALOGUES["en"][table]) - whole if not code.endswith(tuple(ends)))


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
    assert [] == sorted(used(SOURCES + CALLERS, table) - set(CATALOGUES["en"][table]))


def test_every_text_finds_its_facts() -> None:
    """Whoever tells something gives the facts that its text needs."""
    lacking = {
        (code, fact)
        for table, code, facts in told(SOURCES + CALLERS)
        if facts is not None
        for fact in gaps(CATALOGUES["en"][table].get(code, "")) - facts
    }

    assert set() == lacking


def test_a_return_is_told_like_a_delivery() -> None:
    """Whatever is told of a parcel on its way has a text of its own for a parcel on its way back."""
    events = used([TRANSIT], "events")

    assert events
    assert [] == sorted({f"{RETURN}{code}" for code in events} - set(CATALOGUES["en"]["events"]))


@pytest.mark.parametrize("table", ["events", "replies", "sentences"])
def test_every_text_is_used(table: str) -> None:
    """No text is kept for a code that nothing tells."""
    assert [] == unused(table, SOURCES + CALLERS)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("zh-Hans-CN", "zh"),
        ("zh_CN", "zh"),
        ("en-GB", "en"),
        ("pt_BR", "en"),
        ("", "en"),
    ],
)
def test_a_locale_finds_its_catalogue(locale: str, expected: str) -> None:
    """The language of a locale decides; English serves whoever has none of theirs."""
    assert expected == wording.catalogue_of(locale)


@pytest.mark.parametrize(
    ("what", "facts", "locale", "expected"),
    [
        (
            "reminded",
            {"owner": "seller", "action": "move", "due": "2026-11-05 18:00 UTC", "consequence": "look_up"},
            "en",
            "Reminder to seller: move the parcel on by 2026-11-05 18:00 UTC. Otherwise the carrier is asked.",
        ),
        (
            "reminded",
            {"owner": "seller", "action": "move", "due": "2026-11-05 18:00 UTC", "consequence": "look_up"},
            "zh-CN",
            "提醒卖家：请在 2026-11-05 18:00 UTC 前更新物流；逾期未处理，平台将向快递公司查询。",
        ),
        (
            "tracking",
            {"status": "accepted", "at": "2026-11-05 18:00 UTC"},
            "zh",
            "物流更新：已揽收，2026-11-05 18:00 UTC。",
        ),
        ("closed", {"ending": "accepted"}, "zh", "订单已关闭：买家确认收货。"),
        ("closed", {"ending": "accepted"}, "en", "The order is closed: accepted by the buyer."),
        (
            "disrupted",
            {"disruption": "lost", "clocks": "deliver, move"},
            "zh",
            "因 lost，以下期限已调整：按预计时间送达、更新物流。",
        ),
        ("fast_tracked", {"rule": "ruling of a-7"}, "zh", "符合极速退款条件，已自动同意，依据 客服 a-7 的判定。"),
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
        ("en", "The ruling from support was not accepted: the order goes on (2026-11-05 18:00 UTC, p/x)."),
        ("zh", "客服的判定未被接受：订单继续进行（2026-11-05 18:00 UTC、p/x）。"),
    ],
)
def test_a_refusal_is_told_in_both_languages(locale: str, expected: str) -> None:
    """The story keeps the code of a refusal, so that each side reads it in their own language."""
    reply = Reply.no("order_goes_on", "p/x", datetime(2026, 11, 5, 18, tzinfo=UTC))

    kept = wording.refusal(reply.code, reply.facts, reply.rule, reply.instant)

    assert expected == wording.event("refused", {"message": "rule", "by": "support", **kept}, locale)


def test_the_facts_of_a_refused_reply_are_kept_apart() -> None:
    """A fact of the reply never takes the place of one of the refusal, and is told within its text."""
    reply = Reply.no("chargeback_amount", amount=Money(minor=20_000, currency="USD"), total="USD 129.00", by="seller")

    kept = wording.refusal(reply.code, reply.facts, reply.rule, reply.instant)

    told = wording.event("refused", {"message": "chargeback", "by": "platform", **kept}, "zh")
    assert "平台的拒付通知未被接受：拒付金额 USD 200.00 与付款金额 USD 129.00 不符。" == told
    assert reply.facts == wording.replied(kept)


def test_items_keep_their_ids_beside_their_kinds() -> None:
    """In a list of evidence, each id stays and its kind is told in words."""
    shown = wording._shown("items", "e1 photo_front, e2 holiday_film", "zh")

    assert "e1 正面照片、e2 holiday_film" == shown


def test_a_notice_is_told_in_the_language_of_its_reader() -> None:
    """The locale of the party decides."""
    at = datetime(2026, 11, 5, tzinfo=UTC)
    told = Notice(key="k", subject="order-A-1", to=Role.BUYER, party_id="b-1", kind="returned", at=at)

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
