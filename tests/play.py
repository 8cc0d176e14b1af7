"""An order as its parties act on it: short words for what buyers, sellers, carriers and banks say in tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from domain.cases.record import Resolution
from domain.duties import DutyKind, OpenDuty
from domain.ledger import Account, EntryKind
from domain.messages import (
    Acceptance,
    Answer,
    Cancel,
    Chargeback,
    Complaint,
    Disruption,
    Extend,
    Reply,
    Response,
    Ruling,
    Shipped,
    Tracking,
    Withdrawal,
)
from domain.money import Money
from domain.order import Order
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy import Remedy
from domain.story import Outcome, StoryEntry
from tests.world import BEGINNING, SHIPMENT, World, an_order
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow


def scan(at: datetime, status: TrackingStatus | str = TrackingStatus.ACCEPTED) -> TrackingEvent:
    """What a carrier says of a parcel at that instant."""
    return TrackingEvent(status=status, at=at)


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

    async def complains(self, reason: str, at: datetime | None = None, text: str = "") -> Reply:
        """The buyer reports a problem and waits for the answer."""
        message = Complaint(reason=reason, text=text, submitted_at=await self._at(at))
        reply = await self.handle.execute_update(OrderWorkflow.open_case, message)
        if not reply.refused:
            await self.case_starts()
        return reply

    async def complains_by_signal(self, reason: str, at: datetime | None = None) -> None:
        """The buyer reports a problem, and waits for nothing."""
        message = Complaint(reason=reason, submitted_at=await self._at(at))
        await self.handle.signal(OrderWorkflow.buyer_complaint, message)

    async def case_starts(self) -> None:
        """Wait until the first case can be spoken to."""
        for _ in range(1_000):
            with contextlib.suppress(RPCError):
                await self.case.describe()
                return
        raise AssertionError("the case has not started")

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

    async def answers(self, *, accept: bool, at: datetime | None = None, text: str = "") -> Reply:
        """The seller answers the first case."""
        message = Response(accept=accept, text=text, submitted_at=await self._at(at))
        return await self.case.execute_update(CaseWorkflow.respond, message)

    async def ruled(self, remedy: Remedy, amount: Money | None = None, reason: str = "as the photos show") -> Reply:
        """A support agent decides the first case."""
        message = Ruling(agent="kim", remedy=remedy, amount=amount, reason=reason)
        return await self.case.execute_update(CaseWorkflow.rule, message)

    async def withdraws(self) -> Reply:
        """The buyer takes the first complaint back."""
        return await self.case.execute_update(CaseWorkflow.withdraw, Withdrawal())

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
        told = [(entry.at, entry.what) for entry in await self.story()]
        notices = self.world.outbox.notices(f"order-{self.order.order_id}")
        mine = [(notice.at, notice.kind) for notice in notices if notice.to is role]
        return [kind for _, kind in sorted(mine, key=told.index)]

    async def ends(self) -> Outcome:
        """Let time pass until the order has ended; its books must balance and its histories must replay."""
        outcome = await asyncio.wait_for(self.handle.result(), 30)
        self._audit(outcome)
        for handle in (self.handle, *map(self.world.client.get_workflow_handle, self._cases(outcome))):
            await self.world.replayer.replay_workflow(await handle.fetch_history())
        return outcome

    def _cases(self, outcome: Outcome) -> list[str]:
        return [case.case_id for case in outcome.cases]

    def _audit(self, outcome: Outcome) -> None:
        ledger = outcome.ledger
        ledger.check()
        paid_by_us = sum(transfer.amount.minor for transfer in self.world.payments.refunds(self.order.payment_ref))
        paid_out = sum(transfer.amount.minor for transfer in self.world.payments.releases(self.order.payment_ref))
        assert (0, ()) == (ledger.balance(Account.ESCROW), ledger.intents), "an ended order holds no money"
        assert ledger.total(EntryKind.REFUNDED) == paid_by_us
        assert ledger.total(EntryKind.RELEASED, EntryKind.COMPENSATED) == paid_out
        taken = sum(transfer.amount.minor for transfer in self.world.payments.clawbacks(self.order.payment_ref))
        assert ledger.total(EntryKind.CLAWED_BACK) == taken
        assert {} == self.world.payments.duplicates(), "nobody is paid twice"
        assert ledger.balance(Account.BUYER) <= 0, "nobody gets more back than they paid"
        assert 0 <= ledger.balance(Account.SELLER) <= self.order.price.seller_share.minor
        assert [outcome] == [kept for kept in self.world.outcomes.outcomes() if kept.order_id == outcome.order_id]


async def begin(world: World, order_id: str = "A-1", **changes: Any) -> Play:
    """Start an ordinary order, placed at the beginning of the world."""
    order = an_order(BEGINNING, **{"order_id": order_id, "payment_ref": f"ch_{order_id}"} | changes)
    return Play(world, order, await world.start(order))
