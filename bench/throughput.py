"""Orders per second and worker CPU per order, against bare workflows, in alternating rounds."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rich.console import Console
from temporalio.client import Client

from bench.crowd import Lived, a_crowd
from bench.process import WorkerProcess, a_worker
from bench.report import Figure, Goal, median

IN_FLIGHT = 20
WARM_UP = 4


@dataclass(frozen=True)
class Round:
    """One round of one arm: workflows per second, worker CPU in ms and events for each."""

    speed: float
    cpu: float
    events: float

    def __str__(self) -> str:
        """For people."""
        return f"{self.speed:.1f}/s, {self.cpu:.0f} ms worker CPU and {self.events:.0f} events each"


async def measure(client: Client, address: str, console: Console, *, quick: bool) -> list[Figure]:
    """Speed and CPU of orders, of bare workflows, and their ratios round by round."""
    many, rounds = (8, 1) if quick else (60, 3)
    orders: list[Round] = []
    bares: list[Round] = []
    async with a_worker(address) as worker:
        crowd = await a_crowd(client)
        await _round(worker, crowd.order, WARM_UP)
        await _round(worker, crowd.bare, WARM_UP)
        for number in range(rounds):
            orders.append(await _round(worker, crowd.order, many))
            bares.append(await _round(worker, crowd.bare, many))
            console.print(f"round {number + 1}: orders {orders[-1]}; bare {bares[-1]}", highlight=False)
    pairs = list(zip(orders, bares, strict=True))
    return [
        median("orders per second", [one.speed for one in orders], "/s"),
        median("bare workflows per second", [one.speed for one in bares], "/s"),
        median("orders per second, against bare", [a.speed / b.speed for a, b in pairs], "x", Goal(0.7, at_most=False)),
        median("worker CPU per order", [one.cpu for one in orders], "ms"),
        median("worker CPU per bare workflow", [one.cpu for one in bares], "ms"),
        median("worker CPU, against bare", [a.cpu / b.cpu for a, b in pairs], "x"),
        median("events per order", [one.events for one in orders], ""),
        median("events per bare workflow", [one.events for one in bares], ""),
    ]


async def _round(worker: WorkerProcess, live: Callable[[], Awaitable[Lived]], many: int) -> Round:
    room = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> Lived:
        async with room:
            return await live()

    before, began = worker.use(), time.perf_counter()
    lived = await asyncio.gather(*(one() for _ in range(many)))
    passed, after = time.perf_counter() - began, worker.use()
    events = statistics.mean(one.events for one in lived)
    return Round(many / passed, (after.cpu - before.cpu) / many * 1000, events)
