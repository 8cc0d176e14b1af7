"""The gateway over a real server and worker, as its clients meet it: requests in, answers out, all in one process."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client

from gateway.keys import KeyRole
from tests.gateway.in_process import InProcess
from tests.server.processes import a_gateway
from tests.storefront.orders import document

QUEUE = "gateway-tests"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Doors(InProcess):
    """A gateway with its keys; its worker keeps its files in `data_dir` too."""

    def __init__(self, client: Client, data_dir: Path, **settings: Any) -> None:
        async def connect() -> Client:
            return client

        known: dict[str, Any] = {"gateway_sandbox": True, "gateway_patience_seconds": 20, "task_queue": QUEUE}
        super().__init__(data_dir, connect, **known | settings)
        self._temporal_address = client.service_client.config.target_host
        self._clients: dict[tuple[str, tuple[KeyRole, ...]], httpx.AsyncClient] = {}

    def in_a_process(self, **settings: str) -> AbstractAsyncContextManager[str]:
        """The address of a gateway with the same orders, keys and worker, in a process of its own."""
        return a_gateway(
            data_dir=self.settings.data_dir,
            TEMPORAL_ADDRESS=self._temporal_address,
            REDRESS_TASK_QUEUE=self.settings.task_queue,
            **settings,
        )

    def as_(self, *roles: KeyRole, marketplace: str = "demo") -> httpx.AsyncClient:
        """A client with a key of these roles, kept for the next time."""
        known = (marketplace, roles)
        if known not in self._clients:
            self._clients[known] = self.client(*roles, marketplace=marketplace)
        return self._clients[known]

    @property
    def shop(self) -> httpx.AsyncClient:
        """The storefront."""
        return self.as_(KeyRole.STOREFRONT)

    @property
    def desk(self) -> httpx.AsyncClient:
        """The support desk."""
        return self.as_(KeyRole.SUPPORT)

    def paid(self, order_id: str, placed_at: datetime, **changes: Any) -> dict[str, Any]:
        """An order as it is sent; its payment counts as taken."""
        return document(order_id=order_id, payment_ref=f"ch_{order_id}", placed_at=placed_at.isoformat(), **changes)

    async def sold(self, order_id: str, placed_at: datetime | None = None, **changes: Any) -> None:
        """An order that has started."""
        order = self.paid(order_id, placed_at or datetime.now(UTC), **changes)
        answer = await self.shop.post("/v1/orders", json=order)
        assert 201 == answer.status_code, answer.text

    async def delivered(self, order_id: str) -> None:
        """An order whose parcel arrived two days ago."""
        placed_at = datetime.now(UTC) - 3 * DAY
        await self.sold(order_id, placed_at)
        events = [
            {"status": "accepted", "at": (placed_at + DAY).isoformat()},
            {"status": "delivered", "at": (placed_at + DAY + HOUR).isoformat()},
        ]
        answer = await self.as_(KeyRole.CARRIER).post(f"/v1/orders/{order_id}/tracking", json={"events": events})
        assert 202 == answer.status_code, answer.text

    async def complained(self, order_id: str, **fields: Any) -> str:
        """The id of a case about a parcel that has arrived."""
        await self.delivered(order_id)
        answer = await self.shop.post(f"/v1/orders/{order_id}/complaints", json={"reason": "damaged"} | fields)
        assert 201 == answer.status_code, answer.text
        return str(answer.json()["case_id"])
