"""Stories told in the tunnel, as the test server tells them."""

from __future__ import annotations

from pathlib import Path

from domain.cases.statements import Statement
from domain.story import StoryEntry
from fastmotion.stories import Story, play
from fastmotion.telling import Telling, in_order_of_story, settled, told_under
from storefront.draft import REOPENED
from windtunnel.stage import Stage


async def tell(story: Story, folder: Path) -> Telling:
    """Play a story from beginning to end on a fresh stage, whose files live in `folder`."""
    stage = Stage(folder)
    with stage.tunnel:
        return await tell_on(stage, story)


async def tell_on(stage: Stage, story: Story) -> Telling:
    """Play a story from beginning to end on this stage."""
    played = await play(story, stage)
    tunnel = stage.tunnel
    timelines = {
        subject: settled(tunnel.query(subject, "timeline", tuple[StoryEntry, ...]))
        for subject in sorted(tunnel.executions, key=_order_first)
        if played.outcome.revision or not subject.startswith(REOPENED)
    }
    notices = (
        notice
        for subject, timeline in timelines.items()
        for notice in in_order_of_story(stage.outbox.notices(told_under(subject)), timeline)
    )
    reasons = {
        subject: tunnel.query(subject, "reasons", tuple[Statement, ...])
        for subject in timelines
        if subject.startswith("case-")
    }
    return Telling(story=story, played=played, timelines=timelines, notices=tuple(notices), reasons=reasons)


def _order_first(subject: str) -> tuple[bool, bool, str]:
    return subject.startswith("case-"), subject.startswith(REOPENED), subject
