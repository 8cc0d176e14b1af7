"""Claims at a carrier or an insurer for what became of a parcel: the marketplace's own money, no party's."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from domain.base import Model
from domain.money import Money
from domain.parcel import Shipment
from domain.parties import Id


class ClaimKind(StrEnum):
    """What happened to the parcel."""

    LOSS = "loss"
    DAMAGE = "damage"
    THEFT = "theft"


NEEDS_DOCUMENTS: Final = frozenset({ClaimKind.DAMAGE, ClaimKind.THEFT})
"""A loss shows in the tracking; of anything else an insurer wants to see something."""


class ClaimState(StrEnum):
    """How far a claim is; a state unknown to this version survives as its text."""

    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    NEEDS_ACTION = "needs_action"
    APPROVED = "approved"
    APPROVED_PARTIAL = "approved_partial"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


DECIDED: Final = frozenset(
    {ClaimState.APPROVED, ClaimState.APPROVED_PARTIAL, ClaimState.REJECTED, ClaimState.CANCELLED}
)


def _shortened(text: str) -> str:
    return text[:100]


class ClaimRequest(Model):
    """Claim `amount` for one parcel, once for its kind: asked again, it is the same claim.

    `documents` are URIs of evidence files, which an insurer wants for `NEEDS_DOCUMENTS`; `description` says what
    happened, and goes to the insurer as it is written.
    """

    order_id: Id
    shipment: Shipment
    kind: ClaimKind
    amount: Money
    description: str = Field(min_length=1, max_length=2_000)
    documents: tuple[str, ...] = Field(default=(), max_length=10)


class Claim(Model):
    """A claim as the insurer has it. `approved` is what it pays, once that is decided."""

    claim_id: str
    state: Annotated[ClaimState | Annotated[str, AfterValidator(_shortened)], Field(union_mode="left_to_right")]
    approved: Money | None = None

    @property
    def decided(self) -> bool:
        """Whether nothing more will come of it by itself."""
        return self.state in DECIDED
