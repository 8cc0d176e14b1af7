"""What decisions mean in money."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import Account, Entry, EntryKind, Ledger
from domain.money import CurrencyMismatch, Money
from domain.order import Line, Order, PriceSplit
from domain.parties import Party, Role
from domain.policy_packs import load, pin
from domain.settlement import Decision, Ending, capture, charged_back, movements

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def usd(minor: int) -> Money:
    """An amount in cents."""
    return Money(minor=minor, currency="USD")


ORDER = Order(
    order_id="A",
    marketplace="m",
    buyer=Party(id="buyer-1"),
    seller=Party(id="seller-1"),
    lines=(Line(listing_id="l-1", price=usd(1)),),
    price=PriceSplit(items=usd(1), shipping=usd(0), tax=usd(0), platform_fee=usd(0)),
    placed_at=NOW,
    payment_ref="pay-A",
    policy=pin(load("resale-v1"), placed_at=NOW, countries=["US"]),
)


def an_order(
    items: int = 10_000, shipping: int = 800, tax: int = 700, fee: int = 1_000, to: Role = Role.PLATFORM
) -> Order:
    """Order A at the price given in cents; `to` is owed the shipping."""
    price = PriceSplit(items=usd(items), shipping=usd(shipping), tax=usd(tax), platform_fee=usd(fee), shipping_to=to)
    return ORDER.model_copy(update={"price": price})


def decision(refund: Money, borne_by: Role = Role.SELLER) -> Decision:
    """That the buyer is to have `refund` back."""
    return Decision(ending=Ending.CASE, refund=refund, rule="test", at=NOW, borne_by=borne_by)


def carried_out(ledger: Ledger, plan: tuple[Entry, ...]) -> Ledger:
    """The ledger once every movement of the plan is a fact."""
    for entry in plan:
        ledger = ledger.intend(entry)
    for entry in plan:
        ledger = ledger.confirm(entry.key, NOW, "ref")
    return ledger


def amounts(plan: tuple[Entry, ...]) -> dict[str, int]:
    """What each key of the plan moves."""
    return {entry.key: entry.amount.minor for entry in plan}


def test_an_undisturbed_order_pays_everybody_their_part() -> None:
    """Without a refund the seller gets items less fee, the platform fee and shipping, the state its tax."""
    order = an_order()
    plan = movements(order, capture(order), decision(usd(0)), NOW)
    assert {"release-A-1": 9_000, "tax-A-1": 700, "shipping-A-1": 800, "fee-A-1": 1_000} == amounts(plan)


def test_shipping_goes_to_a_seller_who_bought_the_label() -> None:
    """Shipping owed to the seller is part of their release and no entry of its own."""
    order = an_order(to=Role.SELLER)
    plan = movements(order, capture(order), decision(usd(0)), NOW)
    assert {"release-A-1": 9_800, "tax-A-1": 700, "fee-A-1": 1_000} == amounts(plan)


def test_a_full_refund_leaves_nothing_for_anybody_else() -> None:
    """A full refund borne by the seller is one movement."""
    order = an_order()
    assert {"refund-A-1": 11_500} == amounts(movements(order, capture(order), decision(usd(11_500)), NOW))


def test_a_partial_refund_lowers_the_fee_in_proportion() -> None:
    """Half of the items refunded is half of the fee and half of the seller's share; tax and shipping stay."""
    order = an_order()
    plan = movements(order, capture(order), decision(usd(5_000)), NOW)
    expected = {
        "refund-A-1": 5_000,
        "release-A-1": 4_500,
        "tax-A-1": 700,
        "shipping-A-1": 800,
        "fee-A-1": 500,
    }
    assert expected == amounts(plan)


@pytest.mark.parametrize("refund", [11_500, 5_000, 1])
def test_a_loss_borne_by_the_platform_leaves_the_seller_whole(refund: int) -> None:
    """Whatever the buyer gets back, the seller ends with their undisturbed share, at the platform's cost."""
    order = an_order()
    plan = movements(order, capture(order), decision(usd(refund), Role.PLATFORM), NOW)
    ledger = carried_out(capture(order), plan)
    assert (9_000, refund) == (ledger.balance(Account.SELLER), ledger.total(EntryKind.REFUNDED))
    assert 0 == ledger.available


def test_a_refund_is_capped_by_what_is_left() -> None:
    """A decision cannot give back more than escrow still holds, nor less than nothing."""
    order = an_order()
    ledger = carried_out(capture(order), charged_back(order, capture(order), usd(10_000), "cb", NOW))
    assert {"refund-A-1": 1_500} == amounts(movements(order, ledger, decision(usd(11_500)), NOW))
    assert 0 == sum(entry.kind is EntryKind.REFUNDED for entry in movements(order, ledger, decision(usd(-5)), NOW))


def test_a_decision_is_a_total_that_counts_what_was_given_back() -> None:
    """Carried out again a decision moves nothing; what a bank took for the buyer counts towards it."""
    order = an_order()
    made = decision(usd(5_000), Role.PLATFORM)
    ledger = carried_out(capture(order), movements(order, capture(order), made, NOW))
    assert () == movements(order, ledger, made, NOW)
    charged = carried_out(capture(order), charged_back(order, capture(order), usd(2_000), "cb", NOW))
    assert 3_000 == movements(order, charged, made, NOW)[0].amount.minor


def test_a_refund_in_another_currency_is_refused() -> None:
    """Minor units of one currency are never taken for another's."""
    order = an_order()
    with pytest.raises(CurrencyMismatch):
        movements(order, capture(order), decision(Money(minor=1, currency="JPY")), NOW)


def test_an_open_intent_keeps_its_number() -> None:
    """A second refund beside an intended one gets the next number: one key never means two refunds."""
    order = an_order()
    first = movements(order, capture(order), decision(usd(100)), NOW)[0]
    plan = movements(order, capture(order).intend(first), decision(usd(200)), NOW)
    assert "refund-A-2" == plan[0].key


def test_a_refused_release_is_decided_anew_under_a_new_key() -> None:
    """After a dropped release, what is left is divided again; tax and fee already taken are not taken twice."""
    order = an_order()
    ledger = capture(order)
    for entry in movements(order, ledger, decision(usd(0)), NOW):
        ledger = ledger.intend(entry)
        ledger = ledger.drop(entry.key) if entry.kind is EntryKind.RELEASED else ledger.confirm(entry.key, NOW, "ref")
    assert {"release-A-2": 9_000} == amounts(movements(order, ledger, decision(usd(0)), NOW))


@pytest.mark.parametrize(
    ("refunded", "expected"),
    [
        (0, {Account.ESCROW: 11_500}),
        (None, {Account.PLATFORM: 11_500}),
        (4_000, {Account.ESCROW: 7_500, Account.PLATFORM: 4_000}),
    ],
)
def test_a_chargeback_takes_escrow_first_and_then_the_platform(
    refunded: int | None, expected: dict[Account, int]
) -> None:
    """What escrow no longer holds of a chargeback, because it was paid out, is the platform's cost."""
    order = an_order()
    plan = movements(order, capture(order), decision(usd(refunded or 0)), NOW)
    kinds = {EntryKind.REFUNDED} if refunded is not None else set(EntryKind)
    ledger = carried_out(capture(order), tuple(entry for entry in plan if entry.kind in kinds))
    taken = charged_back(order, ledger, usd(11_500), "cb", NOW)
    assert expected == {entry.source: entry.amount.minor for entry in taken}


PRICES = st.builds(
    an_order,
    items=st.integers(1, 100_000),
    shipping=st.integers(0, 5_000),
    tax=st.integers(0, 20_000),
    fee=st.just(0),
    to=st.sampled_from([Role.PLATFORM, Role.SELLER]),
).flatmap(
    lambda order: st.integers(0, order.price.items.minor).map(
        lambda fee: order.model_copy(update={"price": order.price.model_copy(update={"platform_fee": usd(fee)})})
    )
)
DECISIONS = st.builds(decision, st.integers(-10, 150_000).map(usd), st.sampled_from([Role.SELLER, Role.PLATFORM]))
FATES = st.sampled_from(["confirmed", "dropped", "open"])


@given(
    PRICES,
    st.lists(st.tuples(DECISIONS, st.lists(FATES, min_size=6, max_size=6)), min_size=1, max_size=5),
    st.data(),
)
def test_decisions_divide_what_is_left_and_nothing_else(
    order: Order, rounds: list[tuple[Decision, list[str]]], data: st.DataObject
) -> None:
    """Whatever became of earlier movements, a decision's movements sum to what is left, under new keys only."""
    ledger = capture(order)
    for made, fates in rounds:
        left = ledger.available
        plan = movements(order, ledger, made, NOW)
        from_escrow = sum(entry.amount.minor for entry in plan if entry.source is Account.ESCROW)
        assert left == from_escrow
        assert all(entry.amount.minor > 0 for entry in plan)
        assert len({entry.key for entry in plan}) == len(plan)
        assert not any(ledger.knows(entry.key) for entry in plan)
        after = carried_out(ledger, plan)
        assert 0 == after.available
        assert () == movements(order, after, made, NOW)
        for entry, fate in zip(plan, fates, strict=False):
            ledger = ledger.intend(entry)
            if fate == "confirmed":
                ledger = ledger.confirm(entry.key, NOW, "ref")
            elif fate == "dropped":
                ledger = ledger.drop(entry.key)
        if data.draw(st.booleans()):
            bank = usd(data.draw(st.integers(1, 150_000)))
            for entry in charged_back(order, ledger, bank, f"cb-{len(ledger.facts)}", NOW):
                ledger = ledger.record(entry)


@given(PRICES, DECISIONS)
def test_one_decision_settles_an_order(order: Order, made: Decision) -> None:
    """Carried out, a decision empties escrow; the fee never exceeds the agreed one, nor the seller their share."""
    ledger = carried_out(capture(order), movements(order, capture(order), made, NOW))
    price = order.price
    refund = max(0, min(made.refund.minor, price.total.minor))
    assert (0, refund) == (ledger.balance(Account.ESCROW), ledger.total(EntryKind.REFUNDED))
    assert ledger.total(EntryKind.FEE) <= price.platform_fee.minor
    assert ledger.balance(Account.SELLER) <= price.seller_share.minor
    if refund == 0 or made.borne_by is Role.PLATFORM:
        assert price.seller_share.minor == ledger.balance(Account.SELLER)


def test_the_platform_recovers_what_it_advanced_while_an_intent_held_the_escrow() -> None:
    """Once a refund that the bank was quicker to make has come to nothing, the escrow it held is the platform's."""
    order = an_order()
    (refund,) = movements(order, capture(order), decision(usd(11_500)), NOW)
    ledger = capture(order).intend(refund)
    for entry in charged_back(order, ledger, usd(11_500), "cb", NOW):
        ledger = ledger.record(entry)
    plan = movements(order, ledger.drop(refund.key), decision(usd(11_500)), NOW)

    assert [(EntryKind.RECOVERED, Account.PLATFORM, 11_500)] == [
        (entry.kind, entry.target, entry.amount.minor) for entry in plan
    ]
    assert 0 == carried_out(ledger.drop(refund.key), plan).balance(Account.PLATFORM)
