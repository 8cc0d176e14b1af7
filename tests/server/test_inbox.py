"""The inbox on a real server: gateways killed under load, Temporal away, early events, what outlives an order."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from activities import routes
from activities.ports import RouteKind
from activities.routes import SqlRoutes
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.payments import SandboxPayments
from activities.sandbox.webhooks import SandboxWebhooks, tracker_event
from activities.store import open_store
from adapters.carriers import CARRIER_FILE
from adapters.payments import PAYMENTS_FILE
from domain.messages import Shipped
from domain.order import Order
from domain.parcel import Shipment, TrackingEvent, TrackingStatus
from domain.tracking_numbers import sandbox_number
from embedded import EmbeddedServer
from gateway.inbox import Inbox, State
from gateway.temporal import Temporal
from storefront.client import Redress
from tests.gateway.doors import EASYPOST_SECRET, STRIPE_SECRET, a_doorstep, a_tracker_event
from tests.server import orders, processes
from tests.world import an_order

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def _parcel(number: int) -> Shipment:
    return Shipment(carrier="sandbox", tracking_number=sandbox_number(number))


def _order(number: int) -> Order:
    placed_at = datetime.now(UTC) - HOUR
    shipment = _parcel(number)
    return an_order(placed_at, order_id=f"W-{number}", payment_ref=f"ch_W-{number}", shipment=shipment)


async def _start(client: Client, data_dir: Path, order: Order) -> None:
    provider = orders.payments(data_dir)
    changes = {name: getattr(order, name) for name in ("placed_at", "shipment")}
    await orders.start(client, provider, order.order_id, **changes)


async def _request_ids(client: Client, order_id: str, signal: str = "tracking") -> list[str]:
    """The ids under which Temporal has kept the signals of an order, as often as it has."""
    history = client.get_workflow_handle(f"order-{order_id}").fetch_history_events()
    signals = [event.workflow_execution_signaled_event_attributes async for event in history]
    return [told.request_id for told in signals if told.signal_name == signal]


class Gateways:
    """A gateway in a process of its own, which is killed and started again at the same address."""

    def __init__(self, data_dir: Path, temporal: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._variables = {
            "REDRESS_DATA_DIR": str(data_dir),
            "REDRESS_GATEWAY_ADDRESS": self.address,
            "REDRESS_EASYPOST_WEBHOOK_SECRETS": EASYPOST_SECRET,
            "REDRESS_STRIPE_WEBHOOK_SECRETS": STRIPE_SECRET,
            "TEMPORAL_ADDRESS": temporal,
        }
        self._process: subprocess.Popen[str] | None = None

    async def start(self) -> None:
        self._process = processes.start("-m", "gateway", **self._variables)
        await processes.says(self._process, "ready")

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is written down."""
        if self._process:
            self._process.kill()
            self._process.communicate()


@contextlib.asynccontextmanager
async def _running(gateways: Gateways) -> AsyncIterator[None]:
    await gateways.start()
    try:
        yield
    finally:
        gateways.kill()


async def test_a_gateway_killed_under_load_loses_nothing_it_has_acknowledged(
    own_server: EmbeddedServer, tmp_path: Path
) -> None:
    """SIGKILL three times while webhooks pour in: each acknowledged id reaches its order once, as does each scan."""
    await own_server.start()
    client = await own_server.connect()
    carrier = SandboxCarrier(tmp_path / CARRIER_FILE)
    store = open_store(f"sqlite:///{tmp_path / 'redress.sqlite'}")
    chance = random.Random(3)
    numbers, scans = range(1, 5), 20
    for number in numbers:
        SqlRoutes(store).note(routes.of_purchase(_order(number)))
    gateways = Gateways(tmp_path, own_server.address)
    sender = SandboxWebhooks(f"http://{gateways.address}", easypost_secret=EASYPOST_SECRET, stripe_secret=STRIPE_SECRET)
    acknowledged: dict[int, set[str]] = {number: set() for number in numbers}
    statuses = [TrackingStatus.ACCEPTED, TrackingStatus.IN_TRANSIT, TrackingStatus.EXCEPTION]

    async def pour(number: int) -> None:
        begun = datetime.now(UTC) - HOUR / 2  # told to the minute in stories
        for step in range(scans):
            scan = TrackingEvent(status=statuses[step % 3], at=begun + step * MINUTE)
            carrier.script(_parcel(number), (scan,), append=True)
            event = tracker_event(_parcel(number), (scan,), None, datetime.now(UTC))
            for _ in range(chance.choice([1, 1, 2])):
                acknowledged[number].add(await asyncio.to_thread(sender.post, "easypost", event))

    async with processes.a_worker(data_dir=tmp_path, TEMPORAL_ADDRESS=own_server.address), _running(gateways):
        for number in numbers[:-1]:
            await _start(client, tmp_path, _order(number))
        pouring = asyncio.gather(*map(pour, numbers))
        for _ in range(3):
            await asyncio.sleep(chance.uniform(0.1, 0.4))
            gateways.kill()
            await gateways.start()
        await pouring
        await _start(client, tmp_path, _order(numbers[-1]))

        async def drained() -> bool:
            return not Inbox(store).listed([State.WAITING], 1)

        await processes.eventually(drained)
        redress = Redress(client)
        stories = {number: await redress.timeline(f"W-{number}") for number in numbers}
        kept = {number: await _request_ids(client, f"W-{number}") for number in numbers}

    assert dict.fromkeys(numbers, scans) == {number: len(ids) for number, ids in acknowledged.items()}
    assert {number: Counter(ids) for number, ids in acknowledged.items()} == {
        number: Counter(ids) for number, ids in kept.items()
    }
    for story in stories.values():
        told = Counter((entry.facts["status"], entry.facts["at"]) for entry in story if entry.what == "tracking")
        assert (scans, {1}) == (len(told), set(told.values()))


async def test_with_temporal_away_events_are_taken_in_words_and_told_in_order(
    own_server: EmbeddedServer, tmp_path: Path
) -> None:
    """The inbox goes on, says since when Temporal is away, and on its return tells each order as it came."""
    await own_server.start()
    client = await own_server.connect()
    await _start(client, tmp_path, _order(1))
    SandboxCarrier(tmp_path / CARRIER_FILE).script(
        _parcel(1), (TrackingEvent(status=TrackingStatus.ACCEPTED, at=datetime.now(UTC)),)
    )

    async def connect() -> Client:
        return client

    temporal = Temporal(connect, task_queue="redress", patience=SECOND)
    async with a_doorstep(tmp_path, temporal=temporal) as doorstep:
        SqlRoutes(doorstep.store).note(routes.of_purchase(_order(1)))
        own_server.kill()
        answers: list[httpx.Response] = []

        async def said_to_be_away() -> bool:
            event = a_tracker_event(1, created_at=datetime.now(UTC).isoformat())
            answers.append(await doorstep.send("easypost", event))
            return "has not answered since" in answers[-1].json()["text"]

        await processes.eventually(said_to_be_away)
        for _ in range(10):
            await said_to_be_away()
        await own_server.start()

        async def drained() -> bool:
            return not doorstep.inbox.listed([State.WAITING], 1)

        await processes.eventually(drained)

    assert {202} == {answer.status_code for answer in answers}
    assert [answer.json()["event_id"] for answer in answers] == await _request_ids(client, "W-1")


async def test_the_worker_notes_whose_a_parcel_is(own_server: EmbeddedServer, tmp_path: Path) -> None:
    """An order that came another way than the gateway: its first look-up says where news of its parcel leads."""
    await own_server.start()
    client = await own_server.connect()
    known = SqlRoutes(open_store(f"sqlite:///{tmp_path / 'redress.sqlite'}"))

    async with processes.a_worker(data_dir=tmp_path, TEMPORAL_ADDRESS=own_server.address):
        placed_at = orders.PLACED_AT
        fast = orders.fast(100_000)
        await orders.start(client, orders.payments(tmp_path), "W-9", placed_at=placed_at, clock=fast)
        await Redress(client).ship("W-9", Shipped(carrier="sandbox", tracking_number=_parcel(9).tracking_number))

        async def noted() -> bool:
            return bool(known.find(RouteKind.PARCEL, [_parcel(9).tracking_number]))

        await processes.eventually(noted)

    [route] = known.find(RouteKind.PARCEL, [_parcel(9).tracking_number])
    assert ("order-W-9", "sandbox") == (route.subject, route.carrier)


async def test_a_dispute_reaches_its_order_through_the_sandbox(own_server: EmbeddedServer, tmp_path: Path) -> None:
    """From the bank to the frozen money: opened, told, read at the provider, and in the order's status."""
    await own_server.start()
    client = await own_server.connect()
    bank = SandboxPayments(tmp_path / PAYMENTS_FILE)
    gateways = Gateways(tmp_path, own_server.address)
    sender = SandboxWebhooks(f"http://{gateways.address}", easypost_secret=EASYPOST_SECRET, stripe_secret=STRIPE_SECRET)
    store = open_store(f"sqlite:///{tmp_path / 'redress.sqlite'}")
    SqlRoutes(store).note(routes.of_purchase(_order(1)))

    async with processes.a_worker(data_dir=tmp_path, TEMPORAL_ADDRESS=own_server.address), _running(gateways):
        await _start(client, tmp_path, _order(1))
        dispute_id = bank.open_dispute("ch_W-1")
        await asyncio.to_thread(sender.dispute, bank, dispute_id, datetime.now(UTC))

        async def frozen() -> bool:
            return (await Redress(client).status("W-1")).frozen

        assert await processes.eventually(frozen)
        with pytest.raises(LookupError):
            sender.dispute(bank, "dp_ch_of_nobody", datetime.now(UTC))
