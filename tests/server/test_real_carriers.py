"""worker.py with EasyPost: which queue carriers are asked on, how fast, and what it says when it cannot begin."""

from __future__ import annotations

import signal
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from temporalio.api.enums.v1 import RateLimitSource, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from domain.claims import Claim, ClaimKind, ClaimRequest
from domain.messages import Shipped
from domain.money import Money
from domain.requests import Label
from embedded import EmbeddedServer
from tests.activities.easypost.adapter import REQUEST, SHIPMENT
from tests.activities.easypost.double import KEY, Double, Fault, scan
from tests.server import orders, processes
from tests.server.processes import a_worker, eventually
from workflows.order import OrderWorkflow

QUEUE = "real"


@pytest.fixture
def double(httpserver: HTTPServer) -> Double:
    """EasyPost on this machine."""
    return Double(httpserver)


def settings(server: EmbeddedServer, double: Double) -> dict[str, str]:
    """A worker that asks it, three times a second at most."""
    return {
        "TEMPORAL_ADDRESS": server.address,
        "REDRESS_TASK_QUEUE": QUEUE,
        "REDRESS_CARRIERS": "easypost",
        "REDRESS_CARRIER_ACTIVITIES_PER_SECOND": "3",
        "REDRESS_EASYPOST_API_KEY": KEY,
        "REDRESS_EASYPOST_URL": double.url,
        "REDRESS_EASYPOST_CLAIMS_EMAIL": "claims@example.org",
    }


async def test_real_carriers_are_asked_on_a_queue_with_a_pace(
    server: EmbeddedServer, client: Client, double: Double, tmp_path: Path
) -> None:
    """An order hears of its parcel from EasyPost, by an activity on a queue that the server itself slows down."""
    double.script(SHIPMENT.tracking_number, scan("in_transit", "2026-03-02T18:00:00Z"))
    async with a_worker(data_dir=tmp_path, **settings(server, double)) as worker:
        handle = await _shipped(client, tmp_path, "E-1")
        await eventually(lambda: _in_transit(handle))
        used = await _queue_of(handle, "carrier.look_up")
        pace = await _pace(client, used)
        claim = await _claim(client, double)
        await handle.terminate()
        worker.terminate()
        _, output, errors = await processes.ended(worker)

    assert f"{QUEUE}-carriers" == used
    assert (3.0, RateLimitSource.RATE_LIMIT_SOURCE_WORKER) == pace
    assert "approved" == claim.state
    assert KEY not in output + errors
    assert "EasyPost with a key for trials, 3.0 activities a second at most" in errors


async def test_a_worker_killed_while_it_buys_buys_one_label(
    server: EmbeddedServer, client: Client, double: Double, tmp_path: Path
) -> None:
    """SIGKILL in the moment in which the label is paid for: another worker finds it by its reference."""
    request = REQUEST.model_copy(update={"reference": "label-case-K-1-1-1"})
    async with a_worker(data_dir=tmp_path, **settings(server, double)) as worker:
        double.fail(Fault(path="/buy$", after=True, hang_up=True, meanwhile=worker.kill))
        buying = await client.start_activity(
            "carrier.buy_label",
            request,
            id=request.reference,
            task_queue=f"{QUEUE}-carriers",
            result_type=Label,
            start_to_close_timeout=timedelta(seconds=5),
        )
        code, _, _ = await processes.ended(worker)
    paid = [one["tracking_code"] for one in double.labels(request.reference)]
    async with a_worker(data_dir=tmp_path, **settings(server, double)):
        label = await buying.result()

    assert -signal.SIGKILL == code
    assert [label.shipment.tracking_number] == paid
    assert paid == [one["tracking_code"] for one in double.labels(request.reference)]
    assert 1 == double.count("POST", "/shipments/.*/buy")


async def test_a_versioned_worker_asks_on_the_same_queue(
    own_server: EmbeddedServer, double: Double, tmp_path: Path
) -> None:
    """The version that operators make current has both queues, and an order's question finds its way."""
    await own_server.start()
    client = await own_server.connect()
    double.script(SHIPMENT.tracking_number, scan("in_transit", "2026-03-02T18:00:00Z"))
    versioned = {"TEMPORAL_DEPLOYMENT_NAME": "redress", "TEMPORAL_WORKER_BUILD_ID": "1"}
    async with a_worker(data_dir=tmp_path, **settings(own_server, double), **versioned):
        current = SetWorkerDeploymentCurrentVersionRequest(
            namespace=client.namespace, deployment_name="redress", build_id="1", ignore_missing_task_queues=True
        )
        await eventually(lambda: _made_current(client, current))
        handle = await _shipped(client, tmp_path, "V-1")
        await eventually(lambda: _in_transit(handle))
        used = await _queue_of(handle, "carrier.look_up")
        await handle.terminate()

    assert f"{QUEUE}-carriers" == used


async def test_a_worker_without_its_key_says_which_setting_is_missing(server: EmbeddedServer, tmp_path: Path) -> None:
    """Nothing begins without the key, and the text names the variable."""
    code, _, errors = await processes.run(
        "worker.py",
        REDRESS_DATA_DIR=str(tmp_path),
        TEMPORAL_ADDRESS=server.address,
        REDRESS_CARRIERS="easypost",
        REDRESS_EASYPOST_API_KEY="",
    )

    assert 2 == code
    assert "REDRESS_CARRIERS=easypost needs REDRESS_EASYPOST_API_KEY" in errors


async def _shipped(client: Client, data_dir: Path, order_id: str) -> orders.Handle:
    """An order in which hours pass in a second, and its parcel."""
    facts = {"placed_at": orders.PLACED_AT, "clock": orders.fast(14_400)}
    handle = await orders.start(client, orders.payments(data_dir), order_id, task_queue=QUEUE, **facts)
    shipped = Shipped(carrier=SHIPMENT.carrier, tracking_number=SHIPMENT.tracking_number)
    await handle.signal(OrderWorkflow.shipped, shipped)
    return handle


async def _made_current(client: Client, request: SetWorkerDeploymentCurrentVersionRequest) -> bool:
    try:
        await client.workflow_service.set_worker_deployment_current_version(request)
    except RPCError:
        return False
    return True


async def _in_transit(handle: orders.Handle) -> bool:
    try:
        return (await handle.query(OrderWorkflow.status)).state == "in_transit"
    except RPCError:
        return False


async def _queue_of(handle: orders.Handle, activity: str) -> str:
    history = await handle.fetch_history()
    scheduled = (event.activity_task_scheduled_event_attributes for event in history.events)
    return next(one.task_queue.name for one in scheduled if one.activity_type.name == activity)


async def _pace(client: Client, queue: str) -> tuple[float, int]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_config=True,
    )
    limit = (await client.workflow_service.describe_task_queue(request)).effective_rate_limit
    return limit.requests_per_second, limit.rate_limit_source


async def _claim(client: Client, double: Double) -> Claim:
    """A claim as support makes it: an activity that stands alone, asked again until EasyPost has decided."""
    ask = ClaimRequest(
        order_id="E-1",
        shipment=SHIPMENT,
        kind=ClaimKind.LOSS,
        amount=Money(minor=12_900, currency="USD"),
        description="no scan for two weeks",
    )
    double.insured.add(SHIPMENT.tracking_number)
    double.verdict = "approved"
    claim: Claim = await client.execute_activity(
        "carrier.claim",
        ask,
        id="claim-E-1-loss",
        task_queue=f"{QUEUE}-carriers",
        result_type=Claim,
        start_to_close_timeout=timedelta(minutes=2),
    )
    return claim
