"""worker.py as ops run it: a process of its own, on a real server."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from activities.sandbox.payments import SandboxPayments
from domain.messages import Cancel
from domain.parties import Role
from embedded import EmbeddedServer
from tests.server import orders, processes
from tests.server.processes import a_worker, eventually
from tests.world import BUYER
from workflows.order import OrderWorkflow


async def test_a_worker_killed_while_it_refunds_refunds_once(own_server: EmbeddedServer, tmp_path: Path) -> None:
    """After SIGKILL in the middle of a refund, another worker ends the order, and the buyer is paid once."""
    await own_server.start()
    client = await own_server.connect()
    provider = orders.payments(tmp_path)
    # The money moves, and no answer to any payment ever comes back.
    provider.set_faults(fail_after=1.0)
    # Without a cache, the server does not first wait ten seconds for the worker that had the order in memory.
    settings = {"TEMPORAL_ADDRESS": own_server.address, "REDRESS_MAX_CACHED_WORKFLOWS": "0"}
    async with a_worker(data_dir=tmp_path, **settings) as worker:
        handle = await orders.start(client, provider, "R-1")
        await handle.execute_update(OrderWorkflow.cancel, Cancel(by=Role.BUYER))
        await eventually(lambda: _refunded(provider))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    async with a_worker(data_dir=tmp_path, **settings):
        outcome = await handle.result()

    assert outcome.decision.ending == "cancelled_by_buyer"
    assert [refund.amount for refund in provider.refunds("ch_R-1")] == [outcome.decision.refund]


async def _refunded(provider: SandboxPayments) -> bool:
    return bool(provider.refunds("ch_R-1"))


async def test_ops_find_an_order_and_read_what_happens_next(
    server: EmbeddedServer, client: Client, tmp_path: Path
) -> None:
    """An order is listed by its search attributes, and its current details begin with the next duty."""
    queue = "ops"
    async with a_worker(data_dir=tmp_path, TEMPORAL_ADDRESS=server.address, REDRESS_TASK_QUEUE=queue):
        handle = await orders.start(client, orders.payments(tmp_path), "O-1", task_queue=queue)
        query = (
            f"OrderId = 'O-1' AND BuyerId = '{BUYER.id}' AND OrderState = 'awaiting_shipment' "
            "AND PolicyPack = 'resale-v1' AND NextDeadline > '2026-01-01T00:00:00Z' AND AmountMinor = 12900"
        )
        listed = await eventually(lambda: _listed(client, query))
        metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)

    assert [handle.id] == listed
    assert metadata.current_details.startswith("**Next: seller must ")
    assert "on silence" in metadata.current_details.splitlines()[0]


async def _listed(client: Client, query: str) -> list[str]:
    return [execution.id async for execution in client.list_workflows(query)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_worker_in_good_order(
    server: EmbeddedServer, tmp_path: Path, number: signal.Signals
) -> None:
    """SIGTERM and Ctrl-C let the worker finish what it does; then it ends with exit code 0."""
    async with a_worker(data_dir=tmp_path, TEMPORAL_ADDRESS=server.address) as worker:
        worker.send_signal(number)
        code, _, errors = await processes.ended(worker)
    assert 0 == code, errors


async def test_a_second_signal_ends_the_worker_at_once(server: EmbeddedServer, client: Client, tmp_path: Path) -> None:
    """Who cannot wait for a slow activity says so twice."""
    provider, queue = orders.payments(tmp_path), "impatient"
    provider.set_faults(latency_ms=20_000)
    settings = {"TEMPORAL_ADDRESS": server.address, "REDRESS_TASK_QUEUE": queue}
    async with a_worker(data_dir=tmp_path, **settings) as worker:
        handle = await orders.start(client, provider, "I-1", task_queue=queue)
        await handle.execute_update(OrderWorkflow.cancel, Cancel(by=Role.BUYER))
        await eventually(lambda: _pending(handle))
        worker.send_signal(signal.SIGTERM)
        await _hears(worker, "once more to stop at once")
        worker.send_signal(signal.SIGTERM)
        code, _, errors = await processes.ended(worker)
    assert 130 == code, errors
    await handle.terminate()


async def _pending(handle: orders.Handle) -> bool:
    description = await handle.describe()
    return any(one.attempt and one.state == 2 for one in description.raw_description.pending_activities)


async def _hears(worker: subprocess.Popen[str], text: str) -> None:
    assert worker.stderr is not None
    while text not in await asyncio.to_thread(worker.stderr.readline):
        assert worker.poll() is None


async def test_the_embedded_server_ends_with_its_worker(tmp_path: Path) -> None:
    """`worker.py --embedded` brings its own server, names its Web UI, and takes it down again."""
    words = ("--embedded", "--port", "0", "--ui-port", "0")
    worker = processes.start("worker.py", *words, REDRESS_DATA_DIR=str(tmp_path))
    line = await processes.says(worker, "Web UI: http://127.0.0.1:")
    address = line.split("Temporal at ")[1].split(",")[0]
    worker.send_signal(signal.SIGINT)
    ended = await processes.ended(worker)
    gone = await processes.run(
        "worker.py",
        REDRESS_DATA_DIR=str(tmp_path),
        REDRESS_CONNECT_SECONDS="0",
        TEMPORAL_ADDRESS=address,
    )

    assert (0, 3) == (ended[0], gone[0]), ended[2] + gone[2]
