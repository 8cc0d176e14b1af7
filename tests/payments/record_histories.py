"""Record the histories about stuck payments and compared books: `python -m tests.payments.record_histories`.

Once released they stay: `stuck-before.json` is of the code before orders looked while a payment is stuck.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

from temporalio import workflow
from temporalio.client import WorkflowHistory

from domain.reconciliation_report import Reconcile
from runtime import TASK_QUEUE
from tests.record_histories import plain
from tests.workflows.test_stuck_payments import by_hand, stuck
from tests.world import World, a_world
from worker import PAYMENTS_FILE
from workflows.reconcile import ReconcileWorkflow

HISTORIES = Path(__file__).parent / "histories"


async def main() -> None:
    """Write them all."""
    HISTORIES.mkdir(exist_ok=True)
    async with _a_folder() as (world, _):
        with patch.object(workflow, "patched", lambda _: False):
            play = await stuck(world)
            await play.ends()
        _keep("stuck-before", await play.handle.fetch_history())
    async with _a_folder() as (world, folder):
        play = await stuck(world)
        by_hand(world, play)
        await play.ends()
        _keep("stuck-looking", await play.handle.fetch_history())
        with sqlite3.connect(folder / PAYMENTS_FILE) as books:
            books.execute("UPDATE transfer SET minor = minor + 1")
        handle = await world.client.start_workflow(
            ReconcileWorkflow.run, Reconcile(orders=("A-1",)), id="reconcile-now", task_queue=TASK_QUEUE
        )
        await handle.result()
        _keep("reconcile-differs", await handle.fetch_history())


@asynccontextmanager
async def _a_folder() -> AsyncIterator[tuple[World, Path]]:
    with tempfile.TemporaryDirectory() as name:
        async with a_world(Path(name)) as world:
            yield world, Path(name)


def _keep(name: str, history: WorkflowHistory) -> None:
    # The traces of failures would tell of the machine that recorded.
    text = re.sub(r'"stackTrace":"(?:[^"\\]|\\.)*"', '"stackTrace":""', plain(history))
    (HISTORIES / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
