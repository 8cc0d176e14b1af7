"""Where an exploration begins: orders that differ in what the rules look at, and a way into every phase."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import Final

from domain.cases.record import StandingRule
from domain.money import Money
from domain.order import Line, Order, PriceSplit
from domain.parcel import Shipment
from domain.parties import Party, Role
from domain.tracking_numbers import sandbox_number
from fastmotion.stories import PURCHASE
from storefront.draft import OrderDraft

_SHIPPED: Final = ("seller ships", "carrier accepted")
_DELIVERED: Final = (*_SHIPPED, "carrier delivered")
_CONTESTED: Final = (*_DELIVERED, "buyer complains: not_as_described", "seller contests")
_RULED: Final = (*_CONTESTED, "ana rules return_for_refund", "bo confirms", "wait", "wait")
_BACK: Final = (*_DELIVERED, "buyer complains: damaged", "seller gives in", "wait", "wait")

ROOTS: Final = (
    (),
    ("seller asks for more time",),
    (*(["wait"] * 2), "buyer cancels"),
    ("seller ships",),
    _SHIPPED,
    (*_SHIPPED, "carrier returning"),
    _DELIVERED,
    (*_DELIVERED, "bank cb1 opened"),
    (*_DELIVERED, "buyer accepts"),
    (*_DELIVERED, "buyer complains: not_as_described"),
    (*_DELIVERED, "buyer complains: not_as_described", "seller offers a part"),
    (*_DELIVERED, "buyer complains: not_as_described", "seller offers a part", "buyer takes the offer"),
    _CONTESTED,
    (*_CONTESTED, "ana rules refund_and_keep", "bo confirms", "wait", "wait", "seller appeals"),
    _RULED,
    _BACK,
    (*_BACK, "return accepted"),
    (*_BACK, "return accepted", "return delivered"),
    (*_BACK, "return accepted", "return delivered", "seller finds as_sent"),
)
"""Moves into each phase of an order and its case."""


@cache
def _order(name: str, items: int, *, labelled: bool = False, agreed: bool = False) -> Order:
    price = PriceSplit(items=_usd(items), shipping=_usd(900), tax=_usd(items * 8 // 100), platform_fee=_usd(items // 5))
    draft = OrderDraft(
        order_id=name,
        marketplace="explored",
        buyer=Party(id="b-1", time_zone="America/New_York", country="US"),
        seller=Party(id="s-1", time_zone="America/Los_Angeles", country="US"),
        lines=(Line(listing_id="listing-1", price=_usd(items)),),
        price=price,
        placed_at=PURCHASE,
        payment_ref=f"ch_{name}",
        shipment=Shipment(carrier="sandbox", tracking_number=sandbox_number(4_712)) if labelled else None,
        standing=(StandingRule(by=Role.SELLER, percent=30),) if agreed else (),
    )
    return draft.order()


def _usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


ORDERS: Final = MappingProxyType(
    {
        "cheap": _order("cheap", 12_000, agreed=True),
        "dear": _order("dear", 80_000),
        "labelled": _order("labelled", 30_000, labelled=True),
    }
)
"""By name: one within the fast track with a standing rule of the seller, one that needs a second agent and a signature,
one whose label the platform has sold."""
