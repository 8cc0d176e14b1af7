"""While no worker runs, the gateway keeps what can be kept, and says so of what cannot."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client

from domain.tracking_numbers import sandbox_number
from embedded import EmbeddedServer
from tests.server.gateway.doors import Doors
from tests.server.processes import a_worker, eventually

ALONE = "gateway-alone"


async def test_without_workers_messages_are_kept_and_questions_told_to_wait(
    client: Client, server: EmbeddedServer, tmp_path: Path
) -> None:
    """A message is left at once, unseen; an update is 503 and is carried out under the same key once a worker runs."""
    settings = {"TEMPORAL_ADDRESS": server.address, "REDRESS_TASK_QUEUE": ALONE}
    doors = Doors(client, tmp_path, task_queue=ALONE, gateway_patience_seconds=1)
    parcel = {"carrier": "sandbox", "tracking_number": sandbox_number(3)}
    key = {"Idempotency-Key": "extend-1"}
    async with a_worker(data_dir=tmp_path, **settings):
        await doors.sold("ALONE-1")
        await doors.shop.get("/v1/orders/ALONE-1")

    shipped = await doors.shop.post("/v1/orders/ALONE-1/shipped", json=parcel)
    away = await doors.shop.post("/v1/orders/ALONE-1/extend", json={"by": "seller"}, headers=key)
    asked = await doors.shop.get("/v1/orders/ALONE-1/receipt")

    assert (202, False) == (shipped.status_code, shipped.json()["seen"])
    assert [503, 503] == [away.status_code, asked.status_code]
    assert "No worker answered for order-ALONE-1 in time" in away.json()["detail"]
    async with a_worker(data_dir=tmp_path, **settings):

        async def answered() -> bool:
            answer = await doors.shop.post("/v1/orders/ALONE-1/extend", json={"by": "seller"}, headers=key)
            return answer.status_code != 503

        await eventually(answered)
        told = [entry["what"] for entry in (await doors.shop.get("/v1/orders/ALONE-1/timeline")).json()]
    assert "marked_shipped" in told
