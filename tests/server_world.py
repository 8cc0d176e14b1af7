"""The world of tests on a time-skipping server with a worker, for what only a server can show.

Each test starts a fresh server, since its clock belongs to the whole server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from domain.clock import Clock
from fastmotion.virtual_world import VirtualWorld, a_test_server
from tests.world import BEGINNING, World
from workflows.order import OrderWorkflow


class ServerWorld(VirtualWorld, World):
    """One server with its worker, and the sandbox services as tests see them. All instants are policy time."""

    def __init__(self, environment: WorkflowEnvironment, folder: Path, clock: Clock) -> None:
        super().__init__(environment, folder)
        self.clock = clock

    async def now(self) -> datetime:
        """Virtual time, to the second."""
        return self.clock.now(await self.environment.get_current_time()).replace(microsecond=0)

    async def at(self, instant: datetime) -> None:
        """Let virtual time pass until `instant`; what is under way is finished before.

        Not to an instant at which a timer fires: the server may lose the task of what is said at that moment.
        """
        if not self._running.done():
            orders = [self.client.get_workflow_handle(f"order-{order_id}") for order_id in self.orders]
            await asyncio.gather(*(order.query(OrderWorkflow.status) for order in orders))
        await self.until(self.clock.real_instant(instant))


@asynccontextmanager
async def a_server_world(folder: Path, *, cached: int = 1_000, speed: float = 1) -> AsyncIterator[ServerWorld]:
    """A fresh world whose files live in `folder`, with its worker running.

    The server cannot skip time while a task waits for a worker: an outage needs `speed`,
    and a worker that has no workflows `cached`, or the server would wait for it.
    """
    async with a_test_server() as environment:
        begun = await environment.get_current_time()
        world = ServerWorld(environment, folder, Clock(real_anchor=begun, policy_anchor=BEGINNING, speed=speed))
        async with world.at_work(cached):
            yield world
