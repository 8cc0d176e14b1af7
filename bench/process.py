"""A worker in a process of its own, so that its CPU and memory are nobody else's: `python -m bench.process ADDRESS`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
from temporalio.client import Client
from temporalio.worker import Worker

from bench import stand_ins
from bench.bare import BareWorkflow, nothing
from runtime import TASK_QUEUE, plugin
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow

READY = "ready"


@dataclass(frozen=True)
class Use:
    """What a process has used so far: CPU seconds (user and system), and resident memory in bytes."""

    cpu: float
    rss: int


class WorkerProcess:
    """The worker that `a_worker` has started."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def use(self) -> Use:
        """What it has used until now."""
        times = self._process.cpu_times()
        return Use(cpu=times.user + times.system, rss=self._process.memory_info().rss)


@asynccontextmanager
async def a_worker(address: str, *, cached: int = 1000) -> AsyncIterator[WorkerProcess]:
    """A ready worker of orders and of the yardstick, which keeps this many workflows in its cache."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.process", address, str(cached), stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None or (await process.stdout.readline()).decode().strip() != READY:
            raise RuntimeError("the bench's worker did not start: see what it printed above")
        yield WorkerProcess(process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def main(address: str, cached: int) -> None:
    """Work until the process is ended."""
    client = await Client.connect(address, plugins=[plugin()])
    with ThreadPoolExecutor(8) as pool:
        async with Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[OrderWorkflow, CaseWorkflow, BareWorkflow],
            activities=[*stand_ins.activities(), nothing],
            activity_executor=pool,
            max_cached_workflows=cached,
        ):
            print(READY, flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
