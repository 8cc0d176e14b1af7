"""What a worker's activities tell of parcels and payments, noted as routes: for orders that no gateway has started."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.ports import Route, Routes
from activities.routes import of_parcel, of_payment, of_purchase
from domain.requests import Label, LookUp, Movement, Submission
from domain.story import Outcome

_MOST_REMEMBERED: Final = 100_000

log = logging.getLogger("redress.routes")


def told_by(subject: str, value: object) -> tuple[Route, ...]:
    """What an input or result of an activity of the workflow `subject` says; nothing for most of them."""
    match value:
        case LookUp() | Label():
            return (of_parcel(subject, value.shipment),)
        case Movement() | Submission():
            return (of_payment(value.order_id, value.payment_ref),)
        case Outcome(order=order) if order is not None:
            return of_purchase(order)
        case _:
            return ()


class RouteNotes(Interceptor):
    """Notes, for a worker, what its activities tell of parcels and payments. Never fails or delays one for long."""

    def __init__(self, known: Routes) -> None:
        self._routes = known
        self._noted: set[Route] = set()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 theirs
        """Listen to every activity."""
        return _Listener(next, self)

    async def note(self, *values: object) -> None:
        """Keep what is new in these."""
        subject = activity.info().workflow_id or ""
        fresh = {route for value in values for route in told_by(subject, value)} - self._noted
        if not fresh:
            return
        try:
            await asyncio.to_thread(self._routes.note, fresh)
        except SQLAlchemyError:
            # The next activity about the same parcel or payment says it again.
            log.warning("routes could not be noted; webhooks about %s wait for the next activity", subject)
            return
        if len(self._noted) > _MOST_REMEMBERED:
            self._noted.clear()
        self._noted |= fresh


class _Listener(ActivityInboundInterceptor):
    def __init__(self, next_one: ActivityInboundInterceptor, notes: RouteNotes) -> None:
        super().__init__(next_one)
        self._notes = notes

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 theirs
        await self._notes.note(*input.args)
        result = await self.next.execute_activity(input)
        await self._notes.note(result)
        return result
