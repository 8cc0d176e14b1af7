"""Which order or case a parcel or a payment belongs to: what is needed to pass news from outside on.

A carrier tells of a tracking number and a payment provider of a payment; neither knows our orders. The gateway notes
where they lead before it starts an order or passes a shipment on. For orders that came another way the worker notes
it, as soon as a workflow has an activity ask about the parcel or move the money.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.ports import Route, RouteKind, Routes
from activities.store import insert_new, routes
from domain.messages import Shipped
from domain.order import Purchase
from domain.parcel import Shipment
from domain.requests import Label, LookUp, Movement, Submission
from domain.story import Outcome
from domain.tracking_numbers import normalise

_MOST_REMEMBERED: Final = 100_000

log = logging.getLogger("redress.routes")


def of_parcel(subject: str, shipment: Shipment) -> Route:
    """News of this shipment goes to `subject`, the workflow id of an order or, for a return, of a case."""
    reference = normalise(shipment.tracking_number)
    return Route(kind=RouteKind.PARCEL, reference=reference, subject=subject, carrier=shipment.carrier)


def of_payment(order_id: str, payment_ref: str) -> Route:
    """News of this payment goes to the order."""
    return Route(kind=RouteKind.PAYMENT, reference=payment_ref, subject=f"order-{order_id}")


def of_purchase(purchase: Purchase) -> tuple[Route, ...]:
    """What is known of a paid order when it starts: its payment and, if the platform sold the label, its parcel."""
    parcel = [of_parcel(f"order-{purchase.order_id}", purchase.shipment)] if purchase.shipment else []
    return (of_payment(purchase.order_id, purchase.payment_ref), *parcel)


def of_shipped(subject: str, message: Shipped) -> tuple[Route, ...]:
    """What the seller says of the parcel, if that can be the name of one."""
    try:
        shipment = Shipment(carrier=message.carrier, tracking_number=normalise(message.tracking_number))
    except ValidationError:
        return ()
    return (of_parcel(subject, shipment),)


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


class SqlRoutes:
    """Routes in a database that `open_store` has opened. Raises sqlalchemy.exc.SQLAlchemyError if it is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, known: Iterable[Route]) -> None:
        """Keep each route, once."""
        insert_new(self._engine, routes, [route.model_dump() for route in known])

    def find(self, kind: RouteKind, references: Iterable[str]) -> tuple[Route, ...]:
        """Where news of any of these leads, by subject."""
        wanted = (routes.c.kind == kind, routes.c.reference.in_(tuple(references)))
        with self._engine.connect() as connection:
            rows = connection.execute(select(routes).where(*wanted).order_by(routes.c.subject, routes.c.reference))
            return tuple(Route.model_validate(dict(row)) for row in rows.mappings())


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
