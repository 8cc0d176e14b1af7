"""Memory of the worker for each open order that it keeps in its cache, against bare workflows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from rich.console import Console
from temporalio.client import Client

from bench.crowd import Crowd, a_crowd
from bench.process import WorkerProcess, a_worker
from bench.report import Figure, Goal

WARM_UP = 50
AT_ONCE = 32
IDLE_CPU = 0.05


async def measure(client: Client, address: str, console: Console, *, quick: bool) -> list[Figure]:
    """KiB per open order and per open bare workflow: growth of resident memory, each in a fresh worker."""
    many = 60 if quick else 1000
    async with a_worker(address):
        crowd = await a_crowd(client)
    per_order = await _growth(address, lambda: _open_order(crowd), many)
    per_bare = await _growth(address, crowd.start_bare, many)
    console.print(f"{many} open: {per_order:.0f} KiB per order, {per_bare:.0f} KiB per bare workflow", highlight=False)
    return [
        Figure("memory per cached open order", per_order, "KiB", Goal(150), details={"open": many}),
        Figure("memory per cached bare workflow", per_bare, "KiB", details={"open": many}),
        Figure("memory, against bare", per_order / per_bare, "x", Goal(1.5)),
    ]


async def _open_order(crowd: Crowd) -> None:
    # In real time: nothing more happens to it while it is measured.
    await crowd.start_order(day=timedelta(days=1))


async def _growth(address: str, start: Callable[[], Awaitable[Any]], many: int) -> float:
    async with a_worker(address, cached=many + WARM_UP + 50) as worker:
        await _start(start, WARM_UP)
        before = await _at_rest(worker)
        await _start(start, many)
        return (await _at_rest(worker) - before) / many / 1024


async def _start(start: Callable[[], Awaitable[Any]], many: int) -> None:
    for first in range(0, many, AT_ONCE):
        await asyncio.gather(*(start() for _ in range(min(AT_ONCE, many - first))))


async def _at_rest(worker: WorkerProcess) -> int:
    """Resident memory once the worker has nothing left to do."""
    before = worker.use()
    while True:
        await asyncio.sleep(1)
        after = worker.use()
        if after.cpu - before.cpu < IDLE_CPU:
            return after.rss
        before = after
