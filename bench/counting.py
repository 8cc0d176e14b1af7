"""Events and Actions of undisturbed orders, lived side by side in fast motion."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Worker

from bench import lives
from bench.actions import Action, actions, total
from bench.lives import Life
from bench.report import Figure, Goal
from domain.clock import Clock
from fastmotion.services import SandboxServices
from runtime import TASK_QUEUE
from workflows.order import OrderWorkflow
from workflows.registry import WORKFLOWS
from workflows.search_attributes import of_new_order

MOST_ACTIONS = Goal(14)
MOST_EVENTS = Goal(60)
DAY = timedelta(seconds=4)
"""A policy day in real time: slow enough that no two messages meet in one workflow task.

Timers under six hours of policy meet the floor of one real second, so look-ups come out fewer than in life:
the exact numbers are in tests/bench/test_budget.py.
"""


async def measure(client: Client, console: Console, *, quick: bool) -> list[Figure]:
    """Two figures for each life; the reasons of all Actions are printed."""
    chosen = lives.LIVES[:1] if quick else lives.LIVES
    day = DAY / 4 if quick else DAY
    with TemporaryDirectory() as folder, ThreadPoolExecutor(8) as pool:
        services = SandboxServices(Path(folder))
        async with Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=services.activities(),
            activity_executor=pool,
        ):
            histories = await asyncio.gather(
                *(_live(client, services, life, number, day) for number, life in enumerate(chosen))
            )
    figures: list[Figure] = []
    for life, history in zip(chosen, histories, strict=True):
        counted = actions(history)
        console.print(_table(life, counted, len(history.events)))
        kinds = Counter({action.kind: 0 for action in counted})
        for action in counted:
            kinds[action.kind] += action.count
        figures += [
            Figure(f"actions: {life.name}", total(counted), "", MOST_ACTIONS, details={"kinds": dict(kinds)}),
            Figure(f"events: {life.name}", len(history.events), "", MOST_EVENTS),
        ]
    return figures


async def _live(client: Client, services: SandboxServices, life: Life, number: int, day: timedelta) -> WorkflowHistory:
    now = datetime.now(UTC)
    clock = Clock(real_anchor=now, policy_anchor=now, speed=timedelta(days=1) / day)
    order = lives.order(life, number, now, clock, run="count-")
    shipment = lives.shipment(number)
    services.carrier.script(shipment, life.journey(now))
    services.payments.capture(order.payment_ref, order.price.total)
    handle = await client.start_workflow(
        OrderWorkflow.run,
        order,
        id=f"order-{order.order_id}",
        task_queue=TASK_QUEUE,
        search_attributes=of_new_order(order),
    )
    for instant, name, message in life.messages(now, shipment):
        await asyncio.sleep((clock.real_instant(instant) - datetime.now(UTC)).total_seconds())
        await handle.signal(name, message)
    await handle.result()
    return await handle.fetch_history()


def _table(life: Life, counted: tuple[Action, ...], events: int) -> Table:
    drawn = Table("Event", "Actions", "Kind", "Reason", title=f"{life.name}: {total(counted)} actions, {events} events")
    for action in counted:
        drawn.add_row(str(action.event_id), str(action.count), action.kind, action.reason)
    return drawn
