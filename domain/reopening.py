"""What is needed to take a closed order up again from its recorded outcome."""

from __future__ import annotations

from domain.cases.case import Delivery
from domain.ledger import EntryKind
from domain.messages import ChargebackState, Complaint, Tracking
from domain.parcel import TrackingStatus
from domain.policy import NOTHING_CAME, Reason
from domain.settlement import Ending
from domain.story import Outcome


def case_of_chargeback() -> Complaint:
    """A chargeback says nothing of its reason; the buyer went to the bank for a refund that they did not get here."""
    return Complaint(reason=Reason.REFUND_REFUSED)


def case_of_found_parcel() -> Complaint:
    """A parcel that was refunded as lost has arrived: the buyer has both, the seller perhaps nothing."""
    return Complaint(reason=Reason.LOST)


def refunded_undelivered(outcome: Outcome) -> bool:
    """Whether the buyer was refunded for a parcel that the carrier had not delivered by then."""
    by_case = any(case.reason in NOTHING_CAME and case.amount for case in outcome.cases)
    return outcome.delivered_at is None and (outcome.decision.ending is Ending.LOST or by_case)


def found(outcome: Outcome, news: Tracking) -> Outcome:
    """The outcome with the delivery of a parcel that it took for lost, by which it is not taken for lost again."""
    arrived = min(event.at for event in news.events if event.status is TrackingStatus.DELIVERED)
    return outcome.model_copy(update={"delivered_at": arrived, "found_after_loss": True})


def delivery_of(outcome: Outcome) -> Delivery:
    """What the outcome kept of the parcel."""
    return Delivery(
        shipment=outcome.order.shipment if outcome.order else None,
        scanned_at=outcome.scanned_at,
        delivered_at=outcome.delivered_at,
        shipped_late=outcome.shipped_late,
    )


def known_chargebacks(outcome: Outcome) -> dict[str, ChargebackState]:
    """How each chargeback of a closed order ended, so that a repeated report changes nothing."""
    lost = {entry.reference for entry in outcome.ledger.facts if entry.kind is EntryKind.CHARGED_BACK}
    return {name: ChargebackState.LOST if name in lost else ChargebackState.WON for name in outcome.chargebacks}
