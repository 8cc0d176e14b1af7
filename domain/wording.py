"""What people read, in English: a text for every duty, consequence and event. Facts fill the braces."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain.duties import DutyKind, Silence

ACTIONS: dict[DutyKind, str] = {
    DutyKind.SHIP: "hand the parcel to the carrier",
    DutyKind.SHIP_FINAL: "hand the parcel to the carrier, as the last day",
    DutyKind.ANSWER_CANCELLATION: "answer the buyer's wish to cancel",
    DutyKind.ANSWER_EXTENSION: "answer the seller's wish for more time",
    DutyKind.GET_SCANNED: "have the parcel scanned by the carrier",
    DutyKind.SCAN_RIGHT: "have the parcel scanned before the buyer may cancel",
    DutyKind.SCAN_FINAL: "have the parcel scanned, as the last day",
    DutyKind.LOOK_UP: "ask the carrier for news",
    DutyKind.DELIVER: "deliver by the estimate",
    DutyKind.MOVE: "move the parcel on",
    DutyKind.FIND: "give any sign of the parcel",
    DutyKind.COLLECT: "collect the parcel",
    DutyKind.BRING_BACK: "bring the parcel back to its sender",
    DutyKind.REPORT: "accept the item or report a problem",
    DutyKind.REAPPEAR: "let the lost parcel reappear",
    DutyKind.RESOLVE_CHARGEBACK: "learn the result of the chargeback",
    DutyKind.RECONCILE: "find out why the payment provider refuses",
    DutyKind.ANSWER_CASE: "accept or contest the complaint",
    DutyKind.DECIDE_CASE: "decide the case",
    DutyKind.LEAD_DECIDES: "decide the escalated case",
    DutyKind.LAST_RESORT: "decide the case, as the last resort",
}

CONSEQUENCES: dict[Silence, str] = {
    Silence.BUYER_MAY_CANCEL: "the buyer may cancel or grant more time",
    Silence.CANCEL_ORDER: "the order is cancelled and the buyer refunded in full",
    Silence.GRANT_CANCELLATION: "the order is cancelled and the buyer refunded in full",
    Silence.REFUSE_CANCELLATION: "the order goes on",
    Silence.GRANT_EXTENSION: "the seller gets the time asked for",
    Silence.REFUSE_EXTENSION: "the ship-by date stays",
    Silence.CHASE_SELLER: "the seller is asked where the parcel is",
    Silence.LOOK_UP: "the carrier is asked",
    Silence.TELL_LATE: "both sides are told that the parcel is late, and the seller is contacted for the buyer",
    Silence.TRACE: "the carrier is asked to trace the parcel",
    Silence.DECLARE_LOST: "the parcel counts as lost and the buyer is refunded in full",
    Silence.EXPECT_RETURN: "the parcel is expected back at the seller",
    Silence.RELEASE: "the money is released to the seller",
    Silence.REFUND: "the buyer is refunded",
    Silence.ASK_SUPPORT: "a support agent decides",
    Silence.ESCALATE: "the case goes to the lead with higher priority",
    Silence.RECORD_BREACH: "the breach is recorded and operations are told",
    Silence.COUNT_AS_LOST: "the chargeback counts as lost: the bank has paid the buyer",
    Silence.TRY_AGAIN: "the payment is tried again, after a look at what the provider has done",
    Silence.CLOSE: "the order is closed",
}

EVENTS: dict[str, str] = {
    "opened": "Order placed for {amount}. The seller ships by {ship_by}; on {ship_final} it is cancelled by itself.",
    "reminded": "Reminder to {owner}: {action} by {due}. Otherwise {consequence}.",
    "marked_shipped": "The seller marked the parcel as shipped with {shipment}. It counts from the first scan.",
    "refused": "{message} from {by} was not accepted: {text}.",
    "scanned": "The carrier scanned the parcel at {at}. Protection has started.",
    "tracking": "Carrier: {status} at {at}.",
    "chased": "The carrier has not scanned the parcel; the seller is asked to have it scanned or to ship again.",
    "buyer_may_cancel": "The parcel was not handed over by {due}. The buyer may now cancel or grant more time.",
    "cancellation_asked": "The buyer asks to cancel. The seller answers by {due}; otherwise {consequence}.",
    "cancellation_refused": "The seller has refused the cancellation; the order goes on.",
    "cancellation_overtaken": "The parcel was handed over before the seller answered; the order goes on.",
    "extension_asked": "The seller asks for time until {until}. The buyer answers by {due}; otherwise {consequence}.",
    "extension_granted": "The seller has until {until} to ship.",
    "extension_refused": "The ship-by date stays.",
    "late": "The parcel is past its estimate of {due}. The seller was contacted on the buyer's behalf.",
    "stalled": "No scan since {since}: the carrier was asked to trace the parcel.",
    "trace_failed": "The carrier could not be asked to trace the parcel; please ask it by hand.",
    "attempt_failed": "A delivery attempt failed or the parcel waits for pickup. Please collect it by {due}.",
    "not_collected": "The parcel was not collected and is expected back at the seller.",
    "returning": "The carrier is bringing the parcel back to the seller.",
    "returned": "The parcel is back at the seller.",
    "lost": "No sign of the parcel since {since}: it counts as lost. The loss is borne by {borne_by}.",
    "found": "The parcel that counted as lost was delivered at {at}.",
    "delivered": "Delivered at {at}. The buyer can report a problem until {due}; otherwise {consequence}.",
    "report_held": "Reported as not received before that door opens: the money is held until {until}.",
    "accepted": "The buyer has accepted.",
    "case_opened": "{case} opened: {reason}. Release of the money is stopped.",
    "case_resolved": "{case} ended: {remedy} {amount}, decided by {by} under {rule}.",
    "case_withdrawn": "{case} was withdrawn; the order goes on.",
    "case_overtaken": "{case} is closed: the order has ended otherwise.",
    "case_failed": "{case} was ended by operations; the order goes on.",
    "decided": "The order ends: {ending}. Refund {refund}, under {rule}.",
    "refunded": "{amount} refunded to the buyer ({key}).",
    "released": "{amount} released to the seller ({key}).",
    "compensated": "{amount} paid to the seller by the platform, which bears the loss ({key}).",
    "payment_stuck": "The provider will not make {key}: {text}. A person looks into it; it is tried again at {due}.",
    "frozen": "Chargeback {chargeback}: no money moves until it is resolved, at the latest {due}.",
    "unfrozen": "Chargeback {chargeback} was won; the order goes on.",
    "charged_back": "Chargeback {chargeback} was lost: the bank has paid {amount} to the buyer.",
    "disrupted": "{disruption} moves these clocks: {clocks}.",
    "disruption_ended": "{disruption} is taken back. Clocks that are as before: {clocks}.",
    "closed": "The order is closed: {ending}.",
    "asked_seller": "{reason}: the seller accepts or contests by {due}; otherwise {consequence}.",
    "seller_accepted": "The seller has accepted the complaint.",
    "seller_contested": "The seller contests the complaint.",
    "with_support": "With support, to be decided by {due}.",
    "sla_warning": "Three quarters of support's time have run; decide by {due}.",
    "escalated": "Not decided by {due}: with the lead, priority raised.",
    "breached": "Not decided by the lead by {due}: breach recorded.",
    "ruled": "Agent {agent} ruled: {remedy} {amount}.",
    "withdrawn": "The buyer has withdrawn the complaint.",
    "resolved": "Resolved: {remedy} {amount}, under {rule}.",
}


class _Gaps(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def event(what: str, facts: Mapping[str, str]) -> str:
    """The text of an event; an event or fact unknown to this version shows as its code."""
    return EVENTS.get(what, what).format_map(_Gaps(facts))


def moment(at: datetime) -> str:
    """An instant for people: UTC, to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
