"""Questions to orders on a real server must never change what the orders do."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from temporalio.client import Client

from domain.messages import Shipped, Tracking
from embedded import EmbeddedServer
from fastmotion.stories import all_stories, shipment
from tests.replay_histories import misfits
from tests.server import orders
from tests.server.orders import Handle
from tests.server.processes import a_worker
from tests.world import SHIPMENT
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow

ORDERS = 50
QUEUE = "questions"


async def test_questions_between_messages_leave_histories_replayable(
    server: EmbeddedServer, client: Client, tmp_path: Path
) -> None:
    """A question may be answered in a task whose local activity still runs: what the order does must not depend on it.

    Before, a few in a hundred orders under this load could never be replayed again.
    """
    async with a_worker(data_dir=tmp_path, TEMPORAL_ADDRESS=server.address, REDRESS_TASK_QUEUE=QUEUE):
        provider = orders.payments(tmp_path)
        handles = [await orders.start(client, provider, f"Q-{n}", task_queue=QUEUE) for n in range(ORDERS)]
        await asyncio.gather(*(_told_and_asked(handle) for handle in handles))
    histories = [await handle.fetch_history() for handle in handles]

    assert {} == await misfits(histories, [OrderWorkflow, CaseWorkflow])


async def _told_and_asked(handle: Handle) -> None:
    asking = asyncio.create_task(_ask(handle))
    await handle.signal(OrderWorkflow.shipped, Shipped(**SHIPMENT.model_dump()))
    for event in all_stories()["lost"].journeys("lost")[shipment("lost")].events:
        await handle.signal(OrderWorkflow.tracking, Tracking(events=(event,)))
        # Not all at once: the race is between a message, a local activity and a question that is being answered.
        await asyncio.sleep(0.1)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking


async def _ask(handle: Handle) -> None:
    while True:
        await handle.query(OrderWorkflow.status)
        await asyncio.sleep(0.01)
