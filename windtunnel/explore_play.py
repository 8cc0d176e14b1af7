"""Moves made one after the other under the eye of the laws: how counter-examples are found, shortened and played."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from domain.base import Model
from domain.order import Order
from windtunnel.contract import Stuck
from windtunnel.explore_laws import Broken, Promise, conserved, ended_well, kept, promised
from windtunnel.explore_move import WAIT
from windtunnel.explore_moves import MOVES
from windtunnel.explore_orders import ORDERS
from windtunnel.explore_position import NothingHappens, Position

BROKEN: Final = (Broken, Stuck, NothingHappens)
"""What shows that a law does not hold."""

MOST_WAITS: Final = 400
"""An order that is silent for longer than this many events counts as stuck."""


class CounterExample(Model):
    """The moves by which an order of this kind breaks a law; `explore --play` makes them again."""

    law: str
    order: str
    moves: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Which law it breaks."""
        return self.law.partition(":")[0]


@contextmanager
def replayed(order: str, moves: Sequence[str], place: Callable[[Order], Position] = Position) -> Iterator[Position]:
    """A fresh order on which these moves have been made. Raises LookupError for an unknown order or move."""
    position = place(ORDERS[order])
    try:
        for move in moves:
            MOVES[move].make(position)
        yield position
    finally:
        position.close()


def lawful(position: Position, move: str) -> Promise | None:
    """Make one move; gives the promise that had to be kept meanwhile, if one had. Raises one of BROKEN."""
    promise = promised(position) if move == WAIT else None
    MOVES[move].make(position)
    conserved(position)
    if promise is None or position.now < promise.due:
        return None
    kept(position, promise)
    return promise


def still_open(position: Position, waits: int) -> None:
    """Raises Broken if silence has lasted too long."""
    if waits >= MOST_WAITS:
        raise Broken(f"way out: after {waits} events of silence {', '.join(position.running)} is still open")


def silent_to_the_end(position: Position) -> None:
    """Nobody acts any more, and every clock runs out. Raises one of BROKEN."""
    waits = 0
    while position.running:
        still_open(position, waits)
        lawful(position, WAIT)
        waits += 1
    ended_well(position)


def broken_by(order: str, moves: Sequence[str], place: Callable[[Order], Position] = Position) -> CounterExample | None:
    """Whether these moves, and silence after them, break a law."""
    with replayed(order, (), place) as position:
        try:
            for move in moves:
                lawful(position, move)
            silent_to_the_end(position)
        except BROKEN as failure:
            return CounterExample(law=str(failure), order=order, moves=tuple(moves))
    return None


def shortened(example: CounterExample, place: Callable[[Order], Position] = Position) -> CounterExample:
    """The same law broken by fewer moves: each that is not needed is left out, and the silence at the end."""
    best = broken_by(example.order, _without_silence(example.moves), place)
    if best is None or best.kind != example.kind:
        return example
    for number in reversed(range(len(best.moves))):
        fewer = (*best.moves[:number], *best.moves[number + 1 :])
        found = broken_by(example.order, fewer, place)
        if found and found.kind == example.kind:
            best = found
    return best


def _without_silence(moves: Sequence[str]) -> tuple[str, ...]:
    kept_moves = list(moves)
    while kept_moves and kept_moves[-1] == WAIT:
        kept_moves.pop()
    return tuple(kept_moves)
