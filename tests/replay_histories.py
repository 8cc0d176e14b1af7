"""Replay every committed history: `python -m tests.replay_histories`. Exit code 0 if the workflows still fit them all.

A process of its own, since the order of sets in a workflow depends on PYTHONHASHSEED, which is fixed at its start.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

import runtime
from tests.record_histories import HISTORIES
from workflows.registry import WORKFLOWS

ADVICE = """\
Your edit is not replay-safe: orders that are open now would fail in the middle of their story.
Patch it (workflow.patched), so that old histories keep taking the old path,
or, before the first release only, record the histories anew with `make histories`."""


async def misfits(histories: Sequence[WorkflowHistory], workflows: Sequence[type]) -> dict[str, str]:
    """Which histories these workflows would no longer produce, and what went wrong first."""
    replayer = Replayer(workflows=workflows, plugins=[runtime.plugin()])
    found: dict[str, str] = {}
    for history in histories:
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if result.replay_failure is not None:
            found[history.workflow_id] = str(result.replay_failure)
    return found


def committed() -> list[WorkflowHistory]:
    """The histories in `tests/histories`, one for each workflow of every story."""
    return [
        WorkflowHistory.from_json(file.stem, file.read_text(encoding="utf-8"))
        for file in sorted(HISTORIES.glob("*.json"))
    ]


async def main() -> int:
    """Replay them all, and say which do not fit."""
    found = await misfits(committed(), WORKFLOWS)
    if not found:
        return runtime.Exit.OK
    seed = os.environ.get("PYTHONHASHSEED", "random")
    lines = [f"{subject}: {text}" for subject, text in found.items()]
    sys.stderr.write("\n".join([*lines, f"(PYTHONHASHSEED={seed})", "", ADVICE, ""]))
    return runtime.Exit.FAILED


if __name__ == "__main__":
    runtime.run(main())
