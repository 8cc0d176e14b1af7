"""Crash at every step, for a few stories; `python -m windtunnel crash` does it for all."""

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.payments import REFUSED
from fastmotion.stories import PURCHASE, all_stories
from tests.windtunnel.calm import EVERY_ACTIVITY, calm
from windtunnel import crash
from windtunnel.contract import Answer, Call, Stuck, World
from windtunnel.crash import Accident, each_timer, rebuilt, told, twice
from windtunnel.stage import Stage


@pytest.mark.parametrize("name", all_stories())
async def test_every_instance_can_be_lost_after_every_activation(name: str) -> None:
    """A workflow rebuilt from what it had been told wants the same again, and the story goes as it went."""
    story = all_stories()[name]

    crashed = await rebuilt(story, await calm(name))

    assert () == crashed.differs
    assert crashed.times > 0


@pytest.mark.parametrize("name", EVERY_ACTIVITY)
async def test_every_activity_can_be_performed_twice(name: str) -> None:
    """Activities run at least once: a second time moves no money and tells nobody anything."""
    story = all_stories()[name]

    crashed = await twice(story, await calm(name))

    assert () == crashed.differs
    assert crashed.times > 0


@pytest.mark.parametrize("accident", [Accident.LATE, Accident.OUTAGE])
@pytest.mark.parametrize("name", ["silence", "never_shipped", "last_resort"])
async def test_every_timer_can_be_a_week_late(name: str, accident: Accident) -> None:
    """A clock that rings late does what it would have done: the money goes the same way."""
    story = all_stories()[name]

    crashed = await each_timer(story, await calm(name), accident)

    assert () == crashed.differs
    assert crashed.times > 0


class Refusing:
    """A world whose payment provider refuses every movement, for ever."""

    def __init__(self, world: World) -> None:
        self.world = world

    def perform(self, call: Call) -> Answer:
        """Refused, or as before."""
        if not call.name.startswith("payments."):
            return self.world.perform(call)
        return Answer(failure=ApplicationError("refused", "card_expired", type=REFUSED, non_retryable=True))


async def test_a_story_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that refuses for ever is tried for ever: that is said, instead of waiting for the end."""
    monkeypatch.setattr(crash, "ENDLESS", timedelta(days=100))

    def arrange(stage: Stage) -> None:
        stage.tunnel.world = Refusing(stage.tunnel.world)

    with pytest.raises(Stuck, match="silence: order-silence still open 100 days after the purchase"):
        await told(all_stories()["silence"], arrange)


async def test_a_seller_may_say_what_came_back_during_an_outage() -> None:
    """The delivery and the finding come in one task afterwards, in the order in which they were: nothing is refused."""
    story = all_stories()["another_item"]
    scanned, ruled = (PURCHASE + timedelta(days=days) for days in (7, 14))

    def arrange(stage: Stage) -> None:
        stage.tunnel.at(scanned, lambda: stage.tunnel.outage(ruled))

    outage = await told(story, arrange)

    assert () == outage.telling.played.surprises
    undisturbed = await calm(story.name)
    assert undisturbed.telling.played.outcome.decision.refund == outage.telling.played.outcome.decision.refund
