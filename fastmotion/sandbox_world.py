"""A world for stories: any Temporal server with its workers, and the sandbox services."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from domain.cases.record import EvidenceItem
from domain.messages import Chargeback, Reply
from domain.parcel import Shipment
from domain.requests import News
from domain.story import Outcome
from fastmotion.exhibits import Exhibit
from fastmotion.services import SandboxServices
from fastmotion.stories import Scene
from storefront.client import Redress
from storefront.draft import REOPENED, OrderDraft
from storefront.errors import DuplicateOrder, MessageRefused, NotAnswered, OrderClosed, UnknownOrder
from workflows.order import OrderWorkflow
from workflows.reopened import ReopenedOrderWorkflow

_Got = TypeVar("_Got")

_DAY: Final = timedelta(days=1)

_PASSES: Final = frozenset(
    {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED, RPCStatusCode.UNKNOWN}
)
"""What a server that is down, or has just come back, answers."""


class Storefront(Protocol):
    """How a story is told to Redress. Both raise the errors of `storefront/errors.py`, or RPCError."""

    async def sell(self, draft: OrderDraft) -> WorkflowHandle[OrderWorkflow, Outcome] | None:
        """Start the order, whatever its deadlines; its handle, from whoever has one."""

    async def say(self, scene: Scene) -> Reply | None:
        """What was answered; none for what was left without an answer."""


class ClientStorefront:
    """Through the storefront's own client."""

    def __init__(self, redress: Redress) -> None:
        self._redress = redress

    async def sell(self, draft: OrderDraft) -> WorkflowHandle[OrderWorkflow, Outcome]:
        """Start the order, whatever its deadlines."""
        return await self._redress.start(draft, backdated=True)

    async def say(self, scene: Scene) -> Reply | None:
        """What was answered; none for what was left without an answer."""
        send = getattr(self._redress, scene.does)
        reply: Reply | None = await send(scene.subject, scene.message, request_id=scene.name)
        return reply


class SandboxWorld:
    """Stories happen here through a storefront, whatever is down meanwhile: it tries until it succeeds.

    How they end is seen by `redress`, through which everything is said too if there is no `storefront`.
    `until` lets policy time pass up to an instant, `pause` is awaited before the next try,
    and `lost` hears of each try that came to nothing.
    """

    def __init__(
        self,
        redress: Redress,
        services: SandboxServices,
        *,
        until: Callable[[datetime], Awaitable[None]],
        pause: Callable[[], Awaitable[None]],
        lost: Callable[[Scene], None] = lambda _: None,
        storefront: Storefront | None = None,
    ) -> None:
        self._redress = redress
        self._storefront = storefront or ClientStorefront(redress)
        self._services = services
        self._until = until
        self._pause = pause
        self._lost = lost
        self._orders: dict[str, WorkflowHandle[OrderWorkflow, Outcome]] = {}

    async def at(self, instant: datetime) -> None:
        """Let policy time pass until `instant`."""
        self._now = instant
        await self._until(instant)

    async def begin(self, draft: OrderDraft, journeys: Mapping[Shipment, News]) -> None:
        """Capture the payment, teach the carrier the journeys, start the order."""
        self._now = draft.placed_at
        self._services.prepare(draft, journeys)
        handle = None
        # An earlier try may have got through, if only its answer was lost.
        with contextlib.suppress(DuplicateOrder):
            handle = await self._patiently(lambda: self._storefront.sell(draft))
        # A time-skipping server skips time only for who waits with the handle that its client gave at the start.
        self._orders[draft.order_id] = handle or self._redress.client.get_workflow_handle_for(
            OrderWorkflow.run, f"order-{draft.order_id}"
        )

    async def hand_in(self, exhibit: Exhibit) -> EvidenceItem:
        """Put the file into the store; what is tampered with is exchanged at once."""
        return self._services.keep(exhibit)

    async def tell(self, scene: Scene) -> Reply | None:
        """Pass on what is said. A refusal is a reply too."""
        if isinstance(scene.message, Chargeback):
            self._services.bank(scene.subject, scene.message)
        try:
            return await self._patiently(lambda: self._storefront.say(scene), scene)
        except MessageRefused as refused:
            return refused.reply
        except OrderClosed as closed:
            return Reply.no("order_over", ending=closed.ending or "ended_by_operations")

    async def end(self, order_id: str) -> Outcome:
        """Wait for the end of the order, the last one if something came after it had closed."""
        outcome = await self._patiently(self._orders[order_id].result)
        reopened = f"{REOPENED}{order_id}"
        try:
            while await self._patiently(lambda: self._redress.is_open(reopened)):
                await self.at(self._now + _DAY)
        except UnknownOrder:
            return outcome
        again = self._redress.client.get_workflow_handle_for(ReopenedOrderWorkflow.run, reopened)
        return await self._patiently(again.result)

    async def _patiently(self, call: Callable[[], Awaitable[_Got]], scene: Scene | None = None) -> _Got:
        while True:
            try:
                return await call()
            except (NotAnswered, UnknownOrder, RPCError) as error:
                if not _will_pass(error):
                    raise
                if scene:
                    self._lost(scene)
            await self._pause()


def _will_pass(error: NotAnswered | UnknownOrder | RPCError) -> bool:
    if isinstance(error, UnknownOrder):
        # A case is opened by its order, a moment after the complaint has been answered.
        return error.subject.startswith("case-")
    return isinstance(error, NotAnswered) or error.status in _PASSES
