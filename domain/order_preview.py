"""What an action would do to an order: the very consequences of the action, worked out and not carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain import clocks, consequences
from domain.cases.case import CaseRecord, Delivery
from domain.cases.fast_track import possible
from domain.cases.opening import case_file, open_case, weigh
from domain.cases.record import EvidenceItem
from domain.consequences import Consequence
from domain.duties import Duty
from domain.ledger import Account, EntryKind, Ledger
from domain.messages import Acceptance, Cancel, Complaint, Extend, Message, Reply, Shipped
from domain.money import Money
from domain.order import Order
from domain.parcel import Shipment
from domain.preview import Intent, Owed, Preview, heard_at, understood
from domain.rights import Standing
from domain.settlement import Decision, Division, division, movements
from domain.tracking_numbers import normalise

ACTIONS: dict[str, type[Message]] = {
    "shipped": Shipped,
    "buyer_complaint": Complaint,
    "open_case": Complaint,
    "buyer_accepts": Acceptance,
    "cancel": Cancel,
    "extend": Extend,
}
"""Every action of people on an order, by the name of its message."""


def _as_agreed(duty: Duty) -> Duty:
    return duty


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a preview needs beyond the order's standing.

    `delivery` is what a case would know of the parcel, `packing` what the seller has shown of it, `case_number` the
    number that the case would have, `pushed` whether the carrier tells its news by itself. `moved` gives a duty as
    the delays in force would move it once it is opened.
    """

    delivery: Delivery
    packing: tuple[EvidenceItem, ...] = ()
    case_number: int = 1
    pushed: bool = False
    moved: Callable[[Duty], Duty] = _as_agreed


def preview(standing: Standing, ledger: Ledger, intent: Intent, awake_at: datetime, prospect: Prospect) -> Preview:
    """What the action would do, judged as the action is; what cannot be read is refused, with what to write.

    It would be heard when it says that it is sent, or at `awake_at` (UTC), the last instant that the order knows of.
    Money is divided as if it moved at once, on the ledger as it stands: an open chargeback counts as won.
    An accepted complaint opens the duties of its case.
    """
    message = understood(intent, ACTIONS)
    if isinstance(message, Reply):
        return Preview(reply=message)
    now = heard_at(message, awake_at)
    at = message.sent_at(now, standing.order.placed_at)
    follows = _follows(standing, message, at, now, prospect)
    if isinstance(message, Complaint) and not follows.reply.refused:
        return _case(standing, message, follows.reply, at, now, prospect)
    shown = Preview(
        reply=follows.reply,
        opens=tuple(Owed.of(prospect.moved(duty)) for duty in follows.opens),
        closes=follows.closes,
    )
    if follows.decision is None:
        return shown
    money = divided(standing.order, ledger, follows.decision, now)
    return shown.model_copy(update={"refund": money.buyer, "money": money})


def divided(order: Order, ledger: Ledger, decision: Decision, at: datetime) -> Division:
    """How the total divides once `decision` is carried out on the ledger as it stands, all that is promised included.

    The parts add up to the total: what labels have cost the platform is its own affair.
    Raises `CurrencyMismatch` for a decision in another currency.
    """
    for entry in (*ledger.intents, *movements(order, ledger, decision, at)):
        ledger = ledger.model_copy(update={"facts": (*ledger.facts, entry), "intents": ()})
    total = order.price.total
    return Division(
        buyer=Money(minor=ledger.total(EntryKind.REFUNDED, EntryKind.CHARGED_BACK), currency=total.currency),
        seller=Money(minor=ledger.balance(Account.SELLER), currency=total.currency),
        platform=Money(
            minor=ledger.balance(Account.PLATFORM) + ledger.balance(Account.CARRIER), currency=total.currency
        ),
        tax=Money(minor=ledger.balance(Account.TAX), currency=total.currency),
    )


def _follows(standing: Standing, message: Message, at: datetime, now: datetime, prospect: Prospect) -> Consequence:
    match message:
        case Shipped():
            return _shipped(standing, message, at, prospect)
        case Complaint():
            return consequences.complain(standing, message, at)
        case Cancel():
            return consequences.cancel(standing, message, at, now)
        case Extend():
            return consequences.extend(standing, message, at)
        case _:
            return consequences.accept(standing, at, now)


def _shipped(standing: Standing, message: Shipped, at: datetime, prospect: Prospect) -> Consequence:
    """A shipment that was not named before is looked up as well."""
    follows = consequences.shipped(standing, message, at)
    if follows.reply.refused:
        return follows
    # Only now: what is refused may be no shipment at all.
    named = Shipment(carrier=message.carrier, tracking_number=normalise(message.tracking_number))
    if standing.parcel.marked_shipped_at and standing.parcel.shipment == named:
        return follows
    look_up = clocks.look_up(standing.order.carriage, at, pushed=prospect.pushed)
    return Consequence(follows.reply, opens=(*follows.opens, look_up), closes=follows.closes)


def _case(
    standing: Standing, complaint: Complaint, reply: Reply, at: datetime, now: datetime, prospect: Prospect
) -> Preview:
    """The case as it would begin; standing rules that meet would settle it at once, whatever else is unknown."""
    number, packing = prospect.case_number, prospect.packing
    file = case_file(standing.order, complaint, prospect.delivery, number, at, now, packing=packing)
    begun = weigh(open_case(file).matter, None)
    decided = begun.record.decision
    fast = not decided and possible(file, _as_if_checked(begun.record))
    return Preview(
        reply=reply.model_copy(update={"case_id": file.case_id}),
        refund=decided.amount if decided else None,
        money=division(file.price, decided.amount, decided.costs) if decided else None,
        opens=tuple(Owed.of(duty) for duty in begun.duties.values()),
        could_decide=file.rule(f"reasons.{file.reason}.fast_track") if fast else "",
    )


def _as_if_checked(record: CaseRecord) -> CaseRecord:
    """The record once its files have been looked at and found to be what was sealed."""
    items = tuple(item.model_copy(update={"checked": True, "matches": True}) for item in record.evidence)
    return record.model_copy(update={"evidence": items})
