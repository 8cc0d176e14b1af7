"""A whole world for workflow tests: the real workflows and activities in virtual time, over the sandbox adapters.

`TunnelWorld` needs no server: nothing in it is by chance, and what follows from a message has happened when its sender
has been answered. `tests/server_world.py` has the same world on a server, for what only a server can show.
Every world begins at the same policy instant, whatever day it is outside, so that a test can write its dates out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from domain import policy_packs
from domain.clock import REAL_TIME, Clock
from domain.money import Money
from domain.order import Line, Order, PriceSplit
from domain.parcel import Shipment, TrackingEvent
from domain.parties import Party
from domain.story import Outcome
from domain.tracking_numbers import sandbox_number
from fastmotion.services import SandboxServices
from runtime import TASK_QUEUE
from tests.audit import books_balance, nobody_is_paid_twice
from windtunnel.activities import RealActivities
from windtunnel.client import client_of
from windtunnel.order_tunnel import order_tunnel
from workflows.order import OrderWorkflow

BUYER = Party(id="b-17", time_zone="America/New_York", country="US")
SELLER = Party(id="s-4", time_zone="America/Los_Angeles", country="US")
BEGINNING = datetime(2026, 10, 29, 17, 0, tzinfo=UTC)
"""When the world begins: Thursday 10:00 in Los Angeles, 13:00 in New York, three days before clocks are set back."""

A_YEAR: Final = timedelta(days=365)
"""After so much silence every order has come to its end."""

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


class World(SandboxServices, ABC):
    """Workflows that can be spoken to, and the sandbox services as tests see them. All instants are policy time."""

    client: Client
    clock: Clock

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.orders: dict[str, Order] = {}

    @abstractmethod
    async def now(self) -> datetime:
        """Virtual time, to the second."""

    @abstractmethod
    async def at(self, instant: datetime) -> None:
        """Let virtual time pass until `instant`; what is under way is finished before."""

    def scripted(self, *events: TrackingEvent) -> None:
        """What the sandbox carrier will say of the ordinary shipment."""
        self.carrier.script(SHIPMENT, events)

    async def start(self, order: Order) -> WorkflowHandle[OrderWorkflow, Outcome]:
        """Capture the payment and start the order, on the clock of this world."""
        self.payments.capture(order.payment_ref, order.price.total)
        order = order.model_copy(update={"clock": self.clock})
        self.orders[order.order_id] = order
        return await self.client.start_workflow(
            OrderWorkflow.run, order, id=f"order-{order.order_id}", task_queue=TASK_QUEUE
        )


class TunnelWorld(World):
    """A world in the wind tunnel, whose clock is policy time itself."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.clock = REAL_TIME
        self.tunnel = order_tunnel(RealActivities(self.activities()), began=BEGINNING)
        self.tunnel.remembers = True
        self.client = client_of(self.tunnel, pydantic_data_converter)

    async def now(self) -> datetime:
        """Virtual time, to the second."""
        return self.tunnel.now.replace(microsecond=0)

    async def at(self, instant: datetime) -> None:
        """Let virtual time pass until `instant`; what is due at it has happened as well."""
        self.tunnel.run(instant)

    def outage(self, until: datetime) -> None:
        """No worker runs from now on: until then time passes and messages come, but nobody acts on them."""
        self.tunnel.outage(until)

    def comes_to_an_end(self) -> None:
        """Whatever was left open, silence ends it: no order is stuck, every book balances, every workflow replays."""
        for service in (self.carrier, self.payments, self.files):
            service.set_faults()
        self.tunnel.run(self.tunnel.now + A_YEAR)
        assert () == self.tunnel.running, "no order is stuck"
        for execution in self.tunnel.executions.values():
            assert execution.failure is None, execution.id
            self.tunnel.rebuild(execution)
        for outcome in self.outcomes.outcomes():
            books_balance(self, self.orders[outcome.order_id], outcome)
        nobody_is_paid_twice(self)


@contextmanager
def a_world(folder: Path) -> Iterator[TunnelWorld]:
    """A fresh world whose files live in `folder`; in the end, every order in it must come to its own."""
    world = TunnelWorld(folder)
    with world.tunnel:
        yield world
        world.comes_to_an_end()
