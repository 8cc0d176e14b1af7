"""The cases of one order: each runs as a child workflow beside the order, one at a time.

A case tells its order when a decision takes effect, and runs on while that can still change; the order tells its case
of chargebacks, and when it has ended otherwise.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial

from temporalio import workflow
from temporalio.exceptions import FailureError

from domain import clocks
from domain.cases.case import CaseFile, Delivery
from domain.cases.clocks import answer_case
from domain.cases.record import Resolution
from domain.duties import Duty, DutyKind
from domain.messages import Complaint, Interlock, Message, Overtaken
from domain.order import Order
from domain.parties import Role
from domain.policy import Reason
from workflows.case import CaseWorkflow
from workflows.docket import Docket
from workflows.journal import Journal
from workflows.search_attributes import of_new_case

STOPPED_BY_A_CASE = (DutyKind.REPORT, DutyKind.FIND, DutyKind.BRING_BACK)


class Hearings:
    """Opens a case, stops the clocks that it makes wait, and keeps what it came to.

    `opened` is how many cases the order has had before, so that no case id is used twice.
    """

    def __init__(self, order: Order, docket: Docket, journal: Journal, *, opened: int = 0) -> None:
        self._order = order
        self._docket = docket
        self._journal = journal
        self._hearing: asyncio.Task[None] | None = None
        self._unsaid: list[tuple[str, Message]] = []
        self.opened = opened
        self.open_case = ""
        self.resolutions: list[Resolution] = []

    def open(self, complaint: Complaint, delivery: Delivery, at: datetime, *, late: bool = False) -> str:
        """Open a case about a complaint made at `at`; gives its id."""
        order, reason = self._order, Reason(complaint.reason)
        self.opened += 1
        self.open_case = f"case-{order.order_id}-{self.opened}"
        self._docket.pause(self.open_case, STOPPED_BY_A_CASE, since=at)
        what = "late_case_opened" if late else "case_opened"
        self._journal.note(what, Role.BUYER, case=self.open_case, reason=reason)
        buyers = tuple(rule for rule in complaint.standing if rule.by is Role.BUYER)
        file = CaseFile(
            case_id=self.open_case,
            order_id=order.order_id,
            marketplace=order.marketplace,
            buyer=order.buyer,
            seller=order.seller,
            reason=reason,
            at_stake=order.price.total,
            price=order.price,
            opened_at=at,
            policy=order.policy,
            text=complaint.text,
            clock=order.clock,
            delivery=delivery,
            categories=tuple(dict.fromkeys(line.category for line in order.lines if line.category)),
            evidence=complaint.evidence,
            standing=(*buyers, *(rule for rule in order.standing if rule.by is Role.SELLER)),
            late=late,
        )
        asked = clocks.to_answer(partial(_ask_seller, file), at, self._docket.now())
        file = file.model_copy(update={"asked_at": asked.since})
        self._hearing = asyncio.create_task(self._hear(file))
        return self.open_case

    def tell(self, interlock: Interlock) -> bool:
        """Tell the open case of a chargeback; false if none is open."""
        if self.open_case:
            self._unsaid.append(("chargeback", interlock))
        return bool(self.open_case)

    def end(self, ending: str) -> None:
        """The order has ended otherwise: what an open case would say has no more weight."""
        if self.open_case:
            self._unsaid.append(("overtaken", Overtaken(ending=ending)))

    def resume_clocks(self) -> None:
        """The order goes on although its case may still be open."""
        self._docket.resume(self.open_case)

    async def _hear(self, file: CaseFile) -> None:
        try:
            child = await workflow.start_child_workflow(
                CaseWorkflow.run,
                file,
                id=file.case_id,
                static_summary=f"{file.order_id}: {file.reason}, {file.at_stake}",
                search_attributes=of_new_case(file),
            )
            speaking = asyncio.create_task(self._speak(child))
            try:
                resolution = await child
            finally:
                speaking.cancel()
        except FailureError:
            self._journal.note("case_failed", Role.BUYER, Role.SELLER, case=file.case_id)
        else:
            self._note(resolution)
            self.resolutions.append(resolution)
        self._docket.resume(file.case_id)
        self._unsaid.clear()
        self.open_case, self._hearing = "", None
        self._docket.wake()

    async def _speak(self, child: workflow.ChildWorkflowHandle[CaseWorkflow, Resolution]) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self._unsaid))
            name, message = self._unsaid.pop(0)
            try:
                await child.signal(name, message)
            except FailureError:
                workflow.logger.warning("the case has ended before it could be told", extra={"said": name})

    def _note(self, resolution: Resolution) -> None:
        facts = {"case": resolution.case_id, "rule": resolution.rule, "by": resolution.decided_by}
        if resolution.remedy is None:
            told = () if resolution.decided_by is Role.BUYER else (Role.BUYER, Role.SELLER)
            self._journal.note("case_withdrawn" if not told else "case_overtaken", *told, **facts)
        else:
            self._journal.note("case_resolved", remedy=resolution.remedy, amount=resolution.amount, **facts)


def _ask_seller(file: CaseFile, since: datetime) -> Duty:
    return answer_case(file.model_copy(update={"asked_at": since}))
