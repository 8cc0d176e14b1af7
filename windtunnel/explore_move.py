"""A move: something that can happen to an order, as data."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from domain.cases.record import EvidenceItem
from domain.messages import Message, Reply, Tracking
from domain.money import Money
from domain.parcel import Parcel, TrackingEvent, TrackingStatus
from domain.policy import EvidenceKind
from windtunnel.contract import NotRunning
from windtunnel.explore_position import Position
from windtunnel.explore_world import TAMPERED

WAIT: Final = "wait"
"""Nobody does anything until something happens by itself."""

_SIGNALS: Final = frozenset(
    {"shipped", "tracking", "buyer_complaint", "buyer_accepts", "chargeback", "disruption", "evidence", "message"}
)


@dataclass(frozen=True, slots=True)
class Move:
    """Something that can happen. `possible` says whether it means anything in a position, beyond being refused."""

    name: str
    make: Callable[[Position], None]
    possible: Callable[[Position], bool]


def say(position: Position, workflow_id: str, handler: str, message: Message) -> None:
    """Tell a workflow something, if it still runs, and let everything happen that takes no time.

    In a hurry the next move comes before that. Who speaks while no worker runs has the answer afterwards.
    """
    if not position.runs(workflow_id):
        return
    if handler in _SIGNALS:
        position.tunnel.signal(workflow_id, handler, message)
    else:
        # It may have ended before it could answer, and then the storefront says so.
        with suppress(NotRunning):
            position.tunnel.update(workflow_id, handler, message, Reply)
    follow(position)


def follow(position: Position) -> None:
    """Let everything happen that takes no time; in a hurry, after the next move."""
    if position.hurried:
        position.hurried = False
    else:
        position.settle()


def scan(position: Position, parcel: Parcel | None, event: TrackingEvent, subject: str, *, pushed: bool) -> None:
    """The carrier scans a parcel; if it is `pushed`, it says so to the subject at once, else only when it is asked."""
    if parcel and parcel.shipment:
        position.world.scan(parcel.shipment.tracking_number, event)
    if pushed:
        say(position, subject, "tracking", Tracking(events=(event,)))


def can_be_scanned(position: Position, parcel: Parcel, status: TrackingStatus) -> bool:
    """Whether a parcel can come to this now: the carrier has it first, and nothing comes to it twice."""
    if parcel.shipment is None or parcel.at_rest:
        return False
    known = {event.status for event in position.world.known.get(parcel.shipment.tracking_number, ())}
    if status is TrackingStatus.ACCEPTED:
        return not known
    return status not in known and (parcel.scanned_at is not None or status is TrackingStatus.DELIVERED)


def file(kind: EvidenceKind, origin: str, number: int, *, tampered: bool = False) -> EvidenceItem:
    """A file of evidence, the same for the same origin and number; a tampered one is not what was sealed."""
    return EvidenceItem(
        kind=kind,
        uri=f"s3{TAMPERED if tampered else '://files/'}{origin}-{number}",
        sha256=sha256(f"{origin} {number}".encode()).hexdigest(),
        media_type="image/jpeg",
        size=1_000,
    )


def share(position: Position, divisor: int) -> Money:
    """A part of what the buyer paid."""
    total = position.order.price.total
    return Money(minor=total.minor // divisor, currency=total.currency)


def said(message: Message) -> Callable[[Position], Message]:
    """This message, whatever the position."""
    return lambda _: message
