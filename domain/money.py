"""Money as whole minor units and an ISO 4217 currency; never a float."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from babel.core import get_global
from pydantic import AfterValidator

from domain.base import Model

_FRACTIONS = get_global("currency_fractions")
_KNOWN = frozenset(get_global("all_currencies"))


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met where one currency was promised."""


def _known_currency(code: str) -> str:
    if code not in _KNOWN:
        raise ValueError(f"{code!r} is not an ISO 4217 currency; write three capital letters, for example USD")
    return code


Currency = Annotated[str, AfterValidator(_known_currency)]


class Money(Model):
    """An amount in minor units (cents for USD, yen for JPY) of one currency.

    Sums and comparisons raise `CurrencyMismatch` across currencies.
    May be negative, as a difference; where a rule forbids that, the model that holds it says so.
    """

    minor: int
    currency: Currency

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self} and {other} have different currencies")
        return other.minor

    def _with(self, minor: int) -> Money:
        return Money.model_construct(minor=minor, currency=self.currency)

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
        digits = _FRACTIONS.get(self.currency, _FRACTIONS["DEFAULT"])[0]
        return f"{self.currency} {self.minor / 10**digits:,.{digits}f}"
