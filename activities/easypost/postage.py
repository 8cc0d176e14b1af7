"""What is read off a shipment at EasyPost, and what is written into one: pure."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation

from activities.easypost.amounts import DOLLARS, money_of
from activities.easypost.bodies import Postage, Rate
from activities.easypost.mapping import events
from activities.easypost.names import our_code
from activities.ports import Contact, Refused, Unavailable
from domain.money import Money
from domain.parcel import Parcel, Shipment
from domain.requests import Label, LabelRequest
from domain.tracking_numbers import normalise


def address(party_id: str, contact: Contact | None) -> dict[str, str]:
    """A party's name and postal address as EasyPost takes them. Raises Refused (`unknown_address`) without one."""
    if contact is None or contact.postal is None:
        raise Refused(
            "unknown_address",
            f"the postal address of {party_id} is not known. Enter it in the directory, then ask again",
        )
    return {"name": contact.name, **{field: text for field, text in contact.postal.model_dump().items() if text}}


def cheapest(shipment: Postage, currency: str) -> Rate:
    """The cheapest service charged in this currency. Raises Refused (`currency_not_served`, `no_rates`)."""
    priced = [
        (price.minor, rate.id, rate)
        for rate in shipment.rates
        if rate.id and rate.currency == currency and (price := money_of(rate.rate, currency)) is not None
    ]
    if priced:
        return min(priced, key=lambda one: one[:2])[2]
    others = sorted({rate.currency for rate in shipment.rates} - {currency, ""})
    if others:
        raise Refused("currency_not_served", f"no carrier here sells labels in {currency}, only in {', '.join(others)}")
    raise Refused(
        "no_rates",
        f"no carrier of the account sells this label. Its shipment {shipment.id} in EasyPost's dashboard says why",
    )


def label(request: LabelRequest, shipment: Postage) -> Label:
    """The label that was bought. Raises Unavailable while something of it is missing, such as the document."""
    rate = shipment.selected_rate
    uri = shipment.postage_label.label_url if shipment.postage_label else ""
    number = normalise(shipment.tracking_code)
    cost = _cost(shipment, rate) if rate else None
    if not uri or rate is None or cost is None or not number:
        raise Unavailable(f"the label of shipment {shipment.id} is not complete yet")
    return Label(
        reference=request.reference,
        shipment=Shipment(carrier=our_code(rate.carrier), tracking_number=number),
        cost=cost,
        uri=uri,
    )


def _cost(shipment: Postage, rate: Rate) -> Money | None:
    """All that was taken for the label, with EasyPost's own fees; in another currency than theirs, the postage."""
    charged = [fee.amount for fee in shipment.fees if fee.charged]
    if rate.currency == DOLLARS and charged:
        with suppress(InvalidOperation):
            return money_of(str(sum(map(Decimal, charged))), DOLLARS)
    return money_of(rate.rate, rate.currency)


def sold_at(shipment: Postage) -> tuple[str, str]:
    """What orders labels by when they were paid for."""
    paid = shipment.postage_label
    return paid.created_at.isoformat() if paid and paid.created_at else "", shipment.id


def scanned(shipment: Postage) -> bool:
    """Whether a carrier has had the parcel in hand, as far as EasyPost knows."""
    tracker = shipment.tracker
    return tracker is not None and Parcel(events=events(tracker)).scanned_at is not None
