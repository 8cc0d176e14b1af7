"""No order is stuck: the states that an order and its cases can reach, walked by machine.

An execution cannot be copied, so a state is known by the moves that lead to it and is reached again by making them in a
fresh tunnel. From each known state the moves that mean something there are tried in a random order of the seed. Behind
each new state everybody then stays silent until the order has ended, or until a state from which silence is known to
lead to the end. In every state on the way the laws of `explore_laws` are checked.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from domain.base import Model
from domain.duties import Silence
from domain.order import Order
from windtunnel.explore_laws import ended_well
from windtunnel.explore_move import WAIT
from windtunnel.explore_moves import MOVES, open_moves
from windtunnel.explore_orders import ORDERS, ROOTS
from windtunnel.explore_play import BROKEN, CounterExample, lawful, replayed, still_open
from windtunnel.explore_position import Position
from windtunnel.explore_state import Key, key_of

_RECHECKED: Final = 0.01
"""Of known states, the share from which silence is followed to the end all the same: the abstraction is not trusted."""

_DRAWN: Final = 4

_REFUSED: Final = 0.2
"""How often a new state also gets a move that the rules refuse."""


class Bounds(Model):
    """Where an exploration stops: so many states, moves in a row, and seconds."""

    states: int = 10_000
    depth: int = 60
    seconds: float = 60


@dataclass(slots=True)
class Explored:
    """What was walked. `untried` counts moves from known states that the bounds have left out.

    `moves` are those that were made somewhere, `silences` the defaults of silence that were seen to happen.
    """

    seed: int
    orders: tuple[str, ...]
    states: int = 0
    transitions: int = 0
    replayed: int = 0
    ends: int = 0
    promises: int = 0
    deepest: int = 0
    untried: int = 0
    most_waits: int = 0
    longest_silence: timedelta = timedelta()
    seconds: float = 0
    moves: set[str] = field(default_factory=set)
    silences: set[Silence] = field(default_factory=set)
    broken: CounterExample | None = None


@dataclass(slots=True)
class _Tree:
    """How each state was first reached: its parent and the move from there; a root has its order instead."""

    parents: list[int] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)

    def add(self, parent: int, move: str) -> int:
        self.depths.append(self.depths[parent] + 1 if parent >= 0 else 0)
        self.parents.append(parent)
        self.moves.append(move)
        return len(self.parents) - 1

    def path(self, node: int) -> tuple[str, tuple[str, ...]]:
        moves = []
        while self.parents[node] >= 0:
            moves.append(self.moves[node])
            node = self.parents[node]
        return self.moves[node], tuple(reversed(moves))


class Explorer:
    """One exploration of orders of these kinds: deterministic from its seed, but for a bound in seconds.

    `place` puts an order into the tunnel.
    """

    def __init__(
        self,
        seed: int,
        bounds: Bounds,
        *,
        orders: Sequence[str] = tuple(ORDERS),
        place: Callable[[Order], Position] = Position,
    ) -> None:
        self._luck = random.Random(seed)
        self._bounds = bounds
        self._orders = orders
        self._place = place
        self._tree = _Tree()
        self._seen: set[Key] = set()
        self._proven: set[Key] = set()
        self._untried: list[tuple[int, str]] = []
        self.explored = Explored(seed, tuple(orders))

    def run(self, told: Callable[[Explored], None] = lambda _: None) -> Explored:
        """Explore until a bound is reached, nothing is left to try, or a law is broken."""
        began = time.monotonic()
        found = self.explored
        roots = [(self._tree.add(-1, name), moves) for name in self._orders for moves in ROOTS]
        while found.broken is None and found.states < self._bounds.states:
            found.seconds = time.monotonic() - began
            if found.seconds >= self._bounds.seconds:
                break
            if roots:
                root, moves = roots.pop(0)
                self._try(root, moves)
            elif self._untried:
                node, move = self._draw()
                self._try(node, (move,))
            else:
                break
            found.untried = len(self._untried)
            told(found)
        found.seconds = time.monotonic() - began
        return found

    def _draw(self) -> tuple[int, str]:
        """A random one of what is untried, rather from a state that few moves lead to: those are made again first."""
        untried, tree = self._untried, self._tree
        drawn = (self._luck.randrange(len(untried)) for _ in range(_DRAWN))
        chosen = min(drawn, key=lambda number: tree.depths[untried[number][0]])
        untried[chosen], untried[-1] = untried[-1], untried[chosen]
        return untried.pop()

    def _try(self, node: int, moves: Sequence[str]) -> None:
        order, path = self._tree.path(node)
        with replayed(order, path, self._place) as position:
            self.explored.replayed += len(path)
            walk = _Walk(self, position, node, order, list(path))
            try:
                for move in moves:
                    walk.make(move)
                walk.stay_silent()
            except BROKEN as failure:
                self.explored.broken = CounterExample(law=str(failure), order=order, moves=tuple(walk.moves))

    def arrived(self, position: Position, depth: int) -> tuple[Key, list[str] | None]:
        """The key of a state, and the moves to be tried from it if it is new."""
        moves = open_moves(position)
        key = key_of(position, moves)
        found = self.explored
        if key in self._seen:
            return key, None
        self._seen.add(key)
        found.states += 1
        found.deepest = max(found.deepest, depth)
        if depth >= self._bounds.depth:
            return key, []
        if self._luck.random() < _REFUSED:
            moves.append(self._luck.choice(list(MOVES)))
        return key, moves

    def to_try(self, node: int, moves: Sequence[str]) -> None:
        """Remember moves from a known state."""
        self._untried.extend((node, move) for move in moves)

    def grow(self, node: int, moves: Sequence[str]) -> int:
        """The node that these moves lead to."""
        for move in moves:
            node = self._tree.add(node, move)
        return node

    def proves(self, keys: Sequence[Key]) -> None:
        """From these states silence leads to the end."""
        self._proven.update(keys)

    def known_to_end(self, key: Key) -> bool:
        """Whether silence need not be followed from here."""
        return key in self._proven and self._luck.random() >= _RECHECKED


class _Walk:
    """From a known state on: moves, then silence."""

    def __init__(self, explorer: Explorer, position: Position, node: int, order: str, path: list[str]) -> None:
        self._explorer = explorer
        self._position = position
        self._node = node
        self._behind: list[str] = []
        self._trail: list[Key] = []
        self.order = order
        self.moves = path

    def arrive(self) -> None:
        """Look at where the walk has come to, and remember what can be tried from a new state."""
        key, untried = self._explorer.arrived(self._position, len(self.moves))
        self._trail.append(key)
        if untried is not None:
            self._node = self._explorer.grow(self._node, self._behind)
            self._behind.clear()
            self._explorer.to_try(self._node, untried)

    def make(self, move: str) -> None:
        """Make one move. Raises Broken, or whatever keeps the order from it."""
        self.moves.append(move)
        self._behind.append(move)
        found = self._explorer.explored
        found.transitions += 1
        found.moves.add(move)
        if promise := lawful(self._position, move):
            found.promises += 1
            found.silences.add(promise.duty.on_silence)
        self.arrive()

    def stay_silent(self) -> None:
        """Nobody acts any more: follow the clocks to the end, or to where they are known to lead there."""
        position, found = self._position, self._explorer.explored
        began, waits = position.now, 0
        if not self._trail:
            self.arrive()
        while position.running:
            if self._explorer.known_to_end(self._trail[-1]):
                break
            still_open(position, waits)
            self.make(WAIT)
            waits += 1
        else:
            ended_well(position)
            found.ends += 1
            found.longest_silence = max(found.longest_silence, position.now - began)
        found.most_waits = max(found.most_waits, waits)
        self._explorer.proves(self._trail)
