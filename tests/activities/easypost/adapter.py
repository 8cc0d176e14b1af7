"""The adapter on the double, and the ordinary label, for the tests beside this file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from activities.easypost.carrier import EasyPostCarriers
from activities.easypost.client import EasyPost
from activities.easypost.labels import Wishes
from activities.ports import Contact, PostalAddress
from domain.money import Money
from domain.parcel import Shipment
from domain.requests import Label, LabelRefund, LabelRequest
from tests.activities.easypost.double import KEY, Double, Fault

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
SHIPMENT = Shipment(carrier="usps", tracking_number="9400100208303109500645")
REQUEST = LabelRequest(
    reference="label-case-A-1-1-1",
    order_id="A-1",
    case_id="case-A-1-1",
    sender="b-1",
    receiver="s-1",
    pickup=False,
    currency="USD",
    value=Money(minor=12_900, currency="USD"),
)
SECRETS = ("Ada", "Abara", "Elm", "Springfield", "62701", "555-0100", KEY)
BROKEN = Fault(502, body="<html>Bad Gateway</html>")


def a_contact(street: str = "12 Elm Street") -> Contact:
    """Somebody with an address."""
    home = PostalAddress(street1=street, city="Springfield", state="IL", zip="62701", country="US", phone="555-0100")
    return Contact(name="Ada Abara", address="ada@example.org", postal=home)


class Street:
    """A directory in which everybody lives in the same house."""

    def contact(self, party_id: str) -> Contact | None:
        return a_contact()


def an_adapter(double: Double, wishes: Wishes | None = None, key: str = KEY) -> EasyPostCarriers:
    """The adapter of a new process."""
    return EasyPostCarriers(EasyPost(SecretStr(key), double.url), wishes, "claims@example.org")


def buy(carrier: EasyPostCarriers, **changes: Any) -> Label:
    """Buy the ordinary label."""
    return carrier.buy_label(REQUEST.model_copy(update=changes), a_contact("1 Oak Road"), a_contact(), NOW)


def refund_of(label: Label) -> LabelRefund:
    """The request to take it back."""
    return LabelRefund(reference=label.reference, shipment=label.shipment)


def bought(double: Double, carrier: EasyPostCarriers) -> str:
    """The shipment of the ordinary label."""
    buy(carrier)
    return next(iter(double.shipments))
