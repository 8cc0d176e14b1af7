"""Orders that had closed, taken up again by what comes late.

Tests never wait for a result before they have said everything: the time-skipping server jumps years ahead once nothing
runs any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from domain.ledger import EntryKind
from domain.messages import Chargeback, Complaint, Message, Ruling, Tracking
from domain.parcel import TrackingStatus
from domain.policy import CaseState, Remedy
from domain.requests import RecallQuery
from domain.settlement import Ending
from domain.story import Outcome
from runtime import TASK_QUEUE
from tests.play import Play, begin, scan
from tests.world import World, a_world, ny, usd
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow
from workflows.reopened import ReopenedOrderWorkflow

DELIVERED = ny(11, 2, 12)


async def closed(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until a workflow has completed."""
    for _ in range(1_000):
        history = await handle.fetch_history()
        if history.events[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"{handle.id} has not ended")


async def state_of(world: World, case_id: str) -> str:
    """Where a case stands, once it can be asked."""
    case = world.client.get_workflow_handle_for(CaseWorkflow.run, case_id)
    return (await case.query(CaseWorkflow.status)).state


async def late(play: Play, signal: str, message: Message) -> WorkflowHandle[ReopenedOrderWorkflow, Outcome]:
    """Something comes after the order has closed."""
    return await play.world.client.start_workflow(
        ReopenedOrderWorkflow.run,
        RecallQuery(order_id=play.order.order_id),
        id=f"reopened-{play.order.order_id}",
        task_queue=TASK_QUEUE,
        start_signal=signal,
        start_signal_args=[message],
    )


async def until(world: World, case_id: str, state: CaseState) -> None:
    """Wait until a case stands somewhere."""
    for _ in range(1_000):
        with contextlib.suppress(RPCError):
            if await state_of(world, case_id) == state:
                return
        await asyncio.sleep(0)
    raise AssertionError(f"{case_id} is not {state}")


async def accepted(world: World) -> Play:
    """An order whose seller has been paid, and which has closed."""
    play = await begin(world)
    await play.ships()
    await world.at(DELIVERED + timedelta(hours=1))
    await play.delivered(DELIVERED)
    await play.accepts()
    await closed(play.handle)
    return play


async def outcome_of(handle: WorkflowHandle[ReopenedOrderWorkflow, Outcome], world: World) -> Outcome:
    """How the reopened order closed; its books balance, its history replays, and nobody was paid twice."""
    outcome = await asyncio.wait_for(handle.result(), 30)
    outcome.ledger.check()
    await world.replayer.replay_workflow(await handle.fetch_history())
    assert {} == world.payments.duplicates()
    assert outcome == next(kept for kept in world.outcomes.outcomes() if kept.order_id == outcome.order_id)
    return outcome


async def test_a_late_chargeback_that_is_won_moves_nothing(tmp_path: Path) -> None:
    """The bank is given the evidence in a new case, and when it sides with the seller all stays as it was."""
    async with a_world(tmp_path) as world:
        play = await accepted(world)
        handle = await late(play, "chargeback", Chargeback(chargeback_id="cb_9", state="opened"))
        await until(world, "case-A-1-1", CaseState.FROZEN)
        await handle.signal(ReopenedOrderWorkflow.chargeback, Chargeback(chargeback_id="cb_9", state="won"))
        outcome = await outcome_of(handle, world)
        assert 0 == outcome.ledger.total(EntryKind.CHARGED_BACK, EntryKind.REFUNDED)
        assert (Ending.ACCEPTED, 1, ("cb_9",)) == (outcome.decision.ending, outcome.revision, outcome.chargebacks)
        assert world.payments.submission("cb_9") is not None


async def test_a_late_chargeback_that_is_lost_is_written_down_once(tmp_path: Path) -> None:
    """The bank has paid the buyer, the seller keeps the payout, the platform bears it; a repetition adds nothing."""
    async with a_world(tmp_path) as world:
        play = await accepted(world)
        handle = await late(play, "chargeback", Chargeback(chargeback_id="cb_9", state="opened"))
        await until(world, "case-A-1-1", CaseState.FROZEN)
        for _ in range(2):
            await handle.signal(ReopenedOrderWorkflow.chargeback, Chargeback(chargeback_id="cb_9", state="lost"))
        outcome = await outcome_of(handle, world)
        assert 12_900 == outcome.ledger.total(EntryKind.CHARGED_BACK)
        assert 8_800 == outcome.ledger.total(EntryKind.RELEASED)


async def test_a_late_complaint_is_heard_by_support_and_may_take_money_back(tmp_path: Path) -> None:
    """An agent rules on what came too late for the rules; what the seller was paid is clawed back by as much."""
    async with a_world(tmp_path) as world:
        play = await accepted(world)
        handle = await late(
            play, "buyer_complaint", Complaint(reason="damaged", text="The seam burst in the first week")
        )
        await until(world, "case-A-1-1", CaseState.WITH_SUPPORT)
        case = world.client.get_workflow_handle_for(CaseWorkflow.run, "case-A-1-1")
        ruling = Ruling(agent="kim", remedy=Remedy.PARTIAL_REFUND, amount=usd(3_000), reason="A hidden flaw")
        await case.execute_update(CaseWorkflow.rule, ruling)
        outcome = await outcome_of(handle, world)
        assert 3_000 == outcome.ledger.total(EntryKind.REFUNDED)
        assert 2_400 == outcome.ledger.total(EntryKind.CLAWED_BACK)
        assert [Remedy.PARTIAL_REFUND] == [case.remedy for case in outcome.cases]


async def test_a_parcel_found_after_all_opens_a_case_that_can_pay_the_seller(tmp_path: Path) -> None:
    """Refunded as lost, found after the books were closed: support may release, and the platform pays the seller."""
    async with a_world(tmp_path) as world:
        play = await begin(world)
        await play.ships()
        await world.at(ny(11, 1, 12))
        await play.scanned(scan(ny(11, 1, 11)))
        await world.at(ny(12, 20, 12, 1))
        await closed(play.handle)
        found = scan(ny(12, 20, 9), TrackingStatus.DELIVERED)
        handle = await late(play, "tracking", Tracking(events=(found,)))
        await until(world, "case-A-1-1", CaseState.WITH_SUPPORT)
        case = world.client.get_workflow_handle_for(CaseWorkflow.run, "case-A-1-1")
        await case.execute_update(
            CaseWorkflow.rule, Ruling(agent="kim", remedy=Remedy.RELEASE, reason="The buyer has it")
        )
        outcome = await outcome_of(handle, world)
        assert 12_900 == outcome.ledger.total(EntryKind.REFUNDED)
        assert 8_800 == outcome.ledger.total(EntryKind.COMPENSATED, EntryKind.RELEASED)


async def test_what_is_reported_again_changes_nothing(tmp_path: Path) -> None:
    """A delivery that is told once more after the close leaves the recorded outcome alone, and tells nobody."""
    async with a_world(tmp_path) as world:
        play = await accepted(world)
        handle = await late(play, "tracking", Tracking(events=(scan(DELIVERED, TrackingStatus.DELIVERED),)))
        outcome = await outcome_of(handle, world)
        assert (0, 0) == (outcome.revision, outcome.cases_opened)
        assert [] == list(world.outbox.notices("reopened-A-1-1"))


@pytest.mark.parametrize("states", [["lost"], ["opened"], ["opened", "won"], ["opened", "lost"]])
async def test_what_comes_while_the_outcome_is_recorded_is_in_the_outcome_that_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: list[str]
) -> None:
    """A message during the recording undoes its workflow task; the store's latest revision is the workflow's result."""
    async with a_world(tmp_path) as world:
        loop, record, kept = asyncio.get_running_loop(), world.outcomes.record, list[Outcome]()
        play = await begin(world)

        def recording(outcome: Outcome) -> bool:
            kept.append(outcome)
            for state in states if len(kept) == 1 else []:
                message = Chargeback(chargeback_id="cb-1", state=state)
                signal = play.handle.signal(OrderWorkflow.chargeback, message)
                asyncio.run_coroutine_threadsafe(signal, loop).result()
            return record(outcome)

        monkeypatch.setattr(world.outcomes, "record", recording)
        await play.ships()
        await world.at(DELIVERED + timedelta(hours=1))
        await play.delivered(DELIVERED)
        await play.accepts()
        outcome = await play.handle.result()

        assert world.outcomes.recall("A-1") == outcome
        assert kept[0].chargebacks == ()
        assert outcome.chargebacks == ("cb-1",)
        assert outcome.ledger.total(EntryKind.CHARGED_BACK) == (0 if "won" in states else 12_900)


async def test_a_late_complaint_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """A complaint about a closed order is held to the same limits as one about a live order, and the buyer is told."""
    async with a_world(tmp_path) as world:
        play = await accepted(world)
        text = "x" * (play.order.policy.limits.text_characters + 1)
        handle = await late(play, "buyer_complaint", Complaint(reason="not_as_described", text=text))
        outcome = await outcome_of(handle, world)
        assert 0 == outcome.cases_opened
        assert "refused" in {notice.kind for notice in world.outbox.notices("reopened-A-1-1")}
