"""An order that had closed and is taken up again: a late chargeback, a parcel found after all, a late complaint.

It starts from the recorded outcome, opens a case about what came late, moves money as that case decides, and records
the outcome anew. Nothing that comes after the end of an order is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow

from activities.outcomes import OutcomeActivities
from domain import details
from domain.cases.record import Resolution
from domain.disputes import interlock
from domain.duties import Duty, Receipt, Silence
from domain.ledger import EntryKind
from domain.messages import Chargeback, ChargebackState, Complaint, Message, Tracking
from domain.money import Money
from domain.order import Order
from domain.parcel import Parcel
from domain.parties import Role
from domain.reopening import (
    case_of_chargeback,
    case_of_found_parcel,
    delivery_of,
    found,
    known_chargebacks,
    refunded_undelivered,
)
from domain.requests import LabelFact, RecallQuery
from domain.rights import unheard
from domain.settlement import Decision, Ending
from domain.states import OrderState, order_state
from domain.story import Outcome, Status, StoryEntry
from workflows.bookkeeping import docket_of, journal_of
from workflows.calls import keep
from workflows.display import Display
from workflows.hearings import Hearings
from workflows.options import RECALL, described
from workflows.search_attributes import of_order
from workflows.treasury import Treasury


@workflow.defn(name="ReopenedOrderWorkflow")
class ReopenedOrderWorkflow:
    """What came late waits here until the recorded outcome is at hand, and is then heard in order."""

    @workflow.init
    def __init__(self, query: RecallQuery) -> None:
        """Start from the order's id; handlers may run before `run` does."""
        self.order_id = query.order_id
        self.late: list[Message] = []
        self.books: Books | None = None

    @workflow.run
    async def run(self, query: RecallQuery) -> Outcome:
        """Take the books up, hear what came late, settle what its cases decide, and close the books again."""
        options = described(RECALL, f"Take up the recorded outcome of {query.order_id}")
        outcome = await workflow.execute_activity_method(OutcomeActivities.recall, query, **options)
        self.books = Books(outcome)
        while True:
            while self.late or not self.books.quiet:
                while self.late:
                    self.books.hear(self.late.pop(0))
                await self.books.settle(until=lambda: bool(self.late))
            closed = await self.books.close()
            # Something more may have come while the outcome was being recorded.
            if not self.late:
                return closed

    # --- messages ---

    @workflow.signal(name="chargeback", description="The payment provider reports: chargeback_id, state, amount")
    def chargeback(self, message: Chargeback) -> None:
        """Opens a case that the bank decides."""
        self.late.append(message)

    @workflow.signal(name="tracking", description="News of a parcel that was refunded as lost")
    def tracking(self, message: Tracking) -> None:
        """A delivery opens a case about the found parcel."""
        self.late.append(message)

    @workflow.signal(name="buyer_complaint", description="The buyer reports a problem after the order has closed")
    def buyer_complaint(self, message: Complaint) -> None:
        """Support decides whether there still is a right."""
        self.late.append(message)

    @workflow.signal(name="case_decided", description="From the case: a decision takes effect")
    def case_decided(self, message: Resolution) -> None:
        """The money is moved as the case has decided."""
        if self.books:
            self.books.decide(message)

    @workflow.signal(name="case_label", description="From the case: what a return label has cost, or what came back")
    def case_label(self, message: LabelFact) -> None:
        """Kept in the ledger, once."""
        if self.books:
            self.books.treasury.label(message)

    # --- questions ---

    @workflow.query(name="status", description="Where the reopened order stands")
    def status(self) -> Status:
        """One line for lists and callers."""
        if self.books is None:
            return Status(subject=f"reopened-{self.order_id}", state=OrderState.SETTLING)
        return self.books.status()

    @workflow.query(name="receipt", description="Every open duty of the reopened order itself")
    def receipt(self) -> Receipt | None:
        """For each party, what is owed, by when, and what happens if nobody acts; none before the outcome is there."""
        return self.books.receipt() if self.books else None

    @workflow.query(name="timeline", description="What happened since it was reopened, oldest first")
    def timeline(self) -> tuple[StoryEntry, ...]:
        """The story of the reopened order."""
        return self.books.journal.story if self.books else ()


class Books:
    """The books of a closed order, open again: ledger, cases, and what is still owed."""

    def __init__(self, outcome: Outcome) -> None:
        if outcome.order is None:
            raise ValueError(f"The outcome of {outcome.order_id} was recorded without its order; settle it by hand")
        self._outcome = outcome
        self.order: Order = outcome.order
        self.decision = outcome.decision
        self._settled = True
        self._banks_case = ""
        self._cases_before, self._rejected_before = outcome.cases, outcome.rejected
        self.docket = docket_of(self.order, remind=self._remind, before_waiting=self._publish)
        subject = f"reopened-{self.order.order_id}-{outcome.revision + 1}"
        self.journal = journal_of(subject, self.order, self.docket)
        self.treasury = Treasury(
            self.order, self.docket, self.journal, bank_says=self._bank_says, ledger=outcome.ledger
        )
        self.treasury.chargebacks.update(known_chargebacks(outcome))
        self.hearings = Hearings(self.order, self.docket, self.journal, opened=outcome.cases_opened)
        self.display = Display()

    @property
    def quiet(self) -> bool:
        """Whether nothing can change any more."""
        return self._settled and not self.hearings.open_case and not self.treasury.frozen

    # --- what comes late ---

    def hear(self, message: Message) -> None:
        """Open a case about it, or tell the one that is open."""
        at = message.sent_at(self.docket.now(), self.order.placed_at)
        match message:
            case Chargeback():
                reply = self.treasury.chargeback(message, at)
                self.journal.answer("chargeback", Role.PLATFORM, reply)
            case Tracking():
                self._found(message, at)
            case Complaint():
                self._complaint(message, at)

    def _found(self, message: Tracking, at: datetime) -> None:
        if message.tells_of_delivery and refunded_undelivered(self._outcome) and not self.hearings.open_case:
            self._open(case_of_found_parcel(), at)
            # The carrier may tell it again, also once the case has ended.
            self._outcome = found(self._outcome, message)

    def _complaint(self, message: Complaint, at: datetime) -> None:
        hearings = self.hearings
        if refusal := unheard(self.order.policy, message, hearings.open_case, hearings.opened):
            self.journal.answer("buyer_complaint", Role.BUYER, refusal)
        else:
            self._open(message, at, from_buyer=True)

    def _open(self, complaint: Complaint, at: datetime, *, from_buyer: bool = False) -> None:
        self.journal.note("reopened", Role.SUPPORT, ending=self.decision.ending)
        minor = self.treasury.ledger.total(EntryKind.REFUNDED, EntryKind.CHARGED_BACK)
        refunded = Money(minor=minor, currency=self.order.price.total.currency)
        self.hearings.open_late(complaint, delivery_of(self._outcome), at, refunded=refunded, from_buyer=from_buyer)

    def _bank_says(self, chargeback_id: str, state: ChargebackState, amount: Money) -> None:
        """A chargeback is a case of its own, which the bank decides; the case hands the evidence in."""
        if state is ChargebackState.OPENED and not self.hearings.open_case:
            self._open(case_of_chargeback(), self.docket.now())
            self._banks_case = self.hearings.open_case
        delivery, ledger = delivery_of(self._outcome), self.treasury.ledger
        self.hearings.tell(interlock(self.order, delivery, ledger, chargeback_id, state, amount))
        if state is not ChargebackState.OPENED and self.treasury.frozen:
            self.treasury.repeat_open_chargebacks()
        elif state is not ChargebackState.OPENED and self.hearings.open_case == self._banks_case:
            self.hearings.end(f"chargeback_{state}")

    # --- money ---

    def decide(self, resolution: Resolution) -> None:
        """A late case has decided: what it gives replaces what was moved before."""
        if resolution.case_id != self.hearings.open_case or resolution.remedy is None:
            return
        self.decision = Decision(
            ending=Ending.CASE,
            refund=resolution.amount,
            rule=resolution.rule,
            at=self.docket.now(),
            borne_by=resolution.borne_by,
            case_id=resolution.case_id,
            costs=resolution.costs,
            revised=True,
        )
        self._settled = False
        self.journal.note("decided", ending=Ending.CASE, refund=resolution.amount, rule=resolution.rule)

    async def settle(self, until: Callable[[], bool]) -> None:
        """Carry out what was decided, and wait until a case decides, ends, or something else comes late."""
        if not self._settled:
            await self.treasury.carry_out(lambda: self.decision)
            self._settled = True
        while lapsed := await self.docket.lapsed(until=lambda: until() or not self._settled or self.quiet):
            if lapsed.on_silence is Silence.COUNT_AS_LOST:
                self.treasury.give_up_chargebacks(lapsed.rule)

    @property
    def _touched(self) -> bool:
        """Whether what came late has changed anything, or was refused; a repeated report does neither."""
        cases, ledger = self.hearings.opened > self._outcome.cases_opened, self.treasury.ledger
        return cases or ledger != self._outcome.ledger or self.journal.rejected > 0

    async def close(self) -> Outcome:
        """Tell both sides, record the outcome anew, leave nothing running; nothing at all if nothing has changed."""
        self.docket.close_all()
        self.docket.stop()
        if not self._touched:
            return self._outcome
        self.journal.note("closed", Role.BUYER, Role.SELLER, ending=self.decision.ending)
        before = self._outcome
        outcome = before.model_copy(
            update={
                "closed_at": self.docket.now(),
                "decision": self.decision,
                "ledger": self.treasury.ledger,
                "cases": (*self._cases_before, *self.hearings.resolutions),
                "cases_opened": self.hearings.opened,
                "chargebacks": tuple(dict.fromkeys((*before.chargebacks, *self.treasury.chargebacks))),
                "rejected": self._rejected_before + self.journal.rejected,
                "revision": before.revision + 1,
            }
        )
        self._publish()
        self._outcome = await keep(outcome)
        await self.journal.posted()
        return self._outcome

    # --- what is shown ---

    def receipt(self) -> Receipt:
        """Every open duty."""
        return self.docket.receipt(f"reopened-{self.order.order_id}", self._state)

    def status(self) -> Status:
        """The receipt in one line."""
        return details.status(
            self.receipt(),
            frozen=self.treasury.frozen,
            open_case=self.hearings.open_case,
            rejected=self.journal.rejected,
        )

    @property
    def _state(self) -> OrderState:
        if self.treasury.frozen:
            return OrderState.FROZEN
        return order_state(self.order, Parcel(), self.decision, settled=self._settled)

    def _remind(self, duty: Duty) -> None:
        self.journal.remind(duty)

    def _publish(self) -> None:
        self.journal.post()
        facts = [("Reopened after", self._outcome.decision.ending.value)]
        if self.hearings.open_case:
            facts.append(("Open case", self.hearings.open_case))
        self.display.show(self.receipt(), of_order(self.order, self._state), facts, self.journal.story)
