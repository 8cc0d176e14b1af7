"""The three-way check on whole orders: it agrees with what was done well, and finds what is done to the provider."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from activities import reconciliation
from domain.books import Mismatch
from domain.messages import Chargeback, ChargebackState
from domain.parties import Role
from domain.reconciliation_report import Reconcile, Report
from runtime import TASK_QUEUE
from tests.play import Play, begin
from tests.workflows.test_reopened import late
from tests.world import World, ny
from worker import PAYMENTS_FILE
from workflows.reconcile import ReconcileWorkflow

COLUMNS = "kind, key, payment_ref, payee, minor, currency, made_at"


async def reconciled(world: World, *orders: str, tell: bool = True) -> Report:
    """Compare the books of these orders now."""
    ask = Reconcile(orders=orders, tell=tell)
    return await world.client.execute_workflow(ReconcileWorkflow.run, ask, id="reconcile-now", task_queue=TASK_QUEUE)


async def released(world: World) -> Play:
    """An order whose seller was paid."""
    play = await begin(world)
    await world.at(ny(11, 3, 11, 30))
    await play.delivered(ny(11, 3, 11))
    await play.accepts()
    await play.ends()
    return play


def at_the_provider(folder: Path, change: str) -> None:
    """Change the provider's own books behind everybody's back."""
    with sqlite3.connect(folder / PAYMENTS_FILE) as books:
        books.execute(change)


def told(world: World) -> list[str]:
    """The notices to support about books that differ."""
    return [notice.facts["keys"] for notice in world.outbox.notices("order-A-1") if notice.kind == "books_differ"]


async def test_an_order_that_was_paid_once_agrees(world: World) -> None:
    """One release, in all three books; nobody is told anything."""
    await released(world)
    report = await reconciled(world, "A-1")
    assert (1, 1, True, []) == (report.orders, report.movements, report.agrees, told(world))
    assert report.begun_at is not None
    assert report.ended_at is not None


async def test_an_order_that_still_runs_agrees(world: World) -> None:
    """Nothing has moved yet, and no outcome is kept."""
    await begin(world)
    report = await reconciled(world, "A-1")
    assert (1, 0, True) == (report.orders, report.movements, report.agrees)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("DELETE FROM transfer", Mismatch.NOT_AT_PROVIDER),
        ("UPDATE transfer SET minor = minor + 1", Mismatch.AMOUNT),
        ("UPDATE transfer SET id = 77", Mismatch.REFERENCE),
        ("UPDATE transfer SET kind = 'refund'", Mismatch.KIND),
        (f"INSERT INTO transfer ({COLUMNS}) SELECT {COLUMNS} FROM transfer", Mismatch.TWICE),
        ("UPDATE transfer SET key = 'release-A-1-9'", Mismatch.NOT_AT_PROVIDER),
        ("UPDATE transfer SET key = ''", Mismatch.FOREIGN),
    ],
)
async def test_what_is_done_to_the_provider_is_found(world: World, tmp_path: Path, change: str, what: Mismatch) -> None:
    """The negative control: a movement removed, altered, doubled or renamed there is named, and support told once."""
    await released(world)
    at_the_provider(tmp_path, change)
    report = await reconciled(world, "A-1")
    again = await reconciled(world, "A-1")
    assert what in [difference.what for difference in report.differences]
    assert report.differences == again.differences
    assert 1 == len(told(world))


async def test_a_refund_by_hand_is_found(world: World, tmp_path: Path) -> None:
    """Somebody refunds a released order in the provider's own pages: the order knows nothing."""
    play = await released(world)
    at_the_provider(
        tmp_path,
        f"INSERT INTO transfer ({COLUMNS})"
        " SELECT 'refund', '', payment_ref, 'b-17', 500, currency, made_at FROM transfer",
    )
    (found,) = (await reconciled(world, "A-1", tell=False)).differences
    assert (Mismatch.FOREIGN, "re_2") == (found.what, found.key)
    assert "USD 5.00" in found.found["provider"]
    assert [] == told(world)
    assert play.order.order_id == found.order_id


async def test_an_order_taken_up_again_is_compared_over_all_its_runs(world: World) -> None:
    """A late chargeback reopens it: the release of its first life and what its second one moved are in one ledger."""
    play = await released(world)
    message = Chargeback(chargeback_id="cb-1", state=ChargebackState.OPENED, submitted_at=await world.now())
    world.payments.open_dispute(play.order.payment_ref, "cb-1")
    await late(play, "chargeback", message)
    report = await reconciled(world, "A-1")
    assert (1, 1, True) == (report.orders, report.movements, report.agrees)


async def test_an_order_that_nobody_knows_is_told(world: World) -> None:
    """A mistyped id is no agreement."""
    report = await reconciled(world, "A-7")
    ((unread),) = report.unread
    assert (False, False, "A-7") == (report.agrees, unread.known, unread.order_id)


async def test_a_provider_that_is_down_is_asked_again(world: World) -> None:
    """The check ends once the provider shows its books, and says nothing wrong before."""
    await released(world)
    world.payments.set_faults(fail_before=0.7, seed=3)
    report = await reconciled(world, "A-1")
    assert report.agrees


async def test_many_orders_are_compared_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is a run of its own, and the report is one: no order is left out or compared twice."""
    monkeypatch.setattr(reconciliation, "PAGE", 2)
    plays = [await begin(world, f"P-{number}", payment_ref=f"ch_{number}") for number in range(5)]
    for play in plays:
        await play.cancels(Role.BUYER)
    for play in plays:
        await play.ends()
    handle = await world.client.start_workflow(
        ReconcileWorkflow.run, Reconcile(days=400), id="reconcile-all", task_queue=TASK_QUEUE
    )
    report = await handle.result()
    last = await handle.fetch_history()
    assert (5, 5, True) == (report.orders, report.movements, report.agrees)
    assert last.events[0].workflow_execution_started_event_attributes.continued_execution_run_id


async def test_it_replays(world: World, tmp_path: Path) -> None:
    """The new workflow type is held to its history, too."""
    await released(world)
    at_the_provider(tmp_path, "DELETE FROM transfer")
    ask = Reconcile(orders=("A-1",))
    handle = await world.client.start_workflow(
        ReconcileWorkflow.run, ask, id="reconcile-replayed", task_queue=TASK_QUEUE
    )
    await handle.result()
    await world.replayer.replay_workflow(await handle.fetch_history())
