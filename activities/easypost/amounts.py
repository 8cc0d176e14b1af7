"""EasyPost's amounts, decimal numbers with fractions of a cent, and ours, whole minor units."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from domain.money import Money

DOLLARS: Final = "USD"
"""The currency of EasyPost's wallet, fees and insurance (docs.easypost.com/docs/insurance)."""


def money_of(amount: str, currency: str) -> Money | None:
    """The amount of a decimal number, half a minor unit rounded up; none for what is no number or no currency."""
    try:
        unit = decimal_of(Money(minor=1, currency=currency))
        return Money(minor=int((Decimal(amount) / unit).quantize(Decimal(1), ROUND_HALF_UP)), currency=currency)
    except (InvalidOperation, ValueError, OverflowError):
        return None


def decimal_of(money: Money) -> Decimal:
    """The amount in whole units of its currency, with as many places as that has."""
    return Decimal(str(money).split()[1].replace(",", ""))
