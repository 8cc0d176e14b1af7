"""Money as whole minor units and an ISO 4217 currency; never a float."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated

from babel.core import get_global
from pydantic import AfterValidator

from domain.base import Model

_FRACTIONS = get_global("currency_fractions")
_KNOWN = frozenset(get_global("all_currencies"))


_NUMBER = re.compile(r"(-)?([0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){0,4})(?:\.([0-9]+))?", re.ASCII)


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met where one currency was promised."""


def _known_currency(code: str) -> str:
    if code not in _KNOWN:
        raise ValueError(f"{code[:8]!r} is not an ISO 4217 currency; write three capital letters, for example USD")
    return code


def digits(currency: str) -> int:
    """How many digits the minor unit of a currency stands behind the point, by the CLDR: USD 2, JPY 0, KWD 3."""
    return int(_FRACTIONS.get(currency, _FRACTIONS["DEFAULT"])[0])


Currency = Annotated[str, AfterValidator(_known_currency)]


def exact(share: float) -> Fraction:
    """A share of an amount as it is written: as a float, 0.29 of USD 1.00 would be a cent less than USD 0.29."""
    return Fraction(str(share))


class Money(Model):
    """An amount in minor units (cents for USD, yen for JPY) of one currency.

    Sums and comparisons raise `CurrencyMismatch` across currencies.
    May be negative, as a difference; where a rule forbids that, the model that holds it says so.
    """

    minor: int
    currency: Currency

    @classmethod
    def parse(cls, text: str) -> Money:
        """The amount that people write, as `str()` does: `USD 129.00`, `JPY 1,500`.

        Raises ValueError for a currency that is none, and for a part smaller than its minor unit.
        """
        currency, _, number = text.partition(" ")
        if not number:
            raise ValueError("write an amount as currency and number, for example USD 129.00")
        places = digits(_known_currency(currency))
        if not (written := _NUMBER.fullmatch(number)) or len(written[3] or "") > places:
            example = cls.model_construct(minor=12_900, currency=currency)
            raise ValueError(f"write an amount as currency and number, for example {example}")
        minor = int(written[2].replace(",", "") + (written[3] or "").ljust(places, "0"))
        return cls(minor=-minor if written[1] else minor, currency=currency)

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self} and {other} have different currencies")
        return other.minor

    def _with(self, minor: int) -> Money:
        return Money(minor=minor, currency=self.currency)

    def __add__(self, other: Money) -> Money:
        return self._with(self.minor + self._same(other))

    def __sub__(self, other: Money) -> Money:
        return self._with(self.minor - self._same(other))

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def share(self, part: Fraction) -> Money:
        """The part of this amount, rounded down to a whole minor unit."""
        return self._with(self.minor * part.numerator // part.denominator)

    @property
    def zero(self) -> Money:
        """Nothing, in the same currency."""
        return self._with(0)

    def __str__(self) -> str:
        places = digits(self.currency)
        return f"{self.currency} {self.minor / 10**places:,.{places}f}"
