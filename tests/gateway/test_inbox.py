"""The inbox and its sweeper: nothing that was acknowledged is lost, and nothing is told twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from temporalio.service import RPCError, RPCStatusCode

import runtime
from activities import routes
from activities.outcomes import SqlOutcomes
from activities.ports import Refused, Unavailable
from activities.routes import SqlRoutes
from activities.store import open_store
from domain.messages import Chargeback, ChargebackState, Tracking
from domain.order import Order
from domain.parcel import Shipment, TrackingEvent, TrackingStatus
from domain.reported_dispute import ReportedDispute
from domain.requests import News
from gateway import inbox_sweeper
from gateway.forwarding import Forwarder, Truth
from gateway.inbox import BODIES_KEPT, LEASE, Inbox, State
from gateway.inbox_sweeper import LONGEST_PAUSE, MOST_ATTEMPTS, Sweeper, pause_after
from gateway.webhooks_event import DisputeNews, ParcelNews
from gateway.webhooks_sources import SCHEMES
from storefront.errors import NotAnswered, OrderClosed, UnknownOrder
from tests.gateway.doors import NOW, a_dispute_event, a_shipment, a_tracker_event, written
from tests.world import an_order, usd

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class Provider:
    """Carrier and payment provider: the truth, which may be out of reach."""

    def __init__(self) -> None:
        self.scans: dict[str, list[TrackingEvent]] = {}
        self.disputes: dict[str, ReportedDispute] = {}
        self.failure: Exception | None = None

    def news(self, shipment: Shipment, as_of: datetime) -> News:
        if self.failure:
            raise self.failure
        return News(events=tuple(scan for scan in self.scans.get(shipment.tracking_number, ()) if scan.at <= as_of))

    def dispute(self, dispute_id: str) -> ReportedDispute | None:
        if self.failure:
            raise self.failure
        return self.disputes.get(dispute_id)


class Orders:
    """What the storefront's client does to orders, with Temporal's own rule: one message for each request id."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.closed: dict[str, str | None] = {}
        self.failure: Exception | None = None
        self.told: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []

    def as_of(self, _instant: datetime) -> Self:
        return self

    async def redress(self) -> Self:
        return self

    async def purchase(self, order: str) -> Order:
        self._answers()
        if order not in self.orders:
            raise UnknownOrder(order)
        return self.orders[order]

    async def tracking(self, subject: str, message: Tracking, *, request_id: str) -> None:
        self._tell(subject, message, request_id)

    async def track_return(self, subject: str, message: Tracking, *, request_id: str) -> None:
        self._tell(subject, message, request_id)

    async def chargeback(self, order_id: str, message: Chargeback, *, request_id: str) -> None:
        self._tell(f"order-{order_id}", message, request_id)

    def _answers(self) -> None:
        if self.failure:
            raise self.failure

    def _tell(self, subject: str, message: Any, request_id: str) -> None:
        self._answers()
        if subject in self.closed:
            raise OrderClosed(subject, self.closed[subject])
        self.calls.append((subject, request_id))
        self.told.setdefault(subject, {}).setdefault(request_id, message)


class Town:
    """An inbox with its sweeper, and everybody around it, on a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(f"sqlite:///{folder / 'redress.sqlite'}")
        self.now = NOW
        self.provider = Provider()
        self.orders = Orders()
        self.routes = SqlRoutes(self.store)
        self.inbox = Inbox(self.store)
        self.sweeper = self.a_sweeper()

    def a_sweeper(self) -> Sweeper:
        """A gateway that has just started."""
        truth = Truth(self.provider, self.provider)  # type: ignore[arg-type] # only what the forwarder asks
        outcomes = SqlOutcomes(self.store)
        forwarder = Forwarder(self.orders.redress, truth, self.routes, outcomes, lambda: self.now)  # type: ignore[arg-type]
        return Sweeper(self.inbox, forwarder, lambda: self.now)

    def start(self, number: int = 1, **changes: Any) -> Order:
        """An order with its own parcel and payment, placed a day ago."""
        facts = {"order_id": f"A-{number}", "payment_ref": f"ch_{number}", "shipment": a_shipment(number)}
        order = an_order(NOW - DAY, **(facts | changes))
        self.routes.note(routes.of_purchase(order))
        self.orders.orders[f"order-{order.order_id}"] = order
        return order

    def scan(self, number: int, status: TrackingStatus = TrackingStatus.IN_TRANSIT) -> None:
        """The carrier scans a parcel now."""
        scans = self.provider.scans.setdefault(a_shipment(number).tracking_number, [])
        scans.append(TrackingEvent(status=status, at=self.now))

    def disputed(self, number: int, state: ChargebackState | None) -> None:
        """The bank's word about a payment."""
        dispute_id, ref = f"dp_ch_{number}", f"ch_{number}"
        dispute = ReportedDispute(
            chargeback_id=dispute_id, status="as told", state=state, amount=usd(12_900), payment_refs=(ref,)
        )
        self.provider.disputes[dispute_id] = dispute

    def keep(self, source: str, event: dict[str, Any]) -> bool:
        """A verified event comes."""
        body = written(event)
        return self.inbox.keep(source, SCHEMES[source].read(body), body, self.now)

    async def settle(self) -> None:
        """Time passes until nothing waits, or for an hour."""
        for _ in range(60):
            self.now += LEASE
            while await self.sweeper.sweep():
                pass
            if State.WAITING not in self.states.values():
                return

    @property
    def states(self) -> dict[str, str]:
        """How each event stands, by its id."""
        return {kept.event_id: kept.state for kept in self.inbox.listed(State, 1_000)}

    @property
    def notes(self) -> list[str]:
        """In words, oldest first."""
        return [kept.note for kept in reversed(self.inbox.listed(State, 1_000))]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A town with one order."""
    town = Town(tmp_path)
    town.start()
    return town


async def test_the_order_hears_the_truth_and_not_the_event(town: Town) -> None:
    """An event that claims a delivery only has the carrier asked, whose word is passed on."""
    town.scan(1, TrackingStatus.ACCEPTED)
    event = a_tracker_event(1)
    event["result"] |= {"status": "delivered"}
    town.keep("easypost", event)

    await town.sweeper.sweep()

    [message] = town.orders.told["order-A-1"].values()
    assert [TrackingStatus.ACCEPTED] == [scan.status for scan in message.events]
    assert (State.DONE, "told order-A-1") == (town.states[event["id"]], town.notes[0])


async def test_a_dispute_is_told_as_it_stands(town: Town) -> None:
    """`created` comes after the bank has decided: what the order hears is the decision."""
    town.disputed(1, ChargebackState.WON)
    town.keep("stripe", a_dispute_event("ch_1", ChargebackState.OPENED))

    await town.sweeper.sweep()

    [message] = town.orders.told["order-A-1"].values()
    assert ("dp_ch_1", ChargebackState.WON, usd(12_900)) == (message.chargeback_id, message.state, message.amount)


async def test_an_inquiry_tells_nobody(town: Town) -> None:
    """The bank asks, and has taken nothing: freezing the money would be wrong."""
    town.disputed(1, None)
    town.keep("stripe", a_dispute_event("ch_1"))

    await town.sweeper.sweep()

    assert ({}, [State.DONE]) == (town.orders.told, list(town.states.values()))


async def test_a_payment_that_no_route_knows_is_found_by_its_metadata(town: Town) -> None:
    """Orders that another client has started may say in the payment's metadata whose it is."""
    town.provider.disputes["dp_other"] = ReportedDispute(
        status="x",
        chargeback_id="dp_other",
        state=ChargebackState.OPENED,
        amount=usd(1),
        payment_refs=("pi_unheard_of",),
        order_id="A-1",
    )
    town.keep("stripe", a_dispute_event("other"))

    await town.sweeper.sweep()

    assert 1 == len(town.orders.told["order-A-1"])


async def test_an_early_event_waits_for_its_order(town: Town) -> None:
    """The carrier is quicker than the storefront: the event is told as soon as there is an order."""
    town.scan(2)
    town.keep("easypost", a_tracker_event(2))

    await town.sweeper.sweep()
    before = town.states
    town.start(2)
    await town.settle()

    assert ({State.WAITING}, {State.DONE}) == (set(before.values()), set(town.states.values()))
    assert 1 == len(town.orders.told["order-A-2"])


async def test_a_known_parcel_of_an_order_that_has_not_started_waits(town: Town) -> None:
    """The gateway notes routes before it starts an order."""
    order = town.start(2)
    town.scan(2)
    del town.orders.orders["order-A-2"]
    town.keep("easypost", a_tracker_event(2))

    await town.sweeper.sweep()
    note = town.notes[-1]
    town.orders.orders["order-A-2"] = order
    await town.settle()

    assert ("order-A-2 has not started yet", State.DONE) == (note, town.states[next(iter(town.states))])


async def test_an_event_from_before_the_purchase_is_refused(town: Town) -> None:
    """A delivery captured long ago is authentic for ever; its number may have been given out again."""
    town.scan(1)
    old = (NOW - 2 * DAY).isoformat()
    town.keep("easypost", a_tracker_event(1, created_at=old))

    await town.sweeper.sweep()

    assert ({}, [State.REFUSED]) == (town.orders.told, list(town.states.values()))
    assert "older than the purchase" in town.notes[0]


async def test_one_parcel_of_two_orders_and_a_case_tells_all(town: Town) -> None:
    """Two purchases in one parcel, and a return that uses its number: each has a right to the news, once."""
    town.start(2, shipment=a_shipment(1))
    town.routes.note([routes.of_parcel("case-A-1-1", a_shipment(1))])
    town.scan(1)
    town.keep("easypost", a_tracker_event(1))

    await town.sweeper.sweep()

    assert {"order-A-1": 1, "order-A-2": 1, "case-A-1-1": 1} == {
        who: len(told) for who, told in town.orders.told.items()
    }


async def test_what_has_ended_is_left_alone(town: Town) -> None:
    """The client knows what reopens a closed order; anything else is written down as changing nothing."""
    town.orders.closed["order-A-1"] = "window_closed"
    town.scan(1)
    town.keep("easypost", a_tracker_event(1))

    await town.sweeper.sweep()

    assert [State.DONE] == list(town.states.values())
    assert "has ended" in town.notes[0]


async def test_a_dispute_of_an_order_that_operations_ended_is_for_a_person(town: Town) -> None:
    """There is no outcome to take up: the event is given up at once, where people look."""
    town.orders.closed["order-A-1"] = None
    town.disputed(1, ChargebackState.OPENED)
    town.keep("stripe", a_dispute_event("ch_1"))

    await town.sweeper.sweep()

    assert [State.GIVEN_UP] == list(town.states.values())


AWAY = [
    runtime.Unreachable("away"),
    NotAnswered("order-A-1", 5),
    RPCError("away", RPCStatusCode.UNAVAILABLE, b""),
    RPCError("not for you", RPCStatusCode.PERMISSION_DENIED, b""),
]


@pytest.mark.parametrize("failure", AWAY, ids=lambda failure: type(failure).__name__)
async def test_while_temporal_is_away_events_wait_and_are_told_in_order(town: Town, failure: Exception) -> None:
    """An outage costs no attempt, and afterwards each parcel's events come as they came."""
    town.start(2)
    sent = [a_tracker_event(1 + number % 2) for number in range(20)]
    for event in sent:
        town.keep("easypost", event)

    town.orders.failure = failure
    tried = [await town.sweeper.sweep() for _ in range(5)]
    during, since = town.inbox.listed([State.WAITING], 100), town.sweeper.away_since
    town.orders.failure = None
    await town.sweeper.sweep()

    assert ([0] * 5, 20, {0}) == (tried, len(during), {kept.attempts for kept in during})
    assert (NOW, None) == (since, town.sweeper.away_since)
    for number in (0, 1):
        told = [request_id for who, request_id in town.orders.calls if who == f"order-A-{1 + number}"]
        assert [event["id"] for event in sent[number::2]] == told


@pytest.mark.parametrize("failure", [Unavailable("503"), Refused("unknown_number", "never seen")])
async def test_an_event_waits_while_the_truth_is_out_of_reach(town: Town, failure: Exception) -> None:
    """A carrier that does not answer holds up its own events alone."""
    town.provider.failure = failure
    town.keep("easypost", a_tracker_event(1))

    await town.sweeper.sweep()
    before = town.states
    town.provider.failure = None
    await town.settle()

    assert ([State.WAITING], [State.DONE]) == (list(before.values()), list(town.states.values()))


async def test_the_providers_pause_is_respected(town: Town) -> None:
    """Who asks for five minutes is not asked before."""
    town.provider.failure = Unavailable("429", retry_after=300)
    town.keep("easypost", a_tracker_event(1))

    await town.sweeper.sweep()

    assert NOW + timedelta(minutes=5) == town.inbox.next_due()


async def test_an_event_that_breaks_the_forwarder_holds_up_no_other(town: Town) -> None:
    """What nobody foresaw is tried again later, and says so without the text of the error."""
    town.start(2)
    del town.orders.orders["order-A-1"]
    town.orders.orders["order-A-1"] = None  # type: ignore[assignment] # what nobody foresaw
    town.keep("easypost", a_tracker_event(1))
    town.keep("easypost", a_tracker_event(2))

    await town.sweeper.sweep()

    assert [State.WAITING, State.DONE] == [kept.state for kept in reversed(town.inbox.listed(State, 10))]
    assert "AttributeError" in town.notes[0]


async def test_after_a_month_in_vain_a_person_must_look(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for ever, and what was given up can be tried again."""
    monkeypatch.setattr(inbox_sweeper, "MOST_ATTEMPTS", 3)
    town.keep("easypost", a_tracker_event(9))
    [event_id] = town.states

    await town.settle()
    given_up = town.states
    town.start(9)
    again = town.inbox.retry(town.now, states=[State.GIVEN_UP])
    await town.settle()

    assert ({event_id: State.GIVEN_UP}, 1, {event_id: State.DONE}) == (given_up, again, town.states)


def test_pauses_double_up_to_an_hour_and_last_a_month() -> None:
    """An early event waits about as long again as it has waited; a provider may ask for more, but not for days."""
    pauses = [pause_after(attempt) for attempt in range(1, MOST_ATTEMPTS + 1)]

    assert [SECOND, 2 * SECOND, 4 * SECOND] == pauses[:3]
    assert (LONGEST_PAUSE, LONGEST_PAUSE) == (pauses[-1], pause_after(1, 3 * DAY))
    assert 29 * DAY < sum(pauses, timedelta()) < 31 * DAY


def test_two_gateways_never_hold_the_same_event(town: Town) -> None:
    """What one has claimed the other leaves alone, until the lease of a gateway that was killed is over."""
    for _ in range(5):
        town.keep("easypost", a_tracker_event(1))

    first, second = town.inbox.claim(NOW, 3), town.inbox.claim(NOW, 10)
    before, after = town.inbox.claim(NOW + LEASE - SECOND, 10), town.inbox.claim(NOW + LEASE, 10)

    assert ([1, 2, 3], [4, 5], ()) == ([one.seq for one in first], [one.seq for one in second], before)
    assert {2} == {one.attempts for one in after}
    assert [1, 2, 3, 4, 5] == [one.seq for one in after]


async def test_bodies_are_erased_after_a_while_and_ids_never(town: Town) -> None:
    """Where somebody lives is not kept for ever; that their event has come is."""
    event = a_tracker_event(1)
    waiting = a_tracker_event(7)
    town.keep("easypost", event)
    town.keep("easypost", waiting)
    await town.sweeper.sweep()

    erased = [town.inbox.forget_bodies(NOW + BODIES_KEPT), town.inbox.forget_bodies(NOW + BODIES_KEPT + SECOND)]

    assert [0, 1] == erased
    assert not town.keep("easypost", event)
    assert 0 == town.inbox.retry(NOW, event_ids=[event["id"]])
    assert 1 == town.inbox.retry(NOW, event_ids=[waiting["id"]])


async def test_the_sweeper_wakes_for_a_new_event_and_survives_the_database(town: Town) -> None:
    """It runs beside the routes: an outage of the database ends it as little as one of Temporal."""
    broken = OperationalError("", {}, Exception())
    claims: list[int] = []
    claim = town.inbox.claim

    def fails_once(now: datetime, most: int) -> Any:
        claims.append(most)
        if len(claims) == 1:
            raise broken
        return claim(now, most)

    town.inbox.claim = fails_once  # type: ignore[method-assign]
    async with town.sweeper.running():
        town.keep("easypost", a_tracker_event(1))
        async with asyncio.timeout(10):
            while State.DONE not in town.states.values():
                town.sweeper.wake()
                await asyncio.sleep(0.02)

    assert len(claims) > 1


# --- the laws ---

EVENTS = 6
PARCELS = 2

steps = st.one_of(
    st.tuples(st.just("event"), st.integers(0, EVENTS - 1)),
    st.tuples(st.just("scan"), st.integers(1, PARCELS)),
    st.tuples(st.just("dispute"), st.sampled_from(ChargebackState)),
    st.tuples(st.just("start"), st.integers(1, PARCELS)),
    st.tuples(st.just("temporal"), st.booleans()),
    st.tuples(st.just("provider"), st.booleans()),
    st.tuples(st.just("pass"), st.integers(1, 120)),
    st.tuples(st.just("sweep"), st.just(0)),
    st.tuples(st.just("die"), st.just(0)),
)


async def _live(town: Town, plan: Iterable[tuple[str, Any]]) -> set[str]:  # noqa: C901 -- a line for each step
    """Do what the plan says; the ids of all events that were acknowledged."""
    sent = [("easypost", a_tracker_event(1 + number % PARCELS, id=f"evt_{number}")) for number in range(EVENTS - 2)]
    sent += [("stripe", a_dispute_event("ch_1", id=f"evt_s{number}")) for number in range(2)]
    acknowledged = set()
    for what, value in plan:
        match what:
            case "event":
                town.keep(*sent[value])
                acknowledged.add(sent[value][1]["id"])
            case "scan":
                town.scan(value)
            case "dispute":
                town.disputed(1, value)
            case "start":
                town.start(value)
            case "temporal":
                town.orders.failure = None if value else runtime.Unreachable("away")
            case "provider":
                town.provider.failure = None if value else Unavailable("503")
            case "pass":
                town.now += value * SECOND
            case "sweep":
                await town.sweeper.sweep()
            case "die":
                await _die(town)
    return acknowledged


async def _die(town: Town) -> None:
    """A gateway is killed in the middle of a sweep: what it has told it has not written down."""

    def gone(_changes: object) -> None:
        raise OperationalError("", {}, Exception())

    record = town.inbox.record
    town.inbox.record = gone  # type: ignore[method-assign, assignment]
    with contextlib.suppress(OperationalError):
        await town.sweeper.sweep()
    town.inbox.record = record  # type: ignore[method-assign]
    town.sweeper = town.a_sweeper()


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=30))
def test_every_acknowledged_event_is_told_exactly_once(plan: list[tuple[str, Any]]) -> None:
    """Whatever fails, is repeated, shuffled or killed on the way: one message for each id, and the whole truth."""

    async def lived() -> None:
        with TemporaryDirectory() as folder:
            town = Town(Path(folder))
            acknowledged = await _live(town, plan)
            town.orders.failure = town.provider.failure = None
            town.disputed(1, ChargebackState.LOST)
            for number in range(1, PARCELS + 1):
                town.start(number)
                town.scan(number, TrackingStatus.DELIVERED)
            await town.settle()
            # One last event of each kind, after which nothing is left unsaid.
            town.keep("stripe", a_dispute_event("ch_1", id="evt_last_s"))
            for number in range(1, PARCELS + 1):
                town.keep("easypost", a_tracker_event(number, id=f"evt_last_{number}"))
            await town.settle()

            told = [request_id for messages in town.orders.told.values() for request_id in messages]
            assert sorted(acknowledged | {"evt_last_s", "evt_last_1", "evt_last_2"}) == sorted(told)
            assert {State.DONE} == set(town.states.values())
            for number in range(1, PARCELS + 1):
                assert set(town.provider.scans[a_shipment(number).tracking_number]) == _known(town, number)
            assert ChargebackState.LOST is town.orders.told["order-A-1"]["evt_last_s"].state
            town.store.dispose()

    asyncio.run(lived())


def _known(town: Town, number: int) -> set[TrackingEvent]:
    """Every scan that the order has heard of."""
    messages = town.orders.told[f"order-A-{number}"].values()
    return {scan for message in messages if isinstance(message, Tracking) for scan in message.events}


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=20))
def test_shuffles_and_repetitions_give_one_effect(order: list[int], repetitions: list[int]) -> None:
    """In any order and however often: the same messages, with the same ids, to the same orders."""

    async def told(sequence: list[int]) -> dict[str, dict[str, Any]]:
        with TemporaryDirectory() as folder:
            town = Town(Path(folder))
            for number in (1, 2):
                town.start(number)
                town.scan(number, TrackingStatus.DELIVERED)
            town.disputed(1, ChargebackState.OPENED)
            for number in sequence:
                if number < 6:
                    town.keep("easypost", a_tracker_event(1 + number % 2, id=f"evt_{number}"))
                else:
                    town.keep("stripe", a_dispute_event("ch_1", id=f"evt_{number}"))
            await town.settle()
            town.store.dispose()
            return town.orders.told

    assert asyncio.run(told(list(range(8)))) == asyncio.run(told([*order, *repetitions]))


def test_events_of_one_lane_share_it() -> None:
    """A lane is a parcel or a dispute, whichever provider names it how."""
    assert ParcelNews(tracking_number="SBX1").lane == ParcelNews(tracking_number="SBX1").lane
    assert ParcelNews(tracking_number="dp_1").lane != DisputeNews(dispute_id="dp_1").lane
