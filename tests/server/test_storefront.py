"""Client and command line against a real server and worker: lists, endings, and a whole life in commands."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client

from activities.sandbox.payments import SandboxPayments
from domain.messages import Acceptance, Cancel, Complaint, Extend, Response, Shipped, Tracking
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy import Reason
from domain.tracking_numbers import sandbox_number
from embedded import EmbeddedServer
from runtime import Exit
from storefront.client import Redress
from storefront.errors import BadInput, OrderClosed
from tests.server.orders import payments
from tests.server.processes import a_worker, ended, eventually, run, start
from tests.storefront.orders import a_draft, document

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
QUEUE = "storefront-tests"
RUNS = 6
AT_ONCE = 4


class Shop:
    """A storefront with a worker of its own: the client, and the command line as processes."""

    def __init__(self, client: Client, address: str, data_dir: Path) -> None:
        self.redress = Redress(client, task_queue=QUEUE)
        self.payments: SandboxPayments = payments(data_dir)
        self._settings = {"TEMPORAL_ADDRESS": address, "REDRESS_TASK_QUEUE": QUEUE, "REDRESS_DATA_DIR": str(data_dir)}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def sold(self, order_id: str, placed_at: datetime, **changes: Any) -> None:
        """A paid order that has started."""
        draft = a_draft(placed_at, order_id=order_id, payment_ref=f"ch_{order_id}", **changes)
        self.payments.capture(draft.payment_ref, draft.price.total)
        await self.redress.start(draft)

    async def delivered(self, order_id: str, placed_at: datetime) -> None:
        """A paid order whose parcel has arrived."""
        await self.sold(order_id, placed_at)
        await self.arrived(order_id, placed_at)

    async def arrived(self, order_id: str, placed_at: datetime) -> None:
        """Scanned a day after the purchase, delivered an hour later."""
        scan = TrackingEvent(status=TrackingStatus.ACCEPTED, at=placed_at + DAY)
        arrival = TrackingEvent(status=TrackingStatus.DELIVERED, at=placed_at + DAY + HOUR)
        await self.redress.tracking(order_id, Tracking(events=(scan, arrival)))

    async def command(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of one command."""
        async with self._slots:
            return await run("starter.py", *words, **self._settings)

    async def told(self, *words: str) -> Any:
        """What a command answers as JSON; it must end with exit code 0."""
        code, output, errors = await self.command(*words, "--json")
        assert (Exit.OK, "") == (code, errors), words
        return json.loads(output)

    def begin(self, *words: str) -> Any:
        """A command that goes on until it is told to end."""
        return start("starter.py", *words, **self._settings)


@pytest_asyncio.fixture(scope="module")
async def shop(client: Client, server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """The shop of this file, with its worker running."""
    folder = tmp_path_factory.mktemp("shop")
    async with a_worker(data_dir=folder, TEMPORAL_ADDRESS=server.address, REDRESS_TASK_QUEUE=QUEUE):
        yield Shop(client, server.address, folder)


@pytest.fixture
def now() -> datetime:
    """When the test began, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


async def test_list_is_sorted_by_the_next_deadline(shop: Shop, now: datetime) -> None:
    """The order that must be acted on first comes first, whatever order visibility has them in."""
    seller = {"id": "s-list", "country": "US"}
    for order_id, age in (("L-1", 1), ("L-2", 3), ("L-3", 2)):
        await shop.sold(order_id, now - age * DAY, seller=seller)

    async def all_there() -> bool:
        return len(await shop.redress.list("SellerId = 's-list'")) == 3

    await eventually(all_there)
    rows = await shop.redress.list("SellerId = 's-list'")

    assert ["order-L-2", "order-L-3", "order-L-1"] == [row.subject for row in rows]
    assert {("awaiting_shipment", 12900, "resale-v1", True)} == {
        (row.state, row.amount_minor, row.pack, row.open) for row in rows
    }
    assert rows[0].next_deadline
    assert now < rows[0].next_deadline


async def test_malformed_query_is_refused(shop: Shop) -> None:
    """What Temporal does not understand is told in its words."""
    with pytest.raises(BadInput, match="malformed SQL query"):
        await shop.redress.list("SellerId is s-4")


async def test_closed_order_accepts_nothing_more(shop: Shop, now: datetime) -> None:
    """Signals and updates to an order that has ended are refused with how it ended; one may ask, and complain late."""
    await shop.sold("C-1", now)
    await shop.redress.cancel("C-1", Cancel(by=Role.BUYER))
    await shop.redress.outcome("C-1")

    for ask in (
        shop.redress.ship("C-1", Shipped(carrier="sandbox", tracking_number=sandbox_number(1))),
        shop.redress.accept("C-1"),
        shop.redress.extend("C-1", Extend(by=Role.SELLER)),
        shop.redress.cancel("C-1", Cancel(by=Role.SELLER)),
    ):
        with pytest.raises(OrderClosed, match=r"order-C-1 has ended \(cancelled_by_buyer\)"):
            await ask

    assert not await shop.redress.is_open("C-1")
    assert "complaint_late" == (await shop.redress.complain("C-1", Complaint(reason=Reason.DAMAGED))).code
    assert "refunded" == (await shop.redress.status("C-1")).state


async def test_closed_case_accepts_nothing_more(shop: Shop, now: datetime) -> None:
    """A case that has ended tells its remedy to whoever comes late."""
    await shop.delivered("C-2", now - 3 * DAY)
    case = (await shop.redress.complain("C-2", Complaint(reason=Reason.COUNTERFEIT))).case_id
    await shop.redress.respond(case, Response(accept=True))
    await shop.redress.outcome("C-2")

    with pytest.raises(OrderClosed, match=r"case-C-2-1 has ended \(refund_and_keep\)"):
        await shop.redress.respond(case, Response(accept=False))


async def test_order_ended_from_outside_has_no_outcome(shop: Shop, client: Client, now: datetime) -> None:
    """An order that operations terminated is closed, and says that it has no outcome."""
    await shop.sold("C-3", now)
    await client.get_workflow_handle("order-C-3").terminate("by hand")

    with pytest.raises(OrderClosed, match="order-C-3 was ended by operations"):
        await shop.redress.accept("C-3", Acceptance())
    with pytest.raises(OrderClosed, match="order-C-3 was ended by operations"):
        await shop.redress.outcome("C-3")


async def test_refusals_of_the_command_line(shop: Shop, now: datetime) -> None:
    """A duplicate, a refusal, a signal refused in the story, a closed and an unknown order: each its exit code."""
    await shop.sold("R-1", now)
    await shop.sold("R-2", now)
    await shop.redress.cancel("R-2", Cancel(by=Role.BUYER))
    await shop.redress.outcome("R-2")
    commands = {
        ("complain", "R-1", "damaged"): (Exit.REFUSED, "Refused: this can be reported once the carrier has delivered"),
        ("complain", "R-1", "bored"): (Exit.REFUSED, "Refused: this is not a reason of resale-v1; use one of: "),
        ("ship", "R-1", "ups", "1Z999"): (Exit.REFUSED, "Refused: 1Z999 is no UPS number"),
        ("accept", "R-2"): (Exit.REFUSED, "order-R-2 has ended (cancelled_by_buyer) and accepts nothing more"),
        ("status", "R-9"): (Exit.NOT_FOUND, "There is no order-R-9."),
        ("list", "nonsense ="): (Exit.USAGE, "Temporal refuses the list: invalid query"),
    }

    answers = await asyncio.gather(*(shop.command(*words) for words in commands))

    assert [(code, "") for code, _ in commands.values()] == [(code, output) for code, output, _ in answers]
    assert [] == [
        errors for (_, _, errors), (_, text) in zip(answers, commands.values(), strict=True) if text not in errors
    ]


async def test_start_goes_on_after_a_duplicate(shop: Shop, tmp_path: Path) -> None:
    """One order of a file that cannot start does not hold up the others; the exit code tells of it."""
    file = tmp_path / "orders.json"
    file.write_text(json.dumps([document(order_id=name, payment_ref=f"ch_{name}") for name in ("S-1", "S-1", "S-2")]))

    code, output, errors = await shop.command("start", str(file), "--sandbox", "--json")

    assert (Exit.REFUSED, ["S-1", "S-2"]) == (code, [json.loads(line)["order_id"] for line in output.splitlines()])
    assert "DuplicateOrder" == json.loads(errors)["error"]


async def test_watch_ends_with_the_order(shop: Shop, now: datetime) -> None:
    """Watching an order tells its story as it happens, and ends when it ends."""
    await shop.sold("W-1", now)
    watching = shop.begin("watch", "W-1", "--every", "0.2", "--json")
    first = await asyncio.to_thread(watching.stdout.readline)
    await shop.redress.cancel("W-1", Cancel(by=Role.BUYER))

    code, output, errors = await ended(watching)

    told = [json.loads(line)["what"] for line in (first, *output.splitlines())]
    assert (Exit.OK, "", ["opened", "decided", "refunded", "closed"]) == (code, errors, told)


async def test_watch_ends_by_ctrl_c(shop: Shop, now: datetime) -> None:
    """Ctrl-C is how one stops watching all open orders: exit code 0, no complaint."""
    await shop.sold("W-2", now)
    watching = shop.begin("watch", "--every", "0.2")
    await asyncio.to_thread(watching.stdout.readline)

    watching.send_signal(signal.SIGINT)
    code, _, errors = await ended(watching)

    assert (Exit.OK, "") == (code, errors)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_commands_end_cleanly_every_time(shop: Shop, now: datetime, tmp_path: Path) -> None:
    """The SDK's threads never abort a short process: about 40 commands, all end with 0.

    All end through `runtime.leave`, as the shortest client does, which `test_leaving.py` runs twenty times; here each
    command ends at least twice.
    """
    lives = (_cancelled, _ruled, _withdrawn)
    await asyncio.gather(
        *(lives[number % 3](shop, f"N-{number}", now, tmp_path / f"{number}.json") for number in range(RUNS))
    )


async def _bought(shop: Shop, order_id: str, placed_at: datetime, file: Path) -> None:
    order = document(order_id=order_id, payment_ref=f"ch_{order_id}", placed_at=placed_at.isoformat())
    file.write_text(json.dumps(order))
    await shop.told("start", str(file), "--sandbox")


async def _complained(shop: Shop, order_id: str, placed_at: datetime) -> str:
    """A complaint about what arrived an hour after its scan, a day after the purchase; the id of the case."""
    await shop.arrived(order_id, placed_at)
    return str((await shop.told("complain", order_id, "damaged", "--text", "Cracked"))["case_id"])


async def _cancelled(shop: Shop, order_id: str, now: datetime, file: Path) -> None:
    await _bought(shop, order_id, now, file)
    await shop.told("status", order_id)
    await shop.told("extend", order_id, "--by", "seller", "--until", (now + 10 * DAY).isoformat())
    await shop.told("ship", order_id, "sandbox", sandbox_number(1))
    await shop.told("disrupt", order_id, "storm", "--clock", "get_scanned", "--since", now.isoformat())
    await shop.told("cancel", order_id, "--by", "seller")
    assert (Exit.OK, "") == (await shop.command("watch", order_id))[::2]


async def _ruled(shop: Shop, order_id: str, now: datetime, file: Path) -> None:
    await _bought(shop, order_id, now - 3 * DAY, file)
    case = await _complained(shop, order_id, now - 3 * DAY)
    await shop.told("receipt", case)
    await shop.told("respond", case, "--contest")
    await shop.told("rule", case, "release", "--agent", "a-1", "--reason", "The photos show wear as described")
    await shop.told("chargeback", order_id, "cb-1", "opened")
    assert (Exit.OK, "") == (await shop.command("pack", "show", "resale-v1"))[::2]


async def _withdrawn(shop: Shop, order_id: str, now: datetime, file: Path) -> None:
    await _bought(shop, order_id, now - 3 * DAY, file)
    case = await _complained(shop, order_id, now - 3 * DAY)
    await shop.told("withdraw", case)
    await shop.told("accept", order_id)
    await shop.told("timeline", order_id)
    await shop.told("list")
    assert (Exit.OK, "") == (await shop.command("pack", "check", "domain/packs/resale-v1.toml"))[::2]
