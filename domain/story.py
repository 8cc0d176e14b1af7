"""The record of an order or case: what happened, who is told, and what is kept of it when it is over."""

from __future__ import annotations

from pydantic import Field

from domain.base import Instant, Model
from domain.cases.record import Resolution
from domain.ledger import Ledger
from domain.order import Order
from domain.parties import Role
from domain.policy import Remedy
from domain.settlement import Decision


class StoryEntry(Model):
    """One thing that happened. `what` is a code of `domain/wording.py`, `facts` fill its text. No words of people."""

    at: Instant
    what: str
    facts: dict[str, str] = Field(default_factory=dict)


class Notice(Model):
    """A message to one party, by code and facts; the outbox renders and sends it once for each `key`."""

    key: str
    subject: str
    to: Role
    party_id: str
    kind: str
    at: Instant
    locale: str = "en"
    time_zone: str = "UTC"
    facts: dict[str, str] = Field(default_factory=dict)


class Told(Model):
    """How often one party has been told of one kind of event."""

    what: str
    role: Role
    times: int


class JournalState(Model):
    """What a journal holds, for a run that goes on where another stopped."""

    story: tuple[StoryEntry, ...] = ()
    unsent: tuple[Notice, ...] = ()
    told: tuple[Told, ...] = ()
    rejected: int = 0
    reminders: int = 0


class Status(Model):
    """Where an order or case stands, in one line: what happens next, when, and what happens on silence."""

    subject: str
    state: str
    next_action: str = ""
    next_due: Instant | None = None
    on_silence: str = ""
    frozen: bool = False
    open_case: str = ""
    rejected: int = 0


class Outcome(Model):
    """What became of an order: the finished facts, kept when the workflow is gone.

    An order that is taken up again and closes once more has a further outcome of the next `revision`, counted from 0.
    `order` is what it is taken up again from; `cases_opened` also counts the cases that came to no resolution.
    """

    order_id: str
    marketplace: str
    pack: str
    buyer_id: str
    seller_id: str
    placed_at: Instant
    closed_at: Instant
    decision: Decision
    ledger: Ledger
    scanned_at: Instant | None = None
    delivered_at: Instant | None = None
    against_seller: bool = False
    shipped_late: bool = False
    delivered_late: bool = False
    reminders: int = 0
    extensions: int = 0
    found_after_loss: bool = False
    cases: tuple[Resolution, ...] = ()
    chargebacks: tuple[str, ...] = ()
    rejected: int = 0
    revision: int = Field(default=0, ge=0)
    order: Order | None = None
    cases_opened: int = 0

    @property
    def complaints(self) -> int:
        """How many cases the buyer has opened, whatever came of them."""
        return max(self.cases_opened, len(self._final))

    @property
    def upheld(self) -> int:
        """How many cases gave the buyer something: neither withdrawn nor decided by a release."""
        return sum(resolution.remedy not in (None, Remedy.RELEASE) for resolution in self._final.values())

    @property
    def _final(self) -> dict[str, Resolution]:
        # An appeal decides the same case again: its last resolution is the one that holds.
        return {resolution.case_id: resolution for resolution in self.cases}
