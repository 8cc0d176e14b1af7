"""How fast recorded orders replay: what a restarted worker, and a gate over histories, must do."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence

from rich.console import Console
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer

from bench.crowd import a_crowd
from bench.process import a_worker
from bench.report import Figure, Goal, median
from runtime import plugin
from workflows.registry import WORKFLOWS

RECORDED = 10


async def measure(client: Client, address: str, console: Console, *, quick: bool) -> list[Figure]:
    """Histories per second and CPU ms for each, in this process, over orders recorded just now."""
    copies, rounds = (1, 1) if quick else (10, 3)
    async with a_worker(address):
        crowd = await a_crowd(client)
        lived = await asyncio.gather(*(crowd.order() for _ in range(2 if quick else RECORDED)))
        histories = [await one.handle.fetch_history() for one in lived]
    replayer = Replayer(workflows=WORKFLOWS, plugins=[plugin()])
    speeds, cpu = [], []
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        await replayer.replay_workflows(_repeated(histories, copies))
        many = copies * len(histories)
        speeds.append(many / (time.perf_counter() - began))
        cpu.append((time.process_time() - used) / many * 1000)
    events = statistics.mean(len(history.events) for history in histories)
    console.print(f"replayed orders of {events:.0f} events on average", highlight=False)
    return [
        median("replay", speeds, "histories/s", Goal(30, at_most=False)),
        median("CPU per replayed history", cpu, "ms"),
    ]


async def _repeated(histories: Sequence[WorkflowHistory], copies: int) -> AsyncIterator[WorkflowHistory]:
    for _ in range(copies):
        for history in histories:
            yield history
