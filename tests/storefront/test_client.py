"""The storefront's client against a server on which time can be skipped. Lists and endings: tests/server.

A server is what it is about: descriptions and search attributes, a worker that is away, updates that are sent again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType

from domain import clocks
from domain.clock import REAL_TIME, Clock
from domain.duties import DutyKind
from domain.messages import Acceptance, Cancel, Complaint, Disruption, Response, Shipped, Tracking, Verdict
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy import Reason
from domain.settlement import Ending
from storefront.client import LARGEST, Redress, summary
from storefront.draft import OrderDraft
from storefront.errors import BadInput, DuplicateOrder, MessageRefused, NotAnswered, TooLarge, UnknownOrder
from tests.server_world import ServerWorld, a_server_world
from tests.storefront.orders import a_draft
from tests.world import SHIPMENT
from workflows.search_attributes import of_new_order

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ServerWorld]:
    """A fresh world with a worker."""
    async with a_server_world(tmp_path) as world:
        yield world


@pytest.fixture
def redress(world: ServerWorld) -> Redress:
    """A client that does not wait long."""
    return Redress(world.client, patience=timedelta(seconds=2))


async def _placed(world: ServerWorld, **changes: object) -> OrderDraft:
    """An order placed now, whose payment is captured."""
    draft = a_draft(await world.now(), clock=world.clock, **changes)
    world.payments.capture(draft.payment_ref, draft.price.total)
    return draft


async def test_order_starts_with_its_search_attributes(world: ServerWorld, redress: Redress) -> None:
    """Lists know a new order at once, and its workflow has nothing to add."""
    draft = await _placed(world)

    handle = await redress.start(draft)
    status = await redress.status("A-1")

    events = [event async for event in handle.fetch_history_events()]
    described = await handle.describe()
    upserts = [event for event in events if event.event_type == EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES]
    assert [] == upserts
    assert set(of_new_order(draft.order())) == set(described.typed_search_attributes)
    assert ("order-A-1", "awaiting_shipment", clocks.ship(draft.order()).due) == (
        status.subject,
        status.state,
        status.next_due,
    )
    assert "A-1: USD 129.00, buyer b-17, seller s-4, resale-v1" == await described.static_summary()


async def test_summary_of_long_ids_fits() -> None:
    """Temporal takes 200 bytes of summary; the longest ids are cut."""
    parties = {
        "buyer": {"id": "b" * 64, "country": "US"},
        "seller": {"id": "s" * 64, "country": "US"},
        "order_id": "o" * 64,
    }

    text = summary(a_draft(datetime(2026, 11, 24, tzinfo=UTC), **parties).order())

    assert (200, "...") == (len(text), text[-3:])


async def test_order_id_is_used_once(world: ServerWorld, redress: Redress) -> None:
    """A second start of the same order is refused and leaves the first alone."""
    draft = await _placed(world)
    await redress.start(draft)

    with pytest.raises(DuplicateOrder) as caught:
        await redress.start(draft)

    assert "A-1" == caught.value.order_id


async def test_deadline_in_the_past_is_refused_unless_backdated(world: ServerWorld, redress: Redress) -> None:
    """An order that would be late from its first second is a mistake, unless the past is being replayed."""
    old = (await _placed(world)).model_copy(update={"placed_at": await world.now() - 7 * DAY})

    with pytest.raises(BadInput, match="the deadline to ship"):
        await redress.start(old)
    handle = await redress.start(old, backdated=True)

    assert "order-A-1" == handle.id


async def test_deadlines_are_judged_in_the_time_of_the_order(world: ServerWorld, redress: Redress) -> None:
    """In fast motion, the past is what lies before the order's own now."""
    now = datetime.now(UTC)
    long_ago = datetime(2017, 5, 2, 12, 0, tzinfo=UTC)
    clock = Clock(real_anchor=now, policy_anchor=long_ago, speed=1000)

    handle = await redress.start(a_draft(long_ago, clock=clock))

    assert "order-A-1" == handle.id


async def test_messages_are_stamped_in_the_time_of_the_order(world: ServerWorld) -> None:
    """Another process than the one that started the order finds its clock; a given instant is left alone."""
    now = datetime.now(UTC)
    clock = Clock(real_anchor=now, policy_anchor=datetime(2017, 5, 2, 12, 0, tzinfo=UTC), speed=3600)
    await Redress(world.client).start(a_draft(clock.policy_anchor, clock=clock))
    await Redress(world.client).start(a_draft(now, order_id="A-2"))
    other = Redress(world.client, now=lambda: now + timedelta(seconds=2))
    given = Acceptance(submitted_at=now - DAY)

    assert clock.policy_anchor + 2 * HOUR == (await other._stamped("order-A-1", Acceptance())).submitted_at
    assert clock.policy_anchor + 2 * HOUR == (await other._stamped("case-A-1-1", Acceptance())).submitted_at
    assert now + timedelta(seconds=2) == (await other._stamped("order-A-2", Acceptance())).submitted_at
    assert given == await other._stamped("order-A-1", given)
    assert REAL_TIME == await other._clock("order-A-2")


async def test_unknown_order(world: ServerWorld, redress: Redress) -> None:
    """Questions and messages about an order that does not exist say so."""
    for ask in (
        redress.status("A-9"),
        redress.timeline("case-A-9-1"),
        redress.ship("A-9", Shipped(carrier="ups", tracking_number="1Z")),
        redress.cancel("A-9", Cancel(by=Role.BUYER)),
        redress.respond("case-A-9-1", Response(accept=True)),
        redress.is_open("A-9"),
    ):
        with pytest.raises(UnknownOrder, match=r"There is no (order-A-9|case-A-9-1)\."):
            await ask


async def test_message_to_the_wrong_kind_of_subject(redress: Redress) -> None:
    """What an order understands is not left with a case, which would keep silent for ever, nor the reverse."""
    for ask, advice in (
        (redress.accept("case-A-9-1"), "this goes to its order: give A-9."),
        (redress.cancel("case-A-9-1", Cancel(by=Role.BUYER)), "this goes to its order: give A-9."),
        (redress.respond("A-9", Response(accept=True)), "give its id, as in case-A-1-1"),
        (redress.withdraw("order-A-9"), "give its id, as in case-A-1-1"),
    ):
        with pytest.raises(BadInput, match=advice):
            await ask


async def test_refusal_has_rule_and_text(world: ServerWorld, redress: Redress) -> None:
    """A complaint before delivery is answered with its rule, and kept in the story."""
    await redress.start(await _placed(world))

    with pytest.raises(MessageRefused) as caught:
        await redress.complain("A-1", Complaint(reason=Reason.DAMAGED))

    assert "resale-v1/reasons.damaged.anchor" == caught.value.reply.rule
    assert ["opened", "refused"] == [entry.what for entry in await redress.timeline("A-1")]


async def test_long_text_is_refused_by_the_policy_and_huge_text_at_once(world: ServerWorld, redress: Redress) -> None:
    """Beyond the policy's limit the order answers; beyond what Temporal carries nothing is sent."""
    await redress.start(await _placed(world))

    with pytest.raises(MessageRefused) as long:
        await redress.complain("A-1", Complaint(reason=Reason.DAMAGED, text="x" * 100_000))
    with pytest.raises(TooLarge) as huge:
        await redress.complain("A-1", Complaint(reason=Reason.DAMAGED, text="x" * 2_000_000), lenient=True)

    assert "resale-v1/limits.text_characters" == long.value.reply.rule
    assert f"at most {LARGEST:,} can be sent" in str(huge.value)
    assert 1 == (await redress.status("A-1")).rejected


async def test_repetition_with_the_same_request_id_changes_nothing(world: ServerWorld, redress: Redress) -> None:
    """The same request is answered the same; what has happened once does not happen twice."""
    draft = await _placed(world)
    await redress.start(draft)
    later = draft.placed_at + 4 * HOUR
    await world.at(later)
    wish = Cancel(by=Role.BUYER, submitted_at=later)

    first = await redress.cancel("A-1", wish, request_id="wish-1")
    again = await redress.cancel("A-1", wish, request_id="wish-1")

    assert (Verdict.ASKED, first) == (first.verdict, again)
    assert ["opened", "cancellation_asked"] == [entry.what for entry in await redress.timeline("A-1")]


async def test_without_a_worker_nothing_is_answered_and_the_retry_is_safe(tmp_path: Path) -> None:
    """An update that no worker took is handed back with its id and instant; a signal is kept."""
    async with a_server_world(tmp_path, cached=0) as world:
        redress = Redress(world.client, patience=timedelta(seconds=1))
        await redress.start(await _placed(world))
        await redress.status("A-1")
        await world.worker_stops()

        with pytest.raises(NotAnswered) as update:
            await redress.cancel("A-1", Cancel(by=Role.BUYER))
        with pytest.raises(NotAnswered):
            await redress.status("A-1")
        await redress.ship("A-1", Shipped(carrier="ups", tracking_number="wrong"))
        await world.worker_starts()
        message = update.value.message
        assert isinstance(message, Cancel)
        reply = await redress.cancel("A-1", message, request_id=update.value.request_id)
        outcome = await redress.outcome("A-1")

    assert (Verdict.ACCEPTED, True) == (reply.verdict, message.submitted_at is not None)
    assert (Ending.CANCELLED_BY_BUYER, 1) == (outcome.decision.ending, outcome.rejected)


async def test_message_that_is_there_before_the_first_worker(tmp_path: Path) -> None:
    """An order sold and marked as shipped during an outage is a marked one: its ship-by is over."""
    async with a_server_world(tmp_path, cached=0) as world:
        redress = Redress(world.client)
        await world.worker_stops()
        await redress.start(await _placed(world))
        await redress.ship("A-1", Shipped(**SHIPMENT.model_dump()))

        await world.worker_starts()
        receipt = await redress.receipt("A-1")
        story = await redress.timeline("A-1")

    assert [DutyKind.LOOK_UP, DutyKind.GET_SCANNED, DutyKind.SCAN_RIGHT, DutyKind.SCAN_FINAL] == [
        duty.kind for duty in receipt.duties
    ]
    assert ["opened", "marked_shipped"] == [entry.what for entry in story]


async def test_whole_life_with_a_case(world: ServerWorld, redress: Redress) -> None:
    """Shipped, delivered, complained about, accepted by the seller: the client sees it through to the outcome."""
    draft = await _placed(world)
    placed = draft.placed_at
    scan = TrackingEvent(status=TrackingStatus.ACCEPTED, at=placed + 2 * HOUR)
    arrival = TrackingEvent(status=TrackingStatus.DELIVERED, at=placed + 3 * HOUR)
    world.scripted(scan, arrival)
    await redress.start(draft)

    await world.at(placed + 3 * HOUR)
    await redress.ship("A-1", Shipped(**SHIPMENT.model_dump(), submitted_at=placed + HOUR))
    await redress.tracking("A-1", Tracking(events=(scan, arrival)))
    opened = await redress.complain("A-1", Complaint(reason=Reason.COUNTERFEIT, submitted_at=placed + 3 * HOUR))
    storm = Disruption(
        disruption_id="storm", clocks=(DutyKind.ANSWER_CASE,), since=placed + 3 * HOUR, until=placed + 5 * HOUR
    )
    await redress.disrupt(opened.case_id, storm)
    receipt = await redress.receipt(opened.case_id)
    reply = await redress.respond(opened.case_id, Response(accept=True, submitted_at=placed + 4 * HOUR))
    outcome = await redress.outcome("A-1")

    assert "case-A-1-1" == opened.case_id
    assert ["storm"] == [shift.cause for duty in receipt.duties for shift in duty.shifts]
    assert "answer_accepted" == reply.code
    assert (Ending.CASE, draft.price.total) == (outcome.decision.ending, outcome.decision.refund)
