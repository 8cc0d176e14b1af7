"""Stories on the time-skipping server: a fresh server each, whose clock is set to the story's.

No message of a story may fall on the instant of a timer: when both come at once, this server loses the workflow task.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import WorkflowHistory

from domain import wording
from domain.clock import Clock
from domain.story import Notice, StoryEntry
from fastmotion.sandbox_world import SandboxWorld
from fastmotion.stories import PURCHASE, Played, Story, play
from storefront.client import Redress
from tests.world import World, a_world

SERVER_BEGINS = datetime(2030, 1, 1, tzinfo=UTC)
"""The server's clock is moved on to here first, so that a story runs at the same instants whenever it is recorded."""


@dataclass(frozen=True)
class Telling:
    """A story as it went, with all that it has left."""

    story: Story
    played: Played
    timelines: dict[str, tuple[StoryEntry, ...]]
    notices: tuple[Notice, ...]
    histories: dict[str, WorkflowHistory]
    duplicates: dict[str, int]


async def tell(story: Story) -> Telling:
    """Play a story from beginning to end."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_world(Path(folder)) as world:
            return await _tell(story, world)


async def _tell(story: Story, world: World) -> Telling:
    clock = Clock(real_anchor=SERVER_BEGINS, policy_anchor=PURCHASE, speed=1)
    await _until(world, SERVER_BEGINS)
    redress = Redress(world.client)
    sandbox = SandboxWorld(
        redress,
        world.payments,
        world.carrier,
        until=lambda instant: _until(world, clock.real_instant(instant)),
        pause=lambda: asyncio.sleep(0.02),
    )
    played = await play(story, sandbox, clock=clock)
    subjects = [f"order-{story.name}", *(case.case_id for case in played.outcome.cases)]
    timelines = {subject: await redress.timeline(subject) for subject in subjects}
    return Telling(
        story=story,
        played=played,
        timelines=timelines,
        notices=tuple(
            notice
            for subject in subjects
            for notice in _in_order_of_story(world.outbox.notices(subject), timelines[subject])
        ),
        histories={subject: await world.client.get_workflow_handle(subject).fetch_history() for subject in subjects},
        duplicates=world.payments.duplicates(),
    )


def _in_order_of_story(notices: Iterable[Notice], timeline: Sequence[StoryEntry]) -> list[Notice]:
    """Notices of one moment in the order in which things happened; to the second, as a replay may differ by less."""
    told = [(entry.at.replace(microsecond=0), entry.what) for entry in timeline]
    return sorted(notices, key=lambda notice: (told.index((notice.at.replace(microsecond=0), notice.kind)), notice.key))


async def _until(world: World, instant: datetime) -> None:
    left = instant - await world.environment.get_current_time()
    if left > timedelta():
        await world.environment.sleep(left)


def transcript(telling: Telling) -> str:
    """A story as text: what happened in the order and its cases, and whom it was told."""
    story = telling.story
    lines = [story.title, story.moral]
    for subject, entries in telling.timelines.items():
        lines += ["", subject]
        lines += [f"{entry.at:%m-%d %H:%M}  {wording.event(entry.what, entry.facts)}" for entry in entries]
    lines += ["", "notices"]
    lines += [f"{notice.at:%m-%d %H:%M}  {notice.to:8}  {notice.kind}" for notice in telling.notices]
    return "\n".join(lines) + "\n"
