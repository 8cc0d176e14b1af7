"""The three-way check as operations use it: the commands, the schedule, and the lists of a real server."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio
from temporalio.client import Client

from domain.books import Mismatch
from domain.messages import Cancel
from domain.parties import Role
from embedded import EmbeddedServer
from runtime import Exit
from storefront import books
from storefront.client import Redress
from tests.server.orders import payments, start
from tests.server.processes import a_worker, eventually, run
from worker import PAYMENTS_FILE

QUEUE = "reconcile-tests"


class Office:
    """A worker of its own, with the command line beside it."""

    def __init__(self, client: Client, address: str, data_dir: Path) -> None:
        self.client = client
        self.data_dir = data_dir
        self.redress = Redress(client, task_queue=QUEUE)
        self._settings = {"TEMPORAL_ADDRESS": address, "REDRESS_TASK_QUEUE": QUEUE, "REDRESS_DATA_DIR": str(data_dir)}

    async def refunded(self, order_id: str) -> None:
        """An order that its seller has cancelled, and that has closed."""
        await start(self.client, payments(self.data_dir), order_id, task_queue=QUEUE)
        await self.redress.cancel(order_id, Cancel(by=Role.SELLER, submitted_at=datetime.now(UTC)))
        await self.redress.outcome(order_id)

    async def command(self, *words: str) -> tuple[int, str, str]:
        """What the command line answers."""
        return await run("starter.py", *words, **self._settings)

    def at_the_provider(self, change: str) -> None:
        """Change the provider's own books."""
        with sqlite3.connect(self.data_dir / PAYMENTS_FILE) as kept:
            kept.execute(change)


@pytest_asyncio.fixture
async def office(client: Client, server: EmbeddedServer, tmp_path: Path) -> AsyncIterator[Office]:
    """A worker that is ready."""
    address = client.service_client.config.target_host
    async with a_worker(data_dir=tmp_path, TEMPORAL_ADDRESS=address, REDRESS_TASK_QUEUE=QUEUE):
        yield Office(client, address, tmp_path)


async def test_books_are_compared_by_a_command(office: Office) -> None:
    """They agree (0); a doubled refund is found with what to do (1), its order named or not; no such order (5)."""
    await office.refunded("RC-1")
    await office.refunded("RC-2")

    agreed = await office.command("reconcile", "RC-1", "order-RC-2")
    assert (Exit.OK, "2 orders, 2 movements compared: provider, ledger and history agree.\n", "") == agreed

    office.at_the_provider(
        "INSERT INTO transfer (kind, key, payment_ref, payee, minor, currency, made_at)"
        " SELECT kind, key, payment_ref, payee, minor, currency, made_at FROM transfer WHERE key = 'refund-RC-2-1'"
    )
    code, output, errors = await office.command("reconcile")
    assert (Exit.FAILED, "") == (code, errors)
    assert "RC-2  refund-RC-2-1  twice\n  provider  refund USD 129.00 re_2; refund USD 129.00 re_3\n" in output
    assert "  to do     Somebody was paid twice." in output
    assert output.endswith("2 movements compared: 1 order with differences.\n")

    code, output, _ = await office.command("reconcile", "RC-9")
    assert (Exit.NOT_FOUND, True) == (code, output.endswith("1 order, 0 movements compared: 1 order not compared.\n"))
    code, output, errors = await office.command("reconcile", "RC-9", "--json")
    assert (Exit.NOT_FOUND, "", "RC-9") == (code, errors, json.loads(output)["unread"][0]["order_id"])


async def test_books_are_compared_every_day(office: Office) -> None:
    """The schedule is made, replaced, shown with its last report, and ended, twice without harm."""
    await books.end_schedule(office.client)
    await office.refunded("RD-1")
    office.at_the_provider("DELETE FROM transfer")
    await books.set_schedule(office.client, "03:30", 7, task_queue=QUEUE)
    await books.set_schedule(office.client, "03:00", 8, task_queue=QUEUE)
    await office.client.get_schedule_handle(books.SCHEDULE).trigger()

    async def ran() -> books.Daily | None:
        daily = await books.standing(office.client)
        return daily if daily.report else None

    daily = await eventually(ran)
    assert daily is not None
    assert daily.report is not None
    assert (True, "03:00", 8, [3, 3, 3]) == (daily.on, daily.at, daily.days, [at.hour for at in daily.next])
    assert [Mismatch.NOT_AT_PROVIDER] == [found.what for found in daily.report.differences]
    code, output, _ = await office.command("reconcile-daily")
    assert (Exit.OK, True) == (code, "every day at 03:00 UTC" in output)
    assert f"  last      {daily.last_workflow}\n  RD-1  refund-RD-1-1  not_at_provider" in output

    await books.end_schedule(office.client)
    await books.end_schedule(office.client)
    assert not (await books.standing(office.client)).on
