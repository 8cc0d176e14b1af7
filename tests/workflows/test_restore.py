"""Docket, journal and parcel watch go on in another run where they stopped; a return tells its own story."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from temporalio import workflow

from domain import clocks
from domain.carriage import Carriage, WatchState
from domain.clock import REAL_TIME
from domain.courtesy import Manner
from domain.docket_state import DocketState
from domain.duties import Duty, DutyKind, Silence
from domain.messages import Disruption
from domain.parcel import Parcel, TrackingStatus
from domain.parties import Role
from domain.story import JournalState
from tests.play import scan
from tests.world import BEGINNING, BUYER, SELLER, SHIPMENT, an_order, ny
from workflows.docket import Docket
from workflows.journal import Journal
from workflows.parcel_watch import ParcelWatch
from workflows.transit import Transit

ORDER = an_order(BEGINNING)
BACK = Carriage(
    subject="case-A-1-1",
    order_id=ORDER.order_id,
    policy=ORDER.policy,
    sender=BUYER,
    receiver=SELLER,
    begun_at=ny(11, 9, 12),
    shipment=SHIPMENT,
    receiver_role=Role.SELLER,
)
NOW = ny(11, 12, 12)
DAY = timedelta(days=1)
STORM = Disruption(disruption_id="storm", clocks=("find",), since=ny(11, 11), until=ny(11, 13))

At = Callable[[datetime], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Sets what time it is for workflow code, which runs here without a workflow."""

    def set_to(now: datetime) -> None:
        monkeypatch.setattr(workflow, "now", lambda: now)

    set_to(NOW)
    return set_to


def a_docket() -> Docket:
    """A docket that reminds nobody and lets disruptions last ten days."""
    return Docket(
        REAL_TIME, remind=lambda _: None, before_waiting=lambda: None, longest_disruption=lambda _: timedelta(days=10)
    )


def a_journal() -> Journal:
    """The journal of a case."""
    parties = {Role.BUYER: BUYER, Role.SELLER: SELLER}
    return Journal("case-A-1-1", parties, limit=100, now=lambda: NOW, noted=lambda: None, owed=tuple, manner=Manner())


def a_transit(docket: Docket, journal: Journal, *, lost: Callable[[Duty], None], state: WatchState) -> Transit:
    """The way back of a parcel."""
    return Transit(BACK, docket, journal, lost=lost, prefix="return_", state=state)


def never(duty: Duty) -> None:
    """No parcel gets lost in this test."""
    pytest.fail(f"lost: {duty.kind}")


def test_a_restored_docket_goes_on_as_the_first_would_have(at: At) -> None:
    """Duties, pauses and disruptions act on as before: on what is open, on what opens later, and when they end."""
    first, second = a_docket(), a_docket()
    first.open(*clocks.in_transit(BACK, ny(11, 10, 12)))
    first.pause("case-A-1-1", (DutyKind.FIND, DutyKind.COLLECT), since=ny(11, 12))
    first.disrupt(STORM)

    second.restore(DocketState.model_validate_json(first.snapshot().model_dump_json()))
    for docket in (first, second):
        at(NOW + DAY)
        docket.open(clocks.collect(BACK, NOW + DAY))
        at(NOW + 2 * DAY)
        docket.resume("case-A-1-1")
        docket.disrupt(STORM.model_copy(update={"revoked": True}))

    assert first.receipt("case", "returning") == second.receipt("case", "returning")
    assert first.snapshot() == second.snapshot()


def test_pauses_name_their_causes_and_end_once(at: At) -> None:
    """What stops clocks is known by its cause; resuming what is not stopped changes nothing."""
    docket = a_docket()
    docket.open(clocks.collect(BACK, NOW))
    before = docket.snapshot()

    docket.resume("never paused")
    docket.pause("chargeback cb-1", (DutyKind.FIND,), since=NOW)

    assert before.duties == docket.snapshot().duties
    assert ["chargeback cb-1"] == list(docket.pauses)
    docket.resume("chargeback cb-1")
    assert [] == list(docket.pauses)


def test_a_restored_journal_never_uses_a_key_again() -> None:
    """Counting goes on, and what was noted but not posted is still to be posted: nobody is told twice or never."""
    first, second = a_journal(), a_journal()
    first.note("return_late", Role.BUYER, due=NOW)

    second.restore(JournalState.model_validate_json(first.snapshot().model_dump_json()))
    second.note("return_late", Role.BUYER, due=NOW)

    keys = [notice.key for notice in second.snapshot().unsent]
    assert ["case-A-1-1-return_late-buyer-1", "case-A-1-1-return_late-buyer-2"] == keys
    assert ["return_late", "return_late"] == [entry.what for entry in second.story]


async def test_a_restored_watch_begins_a_look_up_that_was_cut_off(at: At) -> None:
    """News that nobody has acted on stays unread, and a look-up that was under way is due at once."""
    docket, successor = a_docket(), a_docket()
    watch = ParcelWatch(BACK, docket, a_journal())
    watch.pushed((scan(ny(11, 12, 9)),), None)
    docket.close(DutyKind.LOOK_UP)
    watch.look_up()

    state = WatchState.model_validate_json(watch.snapshot().model_dump_json())
    watch.stop()
    restored = ParcelWatch(BACK, successor, a_journal(), state)

    assert NOW == successor.duties[DutyKind.LOOK_UP].due
    assert restored.unread
    assert watch.parcel == restored.parcel
    assert watch.read() == restored.read()


def test_a_restored_watch_leaves_the_next_look_up_to_the_docket(at: At) -> None:
    """A look-up that is due later is a duty like others and keeps its instant."""
    docket = a_docket()
    watch = ParcelWatch(BACK, docket, a_journal())
    before = docket.snapshot()

    ParcelWatch(BACK, docket, a_journal(), watch.snapshot())

    assert before == docket.snapshot()


def test_a_return_is_followed_in_words_of_its_own(at: At) -> None:
    """The way back opens the duties of any parcel; its events have their own codes, and the seller collects."""
    docket, journal = a_docket(), a_journal()
    transit = a_transit(docket, journal, lost=never, state=WatchState(parcel=Parcel(shipment=SHIPMENT)))
    transit.watch.pushed((scan(ny(11, 10, 9)), scan(ny(11, 12, 9), TrackingStatus.ATTEMPT_FAILED)), None)

    transit.begin()
    transit.follow()

    assert {DutyKind.DELIVER, DutyKind.MOVE, DutyKind.FIND, DutyKind.COLLECT, DutyKind.LOOK_UP} == set(docket.duties)
    assert Role.SELLER is docket.duties[DutyKind.COLLECT].owner
    told = [(notice.kind, notice.to) for notice in journal.snapshot().unsent]
    scanned = [("return_scanned", Role.BUYER), ("return_scanned", Role.SELLER)]
    assert [*scanned, ("return_attempt_failed", Role.SELLER)] == told
    transit.end()
    assert {} == docket.duties


async def test_a_return_that_stays_silent_is_late_and_then_lost(at: At) -> None:
    """Silence of the carrier is told, and handed to whoever decides what a loss means; other silence is not ours."""
    docket, journal = a_docket(), a_journal()
    lost: list[Duty] = []
    transit = a_transit(docket, journal, lost=lost.append, state=WatchState(parcel=Parcel()))
    find = clocks.in_transit(BACK, ny(11, 10, 12))[1]

    handled = [
        await transit.on_silence(clocks.collect(BACK, NOW).model_copy(update={"on_silence": silence}))
        for silence in (Silence.TELL_LATE, Silence.EXPECT_RETURN, Silence.RELEASE)
    ]
    handled.append(await transit.on_silence(find))

    assert [True, True, False, True] == handled
    assert [find] == lost
    assert ["return_late", "return_not_collected", "return_lost"] == [entry.what for entry in journal.story]
    assert "platform" == journal.story[-1].facts["borne_by"]
