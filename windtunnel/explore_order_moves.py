"""What people, the carrier and the bank can do to an order, also after its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from domain import consequences
from domain.cases.record import StandingRule
from domain.duties import DutyKind
from domain.messages import (
    Acceptance,
    Answer,
    Cancel,
    Chargeback,
    ChargebackState,
    Complaint,
    Extend,
    Message,
    Reply,
    Shipped,
    Tracking,
)
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy import Reason
from domain.tracking_numbers import sandbox_number
from windtunnel.explore_move import Move, can_be_scanned, file, follow, said, say, scan, share
from windtunnel.explore_position import Position
from windtunnel.order_tunnel import tell_late

LATE: Final = timedelta(days=1)
"""How late a message arrives that was sent in time."""

_MOST_CASES: Final = 2
"""A bound of what is explored: with so many, nobody complains once more after the end."""


# --- to the order ---


def _to_order(name: str, handler: str, message: Callable[[Position], Message]) -> Move:
    def make(position: Position) -> None:
        say(position, position.order_id, handler, message(position))

    def possible(position: Position) -> bool:
        if not position.runs(position.order_id) or position.standing.decision is not None or position.shut(handler):
            return False
        return position.judged(handler, _judged(position, handler, message(position)))

    return Move(name, make, possible)


def _judged(position: Position, handler: str, message: Message) -> Reply:
    standing, now = position.standing, position.now
    at = message.sent_at(now, position.order.placed_at)
    match message:
        case Shipped():
            return consequences.shipped(standing, message, at).reply
        case Acceptance():
            return consequences.accept(standing, at, now).reply
        case Cancel():
            return consequences.cancel(standing, message, at, now).reply
        case Extend():
            return consequences.extend(standing, message, at).reply
        case Complaint():
            follows = consequences.complain(standing, message, at)
            return Reply.yes("case_opens") if follows.opens else follows.reply
    raise TypeError(f"{handler} is not judged by a rule")


_SHIPPED: Final = Shipped(carrier="sandbox", tracking_number=sandbox_number(4_711))


def _complaint(
    reason: Reason, *, shown: bool = False, standing: bool = False, late: bool = False
) -> Callable[..., Message]:
    def message(position: Position) -> Message:
        kinds = position.order.policy.reasons[reason].evidence if shown else ()
        return Complaint(
            reason=reason,
            text="It is not what I bought.",
            evidence=tuple(file(kind, "buyer", number) for number, kind in enumerate(kinds)),
            standing=(StandingRule(by=Role.BUYER, percent=30),) if standing else (),
            submitted_at=position.now - LATE if late else None,
        )

    return message


def _extension(position: Position) -> Message:
    ship = position.standing.duties.get(DutyKind.SHIP)
    due = ship.due if ship and ship.due else position.now
    return Extend(by=Role.SELLER, until=due + timedelta(days=2))


def _grant(position: Position) -> Message:
    return _extension(position).model_copy(update={"by": Role.BUYER})


# --- of the parcel ---


def _scan(status: TrackingStatus, *, pushed: bool = True, signed: bool = False, late: bool = False) -> Move:
    def make(position: Position) -> None:
        parcel = position.order_workflow.watch.parcel
        at = position.now - LATE if late else position.now
        event = TrackingEvent(status=status, at=at, signature=signed)
        scan(position, parcel, event, position.order_id, pushed=pushed)

    def possible(position: Position) -> bool:
        parcel = position.order_workflow.watch.parcel
        return position.runs(position.order_id) and can_be_scanned(position, parcel, status)

    how = "" if pushed else " unheard"
    return Move(f"carrier {status}{' signed' if signed else ''}{' a day ago' if late else ''}{how}", make, possible)


# --- of the bank ---


def _chargeback(number: int, state: ChargebackState, *, part: bool = False) -> Move:
    name = f"cb{number}"

    def make(position: Position) -> None:
        amount = share(position, 3) if part else None
        message = Chargeback(chargeback_id=name, state=state, amount=amount)
        if position.runs(position.order_id):
            say(position, position.order_id, "chargeback", message)
        else:
            _late(position, "chargeback", message)

    def possible(position: Position) -> bool:
        # The order is not taken up again before it has ended.
        known = (position.books or position.order_workflow).treasury.chargebacks
        if state is ChargebackState.OPENED:
            return name not in known and len(known) == number - 1
        return known.get(name) is ChargebackState.OPENED

    return Move(f"bank {name} {state}{' a third' if part else ''}", make, possible)


def _late(position: Position, handler: str, message: Message) -> None:
    tell_late(position.tunnel, position.order.order_id, handler, message)
    follow(position)


def _late_complaint(reason: Reason) -> Move:
    def make(position: Position) -> None:
        if not position.runs(position.order_id):
            _late(position, "buyer_complaint", Complaint(reason=reason))

    def possible(position: Position) -> bool:
        return not position.runs(position.order_id) and len(position.case_ids) < _MOST_CASES

    return Move(f"buyer complains after the end: {reason}", make, possible)


def _late_delivery() -> Move:
    def make(position: Position) -> None:
        if not position.runs(position.order_id):
            event = TrackingEvent(status=TrackingStatus.DELIVERED, at=position.now)
            _late(position, "tracking", Tracking(events=(event,)))

    def possible(position: Position) -> bool:
        outcome = position.world.outcomes.get(position.order.order_id)
        undelivered = outcome is not None and outcome.delivered_at is None
        return undelivered and not position.runs(position.order_id) and not position.books

    return Move("carrier delivered after the end", make, possible)


def moves_of_people() -> Iterator[Move]:
    """What buyer and seller can say to the order."""
    yield _to_order("seller ships", "shipped", said(_SHIPPED))
    yield _to_order("seller ships a wrong number", "shipped", said(Shipped(carrier="usps", tracking_number="12")))
    yield _to_order("buyer accepts", "buyer_accepts", said(Acceptance()))
    yield _to_order("buyer cancels", "cancel", said(Cancel(by=Role.BUYER)))
    yield _to_order("seller cancels", "cancel", said(Cancel(by=Role.SELLER)))
    for answer in Answer:
        yield _to_order(f"seller: cancellation, {answer}", "cancel", said(Cancel(by=Role.SELLER, answer=answer)))
        yield _to_order(f"buyer: extension, {answer}", "extend", said(Extend(by=Role.BUYER, answer=answer)))
    yield _to_order("seller asks for more time", "extend", _extension)
    yield _to_order("buyer grants more time", "extend", _grant)
    for reason in Reason:
        yield _to_order(f"buyer complains: {reason}", "open_case", _complaint(reason))
    shown = (Reason.NOT_AS_DESCRIBED, Reason.DAMAGED, Reason.COUNTERFEIT)
    for reason in shown:
        yield _to_order(f"buyer complains and shows: {reason}", "open_case", _complaint(reason, shown=True))
    yield _to_order("buyer keeps it for less", "open_case", _complaint(Reason.DAMAGED, standing=True))
    yield _to_order("buyer complained a day ago", "buyer_complaint", _complaint(Reason.DAMAGED, late=True))


def moves_of_others() -> Iterator[Move]:
    """What carrier and bank can report, and what comes after the end."""
    for reason in (Reason.NOT_AS_DESCRIBED, Reason.REFUND_REFUSED):
        yield _late_complaint(reason)
    yield _late_delivery()
    for status in (
        TrackingStatus.ACCEPTED,
        TrackingStatus.DELIVERED,
        TrackingStatus.READY_FOR_PICKUP,
        TrackingStatus.RETURNING,
        TrackingStatus.RETURNED,
    ):
        yield _scan(status)
    yield _scan(TrackingStatus.DELIVERED, signed=True)
    yield _scan(TrackingStatus.ACCEPTED, late=True)
    for status in (TrackingStatus.ACCEPTED, TrackingStatus.DELIVERED):
        yield _scan(status, pushed=False)
    for number in (1, 2):
        for state in ChargebackState:
            yield _chargeback(number, state)
    yield _chargeback(1, ChargebackState.OPENED, part=True)
