"""What people, carriers and the payment provider say to an order or a case: one model a message.

`submitted_at` comes from a trusted edge and is when the sender acted (UTC). A message is judged by it, not by when it
arrived: after an outage, what was sent in time counts and what was sent late does not.
Fields are lenient, since a signal that does not decode would be lost; rules are applied by the handlers,
which answer a refusal to the caller or in the order's story.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain import wording
from domain.base import Instant, Model
from domain.cases.record import AnyChannel, AnyKind, Channel, EvidenceItem, StandingRule
from domain.chargeback_bundle import DisputeFacts
from domain.money import Money
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy import Reason, Remedy


class Message(Model):
    """What every message carries. Without `submitted_at`, the moment of arrival counts."""

    submitted_at: Instant | None = None

    def sent_at(self, now: datetime, earliest: datetime) -> datetime:
        """The instant by which this message is judged: neither before its subject began nor in the future of `now`."""
        return max(min(self.submitted_at or now, now), earliest)


class Shipped(Message):
    """The seller says that the parcel is on its way. `packing` shows what was put into it, should a case be opened."""

    carrier: str
    tracking_number: str
    packing: tuple[EvidenceItem, ...] = ()


class Tracking(Message):
    """News of the parcel, pushed by the carrier's webhook."""

    events: tuple[TrackingEvent, ...] = ()
    estimate: Instant | None = None

    @property
    def tells_of_delivery(self) -> bool:
        """Whether the parcel is said to have been delivered."""
        return any(event.status is TrackingStatus.DELIVERED for event in self.events)


class Complaint(Message):
    """The buyer says what is wrong. A reason unknown to this version is answered, not dropped."""

    reason: Annotated[Reason | str, Field(union_mode="left_to_right")]
    text: str = ""
    evidence: tuple[EvidenceItem, ...] = ()
    standing: tuple[StandingRule, ...] = ()


class Acceptance(Message):
    """The buyer is content."""


class Answer(StrEnum):
    """Yes or no to what the other side asked for."""

    AGREE = "agree"
    REFUSE = "refuse"


class Cancel(Message):
    """Buyer or seller wants the order cancelled, or the seller answers the buyer's wish."""

    by: Role
    answer: Answer | None = None
    text: str = ""


class Extend(Message):
    """The seller asks for, or the buyer grants or refuses, a later ship-by date."""

    by: Role
    until: Instant | None = None
    answer: Answer | None = None
    text: str = ""


class ChargebackState(StrEnum):
    """Where a chargeback stands: `won` leaves the money with us, `lost` has given it to the buyer."""

    OPENED = "opened"
    WON = "won"
    LOST = "lost"


class Chargeback(Message):
    """The payment provider reports a chargeback or its result. `amount` defaults to all that the buyer paid."""

    chargeback_id: str = Field(min_length=1, max_length=255)
    state: Annotated[ChargebackState | str, Field(union_mode="left_to_right")]
    amount: Money | None = None


class Disruption(Message):
    """A storm, strike or outage moves the clocks it names (duty kinds), from `since` to `until` or until further word.

    The same `disruption_id` again corrects it; `revoked` takes it back.
    """

    disruption_id: str = Field(min_length=1, max_length=64)
    clocks: tuple[str, ...] = ()
    since: Instant
    until: Instant | None = None
    revoked: bool = False
    note: str = ""


class Proposal(Model):
    """What is proposed to settle a case. `amount` is for a partial refund; the other remedies have theirs."""

    remedy: Remedy
    amount: Money | None = None


class Response(Message):
    """The seller answers a case: accepts, contests or, with an `offer`, proposes something else."""

    accept: bool
    offer: Proposal | None = None
    text: str = ""
    evidence: tuple[EvidenceItem, ...] = ()


class OfferMade(Message):
    """A side, or an agent between them, proposes a settlement; an open offer of the other side is countered by it.

    `expires` may shorten the policy's time to answer, never lengthen it.
    """

    by: Role
    proposal: Proposal
    author: str = ""
    expires: Instant | None = None
    text: str = ""


class OfferAnswer(Message):
    """A side takes or leaves the open offer. Without `offer_id`, the one that is open."""

    by: Role
    accept: bool
    offer_id: str = ""
    text: str = ""


class EvidenceSent(Message):
    """A side, or an agent, adds evidence to a case."""

    by: Role
    items: tuple[EvidenceItem, ...]


class EvidenceRequest(Message):
    """An agent asks a side for evidence, of certain kinds or as the text says."""

    agent: str = Field(min_length=1, max_length=64)
    of: Role
    kinds: tuple[AnyKind, ...] = ()
    text: str = ""


class CaseMessage(Message):
    """Somebody writes in a case, or support takes down what was said by phone. `internal` is for support's eyes."""

    by: Role
    text: str
    author: str = ""
    channel: AnyChannel = Channel.CHAT
    internal: bool = False


class Assignment(Message):
    """A case is given to an agent, by themselves or by a lead."""

    agent: str = Field(min_length=1, max_length=64)
    by: str = ""


class Ruling(Message):
    """A support agent decides a case. `amount` is for a partial refund; the reason is mandatory.

    `rests_on` names what was decisive: ids of evidence (`e3`) or messages (`m7`).
    """

    agent: str = Field(min_length=1, max_length=64)
    remedy: Remedy
    reason: str = Field(min_length=1)
    amount: Money | None = None
    rests_on: tuple[str, ...] = ()


class Confirmation(Message):
    """Another agent agrees with a ruling above the policy's amount, or gives the case back."""

    agent: str = Field(min_length=1, max_length=64)
    agree: bool = True
    text: str = ""


class Undo(Message):
    """Support takes a ruling back before it has taken effect."""

    agent: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1)


class Appeal(Message):
    """A side asks another agent to decide anew, with evidence that the case has not seen."""

    by: Role
    evidence: tuple[EvidenceItem, ...] = ()
    text: str = ""


class Finding(StrEnum):
    """What a seller found in the parcel that came back."""

    AS_SENT = "as_sent"
    WORSE = "worse"
    ANOTHER_ITEM = "another_item"
    INCOMPLETE = "incomplete"
    EMPTY = "empty"


class Inspection(Message):
    """The seller has looked at what came back. `deduction` is kept for goods in a worse condition."""

    finding: Annotated[Finding | str, Field(union_mode="left_to_right")]
    deduction: Money | None = None
    evidence: tuple[EvidenceItem, ...] = ()
    text: str = ""


class Withdrawal(Message):
    """The buyer takes the complaint back."""

    text: str = ""


class Interlock(Message):
    """The order tells its case of a chargeback: the case stands still until the bank has decided.

    `left` is what can still be divided once the bank has taken its part.
    """

    chargeback_id: str
    state: ChargebackState
    amount: Money
    left: Money
    facts: DisputeFacts | None = None


class Overtaken(Message):
    """The order tells its case that it has ended otherwise."""

    ending: str = ""


class Verdict(StrEnum):
    """How a message was answered."""

    ACCEPTED = "accepted"
    ASKED = "asked"
    REFUSED = "refused"


class Reply(Model):
    """The answer to a message: what happened, under which rule, and the instant that matters (UTC).

    For a refusal, `instant` is when the door opens or has closed;
    for a question to the other side, when silence answers it.
    `text` is English; `code` and `facts` give it in another language by `wording.reply`.
    """

    verdict: Verdict
    text: str
    rule: str = ""
    instant: Instant | None = None
    case_id: str = ""
    code: str = ""
    facts: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def no(cls, code: str, rule: str = "", instant: datetime | None = None, **facts: object) -> Reply:
        """A refusal; its text says why and what to do."""
        return cls._of(Verdict.REFUSED, code, rule, instant, facts)

    @classmethod
    def yes(cls, code: str, rule: str = "", instant: datetime | None = None, **facts: object) -> Reply:
        """An acceptance; its text says what it means."""
        return cls._of(Verdict.ACCEPTED, code, rule, instant, facts)

    @classmethod
    def asked(cls, code: str, rule: str, instant: datetime, **facts: object) -> Reply:
        """The other side has been asked and has until `instant` to answer."""
        return cls._of(Verdict.ASKED, code, rule, instant, facts)

    @classmethod
    def _of(
        cls, verdict: Verdict, code: str, rule: str, instant: datetime | None, facts: Mapping[str, object]
    ) -> Reply:
        told = {name: wording.fact(value) for name, value in facts.items()}
        text = wording.reply(code, told)
        return cls(verdict=verdict, text=text, rule=rule, instant=instant, code=code, facts=told)

    @property
    def refused(self) -> bool:
        """Whether nothing came of the message."""
        return self.verdict is Verdict.REFUSED
