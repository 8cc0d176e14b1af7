"""A parcel goes out to the buyer or back to the seller under the same rules, each counted where its receiver lives."""

from __future__ import annotations

from datetime import timedelta

from domain import clocks
from domain.carriage import Carriage, WatchState
from domain.docket_state import DocketState, Pause
from domain.duties import DutyKind, Shift
from domain.messages import Disruption
from domain.parcel import Parcel, TrackingStatus
from domain.parties import Role
from domain.story import JournalState, Notice, StoryEntry, Told
from tests.play import scan
from tests.world import BEGINNING, BUYER, SELLER, SHIPMENT, an_order, la, ny

ORDER = an_order(BEGINNING, estimate=ny(11, 5, 18), shipment=SHIPMENT)
BACK = Carriage(
    subject="case-A-1-1",
    order_id=ORDER.order_id,
    policy=ORDER.policy,
    sender=BUYER,
    receiver=SELLER,
    begun_at=ny(11, 9, 12),
    receiver_role=Role.SELLER,
)
SCANNED = Parcel().hearing([scan(ny(11, 10, 12))])[0]


def test_an_order_carries_its_parcel_from_seller_to_buyer() -> None:
    """The journey out begins with the purchase, goes by the order's name and holds the order's own policy object."""
    out = ORDER.carriage

    assert ("A-1", SELLER, BUYER, BEGINNING) == (out.subject, out.sender, out.receiver, out.begun_at)
    assert (SHIPMENT, ny(11, 5, 18), Role.BUYER) == (out.shipment, out.estimate, out.receiver_role)
    assert out.policy is ORDER.policy


def test_whoever_receives_the_parcel_collects_it() -> None:
    """A parcel that could not be handed over waits for the buyer on its way out, for the seller on its way back."""
    owners = [clocks.collect(carriage, ny(11, 10, 12)).owner for carriage in (ORDER.carriage, BACK)]

    assert [Role.BUYER, Role.SELLER] == owners


def test_the_way_back_counts_on_the_calendars_turned_round() -> None:
    """Delivery counts where the receiver lives, bringing back where the sender lives, also when they change places."""
    same_place = BACK.model_copy(update={"sender": SELLER, "receiver": BUYER})
    at = la(11, 10, 12)

    assert clocks.collect(BACK, at).calendar.count("Los_Angeles") == 1
    assert clocks.bring_back(BACK, at).calendar.count("New_York") == 1
    assert clocks.collect(same_place, at).calendar.count("New_York") == 1
    assert clocks.bring_back(same_place, at).calendar.count("Los_Angeles") == 1


def test_a_return_without_a_promise_is_expected_by_policy() -> None:
    """Without an estimate of its own, the way back does not inherit the order's: it counts from its first scan."""
    due = clocks.deliver(BACK, SCANNED).agreed_due

    assert due == clocks.estimate(BACK, SCANNED)
    assert due > ny(11, 10, 12)
    assert clocks.estimate(BACK, Parcel()) is None


def test_a_look_up_can_be_due_at_once() -> None:
    """A look-up that was cut off is begun anew at the given instant, not after another pause."""
    now = ny(11, 12, 12)

    assert now == clocks.look_up(BACK, now, pushed=True, due=now).due
    assert now < clocks.look_up(BACK, now, pushed=True).agreed_due


def test_states_survive_json() -> None:
    """What a run hands to its successor arrives whole, to the microsecond."""
    second = timedelta(seconds=1, microseconds=1)
    storm = Disruption(disruption_id="storm", clocks=("find",), since=ny(11, 10), until=ny(11, 12))
    pause = Pause(shift=Shift(cause="case-A-1-1", since=ny(11, 11) + second), kinds=(DutyKind.FIND,))
    moved = clocks.in_transit(BACK, ny(11, 10, 12) + second)[1].shifted(
        Shift(cause="storm", since=ny(11, 10), until=ny(11, 12), longest=timedelta(days=10) - second)
    )
    event = scan(ny(11, 10, 12), TrackingStatus.ATTEMPT_FAILED)
    notice = Notice(key="k-1", subject="case-A-1-1", to=Role.BUYER, party_id="b-17", kind="late", at=ny(11, 12))
    states = (
        WatchState(parcel=SCANNED, pushed=True, traced=2, fresh=(event,), unread=True, looking=True),
        DocketState(duties=(moved,), pauses=(pause,), disruptions=(storm,)),
        JournalState(
            story=(StoryEntry(at=ny(11, 10), what="late", facts={"due": "x"}),),
            unsent=(notice,),
            told=(Told(what="late", role=Role.BUYER, times=3),),
            rejected=1,
            reminders=4,
        ),
    )

    read = tuple(type(state).model_validate_json(state.model_dump_json()) for state in states)

    assert states == read
