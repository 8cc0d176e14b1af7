"""Every move by its name: those of people, carriers and the bank, and here storms, outages and time.

Whether a move is worth trying in a position is asked of the same pure rules that the workflows apply; what they refuse
is tried now and then all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from domain.duties import DutyKind
from domain.messages import Disruption
from windtunnel.explore_case_moves import moves_of_cases
from windtunnel.explore_move import WAIT, Move, say
from windtunnel.explore_order_moves import moves_of_others, moves_of_people
from windtunnel.explore_position import Position
from windtunnel.explore_world import OUTAGE, Service

NO_WORKER: Final = timedelta(days=1)


def _disruption(*, to_case: bool, revoked: bool = False, until: timedelta | None = timedelta(days=3)) -> Move:
    def make(position: Position) -> None:
        message = Disruption(
            disruption_id="storm",
            clocks=tuple(DutyKind),
            since=position.now,
            until=None if until is None else position.now + until,
            revoked=revoked,
        )
        subject = position.case_id if to_case else position.order_id
        if subject:
            say(position, subject, "disruption", message)

    def possible(position: Position) -> bool:
        subject = position.case_id if to_case else position.order_id
        if not subject or not position.runs(subject):
            return False
        docket = position.case(subject).docket if to_case else position.order_workflow.docket
        named = bool(docket.disruptions_of(DutyKind.LOOK_UP))
        return named is revoked and bool(docket.duties)

    what = "is over" if revoked else "for three days" if until else "without an end"
    return Move(f"storm {what}, to the {'case' if to_case else 'order'}", make, possible)


def _outage(service: Service) -> Move:
    def make(position: Position) -> None:
        position.world.down[service] = position.now + OUTAGE

    def possible(position: Position) -> bool:
        return bool(position.running) and not any(position.world.out(one, position.now) for one in Service)

    return Move(f"{service} down for two days", make, possible)


def _refusal() -> Move:
    def make(position: Position) -> None:
        position.world.refusals = 1

    def possible(position: Position) -> bool:
        return bool(position.running) and not position.world.refusals

    return Move("the next payment is refused", make, possible)


def _wait() -> Move:
    return Move(WAIT, Position.wait, lambda position: bool(position.running))


def _nearly() -> Move:
    """Rights change with time too, not only when something happens."""

    def make(position: Position) -> None:
        if due := position.next_due:
            position.tunnel.run(max(position.now, due - timedelta(seconds=1)))

    return Move("wait until the last second", make, lambda position: position.next_due is not None)


def _later() -> Move:
    def make(position: Position) -> None:
        if due := position.next_due:
            position.tunnel.run(position.now + max(timedelta(), (due - position.now) / 2))

    return Move("wait half the time", make, lambda position: position.next_due is not None)


def _hurry() -> Move:
    """What the next message sets off has not happened yet when the one after it comes: a child, a signal, a payment."""

    def make(position: Position) -> None:
        position.hurried = True

    return Move("the next two at once", make, lambda position: not position.hurried and not position.unsettled)


def _no_worker() -> Move:
    """What is said meanwhile comes in one workflow task, before the timers."""

    def make(position: Position) -> None:
        position.stop_workers(NO_WORKER)

    def possible(position: Position) -> bool:
        return bool(position.running) and not position.stopped

    return Move("no worker for a day", make, possible)


def _moves() -> Iterator[Move]:
    yield _wait()
    yield _nearly()
    yield _later()
    yield from moves_of_people()
    yield from moves_of_others()
    yield from moves_of_cases()
    for to_case in (False, True):
        yield _disruption(to_case=to_case)
        yield _disruption(to_case=to_case, until=None)
        yield _disruption(to_case=to_case, revoked=True)
    for service in Service:
        yield _outage(service)
    yield _refusal()
    yield _hurry()
    yield _no_worker()


MOVES: Final = {move.name: move for move in _moves()}
"""Every move by its name."""


def open_moves(position: Position) -> list[str]:
    """The moves that mean something here, apart from waiting."""
    return [move.name for move in MOVES.values() if move.name != WAIT and move.possible(position)]
