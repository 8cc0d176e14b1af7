"""What is to come: events in virtual time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple


class _Event(NamedTuple):
    at: datetime
    number: int
    act: Callable[[], object]


class Agenda:
    """Events by instant, and within one by when they were made. What is struck out never happens."""

    def __init__(self) -> None:
        self._heap: list[_Event] = []
        self._struck: set[int] = set()
        self._made = 0

    def add(self, instant: datetime, act: Callable[[], object]) -> int:
        """Have something done at an instant (UTC); gives the number by which it can be struck out, from one on."""
        self._made += 1
        heapq.heappush(self._heap, _Event(instant, self._made, act))
        return self._made

    def strike(self, number: int) -> None:
        """Have an event that is still to come not happen."""
        self._struck.add(number)
        # Most timers are cancelled, and hold on to their workflow for weeks.
        if len(self._struck) > len(self._heap) // 2:
            self._heap = [event for event in self._heap if event.number not in self._struck]
            heapq.heapify(self._heap)
            self._struck.clear()

    def clear(self) -> None:
        """Nothing is to come."""
        self._heap.clear()
        self._struck.clear()

    @property
    def next_at(self) -> datetime | None:
        """The instant of the next event."""
        while self._heap and self._heap[0].number in self._struck:
            self._struck.discard(heapq.heappop(self._heap).number)
        return self._heap[0].at if self._heap else None

    def take(self) -> Callable[[], object]:
        """What is to be done next; only where `next_at` is not none."""
        return heapq.heappop(self._heap).act
