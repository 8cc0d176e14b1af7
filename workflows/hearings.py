"""The cases of one order: each runs as a child workflow beside the order, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

from temporalio import workflow
from temporalio.exceptions import FailureError

from domain import clocks
from domain.cases import CaseFile, Resolution
from domain.duties import Duty, DutyKind
from domain.order import Order
from domain.parties import Role
from domain.policy import Reason
from workflows.case import CaseWorkflow
from workflows.docket import Docket
from workflows.journal import Journal
from workflows.search_attributes import of_new_case

STOPPED_BY_A_CASE = (DutyKind.REPORT, DutyKind.FIND, DutyKind.BRING_BACK)


class Hearings:
    """Opens a case, stops the clocks that it makes wait, and hands its resolution to `resolved`."""

    def __init__(
        self, order: Order, docket: Docket, journal: Journal, *, resolved: Callable[[Resolution], None]
    ) -> None:
        self._order = order
        self._docket = docket
        self._journal = journal
        self._resolved = resolved
        self._opened = 0
        self._hearing: asyncio.Task[None] | None = None
        self.open_case = ""
        self.resolutions: list[Resolution] = []

    def open(self, reason: Reason, text: str, at: datetime) -> str:
        """Open a case about a complaint made at `at`; gives its id."""
        self._opened += 1
        self.open_case = f"case-{self._order.order_id}-{self._opened}"
        self._docket.pause(self.open_case, STOPPED_BY_A_CASE, since=at)
        self._journal.note("case_opened", Role.BUYER, case=self.open_case, reason=reason)
        file = CaseFile(
            case_id=self.open_case,
            order_id=self._order.order_id,
            buyer=self._order.buyer,
            seller=self._order.seller,
            reason=reason,
            at_stake=self._order.price.total,
            opened_at=at,
            policy=self._order.policy,
            text=text,
            clock=self._order.clock,
        )
        asked = clocks.to_answer(partial(_ask_seller, file), at, self._docket.now())
        file = file.model_copy(update={"asked_at": asked.since})
        self._hearing = asyncio.create_task(self._hear(file))
        return self.open_case

    def end(self) -> None:
        """The order has ended otherwise: what the case would say has no more weight."""
        if self._hearing is not None:
            self._journal.note("case_overtaken", Role.BUYER, Role.SELLER, case=self.open_case)
            self._hearing.cancel()
            self.open_case, self._hearing = "", None

    async def _hear(self, file: CaseFile) -> None:
        try:
            resolution = await workflow.execute_child_workflow(
                CaseWorkflow.run,
                file,
                id=file.case_id,
                static_summary=f"{file.order_id}: {file.reason}, {file.at_stake}",
                search_attributes=of_new_case(file),
            )
        except FailureError:
            if self.open_case != file.case_id:
                return
            self._journal.note("case_failed", Role.BUYER, Role.SELLER, case=file.case_id)
        else:
            self._note(resolution)
            self.resolutions.append(resolution)
            self._resolved(resolution)
        self.open_case, self._hearing = "", None
        self._docket.resume(file.case_id)

    def _note(self, resolution: Resolution) -> None:
        facts = {"case": resolution.case_id, "rule": resolution.rule, "by": resolution.decided_by}
        if resolution.remedy is None:
            self._journal.note("case_withdrawn", **facts)
        else:
            self._journal.note("case_resolved", remedy=resolution.remedy, amount=resolution.amount, **facts)


def _ask_seller(file: CaseFile, since: datetime) -> Duty:
    return clocks.answer_case(file.model_copy(update={"asked_at": since}))
