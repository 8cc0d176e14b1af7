"""A whole world for workflow tests: a time-skipping server, a worker, and the sandbox adapters behind it.

Each test starts a fresh server, since its clock belongs to the whole server. `World.at` moves virtual time.
Every world begins at the same policy instant, whatever day it is outside, so that a test can write its dates out.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from activities.carriers import CarrierActivities
from activities.evidence import EvidenceActivities
from activities.notices import NoticeActivities, SqlOutbox
from activities.outcomes import OutcomeActivities, SqlOutcomes
from activities.payments import PaymentActivities
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.directory import SandboxDirectory
from activities.sandbox.files import SandboxFiles
from activities.sandbox.payments import SandboxPayments
from activities.store import open_store
from domain import policy_packs
from domain.clock import Clock
from domain.money import Money
from domain.order import Line, Order, PriceSplit
from domain.parcel import Shipment, TrackingEvent
from domain.parties import Party
from domain.story import Outcome
from domain.tracking_numbers import sandbox_number
from runtime import TASK_QUEUE, plugin
from workflows import search_attributes
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow

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


class World:
    """One server with its worker, and the sandbox services as tests see them. All instants are policy time."""

    def __init__(self, environment: WorkflowEnvironment, folder: Path, clock: Clock) -> None:
        self.environment = environment
        self.client = environment.client
        self.clock = clock
        self._orders: list[WorkflowHandle[OrderWorkflow, Outcome]] = []
        self.replayer = Replayer(workflows=[OrderWorkflow, CaseWorkflow], plugins=[plugin()])
        self.carrier = SandboxCarrier(folder / "carrier.sqlite")
        self.payments = SandboxPayments(folder / "payments.sqlite")
        self.files = SandboxFiles(folder / "evidence")
        engine = open_store(f"sqlite:///{folder / 'redress.sqlite'}")
        self.outbox = SqlOutbox(engine)
        self.outcomes = SqlOutcomes(engine)

    def activities(self) -> list[Any]:
        """What the worker runs."""
        payments = PaymentActivities(self.payments)
        carriers = CarrierActivities(self.carrier, SandboxDirectory())
        outcomes = OutcomeActivities(self.outcomes)
        return [
            payments.refund,
            payments.release,
            payments.claw_back,
            payments.submit_evidence,
            carriers.look_up,
            carriers.trace,
            carriers.buy_label,
            carriers.refund_label,
            EvidenceActivities(self.files).check,
            NoticeActivities(self.outbox, SandboxDirectory()).post,
            outcomes.record,
            outcomes.histories,
            outcomes.recall,
        ]

    async def now(self) -> datetime:
        """Virtual time, to the second."""
        return self.clock.now(await self.environment.get_current_time()).replace(microsecond=0)

    async def at(self, instant: datetime) -> None:
        """Let virtual time pass until `instant`; what is under way is finished before.

        Not to an instant at which a timer fires: the server may lose the task of what is said at that moment.
        """
        if not self._running.done():
            await asyncio.gather(*(order.query(OrderWorkflow.status) for order in self._orders))
        passed = self.clock.real_instant(instant) - await self.environment.get_current_time()
        if passed > timedelta():
            await self.environment.sleep(passed)

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

    async def worker_starts(self, cached: int = 1_000) -> None:
        """A worker comes up, and takes on what has waited.

        `cached` is how many workflows it keeps in memory; with none, each task replays its history.
        """
        self._pool = ThreadPoolExecutor(4)
        self._worker = Worker(
            self.client,
            task_queue=TASK_QUEUE,
            workflows=[OrderWorkflow, CaseWorkflow],
            activities=self.activities(),
            activity_executor=self._pool,
            max_cached_workflows=cached,
        )
        self._running = asyncio.create_task(self._worker.run())

    async def worker_stops(self) -> None:
        """The only worker goes away: time passes, timers fire and messages come, but nobody acts on them."""
        await self._worker.shutdown()
        await self._running
        self._pool.shutdown()


@asynccontextmanager
async def a_world(folder: Path, *, cached: int = 1_000, speed: float = 1) -> AsyncIterator[World]:
    """A fresh world whose files live in `folder`, with its worker running.

    The server cannot skip time while a task waits for a worker: an outage needs `speed`,
    and a worker that has no workflows `cached`, or the server would wait for it.
    """
    environment = await WorkflowEnvironment.start_time_skipping(
        plugins=[plugin()],
        test_server_existing_path=shutil.which("temporal-test-server", path=str(Path(sys.executable).parent)),
    )
    async with environment:
        await _register(environment)
        begun = await environment.get_current_time()
        clock = Clock(real_anchor=begun, policy_anchor=BEGINNING, speed=speed)
        world = World(environment, folder, clock)
        await world.worker_starts(cached)
        try:
            yield world
        finally:
            await world.worker_stops()


async def _register(environment: WorkflowEnvironment) -> None:
    types = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in search_attributes.ALL}
    await environment.client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=environment.client.namespace, search_attributes=types)
    )
