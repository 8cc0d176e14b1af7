"""Stories told in the tunnel, as the test server tells them."""

from __future__ import annotations

from domain.cases.statements import Statement
from domain.story import StoryEntry
from fastmotion.stories import Story, play
from fastmotion.telling import Telling, cases_of, orders_of
from windtunnel.stage import Stage


async def tell_on(stage: Stage, story: Story) -> Telling:
    """Play a story from beginning to end on this stage."""
    played = await play(story, stage)
    query, orders, cases = stage.tunnel.query, orders_of(played.outcome), cases_of(played.outcome)
    timelines = {subject: query(subject, "timeline", tuple[StoryEntry, ...]) for subject in (*orders, *cases)}
    reasons = {case: query(case, "reasons", tuple[Statement, ...]) for case in cases}
    return Telling.of(story, played, timelines, reasons, stage.outbox.notices)
