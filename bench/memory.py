"""Memory of the worker for each open order that it keeps in its cache, against bare workflows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from rich.console import Console
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from bench.crowd import Crowd, a_crowd
from bench.process import a_worker
from bench.report import Figure, Goal

WARM_UP = 300
"""Orders that are open before the measurement: what a worker allocates once must not count as theirs."""

AT_ONCE = 32


async def measure(client: Client, address: str, console: Console, *, quick: bool) -> list[Figure]:
    """KiB per open order and per open bare workflow: growth of resident memory, each in a fresh worker."""
    warm_up, many = (8, 16) if quick else (WARM_UP, 900)
    async with a_worker(address):
        crowd = await a_crowd(client)
    per_order = await _growth(address, lambda: _open_order(crowd), warm_up, many)
    per_bare = await _growth(address, crowd.start_bare, warm_up, many)
    console.print(f"{many} open: {per_order:.0f} KiB per order, {per_bare:.0f} KiB per bare workflow", highlight=False)
    return [
        Figure("memory per cached open order", per_order, "KiB", Goal(150), details={"open": many}),
        Figure("memory per cached bare workflow", per_bare, "KiB", details={"open": many}),
        Figure("memory, against bare", per_order / per_bare, "x", Goal(1.5)),
    ]


async def _open_order(crowd: Crowd) -> WorkflowHandle[Any, Any]:
    # In real time: nothing more happens to it while it is measured.
    _, handle = await crowd.start_order(day=timedelta(days=1))
    return handle


async def _growth(
    address: str, start: Callable[[], Awaitable[WorkflowHandle[Any, Any]]], warm_up: int, many: int
) -> float:
    async with a_worker(address, cached=warm_up + many + 10) as worker:
        await _start(start, warm_up)
        before = worker.use()
        await _start(start, many)
        return (worker.use().rss - before.rss) / many / 1024


async def _start(start: Callable[[], Awaitable[WorkflowHandle[Any, Any]]], many: int) -> None:
    for first in range(0, many, AT_ONCE):
        handles = await asyncio.gather(*(start() for _ in range(min(AT_ONCE, many - first))))
        await asyncio.gather(*map(_opened, handles))


async def _opened(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until the first workflow task is done: from then on the worker keeps it."""
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            return
