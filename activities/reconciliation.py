"""Reading the three books of an order's money and comparing them. Moves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import pydantic
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities import order_history
from activities.ports import OutcomeBooks, PaymentBooks, Refused, Unavailable
from domain.books import Books, Checked
from domain.reconciliation import compare
from domain.reconciliation_report import Batch, BatchChecked, OrderIds, Period, Unread
from domain.states import OrderState

UNAVAILABLE: Final = "BooksUnavailable"

PAGE: Final = 2_000
"""How many orders are named at a time."""

_BEAT: Final = 20.0
_Got = TypeVar("_Got")
_Asked = ParamSpec("_Asked")

# The states in which the money of an order that still runs has moved, or may have.
_MOVED: Final = (
    OrderState.SETTLING,
    OrderState.FROZEN,
    OrderState.RELEASED,
    OrderState.REFUNDED,
    OrderState.PARTIALLY_REFUNDED,
    OrderState.CHARGED_BACK,
)


class ReconciliationActivities:
    """Finds the orders whose money has moved, and compares the books of each.

    Fails with type `BooksUnavailable`, which Temporal retries, while the provider does not answer.
    """

    def __init__(self, provider: PaymentBooks, outcomes: OutcomeBooks) -> None:
        self._provider = provider
        self._outcomes = outcomes

    @activity.defn(name="reconciliation.orders")
    async def orders(self, period: Period) -> OrderIds:
        """A page of the orders that closed since then, whose money the provider has moved, or that are settling now."""
        found = set(await _beating(self._outcomes.closed_since, period.since))
        try:
            found |= set(await _beating(self._provider.moved_since, period.since))
        except Unavailable as error:
            raise _unavailable(error) from error
        found |= await _settling(activity.client())
        left = sorted(order_id for order_id in found if order_id > period.after)
        return OrderIds(orders=tuple(left[:PAGE]), last=len(left) <= PAGE)

    @activity.defn(name="reconciliation.check")
    async def check(self, batch: Batch) -> BatchChecked:
        """Compare the books of each order of the batch."""
        movements = 0
        differing: list[Checked] = []
        unread: list[Unread] = []
        for order_id in batch.orders:
            found = await self._compared(order_id)
            if isinstance(found, Unread):
                unread.append(found)
            else:
                movements += found.movements
                differing += [found] if found.differences else []
        return BatchChecked(
            orders=len(batch.orders), movements=movements, checked=tuple(differing), unread=tuple(unread)
        )

    async def _compared(self, order_id: str) -> Checked | Unread:
        try:
            books = await self._books(order_id)
        except Unavailable as error:
            raise _unavailable(error) from error
        except Refused as refusal:
            return Unread(
                order_id=order_id, why=f"The provider refuses to show the payment ({refusal.code}): {refusal}"
            )
        except pydantic.ValidationError:
            return Unread(order_id=order_id, why="The history holds an order that cannot be read")
        return books if isinstance(books, Unread) else compare(books)

    async def _books(self, order_id: str) -> Books | Unread:
        outcome = await _beating(self._outcomes.recall, order_id)
        history = await order_history.read(activity.client(), order_id)
        if outcome is None and history is None:
            return Unread(
                order_id=order_id,
                why="Neither Temporal nor the kept outcomes know this order: check its id",
                known=False,
            )
        payment_ref = outcome.order.payment_ref if outcome and outcome.order else history.payment_ref if history else ""
        if not payment_ref:
            return Unread(order_id=order_id, why="Nothing at hand names the payment of this order")
        made = await _beating(self._provider.movements, payment_ref, order_id)
        return Books(
            order_id=order_id,
            made=made,
            ledger=outcome.ledger if outcome else None,
            history=history.asked if history and history.whole else None,
            closed=history.closed if history else True,
        )


async def _beating(ask: Callable[_Asked, _Got], *asked: _Asked.args, **named: _Asked.kwargs) -> _Got:
    """The answer of something slow, asked in a thread of its own, with heartbeats as long as it takes."""
    answer = asyncio.ensure_future(asyncio.to_thread(ask, *asked, **named))
    while True:
        activity.heartbeat()
        done, _ = await asyncio.wait({answer}, timeout=_BEAT)
        if done:
            return answer.result()


async def _settling(client: Client) -> set[str]:
    """Orders that still run although their money has moved, or is moving."""
    states = ", ".join(f"'{state.value}'" for state in _MOVED)
    running = f"WorkflowType = 'OrderWorkflow' AND ExecutionStatus = 'Running' AND OrderState IN ({states})"
    return {found.id.removeprefix("order-") for found in await order_history.listed(client, running)}


def _unavailable(error: Unavailable) -> ApplicationError:
    return ApplicationError(
        "The payment provider did not show its books; asked again later",
        type=UNAVAILABLE,
        next_retry_delay=error.pause,
    )
