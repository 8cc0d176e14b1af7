"""Follow orders and their cases while they happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from domain.story import StoryEntry
from storefront.client import Redress, subject_of
from storefront.errors import NotAnswered

MOST: Final = 200
"""How many open orders are followed at once: each is asked in every round."""


async def events(redress: Redress, subjects: Sequence[str], *, every: float) -> AsyncIterator[tuple[str, StoryEntry]]:
    """What happens to these orders or cases, and to the cases they open, until all have ended.

    Without subjects: to all open orders, and those that start meanwhile, for ever.
    They are asked each `every` seconds; a round in which no worker answers is left out.
    """
    followed: dict[str, set[str]] = {subject_of(subject): set() for subject in subjects}
    ended: set[str] = set()
    while True:
        if not subjects:
            followed |= {row.subject: set() for row in await redress.list(limit=MOST) if row.subject not in followed}
        for subject in [name for name in followed if name not in ended]:
            # Asked before the story, so that nothing that happened before the end is missed.
            is_open = await redress.is_open(subject)
            try:
                story = await redress.timeline(subject)
            except NotAnswered:
                continue
            for entry in story:
                if (told := entry.model_dump_json()) not in followed[subject]:
                    followed[subject].add(told)
                    yield subject, entry
                if case := entry.facts.get("case"):
                    followed.setdefault(case, set())
            if not is_open:
                ended.add(subject)
        if subjects and ended == followed.keys():
            return
        await asyncio.sleep(every)
