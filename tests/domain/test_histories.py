"""Standing: what a history of finished orders makes of a buyer and a seller."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.histories import BuyerHistory, SellerHistory, in_good_standing, trusted
from domain.policy import GoodStanding

RULES = GoodStanding(counted_from=5, buyer_complaints=0.2, trusted_seller_orders=10, trusted_seller_upheld=0.1)

counts = st.integers(min_value=0, max_value=500)
shares = st.floats(min_value=0, max_value=1)
rules = st.builds(
    GoodStanding,
    counted_from=st.integers(min_value=1, max_value=50),
    buyer_complaints=shares,
    trusted_seller_orders=st.integers(min_value=1, max_value=50),
    trusted_seller_upheld=shares,
)


@pytest.mark.parametrize(
    ("orders", "complaints", "expected"),
    [(0, 0, True), (4, 4, True), (5, 1, True), (5, 2, False), (10, 2, True), (10, 3, False)],
)
def test_a_buyer_is_judged_once_they_have_orders_enough(orders: int, complaints: int, expected: bool) -> None:
    """Few orders say nothing; from then on the share of complaints may reach the limit, not pass it."""
    history = BuyerHistory(orders=orders, complaints=complaints)

    assert expected is in_good_standing(history, RULES)


@pytest.mark.parametrize(
    ("orders", "upheld", "expected"),
    [(0, 0, False), (9, 0, False), (10, 1, True), (10, 2, False), (30, 3, True), (30, 4, False)],
)
def test_a_seller_earns_trust(orders: int, upheld: int, expected: bool) -> None:
    """Trust takes both orders enough and few enough complaints upheld."""
    history = SellerHistory(orders=orders, complaints=orders, upheld=upheld)

    assert expected is trusted(history, RULES)


@given(orders=counts, complaints=counts, rules=rules)
def test_one_more_complaint_never_improves_a_buyers_standing(orders: int, complaints: int, rules: GoodStanding) -> None:
    """Complaining is monotonic: who is out of good standing does not get back by complaining."""
    before = in_good_standing(BuyerHistory(orders=orders, complaints=complaints), rules)
    after = in_good_standing(BuyerHistory(orders=orders, complaints=complaints + 1), rules)

    assert after <= before


@given(orders=counts, upheld=counts, rules=rules)
def test_one_more_upheld_complaint_never_earns_trust(orders: int, upheld: int, rules: GoodStanding) -> None:
    """Losing cases is monotonic: a seller who is not trusted does not become so by losing one more."""
    before = trusted(SellerHistory(orders=orders, upheld=upheld), rules)
    after = trusted(SellerHistory(orders=orders, upheld=upheld + 1), rules)

    assert after <= before


@given(orders=counts, upheld=counts, rules=rules)
def test_a_good_order_never_costs_trust(orders: int, upheld: int, rules: GoodStanding) -> None:
    """One more sale without a complaint leaves a trusted seller trusted."""
    before = trusted(SellerHistory(orders=orders, upheld=upheld), rules)
    after = trusted(SellerHistory(orders=orders + 1, upheld=upheld), rules)

    assert before <= after
