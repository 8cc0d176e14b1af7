"""Committed histories about stuck payments and compared books still fit the workflows of today."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowHistory

from tests.payments.record_histories import HISTORIES
from tests.replay_histories import misfits
from workflows.reconcile import ReconcileWorkflow
from workflows.registry import WORKFLOWS
from workflows.treasury import LOOKS_WHILE_STUCK

FILES = sorted(HISTORIES.glob("*.json"))


@pytest.mark.parametrize("name", [file.stem for file in FILES])
async def test_a_committed_history_replays(name: str) -> None:
    """Also that of an order whose payment was stuck before orders looked meanwhile."""
    history = WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text(encoding="utf-8"))
    assert {} == await misfits([history], WORKFLOWS)


def test_both_sides_of_the_patch_are_there() -> None:
    """One history looks and carries the mark of the patch, the other has neither."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in FILES}
    assert {"stuck-before", "stuck-looking", "reconcile-differs"} == texts.keys()
    looks = {name for name, text in texts.items() if "payments.look" in text}
    assert {"stuck-looking"} == looks
    assert LOOKS_WHILE_STUCK == "look-while-a-payment-is-stuck"
    assert ReconcileWorkflow in WORKFLOWS
