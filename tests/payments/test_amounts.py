"""Amounts keep their worth on the way to Stripe, whose minor units differ from the CLDR's for some currencies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.ports import Refused
from activities.stripe.amounts import from_stripe, to_stripe
from domain.money import Money

CURRENCIES = ["USD", "EUR", "JPY", "KRW", "KWD", "ISK", "UGX", "HUF", "TWD", "RSD", "MGA", "CLP", "TND", "ALL", "COP"]


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("USD 12.34", 1_234), ("JPY 500", 500), ("KWD 1.250", 1_250), ("ISK 5", 500), ("UGX 700", 70_000), ("RSD 9", 900)],
)
def test_amounts_are_written_as_stripe_counts(amount: str, minor: int) -> None:
    """Cents, whole yen, thousandths of a dinar; kronur, shillings and dinars that have hundredths only there."""
    money = Money.parse(amount)
    assert (minor, money) == (to_stripe(money), from_stripe(minor, money.currency.lower()))


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12), st.sampled_from(CURRENCIES))
def test_there_and_back_is_the_same_money(minor: int, currency: str) -> None:
    """No amount changes its worth; one finer than Stripe counts is refused, never rounded."""
    money = Money(minor=minor, currency=currency)
    try:
        sent = to_stripe(money)
    except Refused:
        return
    assert money == from_stripe(sent, currency.lower())
