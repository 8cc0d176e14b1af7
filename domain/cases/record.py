"""What the record of a case is made of: evidence, messages, offers, grounds and resolutions."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.base import Instant, Model
from domain.money import Money
from domain.parties import Role
from domain.policy import EvidenceKind, Reason, Remedy


def _bounded(text: str) -> str:
    return text[:64]


AnyKind = Annotated[EvidenceKind | Annotated[str, AfterValidator(_bounded)], Field(union_mode="left_to_right")]


class EvidenceItem(Model):
    """A piece of evidence as it is handed in: a file elsewhere, by its URI and SHA-256, or a text.

    Lenient, since a signal that does not decode would be lost; what cannot be sealed is answered with a notice.
    """

    kind: AnyKind
    uri: str = ""
    sha256: str = ""
    media_type: str = ""
    size: int = 0
    text: str = ""


class Evidence(Model):
    """One item, sealed at its arrival: who handed it in, when (UTC), and the hash by which it is known.

    A file is a reference, never bytes. `matches` says whether the file at `uri` has this hash, or none while nobody
    has looked (`checked`) or the file could not be reached.
    """

    id: str
    kind: AnyKind
    by: Role
    at: Instant
    sha256: str
    uri: str = ""
    media_type: str = ""
    size: int = 0
    text: str = ""
    checked: bool = False
    matches: bool | None = None

    @property
    def usable(self) -> bool:
        """Whether the item may count: its file is not known to be another than the one sealed."""
        return self.matches is not False


class Channel(StrEnum):
    """How something was said."""

    CHAT = "chat"
    MAIL = "mail"
    PHONE = "phone"


AnyChannel = Annotated[Channel | Annotated[str, AfterValidator(_bounded)], Field(union_mode="left_to_right")]


class Said(Model):
    """One message of the conversation, numbered in the order of arrival; `internal` ones are support's own notes."""

    number: int
    at: Instant
    by: Role
    author: str = ""
    channel: AnyChannel = Channel.CHAT
    text: str
    internal: bool = False


class StandingRule(Model):
    """What a side agrees to beforehand, as "I keep it for 30 % off": a remedy, from or up to a share of the items.

    For the buyer `percent` is the least that is accepted, for the seller the most that is given.
    """

    by: Role
    remedy: Remedy = Remedy.PARTIAL_REFUND
    percent: int = Field(ge=1, le=100)


class OfferState(StrEnum):
    """What became of an offer."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    COUNTERED = "countered"
    EXPIRED = "expired"
    OVERTAKEN = "overtaken"


class Offer(Model):
    """A proposal to settle. One that support makes needs the word of both sides, who are kept in `accepted_by`."""

    id: str
    by: Role
    author: str = ""
    remedy: Remedy
    amount: Money
    at: Instant
    expires: Instant
    state: OfferState = OfferState.OPEN
    accepted_by: tuple[Role, ...] = ()


class Ground(Model):
    """One thing a decision rests on: a code with its facts, and what stands behind it.

    Each part of `basis` names its kind: `rule:`, `evidence:`, `event:`, `message:`, `offer:`, `standing:`, `answer:`,
    `record:`, `ruling:` or `silence:`.
    """

    code: str
    facts: dict[str, str] = Field(default_factory=dict)
    basis: tuple[str, ...] = ()


ARRIVED = "arrived"
"""What overtakes a complaint that nothing has come, and the ground that says so."""


class Resolution(Model):
    """What was decided: the remedy and its amount, by whom and under which rule.

    `amount` is what the buyer is to have had back in total. `automatic` marks what no person decided, `agreed` what
    both sides wanted. `costs` go to the platform for a label that buyer or seller bears; `borne_by` pays what lacks.
    One that `undone_by` names never counted; a `revised` one changes what an earlier one has moved.
    A withdrawn or overtaken case has no remedy: the order goes on.
    """

    case_id: str
    reason: Reason
    remedy: Remedy | None
    amount: Money
    decided_by: Role
    rule: str
    at: Instant
    automatic: bool = False
    agent: str = ""
    text: str = ""
    breached: bool = False
    number: int = 1
    agreed: bool = False
    on_appeal_of: Role | None = None
    confirmed_by: str = ""
    borne_by: Role = Role.SELLER
    costs: Money | None = None
    grounds: tuple[Ground, ...] = ()
    effective_at: Instant | None = None
    late: bool = False
    undone_by: str = ""
    revised: bool = False


class EvidenceAsked(Model):
    """Support, or the checklist, has asked a side for evidence."""

    of: Role
    at: Instant
    by: str = ""
    kinds: tuple[AnyKind, ...] = ()
    answered: bool = False


class Appealed(Model):
    """A side has appealed against a decision, with the items that are new."""

    by: Role
    at: Instant
    against: int
    evidence: tuple[str, ...]
    decided: bool = False
