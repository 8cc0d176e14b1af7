"""Amounts as Stripe writes them, whose minor units are not everywhere those of the CLDR, which `Money` has.

Where Stripe counts hundredths of a currency that has none in the CLDR, the same integer is another sum of money.
"""

from __future__ import annotations

from typing import Final

from activities.ports import Refused
from domain.money import Money, digits

# docs.stripe.com/currencies: zero-decimal and three-decimal ones. ISK and UGX have no cents, but count in them there.
_WHOLE: Final = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THOUSANDTHS: Final = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


def to_stripe(amount: Money) -> int:
    """The amount in Stripe's minor units. Raises `Refused` (`parameter_invalid_integer`) where it has a finer part."""
    factor = _factor(amount.currency)
    if factor >= 0:
        return int(amount.minor * 10**factor)
    minor, rest = divmod(amount.minor, 10**-factor)
    if rest:
        raise Refused("parameter_invalid_integer", f"Stripe has no minor unit small enough for {amount}")
    return int(minor)


def from_stripe(minor: int, currency: str) -> Money:
    """What Stripe means by so many minor units of a currency, which it writes in lower case."""
    code = currency.upper()
    factor = _factor(code)
    return Money(minor=minor // 10**factor if factor >= 0 else minor * 10**-factor, currency=code)


def _factor(currency: str) -> int:
    """How many digits more than the CLDR Stripe counts of this currency."""
    stripe = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    return stripe - digits(currency)
