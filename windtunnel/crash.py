"""Crash at every step: each golden story again, with everything that at-least-once execution allows to go wrong.

`rebuilt`: after every activation the workflow instance is thrown away and made anew from what it had been told; it
must want the very same again. `twice`: every activity is performed a second time, as when its first answer was lost.
`late`: one timer rings a week late, each timer of the story in turn. `outage`: for a week from the instant of a timer
no worker runs, each timer in turn; what was said meanwhile is heard afterwards, and counts as of when it was said.
Whatever goes wrong, the money must go where it went, once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from domain.story import Outcome
from fastmotion.stories import PURCHASE, Ends, Story, ended
from fastmotion.telling import Telling
from windtunnel.contract import Answer, Call, Diverged, Stuck, World
from windtunnel.engine import Tunnel
from windtunnel.stage import Stage
from windtunnel.telling import tell_on

WEEK: Final = timedelta(days=7)
ENDLESS: Final = timedelta(days=1_000)
"""What still runs so long after the purchase runs for ever: no story takes a fifth of it."""

_INSTANT: Final = timedelta(milliseconds=1)


class Accident(StrEnum):
    """What goes wrong."""

    REBUILT = "rebuilt"
    TWICE = "twice"
    LATE = "late"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Crashed:
    """How a story fared with one accident: `times` it happened, and what came out otherwise than without it.

    `overtaken` is what came out otherwise because somebody spoke, or the parcel moved, while a clock was late: then
    their word comes first, as it would have to, and differing is right.
    """

    story: str
    accident: Accident
    times: int
    differs: tuple[str, ...] = ()
    overtaken: tuple[str, ...] = ()


class Twice:
    """A world in which every activity is performed twice, and the workflow hears the second answer."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.times = 0

    def perform(self, call: Call) -> Answer:
        """Perform an attempt, and again."""
        self.times += 1
        self._world.perform(call)
        return self._world.perform(call)


async def crash(story: Story) -> tuple[Crashed, ...]:
    """Tell a story with every accident at every step, and say what came out otherwise.

    Raises Stuck if it never ends even without one.
    """
    calm = await told(story)
    return (
        await rebuilt(story, calm),
        await twice(story, calm),
        await each_timer(story, calm, Accident.LATE),
        await each_timer(story, calm, Accident.OUTAGE),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """A story as it went, the business keys that moved money more than once, and how many activations it took."""

    telling: Telling
    doubled: tuple[str, ...]
    activations: int


def _nothing(_: Stage) -> None:
    """Nothing goes wrong."""


async def told(story: Story, arrange: Callable[[Stage], None] = _nothing) -> Told:
    """Tell a story on a stage on which something was arranged beforehand. Raises Stuck if it never ends."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        with stage.tunnel as tunnel:
            tunnel.at(PURCHASE + ENDLESS, partial(_look_for_an_end, story, tunnel))
            arrange(stage)
            telling = await tell_on(stage, story)
            return Told(telling, tuple(stage.payments.duplicates()), tunnel.activations)


def _look_for_an_end(story: Story, tunnel: Tunnel) -> None:
    if tunnel.running:
        raise Stuck(f"{story.name}: {', '.join(tunnel.running)} still open {ENDLESS.days:,} days after the purchase")


async def rebuilt(story: Story, calm: Told) -> Crashed:
    """Throw every instance away after every activation."""

    def arrange(stage: Stage) -> None:
        stage.tunnel.crashes = True

    try:
        again = await told(story, arrange)
    except (Diverged, Stuck) as failure:
        return Crashed(story.name, Accident.REBUILT, 0, (str(failure),))
    return Crashed(story.name, Accident.REBUILT, again.activations, _unlike(again, calm))


async def twice(story: Story, calm: Told) -> Crashed:
    """Perform every activity twice."""
    worlds: list[Twice] = []

    def arrange(stage: Stage) -> None:
        worlds.append(Twice(stage.tunnel.world))
        stage.tunnel.world = worlds[0]

    try:
        again = await told(story, arrange)
    except Stuck as failure:
        return Crashed(story.name, Accident.TWICE, worlds[0].times, (str(failure),))
    return Crashed(story.name, Accident.TWICE, worlds[0].times, _unlike(again, calm))


class _Clockwork:
    """Counts the timers of a tunnel, and lets the accident befall the one of this number."""

    def __init__(self, tunnel: Tunnel, accident: Accident, number: int) -> None:
        self._tunnel = tunnel
        self._accident = accident
        self._number = number
        self.timers = 0
        self.due: datetime | None = None
        tunnel.lag = self._lag

    def _lag(self, due: datetime) -> timedelta:
        self.timers += 1
        if self.timers != self._number:
            return timedelta()
        self.due = due
        if self._accident is Accident.LATE:
            return WEEK
        self._tunnel.at(due - _INSTANT, partial(self._tunnel.outage, due + WEEK))
        return timedelta()


async def each_timer(story: Story, calm: Told, accident: Accident) -> Crashed:
    """Let one timer be late, or bring an outage, each in turn.

    What is told meanwhile may differ, as a reminder that has become stale; where the money goes may not.
    """
    differs: list[str] = []
    overtaken: list[str] = []
    number = 0
    while True:
        number += 1
        clocks: list[_Clockwork] = []

        def arrange(stage: Stage, number: int = number, clocks: list[_Clockwork] = clocks) -> None:
            clocks.append(_Clockwork(stage.tunnel, accident, number))

        try:
            again = await told(story, arrange)
        except Stuck as failure:
            differs.append(f"timer {number}: {failure}")
            continue
        if clocks[0].timers < number:
            return Crashed(story.name, accident, number - 1, tuple(differs), tuple(overtaken))
        other = [f"timer {number}: {one}" for one in _moved(again, calm)]
        (overtaken if _spoken(story, clocks[0].due) else differs).extend(other)
        differs.extend(f"timer {number}: {one}" for one in _doubled(again))


def _spoken(story: Story, due: datetime | None) -> bool:
    return due is not None and any(due <= scene.at < due + WEEK for scene in story.scenes(story.name))


def _unlike(again: Told, calm: Told) -> tuple[str, ...]:
    differs = [
        what
        for what, now, before in (
            ("outcome", again.telling.played, calm.telling.played),
            ("timelines", again.telling.timelines, calm.telling.timelines),
            ("notices", again.telling.notices, calm.telling.notices),
            ("reasons", again.telling.reasons, calm.telling.reasons),
        )
        if now != before
    ]
    return (*_doubled(again), *differs)


def _doubled(again: Told) -> tuple[str, ...]:
    return tuple(f"moved twice: {key}" for key in again.doubled)


def _moved(again: Told, calm: Told) -> Iterator[str]:
    now, before = _ends(again.telling.played.outcome), _ends(calm.telling.played.outcome)
    for field in ("ending", "refunded", "charged_back", "seller", "ledger", "cases"):
        if getattr(now, field) != getattr(before, field):
            yield f"{field} is {getattr(now, field)}, without the accident {getattr(before, field)}"


def _ends(outcome: Outcome) -> Ends:
    return ended(outcome, ())
