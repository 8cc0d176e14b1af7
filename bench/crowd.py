"""Many orders at once through their whole life, and as many bare workflows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from bench import lives
from bench.bare import BareWorkflow
from bench.plan import Plan, plan_of
from domain.clock import Clock
from domain.messages import Acceptance, Tracking
from domain.order import Order
from domain.parcel import TrackingEvent
from runtime import TASK_QUEUE
from workflows.order import OrderWorkflow
from workflows.search_attributes import of_new_order

LIFE = lives.LIVES[0]

DAY = timedelta(minutes=1)
"""A policy day in real time. A life takes seconds, so its timers are started and cancelled and none fires."""

Send = Callable[[], Awaitable[None]]

_numbers = count()


@dataclass(frozen=True)
class Lived:
    """A workflow that has ended, and the number of its events."""

    handle: WorkflowHandle[Any, Any]
    events: int


@dataclass(frozen=True)
class Crowd:
    """Orders with the platform's label and webhooks whose buyers accept, and bare workflows that follow `plan`."""

    client: Client
    plan: Plan

    async def start_order(self, day: timedelta = DAY) -> tuple[Order, WorkflowHandle[Any, Any]]:
        """A new order, placed now."""
        now = datetime.now(UTC)
        clock = Clock(real_anchor=now, policy_anchor=now, speed=timedelta(days=1) / day)
        order = lives.order(LIFE, next(_numbers), now, clock, run="crowd-")
        handle = await self.client.start_workflow(
            OrderWorkflow.run,
            order,
            id=f"order-{order.order_id}",
            task_queue=TASK_QUEUE,
            search_attributes=of_new_order(order),
        )
        return order, handle

    async def start_bare(self) -> WorkflowHandle[Any, Any]:
        """A new bare workflow, with the search attributes of an order."""
        number = next(_numbers)
        like = lives.order(LIFE, number, datetime.now(UTC))
        return await self.client.start_workflow(
            BareWorkflow.run,
            self.plan,
            id=f"bare-{number}",
            task_queue=TASK_QUEUE,
            search_attributes=of_new_order(like),
        )

    async def order(self) -> Lived:
        """An order from purchase to payout."""
        order, handle = await self.start_order()

        def news(event: TrackingEvent) -> Send:
            async def send() -> None:
                happened = event.model_copy(update={"at": order.clock.now(datetime.now(UTC))})
                await handle.signal(OrderWorkflow.tracking, Tracking(events=(happened,)))

            return send

        async def accept() -> None:
            await handle.signal(OrderWorkflow.buyer_accepts, Acceptance())

        return await _live(handle, [*(news(event) for event in LIFE.journey(order.placed_at)), accept])

    async def bare(self) -> Lived:
        """The same without logic."""
        handle = await self.start_bare()

        async def tell() -> None:
            await handle.signal(BareWorkflow.told, "news")

        return await _live(handle, [tell] * self.plan.steps[-1].signals)


async def a_crowd(client: Client) -> Crowd:
    """A crowd whose bare workflows copy an order that lived alone."""
    alone = await Crowd(client, Plan(steps=())).order()
    return Crowd(client, plan_of(await alone.handle.fetch_history()))


async def _live(handle: WorkflowHandle[Any, Any], messages: Sequence[Send]) -> Lived:
    """Send each message when the one before it has been handled, so that none shares a workflow task."""
    events = sent = heard = 0
    async for event in handle.fetch_history_events(wait_new_event=True):
        events += 1
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            heard += 1
        handled = event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED and heard == sent
        if handled and sent < len(messages):
            sent += 1
            await messages[sent - 1]()
    await handle.result()
    return Lived(handle, events)
