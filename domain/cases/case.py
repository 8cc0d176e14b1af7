"""A case: what it starts from, and all that it knows of itself.

Each step of a case makes a new record from the old one; nothing in it is ever taken back, only added to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.base import Instant, Model
from domain.carriage import Carriage, WatchState
from domain.cases.record import (
    Appealed,
    Evidence,
    EvidenceAsked,
    EvidenceItem,
    Offer,
    OfferState,
    Resolution,
    Said,
    StandingRule,
)
from domain.chargeback_bundle import DisputeFacts
from domain.clock import REAL_TIME, Clock
from domain.docket_state import DocketState
from domain.duties import Duty, DutyKind
from domain.histories import Histories
from domain.money import Money
from domain.order import PriceSplit
from domain.parcel import Shipment
from domain.parties import Party, Role
from domain.policy import CaseState, PinnedPolicy, Reason
from domain.requests import Label
from domain.story import JournalState


class Delivery(Model):
    """What the order knew of its parcel when the case was opened; it decides over the seller's protection."""

    shipment: Shipment | None = None
    scanned_at: Instant | None = None
    delivered_at: Instant | None = None
    shipped_late: bool = False
    signed: bool = False
    disrupted_by: tuple[str, ...] = ()


class ReturnTrip(Model):
    """The way back of the goods: label, hand-over, arrival, and what the seller found.

    Its clocks run, and news of it counts, from when its label was `labelled_at`.
    """

    label: Label | None = None
    labelled_at: Instant | None = None
    asked_at: Instant
    sent_at: Instant | None = None
    back_at: Instant | None = None
    finding: str = ""
    over: bool = False
    label_refunded: bool | None = None
    label_tries: int = 0
    refund_tries: int = 0


class Freeze(Model):
    """A chargeback that holds the case: the bank decides first. `facts` are what the order knows that speaks in it."""

    chargeback_id: str
    at: Instant
    amount: Money
    facts: DisputeFacts | None = None
    handed_over: bool = False


class CaseRecord(Model):
    """Everything a case knows of itself.

    `effective` is the number of the last resolution that its order was told, `weighed` how many items of evidence
    had been weighed for an automatic decision.
    """

    state: CaseState = CaseState.AWAITING_SELLER
    evidence: tuple[Evidence, ...] = ()
    conversation: tuple[Said, ...] = ()
    offers: tuple[Offer, ...] = ()
    asked: tuple[EvidenceAsked, ...] = ()
    resolutions: tuple[Resolution, ...] = ()
    appeals: tuple[Appealed, ...] = ()
    trip: ReturnTrip | None = None
    freeze: Freeze | None = None
    histories: Histories | None = None
    weighed: int = -1
    effective: int = 0
    assignee: str = ""
    escalated: bool = False
    breached: bool = False
    answered: bool = False

    @property
    def decision(self) -> Resolution | None:
        """The decision that stands, whether or not it has taken effect."""
        return next((one for one in reversed(self.resolutions) if not one.undone_by), None)

    @property
    def standing_decision(self) -> Resolution:
        """The decision that stands. Raises LookupError where there is none yet."""
        if (decision := self.decision) is None:
            raise LookupError("nothing has been decided in this case yet")
        return decision

    @property
    def final(self) -> Resolution:
        """What the case came to: the decision that took effect, or else that there was none to make."""
        return next((one for one in self.resolutions if one.number == self.effective), self.standing_decision)

    @property
    def open_offer(self) -> Offer | None:
        """The offer that waits for an answer."""
        return next((offer for offer in self.offers if offer.state is OfferState.OPEN), None)

    def with_offer(self, offer: Offer) -> CaseRecord:
        """This record with one more offer, or with what has become of one that it has."""
        known = {one.id: one for one in self.offers} | {offer.id: offer}
        return self.model_copy(update={"offers": tuple(known.values())})

    def with_resolution(self, resolution: Resolution) -> CaseRecord:
        """This record with one more resolution, or with what has become of one that it has."""
        known = {one.number: one for one in self.resolutions} | {resolution.number: resolution}
        return self.model_copy(update={"resolutions": tuple(known.values())})

    @property
    def open_appeal(self) -> Appealed | None:
        """The appeal that waits for its ruling."""
        return next((appeal for appeal in self.appeals if not appeal.decided), None)

    @property
    def on_its_way(self) -> bool:
        """Whether the goods are with the carrier, on their way back to the seller."""
        trip = self.trip
        return trip is not None and not trip.over and trip.sent_at is not None and trip.back_at is None

    @property
    def goods_back(self) -> bool:
        """Whether the goods have come back to the seller."""
        return self.trip is not None and self.trip.back_at is not None

    @property
    def over(self) -> bool:
        """Whether nothing can change any more."""
        return self.state in ENDED


ENDED = frozenset({CaseState.RESOLVED, CaseState.WITHDRAWN, CaseState.OVERTAKEN})


class CaseProgress(Model):
    """All that a new run of a case needs to go on where the last one stopped."""

    record: CaseRecord
    docket: DocketState
    journal: JournalState
    watch: WatchState | None = None


class CaseFile(Model):
    """What a case starts from. `at_stake` is the most that it can give back.

    `opened_at` is when the buyer complained, `asked_at` from when the seller's time to answer counts.
    `packing` is what the seller showed when the parcel was handed over, `standing` are the rules by which a side agrees
    beforehand. A `late` case was opened after its order had closed, by when `refunded_before` had gone back: it starts
    with support, and it is not always the buyer who has complained. `so_far` is for a case with a long history, which
    goes on in a new run.
    """

    case_id: str
    order_id: str
    buyer: Party
    seller: Party
    reason: Reason
    at_stake: Money
    opened_at: Instant
    policy: PinnedPolicy
    price: PriceSplit
    text: str = ""
    clock: Clock = REAL_TIME
    asked_at: Instant | None = None
    delivery: Delivery = Delivery()
    categories: tuple[str, ...] = ()
    evidence: tuple[EvidenceItem, ...] = ()
    packing: tuple[EvidenceItem, ...] = ()
    standing: tuple[StandingRule, ...] = ()
    marketplace: str = ""
    late: bool = False
    refunded_before: Money | None = None
    from_buyer: bool = True
    so_far: CaseProgress | None = None

    @property
    def keeps(self) -> Money:
        """What the buyer keeps whatever is decided: what went back before, unless this case asks whether it should."""
        return self.refunded_before if self.refunded_before and self.from_buyer else self.at_stake.zero

    def rule(self, setting: str) -> str:
        """The id of one setting of the case's policy."""
        return self.policy.rule(setting)

    def return_carriage(self, shipment: Shipment, begun_at: datetime) -> Carriage:
        """The journey of the goods back to the seller."""
        return Carriage(
            subject=f"{self.case_id}-return",
            order_id=self.order_id,
            policy=self.policy,
            sender=self.buyer,
            receiver=self.seller,
            receiver_role=Role.SELLER,
            begun_at=begun_at,
            shipment=shipment,
            clock=self.clock,
            loss_borne_by=self.policy.returns.loss_borne_by,
        )

    def party(self, role: Role) -> Party | None:
        """The buyer or the seller; none for another role."""
        return {Role.BUYER: self.buyer, Role.SELLER: self.seller}.get(role)


@dataclass(frozen=True, slots=True)
class Matter:
    """A case at one instant, as a step judges it: file, record, open duties and policy time (UTC)."""

    file: CaseFile
    record: CaseRecord
    duties: Mapping[DutyKind, Duty]
    now: datetime
