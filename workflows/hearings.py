"""The cases of one order: each runs as a child workflow beside the order, one at a time.

A case tells its order when a decision takes effect, and runs on while that can still change; the order tells its case
of chargebacks, and when it has ended otherwise.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import FailureError

from domain.cases.case import CaseFile, Delivery
from domain.cases.opening import case_file
from domain.cases.record import ARRIVED, EvidenceItem, Resolution
from domain.duties import DutyKind
from domain.messages import Complaint, Interlock, Message, Overtaken
from domain.money import Money
from domain.order import Order
from domain.parties import Role
from domain.policy import UNTIL_ARRIVAL, Reason
from workflows.case import CaseWorkflow
from workflows.docket import Docket
from workflows.journal import Journal
from workflows.search_attributes import of_new_case

STOPPED_BY_A_CASE = (DutyKind.REPORT, DutyKind.FIND, DutyKind.BRING_BACK)


class Hearings:
    """Opens a case, stops the clocks that it makes wait, and keeps what it came to.

    `opened` is how many cases the order has had before, so that no case id is used twice; `packing` is what the seller
    has shown of the packing.
    """

    def __init__(self, order: Order, docket: Docket, journal: Journal, *, opened: int = 0) -> None:
        self._order = order
        self._docket = docket
        self._journal = journal
        self._hearing: asyncio.Task[None] | None = None
        self._unsaid: list[tuple[str, Message]] = []
        self.opened = opened
        self.packing: tuple[EvidenceItem, ...] = ()
        self.open_case = ""
        self._reason: Reason | None = None
        self.resolutions: list[Resolution] = []

    def open(self, complaint: Complaint, delivery: Delivery, at: datetime) -> str:
        """Open a case about a complaint made at `at`; gives its id."""
        now = self._docket.now()
        file = case_file(self._order, complaint, delivery, self.opened + 1, at, now, packing=self.packing)
        return self._begin(file, at, "case_opened")

    def open_late(
        self, complaint: Complaint, delivery: Delivery, at: datetime, *, refunded: Money, from_buyer: bool
    ) -> str:
        """Open a case about an order that had closed, by when `refunded` had gone back; a buyer's leaves them that."""
        now = self._docket.now()
        file = case_file(self._order, complaint, delivery, self.opened + 1, at, now, packing=self.packing)
        late = {"late": True, "refunded_before": refunded, "from_buyer": from_buyer}
        return self._begin(file.model_copy(update=late), at, "late_case_opened")

    def _begin(self, file: CaseFile, at: datetime, what: str) -> str:
        self.opened += 1
        self.open_case, self._reason = file.case_id, file.reason
        self._docket.pause(self.open_case, STOPPED_BY_A_CASE, since=at)
        self._journal.note(what, Role.BUYER, case=self.open_case, reason=file.reason)
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

    def arrived(self) -> None:
        """The parcel is there: a complaint that it has not come has nothing to say any more."""
        if self._reason in UNTIL_ARRIVAL:
            self.end(ARRIVED)

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
            arrived = any(ground.code == ARRIVED for ground in resolution.grounds)
            what = "case_withdrawn" if not told else "case_arrived" if arrived else "case_overtaken"
            self._journal.note(what, *told, **facts)
        else:
            self._journal.note("case_resolved", remedy=resolution.remedy, amount=resolution.amount, **facts)
