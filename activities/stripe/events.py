"""What a webhook of Stripe's speaks of. A hint only: who receives it reads the truth with `StripePayments.dispute`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from domain.base import Model

ORDER: Final = "redress_order"
"""Where we write the order id into the metadata of all that we make."""

_MARKS: Final = (ORDER, "order_id")
"""Names under which a storefront may write its order id into the metadata of a payment, the best first."""


class Topic(StrEnum):
    """What an event is about, as far as it matters to an order."""

    DISPUTE = "dispute"
    """Read the dispute, and tell the order what it says (`ReportedDispute.report`)."""
    MOVEMENT = "movement"
    """A refund, transfer or reversal has changed: the books of the order are worth a look (`starter.py reconcile`)."""
    OTHER = "other"
    """Nothing that an order acts on; kept and counted."""


class Subject(Model):
    """Which order and chargeback an event speaks of, as far as its body tells.

    `order_id` is empty where nobody has written it on the object: then `payment_refs` lead to the order that was
    started with one of them, the surest first. `live` tells real money from Stripe's test mode.
    """

    event_id: str
    type: str
    topic: Topic = Topic.OTHER
    chargeback_id: str = ""
    order_id: str = ""
    payment_refs: tuple[str, ...] = ()
    reference: str = ""
    live: bool = False


def subject_of(body: Mapping[str, Any]) -> Subject | None:
    """What the decoded JSON body of an event speaks of; none if it is no event at all.

    Never raises for a type or shape that is not known: such an event is `OTHER`.
    """
    event_id, kind = body.get("id"), body.get("type")
    if body.get("object") != "event" or not isinstance(event_id, str) or not isinstance(kind, str):
        return None
    data = body.get("data")
    thing = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(thing, Mapping):
        thing = {}
    named = _text(thing.get("object"))
    topic = _TOPICS.get(named, Topic.OTHER)
    if kind == "charge.refunded":
        topic = Topic.MOVEMENT
    return Subject(
        event_id=event_id,
        type=kind,
        topic=topic,
        chargeback_id=_text(thing.get("id")) if topic is Topic.DISPUTE else "",
        order_id=order_of(thing),
        payment_refs=payments_of(thing),
        reference=_text(thing.get("id")),
        live=body.get("livemode") is True,
    )


_TOPICS: Final = {
    "dispute": Topic.DISPUTE,
    "refund": Topic.MOVEMENT,
    "transfer": Topic.MOVEMENT,
    "transfer_reversal": Topic.MOVEMENT,
}


def order_of(thing: Mapping[str, Any]) -> str:
    """The order id on an object itself, its payment or its charge, whichever carries a mark; empty if none does."""
    return next(_order_ids(thing), "")


def payments_of(thing: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the payment that an object is of, each once, the surest first."""
    return tuple(dict.fromkeys(_payments(thing)))


def _order_ids(thing: Mapping[str, Any]) -> Iterator[str]:
    for marked in (thing, thing.get("payment_intent"), thing.get("charge")):
        metadata = marked.get("metadata") if isinstance(marked, Mapping) else None
        if not isinstance(metadata, Mapping):
            continue
        for name in _MARKS:
            if order_id := _text(metadata.get(name)):
                yield order_id


def _payments(thing: Mapping[str, Any]) -> Iterator[str]:
    own = thing.get("id") if thing.get("object") in ("charge", "payment_intent") else None
    for payment in (thing.get("payment_intent"), thing.get("charge"), thing.get("latest_charge"), own):
        name = payment.get("id") if isinstance(payment, Mapping) else payment
        if name := _text(name):
            yield name


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
