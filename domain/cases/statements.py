"""The statement of reasons: for each decision its rule, its facts and what they rest on, the money, and the way on.

After Art. 17 of the Digital Services Act: facts, rule, automation, and how to contest. Every sentence names what
stands behind it; `check` refuses a statement with one that has nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain import wording
from domain.base import Instant, Model
from domain.cases import clocks
from domain.cases.case import CaseFile, CaseRecord, Matter
from domain.cases.finality import contestable
from domain.cases.record import ARRIVED, Ground, Resolution
from domain.cases.step import SIDES, WITH_AGENTS
from domain.money import Money
from domain.parties import Role
from domain.policy import CaseState, Remedy
from domain.settlement import Division, division

NOT_CARRIED_OUT_YET = (CaseState.AWAITING_CONFIRMATION, CaseState.DECIDED)
"""States of a ruling that waits: the windows to appeal open once it is carried out."""


class Unfounded(ValueError):
    """A sentence of a statement has nothing behind it."""


class Sentence(Model):
    """One sentence: its code and facts, what it rests on, and its text in each language."""

    code: str
    facts: dict[str, str]
    basis: tuple[str, ...]
    text: dict[str, str]


class Contest(Model):
    """Until when (UTC) a side may appeal, and under which rule."""

    side: Role
    until: Instant
    rule: str


class Statement(Model):
    """Why one decision of a case is as it is, and what it means."""

    case_id: str
    number: int
    pack: str
    rule: str
    automatic: bool
    decided_by: Role
    at: Instant
    remedy: Remedy | None
    amount: Money
    money: Division
    contest: tuple[Contest, ...]
    sentences: tuple[Sentence, ...]


def statements(matter: Matter) -> tuple[Statement, ...]:
    """The statement of every decision that counted, oldest first. Raises `Unfounded`."""
    made = tuple(statement(matter, one) for one in matter.record.resolutions if not one.undone_by)
    for each in made:
        check(each, matter.file, matter.record)
    return made


def statement(matter: Matter, resolution: Resolution) -> Statement:
    """The statement of one decision."""
    file = matter.file
    money = division(file.price, resolution.amount, resolution.costs)
    contest = tuple(_contest(matter, resolution))
    return Statement(
        case_id=file.case_id,
        number=resolution.number,
        pack=file.policy.pack,
        rule=resolution.rule,
        automatic=resolution.automatic,
        decided_by=resolution.decided_by,
        at=resolution.at,
        remedy=resolution.remedy,
        amount=resolution.amount,
        money=money,
        contest=contest,
        sentences=tuple(_worded(ground) for ground in _grounds(matter, resolution, money, contest)),
    )


def _grounds(matter: Matter, resolution: Resolution, money: Division, contest: tuple[Contest, ...]) -> Iterable[Ground]:
    file, ruling = matter.file, f"ruling:{resolution.number}"
    arrived = any(ground.code == ARRIVED for ground in resolution.grounds)
    without = "withdrawn" if resolution.decided_by is Role.BUYER else ARRIVED if arrived else "overtaken"
    facts = {"remedy": str(resolution.remedy or without), "amount": str(resolution.amount)}
    yield Ground(code="decided", facts=facts, basis=(ruling,))
    behind = ruling if resolution.agent else f"rule:{resolution.rule}"
    yield Ground(code="under_rule", facts={"rule": resolution.rule, "pack": file.policy.pack}, basis=(behind,))
    yield from resolution.grounds
    if resolution.text:
        yield Ground(code="reason_given", facts={"text": resolution.text}, basis=(ruling,))
    if resolution.confirmed_by:
        yield Ground(code="confirmed", facts={"agent": resolution.confirmed_by}, basis=(ruling,))
    code = "by_automation" if resolution.automatic else "by_a_person"
    yield Ground(code=code, facts={"by": str(resolution.decided_by)}, basis=(ruling,))
    if resolution.remedy is not None:
        yield from _money(matter, resolution, money)
    for way in contest:
        facts = {"side": str(way.side), "until": wording.moment(way.until)}
        yield Ground(code="may_contest", facts=facts, basis=(f"rule:{way.rule}",))
    if not contest and matter.record.state not in WITH_AGENTS:
        yield Ground(code="final", basis=(f"rule:{file.rule('appeals.window')}",))


def _money(matter: Matter, resolution: Resolution, money: Division) -> Iterator[Ground]:
    """How the money divides, and what the platform adds: a refund is never taken back, a loss may be its own."""
    ruling = f"ruling:{resolution.number}"
    before = [one for one in matter.record.resolutions[: resolution.number - 1] if one.effective_at]
    amounts = (matter.file.refunded_before or money.buyer.zero, *(one.amount for one in before))
    had = max(amounts, key=lambda amount: amount.minor)
    shares = {"buyer": str(max(had, money.buyer)), "seller": str(money.seller), "platform": str(money.platform)}
    yield Ground(code="money", facts=shares | {"tax": str(money.tax)}, basis=(ruling,))
    if resolution.borne_by is Role.PLATFORM:
        yield Ground(code="platform_bears", facts={"seller": str(matter.file.price.seller_share)}, basis=(ruling,))
    if resolution.amount < had:
        yield Ground(code="refund_kept", facts={"amount": str(had)}, basis=(ruling,))


def _worded(ground: Ground) -> Sentence:
    text = {locale: wording.sentence(ground.code, ground.facts, locale) for locale in wording.LOCALES}
    return Sentence(code=ground.code, facts=ground.facts, basis=ground.basis, text=text)


def _contest(matter: Matter, resolution: Resolution) -> Iterator[Contest]:
    if resolution is not matter.record.decision:
        return
    for side in SIDES:
        if duty := matter.duties.get(clocks.APPEALS[side]):
            yield Contest(side=side, until=duty.due or duty.agreed_due, rule=duty.rule)
        elif matter.record.state in NOT_CARRIED_OUT_YET and contestable(matter.file, matter.record, resolution, side):
            expected = clocks.may_appeal(matter.file, side, matter.now)
            yield Contest(side=side, until=expected.agreed_due, rule=expected.rule)


def check(made: Statement, file: CaseFile, record: CaseRecord) -> None:
    """Raise `Unfounded` unless every sentence names at least one thing that exists in the case."""
    for sentence in made.sentences:
        if not sentence.basis:
            raise Unfounded(f"{made.case_id}: the sentence {sentence.code!r} has nothing behind it")
        for reference in sentence.basis:
            if not _exists(reference, file, record):
                raise Unfounded(f"{made.case_id}: {sentence.code!r} rests on {reference!r}, which the case has not")


def _exists(reference: str, file: CaseFile, record: CaseRecord) -> bool:
    kind, _, name = reference.partition(":")
    match kind:
        case "rule":
            pack, _, setting = name.partition("/")
            return pack == file.policy.pack and file.policy.has(setting)
        case "evidence":
            return any(item.id == name for item in record.evidence)
        case "message":
            return any(f"m{said.number}" == name for said in record.conversation)
        case "offer":
            return any(offer.id == name for offer in record.offers)
        case "standing":
            return any(rule.by == name for rule in file.standing)
        case "ruling":
            return any(str(one.number) == name for one in record.resolutions)
        case "record":
            return record.histories is not None and name in SIDES
        case "event":
            return _happened(name, file, record)
        case "answer" | "silence":
            return name in (*SIDES, Role.SUPPORT)
    return False


def _happened(event: str, file: CaseFile, record: CaseRecord) -> bool:
    match event:
        case "delivered":
            return file.delivery.delivered_at is not None
        case "disruption":
            return bool(file.delivery.disrupted_by)
        case "return":
            return record.trip is not None
    return event == "ending"
