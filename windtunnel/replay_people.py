"""Buyers, sellers and the support desk of a policy replay: each notice they get may move them to do something.

Which numbers stand behind it: `windtunnel/behaviour.py`. Without a behaviour, buyers and sellers do only what the
record says; the desk works all the same, since it is part of the platform.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, TypeAlias

from domain.calendars import after
from domain.cases.record import EvidenceItem
from domain.duties import DutyKind
from domain.messages import (
    Cancel,
    CaseMessage,
    Complaint,
    Confirmation,
    EvidenceSent,
    Finding,
    Inspection,
    Message,
    OfferAnswer,
    Proposal,
    Response,
    Ruling,
)
from domain.money import Money
from domain.parties import Role
from domain.policy import NOTHING_CAME, EvidenceKind, Policy, Reason, Remedy
from domain.spans import Span
from domain.story import Notice
from fastmotion.recorded import RecordedOrder
from fastmotion.reenactment import WORST_SCORE
from windtunnel.behaviour import Behaviour, Desk, Luck
from windtunnel.replay_records import Heard

_HALF: Final = Fraction(1, 2)
_FIRST_PART: Final = 0.95
"""A buyer who heeds the window writes at some point of its first 95 %: nobody hits the last hour by chance."""

_ANSWERS_AFTER: Final = timedelta(days=1)
"""Where a record tells the answer and not when it came."""

_EVIDENCE_AFTER: Final = timedelta(hours=6)
_CANCELS_AFTER: Final = timedelta(hours=12)
_INSPECTS_AFTER: Final = timedelta(days=1)
_PACKS_WITHIN: Final = timedelta(days=2)
_SHIPS_WITHIN: Final = timedelta(days=1)

_SHIP: Final = frozenset({DutyKind.SHIP.value, DutyKind.SHIP_FINAL.value})
_JPEG: Final = "image/jpeg"
_BYTES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Says:
    """Somebody sends a message to an order or case at an instant (UTC), by the signal or update of this name."""

    at: datetime
    subject: str
    name: str
    message: Message


@dataclass(frozen=True, slots=True)
class Ships:
    """The seller hands the parcel over at this instant, sooner than the record says."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SendsBack:
    """The buyer hands the goods of a case to the carrier."""

    at: datetime
    case_id: str


Deed: TypeAlias = Says | Ships | SendsBack
_Reply: TypeAlias = Callable[[Notice, str, datetime], Iterator[Deed]]


class People:
    """Everybody around one order under one policy. `ships_at` is when the seller is going to ship, `ship_by` should."""

    def __init__(
        self,
        order: RecordedOrder,
        heard: Heard | None,
        policy: Policy,
        *,
        ship_by: datetime,
        behaviour: Behaviour | None,
        desk: Desk,
        luck: Luck,
    ) -> None:
        self._order = order
        self._heard = heard
        self._policy = policy
        self._behaviour = behaviour
        self._desk = desk
        self._luck = luck
        self._asked: Counter[tuple[str, str]] = Counter()
        self._reasons: dict[str, Reason] = {}
        self._late: set[str] = set()
        self.ship_by = ship_by
        self.ships_at = order.handed_over_at
        self._replies: dict[tuple[str, Role], _Reply] = {
            ("reminded", Role.SELLER): self._hurry,
            ("asked_seller", Role.SELLER): self._answer,
            ("case_reopened", Role.SELLER): self._comes_late,
            ("return_delivered", Role.SELLER): self._inspect,
            ("buyer_may_cancel", Role.BUYER): self._cancel,
            ("offered", Role.BUYER): self._take_or_leave,
            ("evidence_asked", Role.BUYER): self._show,
            ("return_label", Role.BUYER): self._send_back,
            ("return_label_pickup", Role.BUYER): self._send_back,
            ("with_support", Role.SUPPORT): self._hear,
            ("ruling_to_confirm", Role.SUPPORT): self._confirm,
        }

    def react(self, notice: Notice, now: datetime) -> Iterator[Deed]:
        """What the reader of a notice does about it, now or later."""
        if reply := self._replies.get((notice.kind, notice.to)):
            asked = notice.subject, notice.kind
            self._asked[asked] += 1
            yield from reply(notice, f"{notice.kind} {self._asked[asked]}", now)

    def complains_at(self, complaint: Complaint, order: RecordedOrder) -> datetime | None:
        """When an unhappy buyer, by the record as it stands now, really complains (UTC); none if they never do."""
        at, behaviour, delivered = complaint.submitted_at, self._behaviour, order.delivered_at
        if behaviour is None or order.review is None or at is None:
            return at
        if self._luck.of("complains") >= behaviour.complains(order.review.score):
            return None
        if delivered is None or delivered > at:
            return at
        ends = after(delivered, self._policy.protection.window.within, self._policy.calendar_of(order.buyer))
        if at < ends or self._luck.of("heeds window") >= behaviour.heeds_window:
            return at
        return delivered + (ends - delivered) * _FIRST_PART * self._luck.of("complains when")

    # --- the seller ---

    def _hurry(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        behaviour, ships_at = self._behaviour, self.ships_at
        if behaviour is None or ships_at is None or ships_at < max(self.ship_by, now):
            return
        if notice.facts.get("action") in _SHIP and self._luck.of(question) < behaviour.reminded_seller_ships:
            sooner = now + _SHIPS_WITHIN * self._luck.of(f"{question} when")
            if sooner < ships_at:
                yield Ships(sooner)

    def _answer(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        case_id = notice.subject
        self._reasons[case_id] = reason = Reason(notice.facts["reason"])
        behaviour = self._behaviour
        if self._heard:
            message, wait = self._recorded_answer(self._heard), _ANSWERS_AFTER
        elif behaviour:
            message = self._likely_answer(behaviour, reason, self._luck.of(question))
            wait = self._luck.wait(f"{question} when", behaviour.people_answer_after)
        else:
            return
        if message:
            yield Says(now + wait, case_id, "respond", message.model_copy(update={"submitted_at": now + wait}))

    def _recorded_answer(self, heard: Heard) -> Response | None:
        if heard.decided_by is Role.SELLER:
            return Response(accept=True)
        if heard.decided_by is Role.BUYER:
            return Response(accept=False, offer=Proposal(remedy=heard.remedy, amount=heard.amount))
        return Response(accept=False) if heard.decided_by is Role.SUPPORT else None

    def _likely_answer(self, behaviour: Behaviour, reason: Reason, luck: float) -> Response | None:
        if luck < (bound := behaviour.seller_accepts):
            return Response(accept=True)
        if luck < (bound := bound + behaviour.seller_offers):
            part = self._order.items.share(Fraction(str(behaviour.offered_part)))
            # For what never came a part of the price is no offer that anybody makes.
            fits = part.minor > 0 and reason not in NOTHING_CAME
            offer = Proposal(remedy=Remedy.PARTIAL_REFUND, amount=part) if fits else None
            return Response(accept=False, offer=offer)
        return Response(accept=False) if luck < bound + behaviour.seller_contests else None

    def _comes_late(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        self._late.add(notice.subject)
        yield from ()

    def _inspect(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        if self._behaviour and self._luck.of(question) < self._behaviour.seller_inspects:
            at = now + _INSPECTS_AFTER
            yield Says(at, notice.subject, "inspect", Inspection(finding=Finding.AS_SENT, submitted_at=at))

    # --- the buyer ---

    def _cancel(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        if self._behaviour and self._luck.of(question) < self._behaviour.buyer_cancels:
            at = now + _CANCELS_AFTER
            yield Says(at, notice.subject, "cancel", Cancel(by=Role.BUYER, submitted_at=at))

    def _take_or_leave(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        behaviour = self._behaviour
        if self._heard:
            takes, wait = self._heard.decided_by is Role.BUYER, _ANSWERS_AFTER
        elif behaviour:
            takes = self._luck.of(question) < behaviour.buyer_takes_offer
            wait = self._luck.wait(f"{question} when", behaviour.people_answer_after)
        else:
            return
        message = OfferAnswer(by=Role.BUYER, accept=takes, submitted_at=now + wait)
        yield Says(now + wait, notice.subject, "answer_offer", message)

    def _show(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        if self._behaviour and self._luck.of(question) < self._behaviour.evidence_given:
            kinds = notice.facts["kinds"].split(", ")
            items = tuple(_file(notice.subject, kind) for kind in kinds if kind in list(EvidenceKind))
            at = now + _EVIDENCE_AFTER
            yield Says(at, notice.subject, "evidence", EvidenceSent(by=Role.BUYER, items=items, submitted_at=at))

    def _send_back(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        if self._behaviour and self._luck.of(question) < self._behaviour.sends_back:
            yield SendsBack(now + _PACKS_WITHIN * self._luck.of(f"{question} when"), notice.subject)

    # --- the desk ---

    def _hear(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        case_id = notice.subject
        word = self._at_desk(now, f"{question} word", self._desk.answers_after)
        decided = self._at_desk(now, question, self._desk.decides_after)
        if word < decided:
            message = CaseMessage(by=Role.SUPPORT, author="desk", text="We look into it.", submitted_at=word)
            yield Says(word, case_id, "message", message)
        yield Says(decided, case_id, "rule", self._ruling(case_id).model_copy(update={"submitted_at": decided}))

    def _confirm(self, notice: Notice, question: str, now: datetime) -> Iterator[Deed]:
        at = self._at_desk(now, question, self._desk.confirms_after)
        yield Says(at, notice.subject, "confirm", Confirmation(agent="second", submitted_at=at))

    def _at_desk(self, now: datetime, question: str, mean_hours: float) -> datetime:
        hours = self._luck.wait(question, mean_hours) / timedelta(hours=1)
        return after(now, Span(max(1, math.ceil(hours)), "BH"), self._policy.support.hours)

    def _ruling(self, case_id: str) -> Ruling:
        """As recorded; else all back after the worst review score and half otherwise, as `docs/replay.md` has it."""
        if case_id in self._late:
            return Ruling(agent="desk", remedy=Remedy.RELEASE, reason="the complaint came after the order had ended")
        heard = self._heard
        if heard and heard.decided_by is Role.SUPPORT:
            part = heard.remedy is Remedy.PARTIAL_REFUND
            return self._gives(heard.remedy, heard.amount if part else None)
        reason = self._reasons.get(case_id, Reason.NOT_AS_DESCRIBED)
        review = self._order.review
        if review is not None and review.score > WORST_SCORE:
            return self._gives(Remedy.PARTIAL_REFUND, self._total.share(_HALF))
        remedy = self._policy.reasons[reason].remedy
        if remedy is Remedy.RETURN_FOR_REFUND and self._behaviour is None:
            # Records say nothing of goods that came back, so none are asked for.
            remedy = Remedy.REFUND_AND_KEEP
        return self._gives(remedy, None)

    @property
    def _total(self) -> Money:
        return self._order.items + self._order.shipping + self._order.tax

    def _gives(self, remedy: Remedy, amount: Money | None) -> Ruling:
        return Ruling(agent="desk", remedy=remedy, amount=amount, reason="the replay's rule for the desk")


def _file(case_id: str, kind: str) -> EvidenceItem:
    uri = f"replay://{case_id}/{kind}"
    digest = hashlib.sha256(uri.encode()).hexdigest()
    return EvidenceItem(kind=EvidenceKind(kind), uri=uri, sha256=digest, media_type=_JPEG, size=_BYTES)
