"""Stories as tests need them: told, and with what only tests ask for."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import WorkflowHistory

from fastmotion import telling
from fastmotion.stories import Story
from fastmotion.telling import Telling
from fastmotion.virtual_world import VirtualWorld, a_test_server


@dataclass(frozen=True)
class Recording:
    """A story as it was told, the histories of its workflows, and the keys that moved money more than once."""

    telling: Telling
    histories: dict[str, WorkflowHistory]
    duplicates: dict[str, int]


async def record(story: Story) -> Recording:
    """Tell a story in a world of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_test_server() as environment:
            world = VirtualWorld(environment, Path(folder))
            async with world.at_work():
                told = await telling.tell(story, world)
                handles = {subject: world.client.get_workflow_handle(subject) for subject in told.timelines}
                histories = {subject: await handle.fetch_history() for subject, handle in handles.items()}
                return Recording(told, histories, world.payments.duplicates())
