"""Recorded orders for tests, made up; nothing here comes from a real marketplace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.money import Money
from domain.order import Line
from domain.parties import Party
from fastmotion.recorded import RecordedOrder, Review

BOUGHT = datetime(2026, 3, 2, 15, tzinfo=UTC)
BUYER = Party(id="b-17", time_zone="America/New_York", country="US")
SELLER = Party(id="s-4", time_zone="America/New_York", country="US")


def usd(minor: int) -> Money:
    """An amount in US cents."""
    return Money(minor=minor, currency="USD")


def on_day(days: float) -> datetime:
    """That many days after the purchase (UTC)."""
    return BOUGHT + timedelta(days=days)


def a_review(score: int, day: float) -> Review:
    """A review of that score, written on that day."""
    return Review(score=score, at=on_day(day))


def a_record(**changes: Any) -> RecordedOrder:
    """An order of USD 120.00 that went well: handed over on day 2, delivered on day 5, no review."""
    facts: dict[str, Any] = {
        "order_id": "R-1",
        "marketplace": "recorded",
        "buyer": BUYER,
        "seller": SELLER,
        "lines": (Line(listing_id="L-1", price=usd(11_000)),),
        "items": usd(11_000),
        "shipping": usd(1_000),
        "tax": usd(0),
        "purchased_at": BOUGHT,
        "ship_by": on_day(4),
        "handed_over_at": on_day(2),
        "delivered_at": on_day(5),
        "estimate": on_day(8),
    }
    return RecordedOrder(**(facts | changes))
