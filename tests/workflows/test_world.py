"""Negative controls: with a known defect switched in, the audit at the end of a world must find it."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from domain import settlement
from domain.duties import Duty, DutyKind
from domain.parties import Role
from tests.play import begin
from tests.world import a_world
from windtunnel.contract import Diverged
from workflows import docket
from workflows.treasury import Treasury


async def test_an_order_without_a_way_out_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: a chargeback freezes the money, and no clock ends that."""
    opening = docket.Docket.open

    def without_clock(self: docket.Docket, *duties: Duty) -> None:
        opening(self, *(duty for duty in duties if duty.kind is not DutyKind.RESOLVE_CHARGEBACK))

    monkeypatch.setattr(docket.Docket, "open", without_clock)
    with pytest.raises(AssertionError, match="no order is stuck"), a_world(tmp_path) as world:
        await (await begin(world)).charged_back("opened")


async def test_money_that_never_moved_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: a movement that is written down and never made. The provider's book and the ledger part."""

    async def forgetful(treasury: Treasury, entry: Any) -> None:
        treasury.ledger = treasury.ledger.record(entry)

    monkeypatch.setattr(Treasury, "_move", forgetful)
    with pytest.raises(AssertionError, match="refunded"), a_world(tmp_path) as world:
        await (await begin(world)).cancels(Role.BUYER)


async def test_a_workflow_that_does_not_replay_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: a key from a counter that forgets. Built anew, the order asks for another movement than before."""
    numbers = count()
    monkeypatch.setattr(settlement, "_unused_key", lambda _, __, stem: f"{stem}-{next(numbers)}")
    with pytest.raises(Diverged, match="order-A-1"), a_world(tmp_path) as world:
        await (await begin(world)).cancels(Role.BUYER)
