"""A case: the complaint of a buyer, from the seller's answer to a resolution, with support in between if need be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from temporalio import workflow

from domain import clocks, details, rights
from domain.cases import CaseFile, CaseState, Resolution
from domain.duties import Duty, DutyKind, Receipt, Silence
from domain.messages import Disruption, Reply, Response, Ruling, Withdrawal
from domain.money import Money
from domain.parties import Role
from domain.policy import Remedy
from domain.story import Status, StoryEntry
from workflows.display import Display
from workflows.docket import Docket
from workflows.journal import Journal
from workflows.search_attributes import CASE_REASON, CASE_STATE, QUEUE


@workflow.defn(name="CaseWorkflow")
class CaseWorkflow:
    """One complaint about one order; a child of its order, which carries the resolution out."""

    @workflow.init
    def __init__(self, case: CaseFile) -> None:
        """Start from the case file; handlers may run before `run` does."""
        self.case = case
        self.state = CaseState.AWAITING_SELLER
        self.resolution: Resolution | None = None
        self.breached = False
        self.docket = Docket(
            case.clock,
            remind=self._remind,
            before_waiting=self._publish,
            longest_disruption=partial(clocks.longest_disruption, case.policy, case.buyer),
        )
        self.journal = Journal(
            case.case_id,
            {Role.BUYER: case.buyer, Role.SELLER: case.seller},
            limit=case.policy.limits.story_entries,
            now=self.docket.now,
            noted=self.docket.wake,
        )
        self.display = Display()
        # Owed and told before `run` begins, since messages in the first task are handled before it.
        self._ask_seller()

    @workflow.run
    async def run(self, case: CaseFile) -> Resolution:
        """Hear the seller, then support if they disagree; silence never leaves a case open for ever."""
        resolution = await self._hear_seller() or await self._hear_support()
        self.docket.close_all()
        self._publish()
        self.docket.stop()
        await self.journal.posted()
        return resolution

    def _ask_seller(self) -> None:
        answer = clocks.answer_case(self.case)
        self.docket.open(answer, clocks.last_resort(self.case))
        self.journal.note(
            "asked_seller",
            Role.SELLER,
            Role.BUYER,
            reason=self.case.reason,
            due=answer.due,
            consequence=details.consequence(answer),
        )

    async def _hear_seller(self) -> Resolution | None:
        return await self._keep(until=lambda: self.state is CaseState.WITH_SUPPORT)

    async def _hear_support(self) -> Resolution:
        decide = clocks.decide_case(self.case, self.docket.now())
        self.docket.close(DutyKind.ANSWER_CASE)
        self.docket.open(decide)
        self.journal.note("with_support", Role.SUPPORT, Role.BUYER, Role.SELLER, due=decide.due)
        resolution = await self._keep(until=lambda: False)
        assert resolution is not None, "only a resolution ends the wait"
        return resolution

    async def _keep(self, until: Callable[[], bool]) -> Resolution | None:
        while lapsed := await self.docket.lapsed(until=lambda: self.resolution is not None or until()):
            self._on_silence(lapsed)
        return self.resolution

    def _on_silence(self, duty: Duty) -> None:
        """What happens when nobody has acted: the policy's silence default of this duty."""
        match duty.on_silence:
            case Silence.ASK_SUPPORT:
                self.state = CaseState.WITH_SUPPORT
            case Silence.REFUND:
                remedy = self.case.policy.reasons[self.case.reason].remedy
                self._resolve(remedy, self.case.at_stake, Role.PLATFORM, duty.rule)
            case Silence.RELEASE:
                self._resolve(Remedy.RELEASE, self.case.at_stake.zero, Role.PLATFORM, duty.rule)
            case Silence.ESCALATE:
                self.state = CaseState.WITH_LEAD
                lead = clocks.lead_decides(self.case, self.docket.now())
                self.docket.open(lead)
                self.journal.note("escalated", Role.SUPPORT, due=duty.due)
            case Silence.RECORD_BREACH:
                self.breached = True
                self.journal.note("breached", Role.PLATFORM, due=duty.due)

    def _resolve(
        self, remedy: Remedy | None, amount: Money, by: Role, rule: str, agent: str = "", text: str = ""
    ) -> None:
        self.resolution = Resolution(
            case_id=self.case.case_id,
            reason=self.case.reason,
            remedy=remedy,
            amount=amount,
            decided_by=by,
            rule=rule,
            at=self.docket.now(),
            automatic=by is Role.PLATFORM,
            agent=agent,
            text=text,
            breached=self.breached,
        )
        self.state = CaseState.RESOLVED if remedy else CaseState.WITHDRAWN
        self.journal.note("resolved", Role.BUYER, Role.SELLER, remedy=remedy or "withdrawn", amount=amount, rule=rule)

    # --- messages ---

    @workflow.update(name="respond", description="The seller accepts (accept: true) or contests (false) the complaint")
    def respond(self, message: Response) -> Reply:
        """Accepting gives the buyer the remedy of the reason; contesting brings in support."""
        duty = self.docket.duties.get(DutyKind.ANSWER_CASE)
        if refusal := self._over() or rights.too_long(self.case.policy, message.text):
            return self.journal.answer("respond", Role.SELLER, refusal)
        if duty is None or duty.lapsed_at(message.sent_at(self.docket.now(), self.case.opened_at)):
            due = duty.due if duty else None
            refusal = Reply.no("the time to answer has passed", self._rule("reply"), due)
            return self.journal.answer("respond", Role.SELLER, refusal)
        if message.accept:
            self.journal.note("seller_accepted")
            remedy = self.case.policy.reasons[self.case.reason].remedy
            self._resolve(remedy, self.case.at_stake, Role.SELLER, self._rule("remedy"))
            return Reply.yes("accepted; the buyer is refunded", self._rule("remedy"))
        self.journal.note("seller_contested")
        self.state = CaseState.WITH_SUPPORT
        return Reply.yes("contested; a support agent decides", self._rule("reply"))

    @workflow.update(name="rule", description="A support agent decides: remedy, amount for a partial refund, reason")
    def rule(self, message: Ruling) -> Reply:
        """A ruling settles the case within what is at stake."""
        if refusal := self._over() or rights.too_long(self.case.policy, message.reason) or self._unfit(message):
            return self.journal.answer("rule", Role.SUPPORT, refusal)
        amount = {
            Remedy.FULL_REFUND: self.case.at_stake,
            Remedy.PARTIAL_REFUND: message.amount or self.case.at_stake,
            Remedy.RELEASE: self.case.at_stake.zero,
        }[message.remedy]
        self.journal.note("ruled", agent=message.agent, remedy=message.remedy, amount=amount)
        rule = f"ruling of {message.agent}"
        self._resolve(message.remedy, amount, Role.SUPPORT, rule, message.agent, message.reason)
        return Reply.yes(f"ruled: {message.remedy} {amount}", rule)

    @workflow.update(name="withdraw", description="The buyer takes the complaint back")
    def withdraw(self, message: Withdrawal) -> Reply:
        """A withdrawn case has no remedy; the order's clocks run on."""
        if refusal := self._over() or rights.too_long(self.case.policy, message.text):
            return self.journal.answer("withdraw", Role.BUYER, refusal)
        self.journal.note("withdrawn", Role.SELLER)
        self._resolve(None, self.case.at_stake.zero, Role.BUYER, self._rule("withdraw"))
        return Reply.yes("the complaint is withdrawn and the order goes on")

    @workflow.signal(name="disruption", description="A storm, strike or outage moves the clocks it names")
    def disruption(self, message: Disruption) -> None:
        """Moves, corrects or restores the clocks of this case."""
        self.journal.disrupted(message, self.docket.disrupt(message))

    @workflow.query(name="status", description="Where the case stands, what happens next and when")
    def status(self) -> Status:
        """One line for lists and callers."""
        return details.status(self.receipt(), rejected=self.journal.rejected)

    @workflow.query(name="receipt", description="Every open duty: due instant, calendar, reminders, silence")
    def receipt(self) -> Receipt:
        """For each party, what is owed, by when, and what happens if nobody acts."""
        return self.docket.receipt(self.case.case_id, self.state)

    @workflow.query(name="timeline", description="What happened, oldest first")
    def timeline(self) -> tuple[StoryEntry, ...]:
        """The story of the case."""
        return self.journal.story

    # --- rules of this case ---

    def _rule(self, setting: str) -> str:
        return self.case.policy.rule(f"reasons.{self.case.reason}.{setting}")

    def _over(self) -> Reply | None:
        return Reply.no(f"the case is {self.state} and accepts nothing more") if self.resolution else None

    def _unfit(self, message: Ruling) -> Reply | None:
        if self.state is CaseState.AWAITING_SELLER:
            return Reply.no("the seller has not answered yet and still has time", self._rule("reply"))
        if message.remedy is not Remedy.PARTIAL_REFUND:
            return None
        if message.amount is None:
            return Reply.no("a partial refund needs an amount")
        if message.amount.currency != self.case.at_stake.currency:
            return Reply.no(f"the amount is in {message.amount.currency}, the order in {self.case.at_stake.currency}")
        if not 0 < message.amount.minor <= self.case.at_stake.minor:
            return Reply.no(f"the amount must be above zero and at most {self.case.at_stake}")
        return None

    def _remind(self, duty: Duty) -> None:
        if duty.kind is DutyKind.DECIDE_CASE:
            self.journal.note("sla_warning", Role.SUPPORT, due=duty.due)
        else:
            self.journal.remind(duty)

    def _publish(self) -> None:
        self.journal.post()
        queue = {CaseState.WITH_SUPPORT: "support", CaseState.WITH_LEAD: "lead"}.get(self.state)
        attributes = {CASE_STATE: self.state.value, CASE_REASON: self.case.reason.value, QUEUE: queue}
        facts = (("Reason", self.case.reason.value), ("At stake", str(self.case.at_stake)))
        self.display.show(self.receipt(), attributes, facts, self.journal.story)
