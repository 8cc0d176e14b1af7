"""A case: the complaint of a buyer, from the seller's answer to a decision that nothing can change any more.

Every rule is a pure function of `domain/cases`, which drafts a step; this workflow carries steps out. What needs the
world outside (files, labels, the order's money) is an errand, found from the record alone: so a case that has grown
long goes on in a new run without losing its place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from temporalio import workflow

from domain import clocks, details
from domain.cases import (
    appeals,
    conversation,
    desk,
    evidence,
    evidence_round,
    hearing,
    interlock,
    no_remedy,
    offers,
    opening,
    returns,
    silence,
)
from domain.cases.case import CaseFile, CaseProgress, Matter
from domain.cases.clocks import OF_RETURN, OF_SUPPORT, run_on
from domain.cases.conversation import Conversation
from domain.cases.exhibits import Exhibits, exhibits
from domain.cases.finality import took_effect
from domain.cases.preview import preview
from domain.cases.record import Resolution, Said
from domain.cases.statements import Statement, statements
from domain.cases.step import Step
from domain.duties import Duty, DutyKind, Receipt
from domain.messages import (
    Appeal,
    Assignment,
    CaseMessage,
    Confirmation,
    Disruption,
    EvidenceRequest,
    EvidenceSent,
    Inspection,
    Interlock,
    OfferAnswer,
    OfferMade,
    Overtaken,
    Reply,
    Response,
    Ruling,
    Tracking,
    Undo,
    Withdrawal,
)
from domain.parties import Role
from domain.policy import CaseState
from domain.preview import Intent, Preview
from domain.story import Status, StoryEntry
from workflows.bookkeeping import docket_of, journal_of
from workflows.display import Display
from workflows.errands import Errands
from workflows.search_attributes import of_case
from workflows.transit import UNTIL_ARRIVED, Transit

STOPPED_BY_A_CHARGEBACK = frozenset(DutyKind) - {*UNTIL_ARRIVED, DutyKind.LOOK_UP, DutyKind.RECONCILE}


@workflow.defn(name="CaseWorkflow")
class CaseWorkflow:
    """One complaint about one order; a child of its order, which moves the money that the case decides on."""

    @workflow.init
    def __init__(self, case: CaseFile) -> None:
        """Start from the case file; handlers may run before `run` does."""
        self.case = case
        self.docket = docket_of(case, remind=self._remind, before_waiting=self._before_waiting)
        self.journal = journal_of(case.case_id, case, self.docket)
        self.display = Display()
        self.errands = Errands(case)
        self.transit: Transit | None = None
        self.too_long = False
        if case.so_far:
            self._go_on(case.so_far)
        else:
            # Owed and told before `run` begins, since messages in the first task are handled before it.
            self._take(opening.open_case(case))

    @workflow.run
    async def run(self, case: CaseFile) -> Resolution:
        """Hear both sides, decide, carry the decision out, hear appeals; silence never leaves a case open for ever."""
        while not self._finished:
            if errand := self._errand():
                await errand()
            elif lapsed := await self.docket.lapsed(until=self._needs_attention):
                await self._on_silence(lapsed)
            elif self.too_long:
                self._continue_as_new()
        return await self._close()

    # --- steps ---

    @property
    def matter(self) -> Matter:
        """The case as it stands now."""
        return Matter(file=self.case, record=self.record, duties=self.docket.duties, now=self.docket.now())

    def _take(self, step: Step) -> None:
        """Carry a step out: record, duties, pauses, notes."""
        self.record = step.record
        self.docket.close(*step.closed)
        self.docket.open(*step.opened)
        self._pause()
        if self.transit and self.record.trip and self.record.trip.over:
            self.transit.end()
        for note in step.notes:
            self.journal.note(note.what, *note.told, **note.facts)

    def _answer(self, message: str, by: Role, step: Step) -> Reply:
        """Carry out what is accepted; keep and tell what is refused."""
        assert step.reply is not None, "every message is answered"
        if not step.reply.refused:
            self._take(step)
        return self.journal.answer(message, by, step.reply)

    def _pause(self) -> None:
        """Clocks stand still during a chargeback, those of a return during an appeal, support's as policy says."""
        waiting = self.record.state in self.case.policy.support.paused_in
        for cause, kinds, stopped in (
            ("chargeback", STOPPED_BY_A_CHARGEBACK, self.record.freeze is not None),
            ("appeal", OF_RETURN, self.record.open_appeal is not None),
            ("waiting for the sides", OF_SUPPORT, waiting),
        ):
            if stopped and cause not in self.docket.pauses:
                self.docket.pause(cause, kinds, since=self.docket.now())
            elif not stopped and cause in self.docket.pauses:
                self.docket.resume(cause, partial(run_on, self.case))

    async def _on_silence(self, duty: Duty) -> None:
        """What happens when nobody has acted: the policy's silence default of this duty."""
        if self.transit and await self.transit.on_silence(duty):
            return
        if duty.kind is DutyKind.SEND_BACK_FINAL and self.transit:
            # The carrier's word counts, so it is asked once more before the refund is taken away.
            await self.transit.watch.look_now()
            if self.transit.parcel.scanned_at:
                return
        if duty.kind is not DutyKind.RECONCILE:
            self._take(silence.lapsed(self.matter, duty))

    # --- errands: what a case needs of the world outside ---

    def _errand(self) -> Callable[[], Awaitable[None]] | None:
        """The next thing to do outside, found from what is known; none if the case only waits."""
        errand = self._owed()
        if errand in (self._send_label, self._give_label_back) and DutyKind.RECONCILE in self.docket.duties:
            return None
        return errand

    def _owed(self) -> Callable[[], Awaitable[None]] | None:
        record, transit = self.record, self.transit
        trip, decision = record.trip, record.decision
        if record.freeze and not record.freeze.handed_over:
            return self._hand_over
        if any(not item.checked for item in record.evidence):
            return self._check_files
        if opening.to_weigh(record):
            return self._weigh
        if transit and transit.watch.unread:
            return self._follow_return
        # A withdrawn case may wait long for its label's price; its order does not.
        told_now = record.state is CaseState.SETTLED or (record.state is CaseState.WITHDRAWN and trip is not None)
        if told_now and decision and record.effective < decision.number:
            return self._tell_order
        if record.state is CaseState.AWAITING_RETURN and trip and trip.label is None:
            return self._send_label
        if trip and trip.over and trip.label and trip.label_refunded is None and trip.sent_at is None:
            return self._give_label_back
        return None

    async def _check_files(self) -> None:
        # A file that was not there before may have been uploaded since.
        unchecked = tuple(item for item in self.record.evidence if item.matches is None)
        matches = await self.errands.check_files(unchecked)
        self._take(returns.files_checked(self.matter, matches))

    async def _weigh(self) -> None:
        histories = None
        if opening.needs_histories(self.case, self.record):
            histories = await self.errands.histories()
        if opening.to_weigh(self.record):
            self._take(opening.weigh(self.matter, histories))

    async def _send_label(self) -> None:
        """Buy the prepaid label, and follow the parcel from then on; a person is told when no label can be had."""
        label = await self.errands.buy_label(len(self.record.resolutions))
        if label is None:
            self._look_into("label_stuck")
            self._take(returns.label_tried(self.matter))
            return
        self._take(returns.label_bought(self.matter, label))
        await self.errands.tell_label(label, refunded=False)
        self.transit = self._transit()

    async def _give_label_back(self) -> None:
        trip = self.record.trip
        assert trip is not None, "only a label that was bought is given back"
        assert trip.label is not None, "only a label that was bought is given back"
        refunded = await self.errands.refund_label(trip.label)
        if refunded is None:
            self._look_into("label_refund_stuck")
            self._take(returns.label_refund_tried(self.matter))
            return
        if refunded:
            await self.errands.tell_label(trip.label, refunded=True)
        self._take(returns.label_refunded(self.matter, refunded=refunded))

    async def _follow_return(self) -> None:
        self._hear_of_return()

    def _hear_of_return(self) -> None:
        """Act on fresh news of the goods on their way back."""
        transit, trip = self.transit, self.record.trip
        assert transit is not None, "only a return that was sent is followed"
        assert trip is not None, "only a return that was sent is followed"
        scanned_at = transit.parcel.scanned_at
        if scanned_at is None:
            transit.watch.read()
            return
        if trip.sent_at is None:
            self._take(returns.sent_back(self.matter, scanned_at))
            if not trip.over:
                transit.begin()
        if trip.over:
            transit.watch.read()
        else:
            transit.follow()
        if transit.parcel.delivered_at and trip.back_at is None:
            transit.end()
            self._take(returns.came_back(self.matter, transit.parcel.delivered_at))
        elif transit.parcel.returned_at and not trip.over:
            transit.end()
            self._take(returns.unclaimed(self.matter))

    async def _tell_order(self) -> None:
        """The decision takes effect: the order moves the money."""
        decision = self.record.decision
        assert decision is not None, "only what was decided takes effect"
        if not await self.errands.tell_order(decision):
            self.journal.note("order_unreachable", Role.SUPPORT)
        self._take(took_effect(self.matter, decision.number))

    async def _hand_over(self) -> None:
        """Give the bank what the case has, in the payment provider's form."""
        freeze = self.record.freeze
        assert freeze is not None, "only a chargeback has a bundle"
        taken = await self.errands.hand_over(self.record, freeze)
        self._take(interlock.handed_over(self.matter, taken=taken))

    def _look_into(self, what: str) -> None:
        """A person is told of what could not be done; it is tried again later."""
        duty = clocks.reconcile(self.case.policy, self.docket.now())
        self.docket.open(duty)
        self.journal.note(what, Role.SUPPORT, due=duty.agreed_due)

    def _transit(self, so_far: CaseProgress | None = None) -> Transit | None:
        trip = self.record.trip
        if trip is None or trip.label is None:
            return None
        return Transit(
            self.case.return_carriage(trip.label.shipment, trip.labelled_at or trip.asked_at),
            self.docket,
            self.journal,
            lost=self._return_lost,
            prefix="return_",
            state=so_far.watch if so_far else None,
        )

    def _return_lost(self, _: Duty) -> None:
        if self.transit:
            self.transit.end()
        self._take(returns.lost(self.matter))

    # --- the end, and the next run ---

    def _needs_attention(self) -> bool:
        return self._finished or self._errand() is not None or self.too_long

    @property
    def _finished(self) -> bool:
        return self.record.over and self._owed() is None

    def _before_waiting(self) -> None:
        """Tell what has happened; when the history has grown too long, the next run does.

        Measured here and not by what is waited for, which is also looked at when a local activity ends: on replay the
        history has another length by then.
        """
        info = workflow.info()
        too_long = info.get_current_history_length() >= self.case.policy.limits.history_events
        self.too_long = too_long or info.is_continue_as_new_suggested()
        if not self.too_long:
            self._publish()

    def _continue_as_new(self) -> None:
        """Go on in a new run, with everything that is known; what is under way is begun anew there."""
        so_far = CaseProgress(
            record=self.record,
            docket=self.docket.snapshot(),
            journal=self.journal.snapshot(),
            watch=self.transit.snapshot() if self.transit else None,
        )
        workflow.continue_as_new(self.case.model_copy(update={"so_far": so_far}))

    def _go_on(self, so_far: CaseProgress) -> None:
        self.record = so_far.record
        self.docket.restore(so_far.docket)
        self.journal.restore(so_far.journal)
        self.transit = self._transit(so_far)

    async def _close(self) -> Resolution:
        if self.transit:
            self.transit.end()
        self.docket.close_all()
        self._publish()
        self.docket.stop()
        await self.journal.posted()
        return self.record.final

    # --- messages ---

    @workflow.update(name="respond", description="The seller accepts, offers or contests: accept, offer, evidence")
    def respond(self, message: Response) -> Reply:
        """Accepting gives the buyer the remedy of the reason; contesting brings in support."""
        return self._answer("respond", Role.SELLER, hearing.respond(self.matter, message))

    @workflow.update(name="offer", description="A side or an agent proposes a settlement: by, proposal, expires")
    def offer(self, message: OfferMade) -> Reply:
        """An open offer of the other side is countered by it."""
        return self._answer("offer", message.by, offers.offer(self.matter, message))

    @workflow.update(name="answer_offer", description="The other side takes or leaves the open offer: by, accept")
    def answer_offer(self, message: OfferAnswer) -> Reply:
        """Acceptance settles the case."""
        return self._answer("answer_offer", message.by, offers.answer_offer(self.matter, message))

    @workflow.update(name="withdraw", description="The buyer takes the complaint back")
    def withdraw(self, message: Withdrawal) -> Reply:
        """A withdrawn case has no remedy; the order's clocks run on."""
        return self._answer("withdraw", Role.BUYER, no_remedy.withdraw(self.matter, message))

    @workflow.signal(name="evidence", description="A side adds evidence: by, items (kind, uri, sha256 or text)")
    def evidence(self, message: EvidenceSent) -> None:
        """Sealed at arrival; what cannot be taken is answered with a notice."""
        self._answer("evidence", message.by, evidence.add(self.matter, message))

    @workflow.signal(name="message", description="Somebody writes in the case: by, text, channel, internal")
    def message(self, message: CaseMessage) -> None:
        """Kept in order; internal notes are for support alone."""
        self._answer("message", message.by, conversation.say(self.matter, message))

    @workflow.update(name="request_evidence", description="Support asks a side for evidence: agent, of, kinds")
    def request_evidence(self, message: EvidenceRequest) -> Reply:
        """Support's clocks stand still until it comes or its time is over."""
        return self._answer("request_evidence", Role.SUPPORT, evidence_round.request(self.matter, message))

    @workflow.update(name="assign", description="The case is given to an agent: agent, by")
    def assign(self, message: Assignment) -> Reply:
        """Shows in the agents' lists."""
        return self._answer("assign", Role.SUPPORT, desk.assign(self.matter, message))

    @workflow.update(name="rule", description="An agent decides: agent, remedy, amount, reason, rests_on")
    def rule(self, message: Ruling) -> Reply:
        """Takes effect after its undo window, above the policy's amount once another agent has confirmed."""
        return self._answer("rule", Role.SUPPORT, desk.rule(self.matter, message))

    @workflow.update(
        name="confirm", description="Another agent confirms a ruling, or gives the case back: agent, agree"
    )
    def confirm(self, message: Confirmation) -> Reply:
        """The second pair of eyes."""
        return self._answer("confirm", Role.SUPPORT, desk.confirm(self.matter, message))

    @workflow.update(name="undo", description="Support takes a ruling back before it has taken effect: agent, text")
    def undo(self, message: Undo) -> Reply:
        """No money has moved yet."""
        return self._answer("undo", Role.SUPPORT, desk.undo(self.matter, message))

    @workflow.update(name="inspect", description="The seller says what came back: finding, deduction, evidence")
    def inspect(self, message: Inspection) -> Reply:
        """As sent: the buyer is refunded. Otherwise a deduction within policy, or support.

        After an outage the delivery comes in the same task as what the seller says of it, and was first.
        """
        if self.transit and self.transit.watch.unread:
            self._hear_of_return()
        return self._answer("inspect", Role.SELLER, returns.inspect(self.matter, message))

    @workflow.update(name="appeal", description="A side appeals with new evidence: by, evidence, text")
    def appeal(self, message: Appeal) -> Reply:
        """Once a side; another agent decides."""
        return self._answer("appeal", message.by, appeals.appeal(self.matter, message))

    @workflow.signal(name="tracking", description="News of the return parcel by the carrier's webhook")
    def tracking(self, message: Tracking) -> None:
        """Repeated and disordered events are harmless."""
        if self.transit is None:
            self.journal.answer("tracking", Role.PLATFORM, Reply.no("no_return_parcel"))
        else:
            self.transit.watch.pushed(message.events, message.estimate)

    @workflow.signal(name="disruption", description="A storm, strike or outage moves the clocks it names")
    def disruption(self, message: Disruption) -> None:
        """Moves, corrects or restores the clocks of this case."""
        self.journal.disrupted(message, self.docket.disrupt(message))

    @workflow.signal(name="chargeback", description="From the order: a chargeback was opened or decided")
    def chargeback(self, message: Interlock) -> None:
        """The case stands still until the bank has decided."""
        self._take(interlock.chargeback(self.matter, message))

    @workflow.signal(name="overtaken", description="From the order: it has ended otherwise")
    def overtaken(self, message: Overtaken) -> None:
        """What the case would say has no more weight."""
        self._take(interlock.overtaken(self.matter, message))

    # --- questions ---

    @workflow.query(name="status", description="Where the case stands, what happens next and when")
    def status(self) -> Status:
        """One line for lists and callers."""
        frozen = self.record.freeze is not None
        return details.status(self.receipt(), frozen=frozen, rejected=self.journal.rejected)

    @workflow.query(name="receipt", description="Every open duty: due instant, calendar, reminders, silence")
    def receipt(self) -> Receipt:
        """For each party, what is owed, by when, and what happens if nobody acts."""
        return self.docket.receipt(self.case.case_id, self._state)

    @workflow.query(name="timeline", description="What happened, oldest first")
    def timeline(self) -> tuple[StoryEntry, ...]:
        """The story of the case."""
        return self.journal.story

    @workflow.query(name="conversation", description="What was said, and who must answer next by when")
    def conversation(self) -> Conversation:
        """What both sides may read."""
        return conversation.as_read(self.matter)

    @workflow.query(name="exhibits", description="The evidence of both sides beside each other, and what is missing")
    def exhibits(self) -> Exhibits:
        """Grouped by what it shows."""
        return exhibits(self.matter)

    @workflow.query(name="notes", description="Support's internal notes")
    def notes(self) -> tuple[Said, ...]:
        """Never for the sides."""
        return tuple(said for said in self.record.conversation if said.internal)

    @workflow.query(name="reasons", description="For each decision: rule, facts, money, and how to contest it")
    def reasons(self) -> tuple[Statement, ...]:
        """The statements of reasons, oldest first."""
        return statements(self.matter)

    @workflow.query(name="preview", description="What an action would do now, without doing it: message, fields")
    def preview(self, intent: Intent) -> Preview:
        """The same step as the action's, not carried out."""
        return preview(self.matter, intent)

    # --- what is shown ---

    @property
    def _state(self) -> CaseState:
        return CaseState.FROZEN if self.record.freeze and not self.record.over else self.record.state

    def _remind(self, duty: Duty) -> None:
        if duty.owner is Role.SUPPORT:
            self.journal.note("sla_warning", Role.SUPPORT, action=duty.kind, due=duty.due)
        else:
            self.journal.remind(duty)

    def _publish(self) -> None:
        self.journal.post()
        facts = [("Reason", self.case.reason.value), ("At stake", str(self.case.at_stake))]
        if decision := self.record.decision:
            facts.append(("Decision", f"{decision.remedy or 'none'} {decision.amount}"))
        if self.record.assignee:
            facts.append(("Agent", self.record.assignee))
        attributes = of_case(self.case, self.record, self._state)
        self.display.show(self.receipt(), attributes, facts, self.journal.story)
