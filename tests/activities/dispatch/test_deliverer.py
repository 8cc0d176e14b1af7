"""Each notice goes out once, whatever fails, and not when it has become moot."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from activities.dispatch.queue import LEASE
from activities.dispatch.records import Channel, State
from activities.ports import Refused, Unavailable
from domain.attempts import PAUSES
from domain.clock import Clock as PolicyClock
from domain.duties import DutyKind, Owed
from domain.moot import Moot
from tests.activities.dispatch.scene import DUE, MORNING, NIGHT, SHIP, Recorder, Scene, news, reminder


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """An empty store; mail is on."""
    return Scene(tmp_path)


# --- once ---


async def test_a_notice_goes_out_once(scene: Scene) -> None:
    """Posted twice, and looked for again and again, it is sent once under its key."""
    recorder = Recorder()
    scene.post(news("a"))
    scene.post(news("a"))

    for _ in range(3):
        await scene.deliverer(recorder).deliver_due()

    assert [("a", ("a",))] == recorder.sent
    assert (State.SENT, 1) == (scene.of("a").state, scene.of("a").attempts)


async def test_each_channel_has_its_own_stream(tmp_path: Path) -> None:
    """A webhook that fails keeps no mail back, and the other way round."""
    scene = Scene(tmp_path, Channel.MAIL, Channel.WEBHOOK)
    scene.post(news("a"))
    mail, webhook = Recorder(), Recorder(Unavailable("http_500"))
    deliverer = scene.deliverer(mail)
    deliverer._senders = {Channel.MAIL: mail, Channel.WEBHOOK: webhook}

    await deliverer.deliver_due()

    states = {found.channel: (found.state, found.reason) for found in scene.overview.of("a")}
    assert {Channel.MAIL: (State.SENT, ""), Channel.WEBHOOK: (State.WAITING, "http_500")} == states


async def test_racing_deliverers_share_the_work(scene: Scene) -> None:
    """Many deliverers at once send each notice exactly once."""
    recorder = Recorder()
    keys = [f"n-{number:03}" for number in range(60)]
    for key in keys:
        scene.post(news(key))
    deliverers = [scene.deliverer(recorder) for _ in range(6)]

    while any(await asyncio.gather(*(one.deliver_due() for one in deliverers))):
        pass

    assert sorted(keys) == sorted(key for key, _ in recorder.sent)


async def test_what_is_leased_is_left_alone(scene: Scene) -> None:
    """While one deliverer has a notice, no other one gets it; when the lease has run out, one does."""
    scene.post(news("a"))
    recorder = Recorder()
    (held,) = scene.queue.claim(Channel.MAIL, scene.clock.now, 9)

    assert 0 == await scene.deliverer(recorder).deliver_due()
    scene.clock.advance(seconds=LEASE.total_seconds())
    assert 1 == await scene.deliverer(recorder).deliver_due()

    assert [("a", ("a",))] == recorder.sent
    assert scene.queue.begin(held, ["a"], scene.clock.now) is None
    scene.queue.failed(held, ["a"], "late", scene.clock.now, None)
    assert State.SENT is scene.of("a").state


async def test_a_crash_between_sending_and_writing_repeats_the_id(scene: Scene) -> None:
    """What was sent when the worker died is sent again under the same id, by which its receiver can tell."""
    scene.post(news("a"))
    recorder = Recorder()
    send_and_die(recorder, scene)

    scene.clock.advance(seconds=LEASE.total_seconds())
    await scene.deliverer(recorder).deliver_due()

    assert [("a", ("a",)), ("a", ("a",))] == recorder.sent
    assert (State.SENT, 2) == (scene.of("a").state, scene.of("a").attempts)


def send_and_die(recorder: Recorder, scene: Scene) -> int:
    """A worker that sends one message that is due, and is gone before it has written that down; how many it sent."""
    bundles = scene.queue.claim(scene.channels[0], scene.clock.now, 1)
    for bundle in bundles:
        keys = [item.notice.key for item in bundle.items]
        if message_id := scene.queue.begin(bundle, keys, scene.clock.now):
            recorder.sent.append((message_id, tuple(keys)))
    return len(bundles)


# --- faults ---


async def test_a_fault_is_tried_again_after_growing_pauses(scene: Scene) -> None:
    """Each failure is written down; the next attempt is due after its pause and not before."""
    scene.post(news("a"))
    recorder = Recorder(*(Unavailable("smtp_451") for _ in range(3)))

    for pause in PAUSES[:3]:
        await scene.deliverer(recorder).deliver_due()
        assert (State.WAITING, "smtp_451") == (scene.of("a").state, scene.of("a").reason)
        scene.clock.advance(seconds=pause.total_seconds() - 1)
        assert 0 == await scene.deliverer(recorder).deliver_due()
        scene.clock.advance(seconds=1)
    await scene.deliverer(recorder).deliver_due()

    assert [("a", ("a",))] == recorder.sent
    assert (State.SENT, "", 4) == (scene.of("a").state, scene.of("a").reason, scene.of("a").attempts)


async def test_the_pause_that_is_asked_for_is_kept(scene: Scene) -> None:
    """A receiver that names a longer pause gets it."""
    scene.post(news("a"))

    await scene.deliverer(Recorder(Unavailable("http_429", retry_after=900))).deliver_due()

    assert MORNING + timedelta(minutes=15) == scene.of("a").next_attempt


async def test_what_fails_for_days_is_given_up_and_seen(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """After the last attempt it is a dead letter: listed, logged, and never tried by itself."""
    scene.post(news("a"))
    recorder = Recorder(*(Unavailable("connection") for _ in range(20)))

    for pause in (*PAUSES, timedelta(days=9)):
        await scene.deliverer(recorder).deliver_due()
        scene.clock.advance(seconds=pause.total_seconds())
    await scene.deliverer(recorder).deliver_due()

    assert len(PAUSES) + 1 == recorder.tries
    assert [("a", "connection")] == [(dead.key, dead.reason) for dead in scene.overview.listed(State.DEAD)]
    assert "notice given up (connection)" in caplog.text


async def test_a_refusal_is_final_at_once(scene: Scene) -> None:
    """What the other side refuses for good is not asked again."""
    scene.post(news("a"))

    await scene.deliverer(Recorder(Refused("smtp_550", "Ada is not here"))).deliver_due()

    assert (State.DEAD, "smtp_550", 1) == (scene.of("a").state, scene.of("a").reason, scene.of("a").attempts)


async def test_a_dead_letter_can_be_sent_again(scene: Scene) -> None:
    """A person lets it begin anew; only dead letters do, and the id stays."""
    scene.post(news("a"))
    scene.post(news("b"))
    recorder = Recorder(Refused("smtp_550", ""))
    await scene.deliverer(recorder).deliver_due()

    assert ("a",) == scene.overview.resend(["a", "b", "c"], scene.clock.now)
    await scene.deliverer(recorder).deliver_due()

    assert ["a", "b"] == sorted(key for key, _ in recorder.sent)
    assert () == scene.overview.resend(None, scene.clock.now)


async def test_a_notice_that_breaks_its_sender_keeps_nobody_back(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """A defect in one message is kept for another try, and its text, which may be personal, is not logged."""
    scene.post(news("a"))
    scene.post(news("b", party_id="s-2"))
    recorder = Recorder(RuntimeError("ada@example.org"))

    await scene.deliverer(recorder).deliver_due()

    assert 1 == len(recorder.sent)
    assert ["error_RuntimeError"] == [found.reason for found in scene.overview.listed(State.WAITING)]
    assert "ada@" not in caplog.text


async def test_a_store_that_is_away_ends_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deliverer outlives its database, and a stop ends it at once."""
    caught = asyncio.Event()
    logger = logging.getLogger("redress.notices")
    monkeypatch.setattr(logger, "warning", lambda *_, **__: caught.set())
    with scene.store.begin() as connection:
        connection.execute(text("ALTER TABLE dispatches RENAME TO gone"))

    async with scene.deliverer(Recorder()).delivering(5):
        await asyncio.wait_for(caught.wait(), 10)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_is_lost_and_nothing_doubled(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever fails, dies or races: in the end each notice was taken, or is dead where all can see it.

    Repetitions, after deaths between sending and writing, have the id of the first.
    """
    scene = Scene(tmp_path_factory.mktemp("store"))
    keys = [f"n-{number}" for number in range(data.draw(st.integers(1, 4)))]
    for key in keys:
        scene.post(news(key, party_id=data.draw(st.sampled_from(["s-1", "s-2"]))))
    failures: list[Exception] = [Unavailable("smtp_451"), Unavailable("connection"), Refused("smtp_550", "")]
    faults = st.none() | st.sampled_from(failures)
    recorder = Recorder(*data.draw(st.lists(faults, max_size=12)))
    deaths = data.draw(st.lists(st.booleans(), max_size=6))
    died_after = 0

    for _ in range(20):
        if deaths and deaths.pop():
            died_after += send_and_die(recorder, scene)
        asyncio.run(scene.deliverer(recorder).deliver_due())
        scene.clock.advance(days=1)

    states = {key: scene.overview.of(key)[0].state for key in keys}
    taken = [key for _, sent in recorder.sent for key in sent]
    assert set(states.values()) <= {State.SENT, State.DEAD}
    assert {key for key, state in states.items() if state is State.SENT} <= set(taken) <= set(keys)
    assert len(taken) - len(set(taken)) <= died_after
    assert {(key, (key,)) for key in taken} == set(recorder.sent)


# --- held, together, moot ---


async def test_a_notice_waits_for_the_morning(scene: Scene) -> None:
    """Held in the quiet hours, which is no attempt, and sent at their end."""
    recorder = Recorder()
    scene.clock.now = MORNING.replace(hour=23)
    scene.post(news("a"), manner=NIGHT)

    await scene.deliverer(recorder).deliver_due()
    assert (State.HELD, 0) == (scene.of("a").state, scene.of("a").attempts)
    assert [] == recorder.sent

    scene.clock.now = MORNING.replace(day=3, hour=8)
    await scene.deliverer(recorder).deliver_due()
    assert [("a", ("a",))] == recorder.sent


async def test_a_repetition_keeps_the_quiet_hours_too(scene: Scene) -> None:
    """An attempt that failed in the evening is not repeated at night."""
    recorder = Recorder(Unavailable("connection"))
    scene.clock.now = MORNING.replace(hour=20, minute=59, second=50)
    scene.post(news("a"), manner=NIGHT)
    await scene.deliverer(recorder).deliver_due()

    scene.clock.advance(seconds=30)
    await scene.deliverer(recorder).deliver_due()

    assert (State.HELD, MORNING.replace(day=3, hour=8)) == (scene.of("a").state, scene.of("a").next_attempt)


async def test_a_webhook_knows_no_night(tmp_path: Path) -> None:
    """Machines are told at once, and each notice alone."""
    scene = Scene(tmp_path, Channel.WEBHOOK)
    recorder = Recorder()
    scene.clock.now = MORNING.replace(hour=23)
    scene.post(news("a"), reminder("b"), reminder("c", action="answer_case"), manner=NIGHT)

    await scene.deliverer(recorder).deliver_due()

    assert ["a", "b", "c"] == sorted(key for key, _ in recorder.sent)


async def test_reminders_of_a_day_are_one_mail(scene: Scene) -> None:
    """What waits for the digest comes with it in one message to each reader; news does not wait."""
    recorder = Recorder()
    scene.post(reminder("a"), news("n"), manner=NIGHT)
    scene.post(reminder("b", subject="order-A-2"), manner=NIGHT)
    scene.post(reminder("c", subject="order-A-3").model_copy(update={"party_id": "s-2"}), manner=NIGHT)

    await scene.deliverer(recorder).deliver_due()
    assert [("n", ("n",))] == recorder.sent

    scene.clock.now = MORNING.replace(day=3, hour=9)
    await scene.deliverer(recorder).deliver_due()
    assert [("c", ("c",)), ("digest-a", ("a", "b"))] == sorted(recorder.sent[1:])
    assert ("digest-a", State.SENT) == (scene.of("b").bundle, scene.of("b").state)


async def test_a_digest_that_failed_is_the_same_when_repeated(scene: Scene) -> None:
    """What is in it was fixed by its first attempt: a reminder that comes later goes by itself."""
    recorder = Recorder(Unavailable("connection"))
    scene.post(reminder("a"), manner=NIGHT)
    scene.post(reminder("b", subject="order-A-2"), manner=NIGHT)
    scene.clock.now = MORNING.replace(day=3, hour=9)
    await scene.deliverer(recorder).deliver_due()

    scene.post(reminder("c", subject="order-A-3"), manner=NIGHT)
    scene.clock.advance(seconds=PAUSES[0].total_seconds())
    await scene.deliverer(recorder).deliver_due()

    assert [("c", ("c",)), ("digest-a", ("a", "b"))] == sorted(recorder.sent)


async def test_a_reminder_of_what_is_done_is_not_sent(scene: Scene) -> None:
    """Shipped while the reminder waited for its digest: it is moot, which is no attempt and no failure."""
    recorder = Recorder()
    scene.post(reminder("a"), manner=NIGHT, owed=[SHIP])
    await scene.deliverer(recorder).deliver_due()
    scene.post(news("b"), manner=NIGHT, owed=[])

    scene.clock.now = MORNING.replace(day=3, hour=9)
    await scene.deliverer(recorder).deliver_due()

    assert [("b", ("b",))] == recorder.sent
    assert (State.MOOT, Moot.DONE, 0) == (scene.of("a").state, scene.of("a").reason, scene.of("a").attempts)


async def test_an_old_posting_does_not_undo_a_new_one(scene: Scene) -> None:
    """Postings may arrive in any order; what is owed is what the newest says."""
    scene.post(news("a"), owed=[SHIP])
    scene.post(news("b"), owed=[])
    scene.posted = 0
    scene.post(news("a"), owed=[SHIP])

    assert () == scene.queue.standing("order-A-1")


async def test_of_two_reminders_that_wait_the_newer_is_sent(scene: Scene) -> None:
    """After an outage of the mail server nobody gets the reminders of three days at once."""
    recorder = Recorder(Unavailable("connection"))
    scene.post(reminder("a"), owed=[SHIP])
    await scene.deliverer(recorder).deliver_due()
    scene.clock.advance(days=1)
    scene.post(reminder("b", at=scene.clock.now), owed=[SHIP])

    await scene.deliverer(recorder).deliver_due()

    assert [("b", ("b",))] == recorder.sent
    assert Moot.REPEATED == scene.of("a").reason


async def test_a_reminder_is_not_sent_after_its_date(scene: Scene) -> None:
    """When the mail server is back too late, there is nothing left to remind of."""
    recorder = Recorder(Unavailable("connection"))
    scene.post(reminder("a"), owed=[SHIP])
    await scene.deliverer(recorder).deliver_due()

    scene.clock.now = DUE
    await scene.deliverer(recorder).deliver_due()

    assert [] == recorder.sent
    assert Moot.PASSED == scene.of("a").reason


async def test_in_fast_motion_a_night_is_short(scene: Scene) -> None:
    """Quiet hours and deadlines are policy time; the instant of the next attempt is real time."""
    evening = MORNING.replace(hour=22)
    clock = PolicyClock(real_anchor=MORNING, policy_anchor=evening, speed=3600)
    scene.post(news("a", at=evening), manner=NIGHT.model_copy(update={"clock": clock}))

    await scene.deliverer(Recorder()).deliver_due()

    assert (State.HELD, MORNING + timedelta(seconds=10)) == (scene.of("a").state, scene.of("a").next_attempt)


async def test_orders_of_before_are_told_at_once(scene: Scene) -> None:
    """A policy without courtesy, as old orders have it, holds nothing back."""
    recorder = Recorder()
    scene.clock.now = MORNING.replace(hour=23)
    scene.post(reminder("a"), owed=[SHIP, Owed(kind=DutyKind.REPORT)])

    await scene.deliverer(recorder).deliver_due()

    assert [("a", ("a",))] == recorder.sent
