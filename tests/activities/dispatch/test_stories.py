"""Whole stories, told by the real workflows, and then delivered: what they say of their notices is right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from activities.dispatch.deliverer import Deliverer
from activities.dispatch.overview import Overview
from activities.dispatch.queue import SqlDispatches
from activities.dispatch.records import Channel, State
from domain.moot import asked
from domain.story import Notice
from fastmotion.stories import all_stories
from tests.activities.dispatch.scene import Recorder
from windtunnel.stage import Stage
from windtunnel.telling import tell_on


class Reader(Recorder):
    """Keeps the notices themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[Notice] = []

    async def send(self, message_id: str, notices: Sequence[Notice]) -> None:
        """Take everything."""
        await super().send(message_id, notices)
        self.read += notices


class Told:
    """A story with delivery on, and a deliverer of its notices."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        self.stage.outbox._channels = (Channel.MAIL,)
        self.stage.outbox._now = lambda: self.stage.tunnel.now
        self.queue = SqlDispatches(self.stage.outbox._engine)
        self.overview = Overview(self.stage.outbox._engine)
        self.reader = Reader()
        self.deliverer = Deliverer(self.queue, {Channel.MAIL: self.reader}, now=lambda: self.stage.tunnel.now)

    async def deliver_all(self) -> None:
        """Until nothing is due."""
        while await self.deliverer.deliver_due():
            pass


@pytest.fixture
async def told(tmp_path: Path) -> Told:
    """Nothing told yet."""
    return Told(tmp_path)


@pytest.mark.parametrize("name", ["silence", "li", "return_never_sent", "never_shipped", "storm", "second_case"])
async def test_after_the_end_only_news_is_sent(told: Told, name: str) -> None:
    """Delivered when all is over: everything that happened is told, and nobody is asked for anything any more."""
    with told.stage.tunnel as tunnel:
        await tell_on(told.stage, all_stories()[name])
        for _ in range(2):  # if the first time is at night, the second is not
            tunnel.now += timedelta(hours=12)
            await told.deliver_all()

    dispatches = told.overview.listed()
    sent = {found.key for found in dispatches if found.state is State.SENT}
    assert sent == {notice.key for notice in told.reader.read}
    assert {State.MOOT} >= {found.state for found in dispatches if found.key not in sent}
    assert [] == [notice.kind for notice in told.reader.read if asked(notice)]
    assert {()} == {told.queue.standing(found.subject) for found in dispatches}


async def test_in_time_every_reminder_is_sent(told: Told) -> None:
    """Delivered while it is told, each reminder that nobody heeds reaches its reader before its date, and by day."""
    story, stage = all_stories()["never_shipped"], told.stage
    with stage.tunnel as tunnel:
        await stage.begin(story.draft("never"), {})
        while tunnel.running:
            tunnel.run(tunnel.now + timedelta(hours=1))
            await told.deliver_all()

    read = [(notice.kind, notice.to.value) for notice in told.reader.read]
    expected = [(kind, role) for role, kinds in story.ends.notices.items() for kind in kinds]
    assert sorted(expected) == sorted(read)
    assert {State.SENT} == {found.state for found in told.overview.listed()}
