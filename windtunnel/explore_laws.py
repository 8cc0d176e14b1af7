"""What must hold in every state: money is conserved, silence keeps the receipt's promises, and there is a way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from domain.duties import DutyKind, OpenDuty, Receipt, Silence
from domain.ledger import Account, Conservation, Ledger
from domain.policy import CaseState, Remedy
from domain.settlement import Ending
from windtunnel.explore_position import Position
from windtunnel.willing_world import BY_PROVIDER
from workflows.case import CaseWorkflow
from workflows.options import READ_FILES

_READING: Final = READ_FILES["schedule_to_close_timeout"] or timedelta()


class Broken(Exception):
    """A law does not hold; its text says which, where and how."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a receipt says of the duty whose time is up next, read before anybody stays silent.

    `heard` is how much the carrier had told by then: its news is no silence. `latest` is when it must have happened:
    silence never decides over evidence that was handed in and is still being read.
    """

    subject: str
    duty: OpenDuty
    due: datetime
    heard: int
    latest: datetime


def conserved(position: Position) -> None:
    """Money is neither made nor lost, and what the provider has moved is what the ledger says. Raises Broken."""
    ledger = _ledger(position)
    try:
        ledger.check()
    except Conservation as error:
        raise Broken(f"conservation: {error}") from error
    known = {entry.key: entry for entry in (*ledger.facts, *ledger.intents)}
    for entry in ledger.facts:
        movement = position.world.moved.get(entry.key)
        if entry.kind in BY_PROVIDER and (movement is None or movement.amount != entry.amount):
            raise Broken(f"conservation: the ledger has {entry.key} of {entry.amount}, the provider {movement}")
    for key, movement in position.world.moved.items():
        if key not in known or known[key].amount != movement.amount:
            raise Broken(
                f"conservation: the provider has moved {movement.amount} as {key}, the ledger {known.get(key)}"
            )


def ended_well(position: Position) -> None:
    """At the end, all of the money has gone where it belongs. Raises Broken."""
    ledger = _ledger(position)
    if left := ledger.balance(Account.ESCROW):
        raise Broken(f"way out: the end has come, and {left} minor units are still in escrow")
    if ledger.intents:
        raise Broken(f"way out: the end has come, and {ledger.intents[0].key} is still only intended")
    if position.order.order_id not in position.world.outcomes:
        raise Broken("way out: the end has come, and no outcome was recorded")


def _ledger(position: Position) -> Ledger:
    books = position.books
    return books.treasury.ledger if books else position.order_workflow.treasury.ledger


def promised(position: Position) -> Promise | None:
    """What the receipts say will happen next if everybody stays silent. Raises Broken if no clock waits for that.

    Nothing, while no worker runs or something is still to happen at once: then clocks may be late.
    """
    if position.stopped or position.unsettled:
        return None
    promises = []
    for subject, inside in position.subjects:
        for duty in position.tunnel.query(subject, "receipt", Receipt).duties:
            owed = inside.docket.duties.get(duty.kind)
            if owed is None or (owed.due, owed.on_silence) != (duty.due, duty.on_silence):
                raise Broken(f"promise: the receipt of {subject} says {duty.kind} by {duty.due}, the docket {owed}")
            # Asking the carrier is owed to nobody: it may wait while a payment is tried.
            if duty.due is not None and duty.kind is not DutyKind.LOOK_UP:
                latest = duty.due + (_READING if _reads(inside) else timedelta())
                promises.append(Promise(subject, duty, duty.due, position.heard, latest))
    return min(promises, key=lambda promise: (promise.due, promise.subject), default=None)


def _reads(inside: Any) -> bool:
    """Whether a case is comparing files with what was sealed."""
    return isinstance(inside, CaseWorkflow) and any(not item.checked for item in inside.record.evidence)


def kept(position: Position, promise: Promise) -> None:
    """What the receipt said would happen on silence has happened, at that instant. Raises Broken."""
    if position.now < promise.due:
        return
    duty = promise.duty
    said = (
        f"{promise.subject} at {promise.due:%Y-%m-%d %H:%M:%S}: {duty.owner}, {duty.kind}, on silence {duty.on_silence}"
    )
    inside = position.books if promise.subject == position.reopened_id else position.tunnel.inside(promise.subject)
    still = inside.docket.duties.get(duty.kind) if inside else None
    waits = still is not None and still.due is not None and still.due <= promise.due
    if waits and position.now >= promise.latest:
        raise Broken(f"promise: {said}; it is {position.now:%Y-%m-%d %H:%M:%S}, and nothing has happened")
    if position.now > promise.latest:
        raise Broken(f"promise: {said}; something happened only at {position.now:%Y-%m-%d %H:%M:%S}")
    if waits or position.heard != promise.heard:
        return
    if not KEPT[duty.on_silence](position, inside, duty):
        raise Broken(f"promise: {said}; that is not what happened")


_Kept = Callable[[Position, Any, OpenDuty], bool]


def _always(*_: object) -> bool:
    """Nothing but a note or a question follows, and that is in the timeline."""
    return True


def _ended(*endings: Ending) -> _Kept:
    return lambda _, order, __: order.decision is not None and order.decision.ending in endings


def _order_cancelled(_: Position, order: Any, __: OpenDuty) -> bool:
    """The carrier's last word counts: a parcel that was handed over in time keeps the order alive."""
    return order.watch.parcel.scanned_at is not None or (
        order.decision is not None and order.decision.ending in (Ending.NOT_SHIPPED, Ending.NOT_SCANNED)
    )


def _may_cancel(_: Position, order: Any, duty: OpenDuty) -> bool:
    return bool(order.may_cancel_since == duty.due)


def _released(_: Position, inside: Any, __: OpenDuty) -> bool:
    if hasattr(inside, "decision"):
        return inside.decision is not None and inside.decision.ending is Ending.WINDOW_CLOSED
    return inside.record.decision is not None and inside.record.decision.remedy is Remedy.RELEASE


def _refunded(_: Position, case: Any, __: OpenDuty) -> bool:
    decision = case.record.decision
    return decision is not None and decision.remedy is not None and decision.remedy is not Remedy.RELEASE


def _lost(_: Position, inside: Any, __: OpenDuty) -> bool:
    """The carrier's last word counts here as well."""
    transit = inside.transit
    if transit.parcel.events and transit.parcel.at_rest:
        return True
    if hasattr(inside, "decision"):
        return inside.decision is not None and inside.decision.ending is Ending.LOST
    return inside.record.trip is not None and inside.record.trip.over


def _with_support(_: Position, case: Any, __: OpenDuty) -> bool:
    return case.record.state not in (CaseState.AWAITING_SELLER, CaseState.NEGOTIATING)


def _escalated(_: Position, case: Any, __: OpenDuty) -> bool:
    return bool(case.record.escalated)


def _breached(_: Position, case: Any, __: OpenDuty) -> bool:
    return bool(case.record.breached)


def _given_up(_: Position, order: Any, __: OpenDuty) -> bool:
    return not order.treasury.frozen


def _closed(_: Position, inside: Any, duty: OpenDuty) -> bool:
    if duty.kind in (DutyKind.BUYER_MAY_APPEAL, DutyKind.SELLER_MAY_APPEAL):
        return duty.kind not in inside.docket.duties
    return True


KEPT: Final[Mapping[Silence, _Kept]] = {
    Silence.BUYER_MAY_CANCEL: _may_cancel,
    Silence.CANCEL_ORDER: _order_cancelled,
    Silence.GRANT_CANCELLATION: _ended(Ending.CANCELLED_BY_BUYER),
    Silence.REFUSE_CANCELLATION: lambda _, order, __: order.cancellation_refused,
    Silence.GRANT_EXTENSION: lambda _, order, __: order.extension_asked is None and order.extensions_granted > 0,
    Silence.REFUSE_EXTENSION: lambda _, order, __: order.extension_asked is None,
    Silence.CHASE_SELLER: _always,
    Silence.LOOK_UP: _always,
    Silence.TELL_LATE: _always,
    Silence.TRACE: _always,
    Silence.DECLARE_LOST: _lost,
    Silence.EXPECT_RETURN: _always,
    Silence.RELEASE: _released,
    Silence.REFUND: _refunded,
    Silence.ASK_SUPPORT: _with_support,
    Silence.ESCALATE: _escalated,
    Silence.RECORD_BREACH: _breached,
    Silence.COUNT_AS_LOST: _given_up,
    Silence.TRY_AGAIN: _always,
    Silence.CLOSE: _closed,
    Silence.CONTINUE: _always,
    Silence.TAKE_EFFECT: lambda _, case, __: case.record.state is not CaseState.DECIDED,
    Silence.CHASE_BUYER: _always,
    Silence.UPHOLD: lambda _, case, __: case.record.open_appeal is None,
}
"""For each default of silence, how to see that it has happened."""
