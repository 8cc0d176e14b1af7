"""What people, carriers and the payment provider say to an order or a case: one model a message.

`submitted_at` comes from a trusted edge and is when the sender acted (UTC). A message is judged by it, not by when it
arrived: after an outage, what was sent in time counts and what was sent late does not.
Fields are lenient, since a signal that does not decode would be lost; rules are applied by the handlers,
which answer a refusal to the caller or in the order's story.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.base import Instant, Model
from domain.money import Money
from domain.parcel import TrackingEvent
from domain.parties import Role
from domain.policy import Reason, Remedy


class Message(Model):
    """What every message carries. Without `submitted_at`, the moment of arrival counts."""

    submitted_at: Instant | None = None

    def sent_at(self, now: datetime, earliest: datetime) -> datetime:
        """The instant by which this message is judged: neither before its subject began nor in the future of `now`."""
        return max(min(self.submitted_at or now, now), earliest)


class Shipped(Message):
    """The seller says that the parcel is on its way."""

    carrier: str
    tracking_number: str


class Tracking(Message):
    """News of the parcel, pushed by the carrier's webhook."""

    events: tuple[TrackingEvent, ...] = ()
    estimate: Instant | None = None


class Complaint(Message):
    """The buyer says what is wrong. A reason unknown to this version is answered, not dropped."""

    reason: Annotated[Reason | str, Field(union_mode="left_to_right")]
    text: str = ""


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


class Response(Message):
    """The seller answers a case."""

    accept: bool
    text: str = ""


class Ruling(Message):
    """A support agent decides a case. `amount` is for a partial refund; the reason is mandatory."""

    agent: str = Field(min_length=1, max_length=64)
    remedy: Remedy
    reason: str = Field(min_length=1)
    amount: Money | None = None


class Withdrawal(Message):
    """The buyer takes the complaint back."""

    text: str = ""


class Verdict(StrEnum):
    """How a message was answered."""

    ACCEPTED = "accepted"
    ASKED = "asked"
    REFUSED = "refused"


class Reply(Model):
    """The answer to a message: what happened, under which rule, and the instant that matters (UTC).

    For a refusal, `instant` is when the door opens or has closed;
    for a question to the other side, when silence answers it.
    """

    verdict: Verdict
    text: str
    rule: str = ""
    instant: Instant | None = None
    case_id: str = ""

    @classmethod
    def no(cls, text: str, rule: str = "", instant: datetime | None = None) -> Reply:
        """A refusal; `text` says why and what to do."""
        return cls(verdict=Verdict.REFUSED, text=text, rule=rule, instant=instant)

    @classmethod
    def yes(cls, text: str, rule: str = "", instant: datetime | None = None) -> Reply:
        """An acceptance; `text` says what it means."""
        return cls(verdict=Verdict.ACCEPTED, text=text, rule=rule, instant=instant)

    @classmethod
    def asked(cls, text: str, rule: str, instant: datetime) -> Reply:
        """The other side has been asked and has until `instant` to answer."""
        return cls(verdict=Verdict.ASKED, text=text, rule=rule, instant=instant)

    @property
    def refused(self) -> bool:
        """Whether nothing came of the message."""
        return self.verdict is Verdict.REFUSED
