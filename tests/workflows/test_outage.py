"""After an outage, a message counts by when it was sent, not by when somebody was there to read it.

The workers go down before a deadline and come back after it. Meanwhile the timer of the deadline has fired and the
message has come, so that both are in the first task; and no workflow is kept in memory, so that it is rebuilt first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from domain.duties import DutyKind
from domain.messages import Answer, Finding, Reply, Verdict
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import Remedy
from tests.play import Play, a_statement, begin, scan
from tests.workflows.scenes import photos
from tests.world import BEGINNING, TunnelWorld, la, ny

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

Say = Callable[[Play, datetime], Awaitable[Reply | None]]


@pytest.fixture
def world(world: TunnelWorld) -> TunnelWorld:
    """A world that keeps no workflow in memory."""
    world.tunnel.crashes = True
    return world


async def _said_in_an_outage(
    world: TunnelWorld, play: Play, deadline: datetime, say: Say, sent: datetime
) -> Reply | None:
    """Say something with `sent` as its instant, while no worker is there from an hour before a deadline until after."""
    await world.at(deadline - HOUR)
    world.outage(deadline + 10 * MINUTE)
    await world.at(deadline + 5 * MINUTE)
    reply = await say(play, sent)
    await world.at(deadline + 10 * MINUTE)
    return reply


async def _arrives(play: Play, *, at: datetime) -> None:
    await play.world.at(at + 30 * MINUTE)
    await play.delivered(at)


async def _complains(play: Play, sent: datetime) -> None:
    await play.complains_by_signal("counterfeit", at=sent)


@pytest.mark.parametrize(("sent", "in_time"), [(-MINUTE, True), (MINUTE, False)], ids=["in time", "late"])
class TestSentInAnOutage:
    """Sent a minute before the deadline counts, a minute after does not; both arrive later than that."""

    async def test_complaint_against_release(self, world: TunnelWorld, sent: timedelta, in_time: bool) -> None:
        """A complaint in time stops the release; a late one is refused with the day on which the door closed."""
        closes = ny(11, 6, 11)
        play = await begin(world)
        await _arrives(play, at=ny(11, 3, 11))
        await _said_in_an_outage(world, play, closes, _complains, closes + sent)
        if in_time:
            await play.answers(accept=True)
        outcome = await play.ends()

        assert ("case" if in_time else "window_closed") == outcome.decision.ending
        assert (0 if in_time else 1) == outcome.rejected

    async def test_acceptance_against_release(self, world: TunnelWorld, sent: timedelta, in_time: bool) -> None:
        """An acceptance in time ends the order as accepted; a late one finds the window closed."""
        closes = ny(11, 6, 11)
        play = await begin(world)
        await _arrives(play, at=ny(11, 3, 11))
        await _said_in_an_outage(world, play, closes, Play.accepts, closes + sent)
        outcome = await play.ends()

        assert ("accepted" if in_time else "window_closed") == outcome.decision.ending

    async def test_scan_against_the_last_day_to_ship(self, world: TunnelWorld, sent: timedelta, in_time: bool) -> None:
        """A scan before the last day's end saves the order, whenever it becomes known; one after it does not."""
        last_day = la(11, 19, 10)
        play = await begin(world)
        await _said_in_an_outage(world, play, last_day, lambda play, at: play.scanned(scan(at)), last_day + sent)
        if in_time:
            await play.scanned(scan(last_day + HOUR, TrackingStatus.DELIVERED))
        outcome = await play.ends()

        assert ("window_closed" if in_time else "not_shipped") == outcome.decision.ending

    async def test_answer_to_a_case(self, world: TunnelWorld, sent: timedelta, in_time: bool) -> None:
        """A seller who contested in time is heard; one who contested late has been silent, which refunds."""
        play = await begin(world, estimate=ny(11, 2, 11))
        await world.at(ny(11, 3, 11, 30))
        await play.scanned(scan(ny(11, 3, 9)))
        opened = ny(11, 3, 11, 10)
        await play.complains("late", at=opened)
        due = opened + 72 * HOUR
        reply = await _said_in_an_outage(
            world, play, due, lambda play, at: play.answers(accept=False, at=at), due + sent
        )
        outcome = await play.ends()

        assert (Verdict.ACCEPTED if in_time else Verdict.REFUSED) == (reply and reply.verdict)
        rule = "support.last_resort" if in_time else "reasons.late.reply"
        assert f"resale-v1/{rule}" == outcome.decision.rule

    async def test_refusal_of_a_cancellation(self, world: TunnelWorld, sent: timedelta, in_time: bool) -> None:
        """A seller who refused in time keeps the order; late, their silence has granted the cancellation."""
        play = await begin(world)
        await world.at(BEGINNING + 4 * HOUR)
        asked = await play.cancels(Role.BUYER, at=BEGINNING + 4 * HOUR)
        due = BEGINNING + 28 * HOUR
        reply = await _said_in_an_outage(
            world, play, due, lambda play, at: play.cancels(Role.SELLER, Answer.REFUSE, at=at), due + sent
        )
        outcome = await play.ends()

        assert due == asked.instant
        assert (Verdict.ACCEPTED if in_time else Verdict.REFUSED) == (reply and reply.verdict)
        assert ("not_shipped" if in_time else "cancelled_by_buyer") == outcome.decision.ending

    async def test_cancelling_in_the_grace_period(self, world: TunnelWorld, sent: timedelta, in_time: bool) -> None:
        """A buyer who cancelled in the grace period has cancelled; later, the seller is asked."""
        ends = BEGINNING + 3 * HOUR
        play = await begin(world)
        reply = await _said_in_an_outage(
            world, play, ends, lambda play, at: play.cancels(Role.BUYER, at=at), ends + sent
        )

        assert (Verdict.ACCEPTED if in_time else Verdict.ASKED) == (reply and reply.verdict)


async def test_time_that_was_left_is_left(world: TunnelWorld) -> None:
    """A case stops the clock when the complaint was sent: what was left of the window then is left after it."""
    closes = ny(11, 6, 11)
    play = await begin(world)
    await _arrives(play, at=ny(11, 3, 11))
    await _said_in_an_outage(world, play, closes, _complains, closes - 30 * MINUTE)
    await play.withdraws()
    withdrawn = await world.now()
    outcome = await play.ends()

    assert "window_closed" == outcome.decision.ending
    assert withdrawn + 30 * MINUTE == outcome.decision.at


async def test_silence_decides_for_nobody_who_was_not_asked(world: TunnelWorld) -> None:
    """After an outage longer than the seller's time to answer, that time counts from when they could be told."""
    play = await begin(world, estimate=ny(11, 2, 11))
    await play.scanned(scan(BEGINNING + HOUR))
    await world.at(ny(11, 2, 12))
    back = ny(11, 6, 12)
    world.outage(back)
    await play.complains_by_signal("late")
    outcome = await play.ends()

    assert "resale-v1/reasons.late.reply" == outcome.decision.rule
    assert back + 72 * HOUR == outcome.decision.at


async def test_reminders_that_were_missed_are_sent_as_one(world: TunnelWorld) -> None:
    """Of several reminders that have come due in an outage one is sent; the ladder goes on from there."""
    play = await begin(world)
    await world.at(BEGINNING + 30 * HOUR)
    world.outage(la(11, 2, 12))
    outcome = await play.ends()

    # On 31 October, 1 and 2 November as one, then 4, 16 and 18 November.
    assert ("not_shipped", 4) == (outcome.decision.ending, outcome.reminders)


async def _ruled_against_the_buyer(world: TunnelWorld) -> tuple[Play, datetime]:
    """A fake that an agent has taken for genuine, and until when the buyer may appeal."""
    play = await begin(world)
    await _arrives(play, at=ny(11, 3, 11))
    await play.complains("counterfeit", evidence=photos(world))
    await play.answers(accept=False)
    await play.ruled(Remedy.RELEASE)
    await world.at(await world.now() + 2 * HOUR)
    due = (await play.case_duties())[DutyKind.BUYER_MAY_APPEAL].due
    assert due
    return play, due


@pytest.mark.parametrize(("sent", "in_time"), [(-MINUTE, True), (MINUTE, False)], ids=["in time", "late"])
async def test_appeal_against_finality(world: TunnelWorld, sent: timedelta, in_time: bool) -> None:
    """An appeal that was sent in time is heard although nobody was there to read it; a late one finds it all final."""
    play, due = await _ruled_against_the_buyer(world)
    reply = await _said_in_an_outage(
        world,
        play,
        due,
        lambda play, at: play.appeals(Role.BUYER, a_statement("a fake, says the maker"), at=at),
        due + sent,
    )
    if in_time:
        await play.ruled(Remedy.RELEASE, agent="lee")
    outcome = await play.ends()

    assert (Verdict.ACCEPTED if in_time else Verdict.REFUSED) == (reply and reply.verdict)
    assert ("lee" if in_time else "kim") == outcome.cases[0].agent


@pytest.mark.parametrize(("sent", "in_time"), [(-MINUTE, True), (MINUTE, False)], ids=["in time", "late"])
async def test_inspection_against_silence(world: TunnelWorld, sent: timedelta, in_time: bool) -> None:
    """A seller who has said in time what came back is heard; late, they have been silent, which refunds as well."""
    due = ny(11, 8, 12)
    play = await begin(world)
    await _arrives(play, at=ny(11, 3, 11))
    await play.complains("damaged")
    await play.answers(accept=True)
    await world.at(ny(11, 6, 12, 30))
    await play.came_back(ny(11, 6, 12))
    reply = await _said_in_an_outage(
        world, play, due, lambda play, at: play.inspects(Finding.AS_SENT, at=at), due + sent
    )
    told = await play.case_told()

    assert (Verdict.ACCEPTED if in_time else Verdict.REFUSED) == (reply and reply.verdict)
    assert {"refunds": [12_900]} == play.paid()
    assert ("refused" in told) != in_time


async def test_money_of_a_ruling_moves_once_after_an_outage(world: TunnelWorld) -> None:
    """The undo window ends while nobody is there: once somebody is, the money moves, once."""
    play = await begin(world)
    await _arrives(play, at=ny(11, 3, 11))
    await play.complains("counterfeit", evidence=photos(world))
    await play.answers(accept=False)
    await play.ruled(Remedy.REFUND_AND_KEEP)
    back = await world.now() + 2 * HOUR
    world.outage(back)
    await world.at(back - MINUTE)
    before = play.paid()
    await world.at(back)
    status = await play.case_status()

    assert {} == before
    assert {"refunds": [12_900]} == play.paid()
    assert "settled" == status.state
