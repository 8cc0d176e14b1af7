"""An order, from purchase to payout or refund: the workflow that keeps a marketplace's promises.

`run` tells the story; rules, dates and money are pure functions of `domain`; every wait goes through the docket.
Handlers judge a message, note the fact and return; the phases act on it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from temporalio import workflow

from domain import clocks, consequences, details, order_preview
from domain.cases.case import Delivery
from domain.cases.finality import goes_on
from domain.cases.record import Resolution
from domain.chargeback_bundle import bundle
from domain.consequences import Consequence
from domain.disputes import interlock
from domain.duties import Duty, DutyKind, Receipt, Silence
from domain.messages import (
    Acceptance,
    Answer,
    Cancel,
    Chargeback,
    ChargebackState,
    Complaint,
    Disruption,
    Extend,
    Message,
    Reply,
    Shipped,
    Tracking,
    Verdict,
)
from domain.money import Money
from domain.order import Order
from domain.order_preview import Prospect
from domain.parcel import Shipment
from domain.parties import Role
from domain.preview import Intent, Preview
from domain.requests import LabelFact
from domain.rights import Standing
from domain.settlement import AGAINST_SELLER, Decision, Ending
from domain.states import OrderState, order_state
from domain.story import Outcome, Status, StoryEntry
from domain.tracking_numbers import normalise
from workflows.bookkeeping import docket_of, journal_of
from workflows.calls import keep
from workflows.display import Display
from workflows.hearings import Hearings
from workflows.search_attributes import of_order
from workflows.transit import Transit
from workflows.treasury import Treasury

UNTIL_SCANNED = (
    DutyKind.SHIP,
    DutyKind.SHIP_FINAL,
    DutyKind.GET_SCANNED,
    DutyKind.SCAN_RIGHT,
    DutyKind.SCAN_FINAL,
    DutyKind.ANSWER_CANCELLATION,
    DutyKind.ANSWER_EXTENSION,
)


@workflow.defn(name="OrderWorkflow")
class OrderWorkflow:
    """One paid order. It is the record: no other place says what state a live order is in."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        """Start from the order; handlers may run before `run` does."""
        self.order = order
        self.decision: Decision | None = None
        self.may_cancel_since: datetime | None = None
        self.cancellation_refused = False
        self.extension_asked: datetime | None = None
        self.extensions_asked = 0
        self.extensions_granted = 0
        self.settled = False
        self.closings = 0
        self.found_after_loss = False
        self.docket = docket_of(order, remind=self._remind, before_waiting=self._publish)
        self.journal = journal_of(f"order-{order.order_id}", order, self.docket)
        self.transit = Transit(order.carriage, self.docket, self.journal, lost=self._lost)
        self.watch = self.transit.watch
        self.treasury = Treasury(order, self.docket, self.journal, bank_says=self._bank_says)
        self.hearings = Hearings(order, self.docket, self.journal)
        self.display = Display()
        # Owed and told before `run` begins, since messages in the first task are handled before it.
        self._open()

    @workflow.run
    async def run(self, order: Order) -> Outcome:
        """Ship, carry, protect; whichever decides the order first, its money is settled, anew after an appeal."""
        await self._ship() or await self._carry() or await self._protect()
        while True:
            decision = await self._settle()
            await self._await_lost_parcel(decision)
            outcome = await self._close(decision)
            # A chargeback may have come, and even gone, while the outcome was being recorded.
            if not self.treasury.frozen and outcome.ledger == self.treasury.ledger:
                return outcome

    # --- the phases ---

    def _open(self) -> None:
        soft, hard = clocks.ship(self.order), clocks.ship_final(self.order)
        self.docket.open(soft, hard)
        amount = self.order.price.total
        self.journal.note(
            "opened", Role.SELLER, Role.BUYER, amount=amount, ship_by=soft.agreed_due, ship_final=hard.agreed_due
        )

    async def _ship(self) -> Decision | None:
        """Until the carrier has scanned the parcel: the seller's deadlines, soft and hard."""
        return await self._keep(until=self._handed_over_in_time)

    async def _carry(self) -> Decision | None:
        """Until the carrier has delivered the parcel: late, stalled, lost, on its way back."""
        if DutyKind.ANSWER_CANCELLATION in self.docket.duties:
            self.journal.note("cancellation_overtaken", Role.BUYER, Role.SELLER)
        self.docket.close(*UNTIL_SCANNED)
        self.transit.begin()
        while self.watch.parcel.delivered_at is None:
            if decision := await self._keep(until=lambda: self.watch.unread):
                return decision
            self.transit.follow()
            if self.watch.parcel.returned_at:
                rule = self.order.policy.rule("transit.bring_back")
                self._decide(Ending.RETURNED_TO_SENDER, self.order.price.total, rule)
        return None

    async def _protect(self) -> Decision | None:
        """The buyer's report window: acceptance or silence releases the money, a case stops the clock."""
        delivered_at = self.watch.parcel.delivered_at
        assert delivered_at is not None, "protection starts with the delivery"
        self.hearings.arrived()
        self.transit.end()
        report = clocks.report(self.order, delivered_at)
        self.docket.open(report)
        due, consequence = report.agreed_due, report.on_silence
        self.journal.note("delivered", Role.BUYER, Role.SELLER, at=delivered_at, due=due, consequence=consequence)
        return await self._keep(until=lambda: False)

    async def _settle(self) -> Decision:
        """Move the money as decided, once no chargeback freezes it; and again while a case can still decide anew."""
        if self._decided.ending is not Ending.CASE:
            self.hearings.end(self._decided.ending)
        while True:
            await self.treasury.until_unfrozen()
            self._end_if_charged_back(self.order.policy.rule("chargebacks.longest"))
            await self.treasury.carry_out(lambda: self._decided)
            decision, self.settled = self._decided, True
            await self._stand_by()
            if decision is self.decision and not self.hearings.open_case:
                return decision

    async def _stand_by(self) -> None:
        """A case stays open until nothing can change any more: an appeal may move the money once more."""
        decision = self.decision
        while lapsed := await self.docket.lapsed(
            until=lambda: self.decision is not decision or not self.hearings.open_case
        ):
            await self._on_silence(lapsed)

    async def _await_lost_parcel(self, decision: Decision) -> None:
        """A parcel refunded as lost may turn up: the buyer keeps both, and the platform pays the seller."""
        if decision.ending is not Ending.LOST or self.closings:
            return
        self.docket.open(clocks.reappear(self.order.carriage, self.docket.now()))
        self.watch.look_later()
        while lapsed := await self.docket.lapsed(until=lambda: self.watch.parcel.delivered_at is not None):
            if lapsed.on_silence is Silence.CLOSE:
                return
            await self._on_silence(lapsed)
        self.found_after_loss = True
        self.journal.note("found", Role.BUYER, Role.SELLER, at=self.watch.parcel.delivered_at)
        borne_by_platform = decision.model_copy(update={"borne_by": Role.PLATFORM})
        await self.treasury.carry_out(lambda: borne_by_platform)

    async def _close(self, decision: Decision) -> Outcome:
        """Tell both sides, keep the outcome, and leave nothing running."""
        await self.treasury.until_unfrozen()
        self.watch.stop()
        self.docket.close_all()
        self.docket.stop()
        await self.treasury.handed_over()
        self.journal.note("closed", Role.BUYER, Role.SELLER, ending=decision.ending)
        self._publish()
        outcome = await keep(self._outcome(decision))
        await self.journal.posted()
        self.closings = outcome.revision + 1
        workflow.logger.info("order closed", extra={"ending": decision.ending})
        return outcome

    # --- waiting, and what silence means ---

    async def _keep(self, until: Callable[[], bool]) -> Decision | None:
        """Wait until something holds or the order is decided, doing on the way what silence means."""
        while lapsed := await self.docket.lapsed(until=lambda: self.decision is not None or until()):
            await self._on_silence(lapsed)
        return self.decision

    async def _on_silence(self, duty: Duty) -> None:  # noqa: C901 -- one table, a line or two for each default
        """What happens when nobody has acted: the policy's silence default of this duty."""
        if await self.transit.on_silence(duty):
            return
        match duty.on_silence:
            case Silence.BUYER_MAY_CANCEL:
                self.may_cancel_since = duty.due
                self.journal.note("buyer_may_cancel", Role.BUYER, Role.SELLER, due=duty.due)
            case Silence.CANCEL_ORDER:
                await self._last_day_to_ship(duty)
            case Silence.GRANT_CANCELLATION:
                self._decide(Ending.CANCELLED_BY_BUYER, self.order.price.total, duty.rule)
            case Silence.REFUSE_CANCELLATION:
                self._refuse_cancellation()
            case Silence.GRANT_EXTENSION:
                self._answer_extension(granted=True)
            case Silence.REFUSE_EXTENSION:
                self._answer_extension(granted=False)
            case Silence.CHASE_SELLER:
                self.journal.note("chased", Role.SELLER)
            case Silence.RELEASE:
                self._decide(Ending.WINDOW_CLOSED, self._nothing, duty.rule)
            case Silence.COUNT_AS_LOST:
                self.treasury.give_up_chargebacks(duty.rule)
                self._end_if_charged_back(duty.rule)

    async def _last_day_to_ship(self, duty: Duty) -> None:
        """The carrier's word counts, so it is asked once more before the order is taken away."""
        await self.watch.look_now()
        scanned_at = self.watch.parcel.scanned_at
        if scanned_at is None or duty.lapsed_at(scanned_at):
            marked = self.watch.parcel.marked_shipped_at is not None
            ending = Ending.NOT_SCANNED if marked else Ending.NOT_SHIPPED
            self._decide(ending, self.order.price.total, duty.rule)

    def _lost(self, duty: Duty) -> None:
        borne_by = self.order.policy.transit.loss_borne_by
        self._decide(Ending.LOST, self.order.price.total, duty.rule, borne_by=borne_by)

    def _handed_over_in_time(self) -> bool:
        scanned_at = self.watch.parcel.scanned_at
        final = self.docket.duties.get(DutyKind.SHIP_FINAL) or self.docket.duties.get(DutyKind.SCAN_FINAL)
        return scanned_at is not None and not (final and final.lapsed_at(scanned_at))

    def _decide(self, ending: Ending, refund: Money, rule: str, **terms: Any) -> None:
        """End the order; the first decision stands. Only a chargeback's clock runs on."""
        if self.decision is not None:
            return
        self.decision = Decision(ending=ending, refund=refund, rule=rule, at=self.docket.now(), **terms)
        self.docket.close(*consequences.closed_by_the_end(self.docket.duties))
        self.journal.note("decided", ending=ending, refund=refund, rule=rule)

    # --- messages ---

    @workflow.signal(
        name="shipped", description="The seller says that the parcel is on its way: carrier, tracking_number"
    )
    def shipped(self, message: Shipped) -> None:
        """Starts the clock of the first scan; the order counts as shipped only from that scan."""
        at = self._sent_at(message)
        follows = consequences.shipped(self._standing(), message, at)
        if self.journal.answer("shipped", Role.SELLER, follows.reply).refused:
            return
        shipment = Shipment(carrier=message.carrier, tracking_number=normalise(message.tracking_number))
        if shipment == self.watch.parcel.shipment and self.watch.parcel.marked_shipped_at:
            return
        self._carry_out(follows)
        self.hearings.packing = message.packing or self.hearings.packing
        self.watch.ship(shipment, at)
        self.journal.note("marked_shipped", Role.BUYER, shipment=shipment)

    @workflow.signal(name="tracking", description="News of the parcel by the carrier's webhook: events, estimate")
    def tracking(self, message: Tracking) -> None:
        """Repeated and disordered events are harmless."""
        self.watch.pushed(message.events, message.estimate)

    @workflow.signal(name="buyer_complaint", description="The buyer reports a problem: reason, text")
    def buyer_complaint(self, message: Complaint) -> None:
        """The durable way in; what cannot be accepted is answered with a notice."""
        self._complain("buyer_complaint", message)

    @workflow.update(name="open_case", description="The buyer reports a problem and wants the answer: reason, text")
    def open_case(self, message: Complaint) -> Reply:
        """The same door for callers who want the case id, or the rule and the date of a refusal."""
        return self._complain("open_case", message)

    @workflow.signal(name="buyer_accepts", description="The buyer is content: the money is released")
    def buyer_accepts(self, message: Acceptance) -> None:
        """Ends the report window early."""
        follows = consequences.accept(self._standing(), self._sent_at(message), self.docket.now())
        if not self.journal.answer("buyer_accepts", Role.BUYER, follows.reply).refused:
            self.journal.note("accepted")
            self._carry_out(follows)

    @workflow.update(name="cancel", description="Buyer or seller cancels, or the seller answers: by, answer")
    def cancel(self, message: Cancel) -> Reply:
        """Cancels at once, asks the seller, or refuses with the rule."""
        follows = consequences.cancel(self._standing(), message, self._sent_at(message), self.docket.now())
        reply = self.journal.answer("cancel", message.by, follows.reply)
        self._carry_out(follows)
        for duty in follows.opens:
            due, consequence = duty.agreed_due, duty.on_silence
            self.journal.note("cancellation_asked", Role.SELLER, due=due, consequence=consequence)
        if reply.verdict is Verdict.ACCEPTED and message.answer is Answer.REFUSE:
            self._refuse_cancellation()
        return reply

    @workflow.update(
        name="extend", description="The seller asks for, or the buyer grants, more time: by, until, answer"
    )
    def extend(self, message: Extend) -> Reply:
        """Asks the buyer, moves the ship-by date, or refuses with the rule."""
        follows = consequences.extend(self._standing(), message, self._sent_at(message))
        reply = self.journal.answer("extend", message.by, follows.reply)
        match reply.verdict:
            case Verdict.ASKED:
                self._ask_extension(message, *follows.opens)
            case Verdict.ACCEPTED if message.answer is not None:
                self._answer_extension(granted=message.answer is Answer.AGREE)
            case Verdict.ACCEPTED:
                self.extension_asked = message.until
                self._answer_extension(granted=True)
        return reply

    @workflow.signal(name="chargeback", description="The payment provider reports: chargeback_id, state, amount")
    def chargeback(self, message: Chargeback) -> None:
        """Freezes all money until the result; a lost chargeback ends the order."""
        reply = self.treasury.chargeback(message, self._sent_at(message))
        self.journal.answer("chargeback", Role.PLATFORM, reply)
        self._end_if_charged_back(reply.rule)

    @workflow.signal(name="case_decided", description="From the case: a decision takes effect")
    def case_decided(self, message: Resolution) -> None:
        """The money is moved as the case has decided; later decisions replace earlier ones."""
        if message.case_id != self.hearings.open_case:
            return
        if goes_on(self.order.policy, message):
            self.hearings.resume_clocks()
            return
        known = self.decision
        if known is None:
            self._decide_case(message)
        elif known.case_id == message.case_id:
            self.decision, self.settled = None, False
            self._decide_case(message)

    @workflow.signal(name="case_label", description="From the case: what a return label has cost, or what came back")
    def case_label(self, message: LabelFact) -> None:
        """Kept in the ledger, once."""
        self.treasury.label(message)

    @workflow.signal(name="disruption", description="A storm, strike or outage moves the clocks it names")
    def disruption(self, message: Disruption) -> None:
        """Moves, corrects or restores the clocks of this order, within the policy's cap."""
        self.journal.disrupted(message, self.docket.disrupt(message))

    # --- questions ---

    @workflow.query(name="status", description="Where the order stands, what happens next and when")
    def status(self) -> Status:
        """One line for lists and callers."""
        return details.status(
            self.receipt(),
            frozen=self.treasury.frozen,
            open_case=self.hearings.open_case,
            rejected=self.journal.rejected,
        )

    @workflow.query(name="receipt", description="Every open duty: due instant, calendar, reminders, silence")
    def receipt(self) -> Receipt:
        """For each party, what is owed, by when, and what happens if nobody acts."""
        return self.docket.receipt(f"order-{self.order.order_id}", self._state())

    @workflow.query(name="timeline", description="What happened, oldest first")
    def timeline(self) -> tuple[StoryEntry, ...]:
        """The story of the order."""
        return self.journal.story

    @workflow.query(name="preview", description="What an action would do now, without doing it: message, fields")
    def preview(self, intent: Intent) -> Preview:
        """The same consequences as the action's, not carried out."""
        prospect = Prospect(
            delivery=self._delivery(),
            packing=self.hearings.packing,
            case_number=self.hearings.opened + 1,
            pushed=self.watch.snapshot().pushed,
            moved=self.docket.moved,
        )
        return order_preview.preview(self._standing(), self.treasury.ledger, intent, self.docket.now(), prospect)

    # --- what the handlers note ---

    def _sent_at(self, message: Message) -> datetime:
        return message.sent_at(self.docket.now(), self.order.placed_at)

    def _complain(self, name: str, message: Complaint) -> Reply:
        at = self._sent_at(message)
        follows = consequences.complain(self._standing(), message, at)
        reply = self.journal.answer(name, Role.BUYER, follows.reply)
        self._carry_out(follows)
        if follows.opens:
            self.journal.note("report_held", Role.BUYER, Role.SELLER, until=self.docket.duties[DutyKind.REPORT].due)
        if reply.refused:
            return reply
        case_id = self.hearings.open(message, self._delivery(), at)
        self.treasury.repeat_open_chargebacks()
        return reply.model_copy(update={"case_id": case_id})

    def _carry_out(self, follows: Consequence) -> None:
        """Do what follows from a message, as far as it is about duties and the end of the order."""
        if decision := follows.decision:
            self._decide(decision.ending, decision.refund, decision.rule)
        self.docket.close(*follows.closes)
        self.docket.open(*follows.opens)

    def _decide_case(self, resolution: Resolution) -> None:
        self._decide(
            Ending.CASE,
            resolution.amount,
            resolution.rule,
            borne_by=resolution.borne_by,
            case_id=resolution.case_id,
            costs=resolution.costs,
            revised=resolution.revised,
        )

    def _delivery(self) -> Delivery:
        """What a case should know of the parcel."""
        parcel = self.watch.parcel
        return Delivery(
            shipment=parcel.shipment,
            scanned_at=parcel.scanned_at,
            delivered_at=parcel.delivered_at,
            shipped_late=clocks.shipped_late(self.order, parcel),
            signed=parcel.signed,
            disrupted_by=self.docket.disruptions_of(DutyKind.DELIVER),
        )

    def _bank_says(self, chargeback_id: str, state: ChargebackState, amount: Money) -> None:
        """The open case stands still while the bank decides; without a case the order hands the evidence in itself."""
        message = interlock(self.order, self._delivery(), self.treasury.ledger, chargeback_id, state, amount)
        told = self.hearings.tell(message)
        if state is ChargebackState.OPENED and not told and message.facts:
            self.treasury.hand_over(bundle(message.facts, (), ()))
        if state is not ChargebackState.OPENED and told:
            self.treasury.repeat_open_chargebacks()

    def _refuse_cancellation(self) -> None:
        self.cancellation_refused = True
        self.docket.close(DutyKind.ANSWER_CANCELLATION)
        self.journal.note("cancellation_refused", Role.BUYER)

    def _ask_extension(self, message: Extend, duty: Duty) -> None:
        self.extension_asked = message.until
        self.extensions_asked += 1
        self.docket.open(duty)
        due, consequence = duty.agreed_due, duty.on_silence
        self.journal.note("extension_asked", Role.BUYER, until=message.until, due=due, consequence=consequence)

    def _answer_extension(self, *, granted: bool) -> None:
        until, self.extension_asked = self.extension_asked, None
        self.docket.close(DutyKind.ANSWER_EXTENSION)
        if not granted:
            self.journal.note("extension_refused", Role.SELLER)
            return
        self.extensions_granted += 1
        self.may_cancel_since = None
        self.docket.open(clocks.ship(self.order, until))
        self.journal.note("extension_granted", Role.SELLER, Role.BUYER, until=until)

    def _end_if_charged_back(self, rule: str) -> None:
        """The bank has given the buyer everything: that outweighs a decision whose money has not moved yet.

        A decision to refund all stands: it comes to the same, and says who was at fault and who bears it.
        """
        total = self.order.price.total
        decided = self.decision and (self.decision.ending is Ending.CHARGED_BACK or self.decision.refund == total)
        if not decided and not self.treasury.held and self.treasury.untouched and not self.treasury.frozen:
            self.decision = None
            self._decide(Ending.CHARGED_BACK, self._nothing, rule)

    # --- what is known ---

    @property
    def _decided(self) -> Decision:
        assert self.decision is not None, "every phase but the last may pass undecided, the last may not"
        return self.decision

    @property
    def _nothing(self) -> Money:
        return self.order.price.total.zero

    def _state(self) -> OrderState:
        standing = {"frozen": self.treasury.frozen, "settled": self.settled}
        return order_state(self.order, self.watch.parcel, self.decision, **standing)

    def _standing(self) -> Standing:
        return Standing(
            order=self.order,
            parcel=self.watch.parcel,
            duties=self.docket.duties,
            decision=self.decision,
            may_cancel_since=self.may_cancel_since,
            cancellation_refused=self.cancellation_refused,
            extension_asked=self.extension_asked,
            extensions_asked=self.extensions_asked,
            open_case=self.hearings.open_case,
            cases_opened=self.hearings.opened,
        )

    def _remind(self, duty: Duty) -> None:
        """Both sides are told in advance of a day on which the order would end by itself."""
        ends_order = duty.on_silence is Silence.CANCEL_ORDER
        self.journal.remind(duty, *(role for role in (Role.BUYER,) if ends_order))

    def _publish(self) -> None:
        self.journal.post()
        money = f"{self.order.price.total}, in escrow {self.treasury.held}"
        facts = [("Money", money), ("Policy", self.order.policy.pack)]
        if self.hearings.open_case:
            facts.insert(0, ("Open case", self.hearings.open_case))
        self.display.show(self.receipt(), of_order(self.order, self._state()), facts, self.journal.story)

    def _outcome(self, decision: Decision) -> Outcome:
        order, parcel = self.order, self.watch.parcel
        return Outcome(
            order_id=order.order_id,
            marketplace=order.marketplace,
            pack=order.policy.pack,
            buyer_id=order.buyer.id,
            seller_id=order.seller.id,
            placed_at=order.placed_at,
            closed_at=self.docket.now(),
            decision=decision,
            ledger=self.treasury.ledger,
            scanned_at=parcel.scanned_at,
            delivered_at=parcel.delivered_at,
            against_seller=decision.ending in AGAINST_SELLER,
            shipped_late=clocks.shipped_late(order, parcel),
            delivered_late=clocks.delivered_late(order.carriage, parcel),
            reminders=self.journal.reminders,
            extensions=self.extensions_granted,
            found_after_loss=self.found_after_loss,
            cases=tuple(self.hearings.resolutions),
            cases_opened=self.hearings.opened,
            revision=self.closings,
            chargebacks=tuple(self.treasury.chargebacks),
            rejected=self.journal.rejected,
            order=self.order,
        )
