"""A whole world for workflow tests: a time-skipping server, a worker, and the sandbox adapters behind it.

Each test starts a fresh server, since its clock belongs to the whole server. `World.at` moves virtual time.
Every world begins at the same policy instant, whatever day it is outside, so that a test can write its dates out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from domain import policy_packs
from domain.clock import Clock
from domain.money import Money
from domain.order import Line, Order, PriceSplit
from domain.parcel import Shipment, TrackingEvent
from domain.parties import Party
from domain.story import Outcome
from domain.tracking_numbers import sandbox_number
from fastmotion.virtual_world import VirtualWorld, a_test_server
from runtime import TASK_QUEUE, plugin
from workflows.order import OrderWorkflow
from workflows.registry import WORKFLOWS

BUYER = Party(id="b-17", time_zone="America/New_York", country="US")
SELLER = Party(id="s-4", time_zone="America/Los_Angeles", country="US")
BEGINNING = datetime(2026, 10, 29, 17, 0, tzinfo=UTC)
"""When the world begins: Thursday 10:00 in Los Angeles, 13:00 in New York, three days before clocks are set back."""

SHIPMENT = Shipment(carrier="sandbox", tracking_number=sandbox_number(1))


def ny(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """New York, where the buyer and the support desk are: from October 2026 to September 2027, in UTC."""
    return _local("America/New_York", month, day, hour, minute, second)


def la(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """Los Angeles, where the seller is: the same months, in UTC."""
    return _local("America/Los_Angeles", month, day, hour, minute, second)


def _local(zone: str, month: int, day: int, hour: int, minute: int, second: int) -> datetime:
    year = BEGINNING.year if month >= BEGINNING.month else BEGINNING.year + 1
    return datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def usd(minor: int) -> Money:
    """An amount in US cents."""
    return Money(minor=minor, currency="USD")


def an_order(placed_at: datetime, **changes: Any) -> Order:
    """An ordinary order of USD 129.00 under resale-v1, with the changes that a test cares for."""
    pack = policy_packs.load("resale-v1")
    facts: dict[str, Any] = {
        "order_id": "A-1",
        "marketplace": "demo",
        "buyer": BUYER,
        "seller": SELLER,
        "lines": (Line(listing_id="L-1", price=usd(11_000)),),
        "price": PriceSplit(items=usd(11_000), shipping=usd(900), tax=usd(1_000), platform_fee=usd(2_200)),
        "placed_at": placed_at,
        "payment_ref": "ch_1",
        "policy": policy_packs.pin(pack, placed_at=placed_at, countries=("US",)),
    }
    return Order(**(facts | changes))


class World(VirtualWorld):
    """One server with its worker, and the sandbox services as tests see them. All instants are policy time."""

    def __init__(self, environment: WorkflowEnvironment, folder: Path, clock: Clock) -> None:
        super().__init__(environment, folder)
        self.clock = clock
        self._orders: list[WorkflowHandle[OrderWorkflow, Outcome]] = []
        self.replayer = Replayer(workflows=WORKFLOWS, plugins=[plugin()])

    async def now(self) -> datetime:
        """Virtual time, to the second."""
        return self.clock.now(await self.environment.get_current_time()).replace(microsecond=0)

    async def at(self, instant: datetime) -> None:
        """Let virtual time pass until `instant`; what is under way is finished before.

        Not to an instant at which a timer fires: the server may lose the task of what is said at that moment.
        """
        if not self._running.done():
            await asyncio.gather(*(order.query(OrderWorkflow.status) for order in self._orders))
        await self.until(self.clock.real_instant(instant))

    def scripted(self, *events: TrackingEvent) -> None:
        """What the sandbox carrier will say of the ordinary shipment."""
        self.carrier.script(SHIPMENT, events)

    async def start(self, order: Order) -> WorkflowHandle[OrderWorkflow, Outcome]:
        """Capture the payment and start the order, on the clock of this world."""
        self.payments.capture(order.payment_ref, order.price.total)
        order = order.model_copy(update={"clock": self.clock})
        handle = await self.client.start_workflow(
            OrderWorkflow.run, order, id=f"order-{order.order_id}", task_queue=TASK_QUEUE
        )
        self._orders.append(handle)
        return handle


@asynccontextmanager
async def a_world(folder: Path, *, cached: int = 1_000, speed: float = 1) -> AsyncIterator[World]:
    """A fresh world whose files live in `folder`, with its worker running.

    The server cannot skip time while a task waits for a worker: an outage needs `speed`,
    and a worker that has no workflows `cached`, or the server would wait for it.
    """
    async with a_test_server() as environment:
        begun = await environment.get_current_time()
        world = World(environment, folder, Clock(real_anchor=begun, policy_anchor=BEGINNING, speed=speed))
        async with world.at_work(cached):
            yield world
