"""The treasury of one order: its ledger, and the one place where its money is moved or frozen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.payments import REFUSED, PaymentActivities
from domain import clocks
from domain.duties import DutyKind
from domain.ledger import Account, Entry, EntryKind, Ledger
from domain.messages import Chargeback, ChargebackState, Reply
from domain.money import Money
from domain.order import Order
from domain.parties import Role
from domain.requests import LabelFact, Movement, Paid, Submission
from domain.settlement import Decision, capture, charged_back, movements
from workflows.calls import hand_in
from workflows.docket import Docket
from workflows.journal import Journal
from workflows.options import LOOK_FOR_MONEY, MOVE_MONEY, described

# Entries that only divide escrow among our own accounts need no provider.
BY_PROVIDER = {
    EntryKind.REFUNDED: PaymentActivities.refund,
    EntryKind.RELEASED: PaymentActivities.release,
    EntryKind.COMPENSATED: PaymentActivities.release,
    EntryKind.CLAWED_BACK: PaymentActivities.claw_back,
}
LOOKS_WHILE_STUCK = "look-while-a-payment-is-stuck"
"""Orders whose payment was stuck before this patch waited without looking."""

BUYER_TOO = frozenset({EntryKind.REFUNDED, EntryKind.CLAWED_BACK})

REPORTED = {
    ChargebackState.OPENED: "chargeback_opened",
    ChargebackState.WON: "chargeback_won",
    ChargebackState.LOST: "chargeback_lost",
}


class Treasury:
    """Writes each movement as intent before it is made and as fact after it; a chargeback lets none be made.

    `bank_says` is called when a chargeback is opened or decided; `ledger` is that of an order taken up again.
    """

    def __init__(
        self,
        order: Order,
        docket: Docket,
        journal: Journal,
        *,
        bank_says: Callable[[str, ChargebackState, Money], None],
        ledger: Ledger | None = None,
    ) -> None:
        self._order = order
        self._docket = docket
        self._journal = journal
        self._bank_says = bank_says
        self.ledger = ledger or capture(order)
        self.chargebacks: dict[str, ChargebackState] = {}
        self._disputed: dict[str, Money] = {}
        self._handing_over: asyncio.Task[None] | None = None

    @property
    def frozen(self) -> bool:
        """Whether some chargeback is open."""
        return ChargebackState.OPENED in self.chargebacks.values()

    @property
    def held(self) -> Money:
        """What is in escrow and promised to nobody yet."""
        return Money(minor=self.ledger.available, currency=self._order.price.total.currency)

    @property
    def untouched(self) -> bool:
        """Whether nothing has been moved, or is being moved, by our own decision."""
        return not self.ledger.intents and not self.ledger.total(*BY_PROVIDER)

    async def carry_out(self, decided: Callable[[], Decision]) -> None:
        """Move all that is left to where the decision says that stands.

        After each payment all is planned anew: a chargeback may have taken money meanwhile, or an appeal turned the
        decision.
        """
        while True:
            await self.until_unfrozen()
            planned = movements(self._order, self.ledger, decided(), self._docket.now())
            if not planned:
                return
            for entry in planned:
                await self._move(entry)
                if entry.kind in BY_PROVIDER:
                    break

    async def until_unfrozen(self) -> None:
        """Wait until no chargeback is open, at the latest until the policy gives them up."""
        await self._wait(until=lambda: not self.frozen)

    async def _wait(self, until: Callable[[], bool]) -> None:
        """Wait until something holds; a chargeback whose time runs out meanwhile is given up."""
        while lapsed := await self._docket.lapsed(until=until):
            if lapsed.kind is DutyKind.RESOLVE_CHARGEBACK:
                self.give_up_chargebacks(lapsed.rule)

    async def _move(self, entry: Entry) -> None:
        if entry.kind not in BY_PROVIDER:
            self.ledger = self.ledger.record(entry)
            return
        self.ledger = self.ledger.intend(entry)
        reference = await self._pay(entry)
        if reference is None:
            return
        self.ledger = self.ledger.confirm(entry.key, self._docket.now(), reference)
        told = (Role.BUYER, Role.SELLER) if entry.kind in BUYER_TOO else (Role.SELLER,)
        self._journal.note(entry.kind.value, *told, amount=entry.amount, key=entry.key)

    async def _pay(self, entry: Entry) -> str | None:
        """Have the provider make the movement, however long it takes; a person is told when it will not.

        None for a refusal: the intent is dropped, since nothing was surely moved, and after the person's time
        what is left is planned anew. Otherwise a refund that the bank has meanwhile made would be tried for ever.
        """
        movement = Movement(
            key=entry.key,
            order_id=self._order.order_id,
            payment_ref=self._order.payment_ref,
            payee=(self._order.buyer if entry.kind is EntryKind.REFUNDED else self._order.seller).id,
            amount=entry.amount,
            purpose=entry.kind,
        )
        options = described(MOVE_MONEY, f"{entry.kind} {entry.amount}, once, as {entry.key}")
        while True:
            try:
                paid = await workflow.execute_activity_method(BY_PROVIDER[entry.kind], movement, **options)
            except ActivityError as error:
                refused = isinstance(error.cause, ApplicationError) and error.cause.type == REFUSED
                if refused:
                    self.ledger = self.ledger.drop(entry.key)
                self._tell_stuck(entry, str(error.cause))
                if refused:
                    await self._wait(until=self._reconciled)
                    return None
                found = await self._look_for(movement)
                if found is not None:
                    return found.reference
            else:
                return paid.reference

    def _tell_stuck(self, entry: Entry, text: str) -> None:
        duty = clocks.reconcile(self._order.policy, self._docket.now())
        self._docket.open(duty)
        self._journal.note("payment_stuck", Role.SUPPORT, key=entry.key, text=text, due=duty.due)

    def _reconciled(self) -> bool:
        return DutyKind.RECONCILE not in self._docket.duties

    async def _look_for(self, movement: Movement) -> Paid | None:
        """Only read while a person finds out why there was no answer; what shows meanwhile ends the person's duty."""
        if not workflow.patched(LOOKS_WHILE_STUCK):
            await self._wait(until=self._reconciled)
            return None
        options = described(LOOK_FOR_MONEY, f"Look for {movement.key}, without moving anything")
        looking = asyncio.create_task(workflow.execute_activity_method(PaymentActivities.look, movement, **options))
        await self._wait(until=lambda: looking.done() or self._reconciled())
        if not looking.done():
            # How it ends is of no interest any more, and would be reported as an error that nobody has asked for.
            looking.add_done_callback(lambda look: look.cancelled() or look.exception())
            looking.cancel()
            return None
        self._docket.close(DutyKind.RECONCILE)
        # Its thirty days are longer than any policy gives a person; should it fail all the same, it is paid anew.
        return None if looking.exception() else looking.result()

    def hand_over(self, submission: Submission) -> None:
        """Have the evidence for a chargeback handed in, beside everything else; a person is told if it is not taken."""
        self._handing_over = asyncio.create_task(self._hand_over(submission))

    async def handed_over(self) -> None:
        """Wait until evidence that is on its way is handed in or refused; needed before the workflow ends."""
        if self._handing_over is not None:
            await self._handing_over

    async def _hand_over(self, submission: Submission) -> None:
        what = "bundle_handed_over" if await hand_in(submission) else "bundle_stuck"
        self._journal.note(what, Role.SUPPORT, chargeback=submission.chargeback_id)

    # --- labels, which the carrier port has bought ---

    def label(self, fact: LabelFact) -> None:
        """What a label has cost the platform, or what the carrier gave back for an unused one; each is kept once.

        Raises `Conservation` for another currency.
        """
        if fact.refunded:
            key = f"{fact.reference}-refund"
            self._record(EntryKind.LABEL_REFUNDED, Account.CARRIER, Account.PLATFORM, key, fact.cost, fact.reference)
        else:
            key = fact.reference
            self._record(EntryKind.LABEL, Account.PLATFORM, Account.CARRIER, key, fact.cost, fact.reference)

    def _record(
        self, kind: EntryKind, source: Account, target: Account, key: str, amount: Money, reference: str
    ) -> None:
        if not amount or self.ledger.knows(key):
            return
        entry = Entry(
            key=key,
            kind=kind,
            source=source,
            target=target,
            amount=amount,
            at=self._docket.now(),
            reference=reference,
        )
        self.ledger = self.ledger.record(entry)

    # --- chargebacks ---

    def chargeback(self, message: Chargeback, at: datetime) -> Reply:
        """Freeze, unfreeze, or write down what the bank has taken; a repeated report changes nothing."""
        rule = self._order.policy.rule("chargebacks")
        known = self.chargebacks.get(message.chargeback_id)
        total = self._order.price.total
        amount = self._disputed.get(message.chargeback_id, total) if message.amount is None else message.amount
        if amount.currency != total.currency or not 0 < amount.minor <= total.minor:
            return Reply.no("chargeback_amount", rule, amount=amount, total=total)
        if message.state not in list(ChargebackState):
            return Reply.no("chargeback_state", rule, word=message.state, codes=tuple(ChargebackState))
        if known is message.state or known in (ChargebackState.WON, ChargebackState.LOST):
            return Reply.yes("known_already", rule)
        state = self.chargebacks[message.chargeback_id] = ChargebackState(message.state)
        if state is ChargebackState.OPENED:
            self._disputed[message.chargeback_id] = amount
            self._freeze(message.chargeback_id, at)
        else:
            self._resolved(message.chargeback_id, state, amount)
        return Reply.yes(REPORTED[state], rule)

    def repeat_open_chargebacks(self) -> None:
        """Say again which chargebacks are open, for a case that does not know of them."""
        for chargeback_id, state in self.chargebacks.items():
            if state is ChargebackState.OPENED:
                self._bank_says(chargeback_id, state, self._disputed[chargeback_id])

    def give_up_chargebacks(self, rule: str) -> None:
        """Nobody has reported a result within the policy's time: the bank keeps what it took."""
        workflow.logger.warning("chargeback counts as lost", extra={"rule": rule})
        for chargeback_id, state in tuple(self.chargebacks.items()):
            if state is ChargebackState.OPENED:
                self.chargebacks[chargeback_id] = ChargebackState.LOST
                self._resolved(chargeback_id, ChargebackState.LOST, self._disputed[chargeback_id])

    def _freeze(self, chargeback_id: str, at: datetime) -> None:
        duty = clocks.resolve_chargeback(self._order, at)
        self._docket.open(duty)
        self._journal.note("frozen", Role.SELLER, Role.PLATFORM, chargeback=chargeback_id, due=duty.due)
        self._bank_says(chargeback_id, ChargebackState.OPENED, self._disputed[chargeback_id])

    def _resolved(self, chargeback_id: str, state: ChargebackState, amount: Money) -> None:
        if not self.frozen:
            self._docket.close(DutyKind.RESOLVE_CHARGEBACK)
        if state is ChargebackState.WON:
            self._journal.note("unfrozen", Role.SELLER, chargeback=chargeback_id)
            self._bank_says(chargeback_id, state, amount)
            return
        for entry in charged_back(self._order, self.ledger, amount, chargeback_id, self._docket.now()):
            self.ledger = self.ledger.record(entry)
        self._journal.note("charged_back", Role.SELLER, Role.PLATFORM, chargeback=chargeback_id, amount=amount)
        self._bank_says(chargeback_id, state, amount)
