"""Movements of an order A of USD 100.00, for tests."""

from __future__ import annotations

from domain.ledger import EntryKind
from domain.money import Money
from domain.requests import Movement


def usd(minor: int) -> Money:
    """An amount in cents."""
    return Money(minor=minor, currency="USD")


def refund(minor: int = 4_000, key: str = "refund-A-1", payment_ref: str = "pi_A") -> Movement:
    """A partial refund, unless told otherwise."""
    return _movement(minor, key, payment_ref, "buyer-1", EntryKind.REFUNDED)


def release(minor: int = 9_000, key: str = "release-A-1", payment_ref: str = "pi_A") -> Movement:
    """A payout to the seller."""
    return _movement(minor, key, payment_ref, "seller-1", EntryKind.RELEASED)


def clawback(minor: int = 3_000, key: str = "clawback-A-1", payment_ref: str = "pi_A") -> Movement:
    """What an appeal takes back from the seller."""
    return _movement(minor, key, payment_ref, "seller-1", EntryKind.CLAWED_BACK)


def _movement(minor: int, key: str, payment_ref: str, payee: str, purpose: EntryKind) -> Movement:
    return Movement(key=key, order_id="A", payment_ref=payment_ref, payee=payee, amount=usd(minor), purpose=purpose)
