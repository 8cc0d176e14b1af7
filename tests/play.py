"""An order as its parties act on it: short words for what buyers, sellers, carriers and banks say in tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio.client import WorkflowHandle

from activities.sandbox.labels import label_shipment
from domain.cases.conversation import Conversation
from domain.cases.record import EvidenceItem, Resolution, StandingRule
from domain.cases.statements import Statement
from domain.duties import DutyKind, OpenDuty
from domain.messages import (
    Acceptance,
    Answer,
    Appeal,
    Cancel,
    CaseMessage,
    Chargeback,
    Complaint,
    Confirmation,
    Disruption,
    EvidenceRequest,
    EvidenceSent,
    Extend,
    Finding,
    Inspection,
    OfferAnswer,
    OfferMade,
    Proposal,
    Reply,
    Response,
    Ruling,
    Shipped,
    Tracking,
    Undo,
    Withdrawal,
)
from domain.money import Money
from domain.order import Order
from domain.parcel import Shipment, TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy import EvidenceKind, Remedy
from domain.story import Outcome, Status, StoryEntry
from tests.audit import books_balance, nobody_is_paid_twice
from tests.world import BEGINNING, SHIPMENT, World, an_order
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow


def scan(at: datetime, status: TrackingStatus | str = TrackingStatus.ACCEPTED) -> TrackingEvent:
    """What a carrier says of a parcel at that instant."""
    return TrackingEvent(status=status, at=at)


def a_photo(world: World, kind: EvidenceKind | str, content: str = "") -> EvidenceItem:
    """A real file of its own content in the store of evidence, as it is handed in."""
    uri, digest = world.files.put((content or f"what {kind} shows").encode(), f"{kind}.jpg")
    return EvidenceItem(kind=kind, uri=uri, sha256=digest, media_type="image/jpeg", size=1_000)


def a_statement(text: str) -> EvidenceItem:
    """Evidence in words."""
    return EvidenceItem(kind=EvidenceKind.STATEMENT, text=text)


class Play:
    """One order in a world. Messages are sent now, unless `at` says when their sender acted."""

    def __init__(self, world: World, order: Order, handle: WorkflowHandle[OrderWorkflow, Outcome]) -> None:
        self.world = world
        self.order = order
        self.handle = handle

    # What people and carriers say

    async def ships(
        self, at: datetime | None = None, number: str = SHIPMENT.tracking_number, carrier: str = "sandbox"
    ) -> None:
        """The seller marks the order as shipped."""
        message = Shipped(carrier=carrier, tracking_number=number, submitted_at=await self._at(at))
        await self.handle.signal(OrderWorkflow.shipped, message)

    async def scanned(self, *events: TrackingEvent, estimate: datetime | None = None) -> None:
        """The carrier's webhook brings news."""
        await self.handle.signal(OrderWorkflow.tracking, Tracking(events=events, estimate=estimate))

    async def delivered(self, at: datetime) -> None:
        """The carrier tells of first scan and delivery at once."""
        await self.scanned(scan(at.replace(hour=0)), scan(at, TrackingStatus.DELIVERED))

    async def complains(
        self,
        reason: str,
        at: datetime | None = None,
        text: str = "",
        evidence: Sequence[EvidenceItem] = (),
        standing: Sequence[StandingRule] = (),
    ) -> Reply:
        """The buyer reports a problem and waits for the answer."""
        message = Complaint(
            reason=reason,
            text=text,
            evidence=tuple(evidence),
            standing=tuple(standing),
            submitted_at=await self._at(at),
        )
        return await self.handle.execute_update(OrderWorkflow.open_case, message)

    async def complains_by_signal(self, reason: str, at: datetime | None = None) -> None:
        """The buyer reports a problem, and waits for nothing."""
        message = Complaint(reason=reason, submitted_at=await self._at(at))
        await self.handle.signal(OrderWorkflow.buyer_complaint, message)

    async def accepts(self, at: datetime | None = None) -> None:
        """The buyer is content."""
        await self.handle.signal(OrderWorkflow.buyer_accepts, Acceptance(submitted_at=await self._at(at)))

    async def cancels(
        self, by: Role, answer: Answer | None = None, at: datetime | None = None, text: str = ""
    ) -> Reply:
        """Buyer or seller cancels, or the seller answers."""
        message = Cancel(by=by, answer=answer, text=text, submitted_at=await self._at(at))
        return await self.handle.execute_update(OrderWorkflow.cancel, message)

    async def extends(
        self,
        by: Role,
        until: datetime | None = None,
        answer: Answer | None = None,
        at: datetime | None = None,
        text: str = "",
    ) -> Reply:
        """The seller asks for more time, or the buyer grants or refuses it."""
        message = Extend(by=by, until=until, answer=answer, text=text, submitted_at=await self._at(at))
        return await self.handle.execute_update(OrderWorkflow.extend, message)

    async def charged_back(self, state: str, amount: Money | None = None, name: str = "cb_1") -> None:
        """The bank reports a chargeback or its result."""
        message = Chargeback(chargeback_id=name, state=state, amount=amount, submitted_at=await self._at(None))
        await self.handle.signal(OrderWorkflow.chargeback, message)

    async def bank_says(self, state: str) -> None:
        """The bank opens a chargeback, or decides it, at the payment provider; which reports it."""
        if state == "opened":
            self.world.payments.open_dispute(self.order.payment_ref)
        else:
            self.world.payments.close_dispute(self.order.payment_ref, won=state == "won")
        await self.charged_back(state)

    async def disrupted(self, *clocks: str, since: datetime, until: datetime | None = None, **more: Any) -> None:
        """Operations report a storm, correct it or take it back."""
        name = more.pop("name", "storm")
        message = Disruption(disruption_id=name, clocks=clocks, since=since, until=until, **more)
        await self.handle.signal(OrderWorkflow.disruption, message)

    # What is said in the first case

    async def answers(
        self, *, accept: bool, at: datetime | None = None, text: str = "", evidence: Sequence[EvidenceItem] = ()
    ) -> Reply:
        """The seller answers."""
        message = Response(accept=accept, text=text, evidence=tuple(evidence), submitted_at=await self._at(at))
        return await self.case.execute_update(CaseWorkflow.respond, message)

    async def offers(
        self, by: Role, remedy: Remedy, amount: Money | None = None, expires: datetime | None = None, author: str = ""
    ) -> Reply:
        """A side or an agent proposes a settlement."""
        proposal = Proposal(remedy=remedy, amount=amount)
        message = OfferMade(by=by, proposal=proposal, expires=expires, author=author)
        return await self.case.execute_update(CaseWorkflow.offer, message)

    async def answers_offer(self, by: Role, *, accept: bool, at: datetime | None = None) -> Reply:
        """A side takes or leaves the open offer."""
        message = OfferAnswer(by=by, accept=accept, submitted_at=await self._at(at))
        return await self.case.execute_update(CaseWorkflow.answer_offer, message)

    async def shows(self, by: Role, *items: EvidenceItem) -> None:
        """A side hands evidence in, and waits for nothing."""
        await self.case.signal(CaseWorkflow.evidence, EvidenceSent(by=by, items=items))

    async def says(self, by: Role, text: str, **more: Any) -> None:
        """Somebody writes in the case."""
        await self.case.signal(CaseWorkflow.message, CaseMessage(by=by, text=text, **more))

    async def asks_for_evidence(self, of: Role, *kinds: EvidenceKind, agent: str = "kim") -> Reply:
        """An agent asks a side for evidence."""
        message = EvidenceRequest(agent=agent, of=of, kinds=kinds)
        return await self.case.execute_update(CaseWorkflow.request_evidence, message)

    async def ruled(
        self, remedy: Remedy, amount: Money | None = None, reason: str = "as the photos show", agent: str = "kim"
    ) -> Reply:
        """An agent decides."""
        message = Ruling(agent=agent, remedy=remedy, amount=amount, reason=reason)
        return await self.case.execute_update(CaseWorkflow.rule, message)

    async def confirmed(self, agent: str, *, agree: bool = True) -> Reply:
        """Another agent looks at a ruling."""
        return await self.case.execute_update(CaseWorkflow.confirm, Confirmation(agent=agent, agree=agree))

    async def undone(self, agent: str = "kim") -> Reply:
        """Support takes its ruling back."""
        return await self.case.execute_update(CaseWorkflow.undo, Undo(agent=agent, text="a slip of the hand"))

    async def inspects(
        self,
        finding: Finding | str,
        deduction: Money | None = None,
        evidence: Sequence[EvidenceItem] = (),
        at: datetime | None = None,
    ) -> Reply:
        """The seller says what came back."""
        message = Inspection(
            finding=finding, deduction=deduction, evidence=tuple(evidence), submitted_at=await self._at(at)
        )
        return await self.case.execute_update(CaseWorkflow.inspect, message)

    async def appeals(self, by: Role, *evidence: EvidenceItem, at: datetime | None = None) -> Reply:
        """A side wants another agent to decide."""
        message = Appeal(by=by, evidence=evidence, submitted_at=await self._at(at))
        return await self.case.execute_update(CaseWorkflow.appeal, message)

    async def withdraws(self) -> Reply:
        """The buyer takes the complaint back."""
        return await self.case.execute_update(CaseWorkflow.withdraw, Withdrawal())

    async def sent_back(self, *events: TrackingEvent) -> None:
        """The carrier's webhook brings news of the parcel that goes back."""
        await self.case.signal(CaseWorkflow.tracking, Tracking(events=events))

    async def came_back(self, at: datetime) -> None:
        """The carrier tells at once that the return was scanned that day, and delivered."""
        await self.sent_back(scan(at.replace(hour=0)), scan(at, TrackingStatus.DELIVERED))

    async def _at(self, at: datetime | None) -> datetime:
        return at or await self.world.now()

    # What can be seen

    @property
    def case(self) -> WorkflowHandle[CaseWorkflow, Resolution]:
        """The first case of the order."""
        return self.world.client.get_workflow_handle_for(CaseWorkflow.run, f"case-{self.order.order_id}-1")

    async def story(self) -> Sequence[StoryEntry]:
        """What happened to the order so far."""
        return await self.handle.query(OrderWorkflow.timeline)

    async def case_story(self) -> Sequence[StoryEntry]:
        """What happened in the first case so far."""
        return await self.case.query(CaseWorkflow.timeline)

    async def case_told(self) -> list[str]:
        """The codes of what happened in the first case, in order."""
        return [entry.what for entry in await self.case_story()]

    async def case_status(self) -> Status:
        """Where the first case stands."""
        return await self.case.query(CaseWorkflow.status)

    async def case_duties(self) -> dict[str, OpenDuty]:
        """The open duties of the first case by kind."""
        return {duty.kind: duty for duty in (await self.case.query(CaseWorkflow.receipt)).duties}

    async def conversation(self) -> Conversation:
        """What was said in the first case."""
        return await self.case.query(CaseWorkflow.conversation)

    async def reasons(self) -> Sequence[Statement]:
        """The statements of reasons of the first case."""
        return await self.case.query(CaseWorkflow.reasons)

    def return_shipment(self, decision: int = 1) -> Shipment:
        """The parcel that goes back in the first case by that decision, also before its label is bought."""
        return label_shipment(f"label-case-{self.order.order_id}-1-{decision}")

    async def case_notices(self, role: Role) -> list[str]:
        """The codes of all notices to one party about the first case, in the order of its story."""
        return self._told_to(role, self.case.id, await self.case_story())

    def paid(self) -> dict[str, list[int]]:
        """What the provider has moved for this order so far, in cents."""
        books, reference = self.world.payments, self.order.payment_ref
        moved = {"refunds": books.refunds, "releases": books.releases, "clawbacks": books.clawbacks}
        found = {name: [one.amount.minor for one in of(reference)] for name, of in moved.items()}
        return {name: amounts for name, amounts in found.items() if amounts}

    async def told(self) -> list[str]:
        """The codes of what happened to the order, in order."""
        return [entry.what for entry in await self.story()]

    async def refusals(self) -> list[tuple[str, str, str]]:
        """Of each refusal in the story: the message, its sender and the rule."""
        facts = [entry.facts for entry in await self.story() if entry.what == "refused"]
        return [(fact["message"], fact["by"], fact["rule"]) for fact in facts]

    async def duty(self, kind: DutyKind) -> OpenDuty:
        """One open duty of the order. KeyError if there is none of this kind."""
        receipt = await self.handle.query(OrderWorkflow.receipt)
        return {duty.kind: duty for duty in receipt.duties}[kind]

    async def owed(self) -> set[str]:
        """The kinds of all open duties."""
        return {duty.kind for duty in (await self.handle.query(OrderWorkflow.receipt)).duties}

    async def notices(self, role: Role) -> list[str]:
        """The codes of all notices to one party about the order, in the order of its story."""
        return self._told_to(role, self.handle.id, await self.story())

    def _told_to(self, role: Role, subject: str, story: Sequence[StoryEntry]) -> list[str]:
        told = [(entry.at, entry.what) for entry in story]
        mine = [(notice.at, notice.kind) for notice in self.world.outbox.notices(subject) if notice.to is role]
        return [kind for _, kind in sorted(mine, key=told.index)]

    async def ends(self) -> Outcome:
        """Let time pass until the order has ended; its books must balance."""
        outcome = await self.handle.result()
        books_balance(self.world, self.order, outcome)
        nobody_is_paid_twice(self.world)
        return outcome


async def begin(world: World, order_id: str = "A-1", **changes: Any) -> Play:
    """Start an ordinary order, placed at the beginning of the world."""
    order = an_order(BEGINNING, **{"order_id": order_id, "payment_ref": f"ch_{order_id}"} | changes)
    return Play(world, order, await world.start(order))
