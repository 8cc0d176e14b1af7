"""Orders that had closed, taken up again by what comes late."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import WorkflowHandle

from domain.ledger import EntryKind
from domain.messages import Chargeback, Complaint, Message, Tracking
from domain.parcel import TrackingStatus
from domain.policy import CaseState, Remedy
from domain.requests import RecallQuery
from domain.settlement import Ending
from domain.story import Outcome
from runtime import TASK_QUEUE
from tests.audit import books_balance
from tests.play import Play, begin, scan
from tests.world import TunnelWorld, World, ny, usd
from workflows.reopened import ReopenedOrderWorkflow

DELIVERED = ny(11, 2, 12)
HOUR = timedelta(hours=1)
Reopened = WorkflowHandle[ReopenedOrderWorkflow, Outcome]


async def late(play: Play, signal: str, message: Message) -> Reopened:
    """Something comes after the order has closed."""
    return await play.world.client.start_workflow(
        ReopenedOrderWorkflow.run,
        RecallQuery(order_id=play.order.order_id),
        id=f"reopened-{play.order.order_id}",
        task_queue=TASK_QUEUE,
        start_signal=signal,
        start_signal_args=[message],
    )


async def accepted(world: World) -> Play:
    """An order whose seller has been paid, and which has closed."""
    play = await begin(world)
    await play.ships()
    await world.at(DELIVERED + HOUR)
    await play.delivered(DELIVERED)
    await play.accepts()
    await play.ends()
    return play


async def outcome_of(handle: Reopened, play: Play) -> Outcome:
    """How the reopened order closed; its books balance."""
    outcome = await handle.result()
    books_balance(play.world, play.order, outcome)
    return outcome


async def lost(world: World) -> Play:
    """An order whose parcel counts as lost: its buyer has been refunded, and it has closed."""
    play = await begin(world)
    await play.ships()
    await world.at(ny(11, 1, 12))
    await play.scanned(scan(ny(11, 1, 11)))
    await world.at(ny(12, 20, 12, 1))
    await play.ends()
    return play


async def test_a_late_chargeback_that_is_won_moves_nothing(world: World) -> None:
    """The bank is given the evidence in a new case, and when it sides with the seller all stays as it was."""
    play = await accepted(world)
    handle = await late(play, "chargeback", Chargeback(chargeback_id="cb_9", state="opened"))
    assert CaseState.FROZEN == (await play.case_status()).state
    await handle.signal(ReopenedOrderWorkflow.chargeback, Chargeback(chargeback_id="cb_9", state="won"))
    outcome = await outcome_of(handle, play)
    assert 0 == outcome.ledger.total(EntryKind.CHARGED_BACK, EntryKind.REFUNDED)
    assert (Ending.ACCEPTED, 1, ("cb_9",)) == (outcome.decision.ending, outcome.revision, outcome.chargebacks)
    assert world.payments.submission("cb_9") is not None


async def test_a_late_chargeback_that_is_lost_is_written_down_once(world: TunnelWorld) -> None:
    """The bank has paid the buyer, the seller keeps the payout, the platform bears it; a repetition adds nothing."""
    lost = Chargeback(chargeback_id="cb_9", state="lost")
    play = await accepted(world)
    handle = await late(play, "chargeback", Chargeback(chargeback_id="cb_9", state="opened"))
    assert CaseState.FROZEN == (await play.case_status()).state
    world.outage(await world.now() + HOUR)
    for _ in range(2):
        await handle.signal(ReopenedOrderWorkflow.chargeback, lost)
    outcome = await outcome_of(handle, play)
    again = await outcome_of(await late(play, "chargeback", lost), play)
    assert 12_900 == outcome.ledger.total(EntryKind.CHARGED_BACK)
    assert 8_800 == outcome.ledger.total(EntryKind.RELEASED)
    assert outcome.ledger == again.ledger


async def test_a_late_complaint_is_heard_by_support_and_may_take_money_back(world: World) -> None:
    """An agent rules on what came too late for the rules; what the seller was paid is clawed back by as much."""
    play = await accepted(world)
    handle = await late(play, "buyer_complaint", Complaint(reason="damaged", text="The seam burst in the first week"))
    assert CaseState.WITH_SUPPORT == (await play.case_status()).state
    await play.ruled(Remedy.PARTIAL_REFUND, usd(3_000), reason="A hidden flaw")
    outcome = await outcome_of(handle, play)
    assert 3_000 == outcome.ledger.total(EntryKind.REFUNDED)
    assert 2_400 == outcome.ledger.total(EntryKind.CLAWED_BACK)
    assert [Remedy.PARTIAL_REFUND] == [case.remedy for case in outcome.cases]


async def test_a_parcel_found_after_all_opens_a_case_that_can_pay_the_seller(world: World) -> None:
    """Refunded as lost, found after the books were closed: support may release, and the platform pays the seller."""
    play = await lost(world)
    found = scan(ny(12, 20, 9), TrackingStatus.DELIVERED)
    handle = await late(play, "tracking", Tracking(events=(found,)))
    assert CaseState.WITH_SUPPORT == (await play.case_status()).state
    await play.ruled(Remedy.RELEASE, reason="The buyer has it")
    outcome = await outcome_of(handle, play)
    assert 12_900 == outcome.ledger.total(EntryKind.REFUNDED)
    assert 8_800 == outcome.ledger.total(EntryKind.COMPENSATED, EntryKind.RELEASED)


async def test_a_found_parcel_is_found_once(world: World) -> None:
    """A carrier repeats itself: the delivery of a parcel whose case has ended takes the order up no more."""
    play = await lost(world)
    found = Tracking(events=(scan(ny(12, 20, 9), TrackingStatus.DELIVERED),))
    handle = await late(play, "tracking", found)
    await play.ruled(Remedy.RELEASE, reason="The buyer has it")
    outcome = await outcome_of(handle, play)
    again = await outcome_of(await late(play, "tracking", found), play)
    assert (ny(12, 20, 9), True, 1) == (outcome.delivered_at, outcome.found_after_loss, outcome.cases_opened)
    assert outcome == again


async def test_what_is_reported_again_changes_nothing(world: World) -> None:
    """A delivery that is told once more after the close leaves the recorded outcome alone, and tells nobody."""
    play = await accepted(world)
    handle = await late(play, "tracking", Tracking(events=(scan(DELIVERED, TrackingStatus.DELIVERED),)))
    outcome = await outcome_of(handle, play)
    assert (0, 0) == (outcome.revision, outcome.cases_opened)
    assert [] == list(world.outbox.notices("reopened-A-1-1"))


async def test_a_late_complaint_that_is_too_long_is_refused(world: World) -> None:
    """A complaint about a closed order is held to the same limits as one about a live order, and the buyer is told."""
    play = await accepted(world)
    text = "x" * (play.order.policy.limits.text_characters + 1)
    handle = await late(play, "buyer_complaint", Complaint(reason="not_as_described", text=text))
    outcome = await outcome_of(handle, play)
    assert 0 == outcome.cases_opened
    assert "refused" in {notice.kind for notice in world.outbox.notices("reopened-A-1-1")}
