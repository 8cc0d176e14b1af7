"""Undisturbed orders: five ways in which all goes well, as messages at their instants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from activities.sandbox import journeys
from domain import policy_packs
from domain.clock import REAL_TIME, Clock
from domain.messages import Acceptance, Message, Shipped, Tracking
from domain.money import Money
from domain.order import Line, Order, PriceSplit
from domain.parcel import Shipment
from domain.parties import Party
from domain.tracking_numbers import sandbox_number

LABEL_AFTER = timedelta(hours=20)
"""From the purchase to the label; the first scan comes six hours later."""

TRANSIT = timedelta(days=3, hours=12)
"""Its half is no whole number of days, so that no scan meets a look-up or a reminder."""

WEBHOOK_LAG = timedelta(minutes=10)
CONTENT_AFTER = timedelta(hours=12)
"""From the delivery to the buyer's acceptance."""


@dataclass(frozen=True)
class Life:
    """How an undisturbed order goes: who bought the label, whether the carrier sends webhooks, what the buyer says."""

    name: str
    own_label: bool = False
    webhooks: bool = True
    accepted: bool = True

    def journey(self, placed_at: datetime) -> journeys.Journey:
        """What the carrier knows: a scan, one sorting centre, the van, the doorbell. Making the label is no news."""
        return journeys.direct(placed_at + LABEL_AFTER, TRANSIT)[1:]

    def messages(self, placed_at: datetime, shipment: Shipment) -> Iterator[tuple[datetime, str, Message]]:
        """The signals of an order placed at this instant: when (policy time, UTC), name, message."""
        journey = self.journey(placed_at)
        if self.own_label:
            told = Shipped(carrier=shipment.carrier, tracking_number=shipment.tracking_number)
            yield placed_at + LABEL_AFTER, "shipped", told
        if self.webhooks:
            for event in journey:
                yield event.at + WEBHOOK_LAG, "tracking", Tracking(events=(event,))
        if self.accepted:
            yield journey[-1].at + CONTENT_AFTER, "buyer_accepts", Acceptance()


PLATFORM_ACCEPTED = Life("platform label, webhooks, accepted")
PLATFORM_SILENT = Life("platform label, webhooks, silence", accepted=False)
LIVES = (
    PLATFORM_ACCEPTED,
    PLATFORM_SILENT,
    Life("seller's label, webhooks, accepted", own_label=True),
    Life("seller's label, webhooks, silence", own_label=True, accepted=False),
    Life("seller's label, no webhooks, silence", own_label=True, webhooks=False, accepted=False),
)


def shipment(number: int) -> Shipment:
    """The parcel of the order with this number."""
    return Shipment(carrier="sandbox", tracking_number=sandbox_number(number))


def order(life: Life, number: int, placed_at: datetime, clock: Clock = REAL_TIME, run: str = "") -> Order:
    """An order of USD 129.00 between two people in the US, under resale-v1. `run` keeps ids of several runs apart."""
    return Order(
        order_id=f"bench-{run}{number}",
        marketplace="bench",
        buyer=Party(id=f"b-{number}", time_zone="America/New_York", country="US"),
        seller=Party(id=f"s-{number}", time_zone="America/Los_Angeles", country="US"),
        lines=(Line(listing_id="L-1", price=_usd(11_000)),),
        price=PriceSplit(items=_usd(11_000), shipping=_usd(900), tax=_usd(1_000), platform_fee=_usd(2_200)),
        placed_at=placed_at,
        payment_ref=f"ch_{run}{number}",
        policy=policy_packs.pin(policy_packs.load("resale-v1"), placed_at=placed_at, countries=("US",)),
        shipment=None if life.own_label else shipment(number),
        clock=clock,
    )


def _usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")
