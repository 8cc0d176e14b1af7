"""The labels that the sandbox carrier sells: what they cost and what becomes of them."""

from __future__ import annotations

import zlib
from datetime import timedelta
from enum import StrEnum
from typing import Final

from activities.ports import Contact, Refused
from domain.base import Instant, Model
from domain.money import Money
from domain.parcel import Shipment
from domain.requests import Label, LabelRequest
from domain.tracking_numbers import sandbox_number

LIFE: Final = timedelta(days=30)
"""How long after the purchase a parcel may be posted."""

_PRICES: Final = {
    "AUD": (1_095, 1_395),
    "BRL": (2_190, 2_990),
    "CAD": (1_190, 1_490),
    "CHF": (790, 1_090),
    "CNY": (1_200, 1_500),
    "EUR": (490, 690),
    "GBP": (395, 595),
    "JPY": (930, 1_130),
    "USD": (740, 990),
}
"""In minor units, for a parcel that is dropped off and one that is fetched; made up, of the size of real ones."""


class LabelState(StrEnum):
    """What has become of a label."""

    BOUGHT = "bought"
    USED = "used"
    REFUNDED = "refunded"


class SoldLabel(Model):
    """A label as the sandbox carrier has it in its books. Instants are policy time."""

    label: Label
    request: LabelRequest
    bought_at: Instant
    refunded_at: Instant | None = None
    state: LabelState = LabelState.BOUGHT


def label_shipment(reference: str) -> Shipment:
    """The parcel that a label of this reference is for, also before it is bought: so its journey can be scripted."""
    return Shipment(carrier="sandbox", tracking_number=sandbox_number(zlib.crc32(reference.encode())))


def label_uri(reference: str) -> str:
    """Where the label could be printed; nothing is there, since example.org is nobody's by RFC 2606."""
    return f"https://labels.example.org/{label_shipment(reference).tracking_number}.pdf"


def price(request: LabelRequest, sender: Contact | None, receiver: Contact | None) -> Money:
    """What the label costs, the same for every distance and weight.

    Raises Refused: `unknown_address` if a contact is missing, `currency_not_served` for a currency without a price.
    """
    for party_id, contact in ((request.sender, sender), (request.receiver, receiver)):
        if contact is None:
            raise Refused(
                "unknown_address", f"the address of {party_id} is not known. Enter it in the directory, then ask again"
            )
    if request.currency not in _PRICES:
        raise Refused(
            "currency_not_served",
            f"the sandbox carrier sells no labels in {request.currency}, only in {', '.join(_PRICES)}",
        )
    dropped_off, fetched = _PRICES[request.currency]
    return Money(minor=fetched if request.pickup else dropped_off, currency=request.currency)
