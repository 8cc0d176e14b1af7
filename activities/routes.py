"""Which order or case a parcel or a payment belongs to: what is needed to pass news from outside on.

A carrier tells of a tracking number and a payment provider of a payment; neither knows our orders. The gateway notes
where they lead before it starts an order or passes a shipment on. For orders that came another way the worker notes
it, as soon as a workflow has an activity ask about the parcel or move the money.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError
from sqlalchemy import Engine, select

from activities.ports import Route, RouteKind
from activities.store import insert_new, routes
from domain.messages import Shipped
from domain.order import Purchase
from domain.parcel import Shipment
from domain.tracking_numbers import normalise


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
