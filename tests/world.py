"""A whole world for workflow tests: a time-skipping server, a worker, and the sandbox adapters behind it.

Each test starts a fresh server, since its clock belongs to the whole server. `World.at` moves virtual time.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.carriers import CarrierActivities
from activities.notices import NoticeActivities, SqlOutbox
from activities.outcomes import OutcomeActivities, SqlOutcomes
from activities.payments import PaymentActivities
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.directory import SandboxDirectory
from activities.sandbox.payments import SandboxPayments
from activities.store import open_store
from domain import policy_packs
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
SHIPMENT = Shipment(carrier="sandbox", tracking_number=sandbox_number(1))


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
    """One server with its worker, and the sandbox services as tests see them."""

    def __init__(self, environment: WorkflowEnvironment, folder: Path) -> None:
        self.environment = environment
        self.client = environment.client
        self.carrier = SandboxCarrier(folder / "carrier.sqlite")
        self.payments = SandboxPayments(folder / "payments.sqlite")
        engine = open_store(f"sqlite:///{folder / 'redress.sqlite'}")
        self.outbox = SqlOutbox(engine)
        self.outcomes = SqlOutcomes(engine)

    def activities(self) -> list[Any]:
        """What the worker runs."""
        payments = PaymentActivities(self.payments)
        carriers = CarrierActivities(self.carrier)
        return [
            payments.refund,
            payments.release,
            carriers.look_up,
            carriers.trace,
            NoticeActivities(self.outbox, SandboxDirectory()).post,
            OutcomeActivities(self.outcomes).record,
        ]

    async def now(self) -> datetime:
        """Virtual time, to the second."""
        return (await self.environment.get_current_time()).replace(microsecond=0)

    async def at(self, instant: datetime) -> None:
        """Let virtual time pass until `instant`."""
        passed = instant - await self.environment.get_current_time()
        if passed > timedelta():
            await self.environment.sleep(passed)

    def scripted(self, *events: TrackingEvent) -> None:
        """What the sandbox carrier will say of the ordinary shipment."""
        self.carrier.script(SHIPMENT, events)

    async def start(self, order: Order) -> WorkflowHandle[OrderWorkflow, Outcome]:
        """Capture the payment and start the order."""
        self.payments.capture(order.payment_ref, order.price.total)
        return await self.client.start_workflow(
            OrderWorkflow.run, order, id=f"order-{order.order_id}", task_queue=TASK_QUEUE
        )


@asynccontextmanager
async def a_world(folder: Path) -> AsyncIterator[World]:
    """A fresh world whose files live in `folder`."""
    environment = await WorkflowEnvironment.start_time_skipping(
        plugins=[plugin()],
        test_server_existing_path=shutil.which("temporal-test-server", path=str(Path(sys.executable).parent)),
    )
    async with environment:
        await _register(environment)
        world = World(environment, folder)
        with ThreadPoolExecutor(4) as pool:
            async with Worker(
                environment.client,
                task_queue=TASK_QUEUE,
                workflows=[OrderWorkflow, CaseWorkflow],
                activities=world.activities(),
                activity_executor=pool,
            ):
                yield world


async def _register(environment: WorkflowEnvironment) -> None:
    types = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in search_attributes.ALL}
    await environment.client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=environment.client.namespace, search_attributes=types)
    )
