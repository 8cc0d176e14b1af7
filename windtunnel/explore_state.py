"""The abstract state of an order with its cases: what decides over what can happen next, without instants.

Two positions of the same abstract state are explored as one. It holds where order and case stand, the open duties in
the order in which their time is up with what their silence means, what can be done, where the money is, and flags.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, TypeAlias

from domain.cases.case import CaseRecord, ReturnTrip
from domain.ledger import Account, Ledger
from domain.order import Order
from domain.parties import Role
from domain.settlement import Decision
from windtunnel.explore_position import Position
from windtunnel.explore_world import Service
from workflows.docket import Docket
from workflows.reopened import Books
from workflows.treasury import Treasury

Key: TypeAlias = bytes
"""What identifies an abstract state: 64 bits, so that two of a million collide about once in 37 million runs."""


def key_of(position: Position, moves: Iterable[str]) -> Key:
    """The key of the abstract state in which these moves mean something."""
    return blake2b(repr((abstract(position), tuple(moves))).encode(), digest_size=8).digest()


def abstract(position: Position) -> tuple[Any, ...]:
    """The abstract state, as nested tuples of plain values."""
    order = position.order_workflow
    case_id = position.case_id
    books = position.books
    return (
        position.order.order_id,
        position.runs(position.order_id),
        _of_decision(position.order, order.decision),
        order.settled,
        order.may_cancel_since is not None,
        order.cancellation_refused,
        order.extension_asked is not None,
        order.extensions_asked,
        order.found_after_loss,
        _of_parcel(order.watch.parcel),
        order.watch.unread,
        _of_docket(order.docket),
        _of_money(order.treasury),
        bool(order.hearings.open_case),
        tuple(resolution.remedy for resolution in order.hearings.resolutions[-2:]),
        _of_case(position, case_id) if case_id else None,
        None if books is None else _of_books(position.order, books),
        position.runs(position.reopened_id),
        tuple(service for service in Service if position.world.out(service, position.now)),
        position.world.refusals,
        position.hurried,
        position.unsettled,
        position.stopped,
        tuple((name, min(3, len(position.tunnel.executions[name].waiting))) for name in position.running),
    )


def _of_decision(order: Order, decision: Decision | None) -> tuple[Any, ...] | None:
    if decision is None:
        return None
    share = decision.refund.minor * 4 // order.price.total.minor
    return decision.ending, share, decision.borne_by, decision.revised, decision.costs is not None


def _of_parcel(parcel: Any) -> tuple[bool, ...]:
    instants = (
        parcel.marked_shipped_at,
        parcel.scanned_at,
        parcel.delivered_at,
        parcel.returning_at,
        parcel.returned_at,
    )
    return (parcel.shipment is not None, *(instant is not None for instant in instants), parcel.signed)


def _of_docket(docket: Docket) -> tuple[Any, ...]:
    by_time = sorted(docket.duties.values(), key=lambda one: (one.due is None, one.due or one.agreed_due, one.kind))
    return (
        tuple((duty.kind, duty.on_silence, duty.due is None) for duty in by_time),
        tuple(sorted(cause.split("-")[0] for cause in docket.pauses)),
    )


def _of_money(treasury: Treasury) -> tuple[Any, ...]:
    ledger = treasury.ledger
    return (
        tuple(_sign(ledger.balance(account)) for account in Account),
        tuple(sorted((entry.kind, entry.source) for entry in ledger.intents)),
        _refunded(ledger),
        bool(ledger.dropped),
        tuple(sorted(treasury.chargebacks.values())),
    )


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _refunded(ledger: Ledger) -> int:
    """How many quarters of what the buyer paid have gone back."""
    paid = ledger.facts[0].amount.minor
    return (ledger.balance(Account.BUYER) + paid) * 4 // paid


def _of_books(order: Order, books: Books) -> tuple[Any, ...]:
    decision = _of_decision(order, books.decision)
    return decision, bool(books.hearings.open_case), books.quiet, _of_money(books.treasury), _of_docket(books.docket)


def _of_case(position: Position, case_id: str) -> tuple[Any, ...]:
    case = position.case(case_id)
    record = case.record
    return (
        case.case.reason,
        case.case.late,
        record.state,
        _of_record(position.order, record),
        None if case.transit is None else _of_parcel(case.transit.parcel),
        _of_docket(case.docket),
    )


def _of_record(order: Order, record: CaseRecord) -> tuple[Any, ...]:
    trip = record.trip
    return (
        tuple(_few(record, side) for side in (Role.BUYER, Role.SELLER)),
        all(item.checked for item in record.evidence),
        any(item.matches is False for item in record.evidence),
        tuple((offer.by, offer.state, offer.accepted_by) for offer in record.offers[-2:]),
        tuple(sorted(asked.of for asked in record.asked if not asked.answered)),
        tuple(
            (
                one.remedy,
                one.amount.minor * 4 // order.price.total.minor,
                one.decided_by,
                one.agreed,
                bool(one.undone_by),
                bool(one.confirmed_by),
                one.on_appeal_of,
            )
            for one in record.resolutions[-2:]
        ),
        tuple((appeal.by, appeal.decided) for appeal in record.appeals),
        None if trip is None else _of_trip(trip),
        record.freeze is not None,
        record.decision is not None and record.effective < record.decision.number,
        bool(record.assignee),
        record.escalated,
        record.breached,
        record.answered,
    )


def _of_trip(trip: ReturnTrip) -> tuple[Any, ...]:
    known = (trip.label is not None, trip.sent_at is not None, trip.back_at is not None)
    return (*known, trip.finding, trip.over, trip.label_refunded)


def _few(record: CaseRecord, side: Role) -> int:
    return min(2, sum(item.by is side for item in record.evidence))
