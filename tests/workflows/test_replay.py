"""Replay: the workflows of today must still produce the histories of yesterday, whatever the hash seed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from fastmotion.stories import all_stories
from tests.changed_order import ChangedOrder
from tests.replay_histories import committed, misfits
from workflows.case import CaseWorkflow

ROOT = Path(__file__).parents[2]
SEEDS = ("0", "1", "42", "4294967295")
_two_at_a_time = asyncio.Semaphore(2)


async def _replayed(seed: str) -> tuple[int | None, str]:
    async with _two_at_a_time:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.replay_histories"),
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, told = await process.communicate()
        return process.returncode, told.decode()


async def test_committed_histories_replay_under_every_hash_seed() -> None:
    """An edit that would break open orders is seen here, with the advice what to do."""
    for code, told in await asyncio.gather(*(_replayed(seed) for seed in SEEDS)):
        if code != 0:
            pytest.fail(told, pytrace=False)


def test_every_story_has_its_history() -> None:
    """A new story is recorded with `make histories`; a history without a story is gone."""
    stories = {f"order-{name}" for name in all_stories()}
    assert stories == {history.workflow_id for history in committed() if history.workflow_id.startswith("order-")}


async def test_an_edit_that_is_not_replay_safe_is_seen() -> None:
    """Negative control: one more timer, and no order fits its history any more."""
    orders = [history for history in committed() if history.workflow_id.startswith("order-")]
    found = await misfits(orders, [ChangedOrder, CaseWorkflow])
    assert {order.workflow_id for order in orders} == set(found)
    assert all("[TMPRL1100]" in text for text in found.values())
