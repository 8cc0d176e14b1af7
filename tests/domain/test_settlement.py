"""What decisions mean in money."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ledger import Account, Entry, EntryKind, Ledger
from domain.money import CurrencyMismatch, Money
from domain.order import Line, Order, PriceSplit
from domain.parties import Party, Role
from domain.policy_packs import load, pin
from domain.settlement import Decision, Ending, capture, charged_back, division, movements

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


def decision(refund: Money, borne_by: Role = Role.SELLER, costs: Money | None = None) -> Decision:
    """That the buyer is to have `refund` back, and the platform `costs` of the rest."""
    return Decision(ending=Ending.CASE, refund=refund, rule="test", at=NOW, borne_by=borne_by, costs=costs)


def carried_out(ledger: Ledger, plan: tuple[Entry, ...]) -> Ledger:
    """The ledger once every movement of the plan is a fact, one after the other."""
    for entry in plan:
        ledger = ledger.intend(entry).confirm(entry.key, NOW, "ref")
    return ledger


def settled(order: Order, *decisions: Decision) -> Ledger:
    """The ledger once all decisions are carried out, each after the one before."""
    ledger = capture(order)
    for made in decisions:
        ledger = carried_out(ledger, movements(order, ledger, made, NOW))
    return ledger


def with_clawback(order: Order, share: float) -> Order:
    """The order under a policy that lets an appeal take back this share of what the seller was paid."""
    appeals = order.policy.appeals.model_copy(update={"clawback": share})
    return order.model_copy(update={"policy": order.policy.model_copy(update={"appeals": appeals})})


def moved(plan: tuple[Entry, ...], source: Account | None = None, target: Account | None = None) -> int:
    """What a plan moves out of `source` or into `target`, in cents."""
    return sum(
        entry.amount.minor for entry in plan if source in (None, entry.source) and target in (None, entry.target)
    )


def amounts_only(plan: tuple[Entry, ...]) -> list[tuple[EntryKind, Account, Account, int]]:
    """What a plan moves from where to where, whatever the keys."""
    return [(entry.kind, entry.source, entry.target, entry.amount.minor) for entry in plan]


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


def test_an_appeal_for_the_buyer_takes_back_what_others_have_beyond_their_new_share() -> None:
    """After a release, a full refund brings back fee, shipping, tax and the payout, and then pays the buyer."""
    order = an_order()
    plan = movements(order, settled(order, decision(usd(0))), decision(usd(11_500)), NOW)
    expected = [
        (EntryKind.FEE, Account.PLATFORM, Account.ESCROW, 1_000),
        (EntryKind.SHIPPING, Account.PLATFORM, Account.ESCROW, 800),
        (EntryKind.TAX, Account.TAX, Account.ESCROW, 700),
        (EntryKind.CLAWED_BACK, Account.SELLER, Account.ESCROW, 9_000),
        (EntryKind.REFUNDED, Account.ESCROW, Account.BUYER, 11_500),
    ]
    assert expected == amounts_only(plan)
    assert ["fee-A-2", "shipping-A-2", "tax-A-2", "clawback-A-1", "refund-A-1"] == [entry.key for entry in plan]


@pytest.mark.parametrize(
    ("clawback", "taken", "refunded"), [(0.0, 0, 2_500), (0.3, 2_700, 5_200), (0.5, 4_500, 7_000), (1.0, 9_000, 11_500)]
)
def test_a_clawback_is_bounded_by_the_policy(clawback: float, taken: int, refunded: int) -> None:
    """A seller who bears the loss gives back at most the policy's share; the refund stops there."""
    order = with_clawback(an_order(), clawback)
    ledger = settled(order, decision(usd(0)), decision(usd(11_500)), decision(usd(11_500)))
    assert (taken, refunded) == (ledger.total(EntryKind.CLAWED_BACK), ledger.total(EntryKind.REFUNDED))
    assert 9_000 - taken == ledger.balance(Account.SELLER)


def test_a_platform_that_bears_the_loss_takes_nothing_back_from_the_seller() -> None:
    """After a release it gives its own part back and pays the rest of the refund itself."""
    order = an_order()
    ledger = settled(order, decision(usd(0)))
    plan = movements(order, ledger, decision(usd(11_500), Role.PLATFORM), NOW)
    assert [2_500, 9_000] == [entry.amount.minor for entry in plan if entry.kind is EntryKind.REFUNDED]
    after = carried_out(ledger, plan)
    assert (9_000, -9_000) == (after.balance(Account.SELLER), after.balance(Account.PLATFORM))


def test_a_revised_decision_spares_the_seller_whose_loss_the_platform_bears() -> None:
    """Ruled anew on appeal, and the return was lost: the seller keeps the payout and the platform refunds the buyer."""
    order = an_order()
    lost = decision(usd(11_500), Role.PLATFORM).model_copy(update={"revised": True})
    ledger = settled(order, decision(usd(0)), lost)
    assert (0, 9_000) == (ledger.balance(Account.BUYER), ledger.balance(Account.SELLER))
    assert 0 == ledger.total(EntryKind.CLAWED_BACK)


@pytest.mark.parametrize(("bears", "compensated"), [(Role.SELLER, 0), (Role.PLATFORM, 9_000)])
def test_an_appeal_for_the_seller_takes_nothing_from_the_buyer(bears: Role, compensated: int) -> None:
    """What a buyer has had stays theirs; a seller who was right is paid by a platform that bears its own mistake."""
    order = an_order()
    ledger = settled(order, decision(usd(11_500)), decision(usd(0), bears))
    assert (0, compensated) == (ledger.balance(Account.BUYER), ledger.balance(Account.SELLER))


def test_a_return_label_is_paid_first_of_what_the_buyer_leaves() -> None:
    """A buyer who pays USD 6.00 for the label gets that much less, and it goes to the platform, not to the seller."""
    order = an_order()
    plan = movements(order, capture(order), decision(usd(10_900), costs=usd(600)), NOW)
    assert {"refund-A-1": 10_900, "label_charged-A-1": 600} == amounts(plan)


def test_a_label_that_the_seller_must_pay_is_taken_from_a_payout_only_once() -> None:
    """A decision changed to a dearer one collects the label from the seller, and changed again gives it back."""
    order = an_order()
    dearer = settled(order, decision(usd(0)), decision(usd(1_000), costs=usd(600)))
    assert (600, 1_000) == (dearer.total(EntryKind.LABEL_CHARGED), dearer.total(EntryKind.REFUNDED))
    spared = carried_out(dearer, movements(order, dearer, decision(usd(1_000)), NOW))
    expected = division(order.price, usd(1_000))
    assert (0, expected.seller.minor) == (spared.total(EntryKind.LABEL_CHARGED), spared.balance(Account.SELLER))


def test_costs_in_another_currency_are_refused() -> None:
    """A label is charged in the currency of the order or not at all."""
    with pytest.raises(CurrencyMismatch):
        division(an_order().price, usd(0), Money(minor=1, currency="JPY"))


def test_a_compensation_is_not_taken_back() -> None:
    """What the platform once bore stays borne: only payouts from the buyer's money are clawed back."""
    order = an_order()
    ledger = settled(order, decision(usd(5_000), Role.PLATFORM), decision(usd(11_500)))
    assert (4_500, 4_500) == (ledger.total(EntryKind.CLAWED_BACK), ledger.total(EntryKind.COMPENSATED))
    assert 11_500 == ledger.total(EntryKind.REFUNDED)


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
COSTS = st.one_of(st.none(), st.integers(0, 2_000).map(usd))
DECISIONS = st.builds(
    decision, st.integers(-10, 150_000).map(usd), st.sampled_from([Role.SELLER, Role.PLATFORM]), COSTS
)
CLAWBACKS = st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])
FATES = st.sampled_from(["confirmed", "dropped", "open"])


@given(
    PRICES,
    st.lists(st.tuples(DECISIONS, st.lists(FATES, min_size=9, max_size=9)), min_size=1, max_size=5),
    st.data(),
)
def test_decisions_divide_what_is_left_and_nothing_else(
    order: Order, rounds: list[tuple[Decision, list[str]]], data: st.DataObject
) -> None:
    """Whatever became of earlier movements, what leaves escrow is what is in it and what comes back, under new keys."""
    ledger = capture(order)
    for made, fates in rounds:
        plan = movements(order, ledger, made, NOW)
        assert ledger.available + moved(plan, target=Account.ESCROW) == moved(plan, source=Account.ESCROW)
        assert all(entry.amount.minor > 0 for entry in plan)
        assert len({entry.key for entry in plan}) == len(plan)
        assert not any(ledger.knows(entry.key) for entry in plan)
        after = carried_out(ledger, plan)
        assert 0 == after.available
        assert after.free(Account.SELLER) <= order.price.seller_share.minor
        assert () == movements(order, after, made, NOW)
        for entry, fate in zip(plan, fates, strict=False):
            if entry.source is Account.ESCROW and entry.amount.minor > ledger.available:
                continue
            ledger = ledger.intend(entry)
            if fate == "confirmed":
                ledger = ledger.confirm(entry.key, NOW, "ref")
            elif fate == "dropped":
                ledger = ledger.drop(entry.key)
        if data.draw(st.booleans()):
            bank = usd(data.draw(st.integers(1, 150_000)))
            for entry in charged_back(order, ledger, bank, f"cb-{len(ledger.facts)}", NOW):
                ledger = ledger.record(entry)


@settings(max_examples=300, deadline=None)
@given(PRICES, CLAWBACKS, st.lists(DECISIONS, min_size=1, max_size=6))
def test_decisions_may_change_after_the_money_has_moved(
    order: Order, clawback: float, decisions: list[Decision]
) -> None:
    """Up, down and up again, borne by either: nobody gets more than their due, and escrow is empty after each."""
    order = with_clawback(order, clawback)
    price, ledger = order.price, capture(order)
    for made in decisions:
        had = ledger.total(EntryKind.REFUNDED)
        held = ledger.balance(Account.SELLER)
        plan = movements(order, ledger, made, NOW)
        while plan:
            ledger = carried_out(ledger, plan[:1])
            ledger.check()
            again = movements(order, ledger, made, NOW)
            assert amounts_only(plan[1:]) == amounts_only(again)
            plan = again

        assert 0 == ledger.available
        assert had <= ledger.total(EntryKind.REFUNDED) <= price.total.minor
        assert ledger.total(EntryKind.REFUNDED) <= max(had, made.refund.minor)
        assert 0 <= ledger.balance(Account.SELLER) <= price.seller_share.minor
        assert 0 <= ledger.balance(Account.TAX) <= price.tax.minor
        assert 0 <= ledger.total(EntryKind.FEE) <= price.platform_fee.minor
        paid = ledger.total(EntryKind.RELEASED, EntryKind.COMPENSATED)
        assert ledger.total(EntryKind.CLAWED_BACK) <= paid * Fraction(str(clawback))
        if made.borne_by is Role.PLATFORM or clawback == 1:
            assert max(had, min(made.refund.minor, price.total.minor)) == ledger.total(EntryKind.REFUNDED)
        if made.borne_by is Role.PLATFORM:
            assert price.seller_share.minor == ledger.balance(Account.SELLER)
        if made.refund.minor <= had and not made.costs:
            assert held <= ledger.balance(Account.SELLER)


@given(PRICES, st.lists(DECISIONS, min_size=1, max_size=4))
def test_decisions_that_only_rise_divide_as_if_the_last_had_been_the_first(
    order: Order, decisions: list[Decision]
) -> None:
    """A seller who bears the loss ends where they would be, had the right decision been made at once."""
    ledger = capture(order)
    for made in sorted(decisions, key=lambda made: made.refund.minor):
        last = made.model_copy(update={"borne_by": Role.SELLER})
        ledger = carried_out(ledger, movements(order, ledger, last, NOW))
    divided = division(order.price, last.refund, last.costs)
    assert (divided.buyer.minor, divided.seller.minor, divided.platform.minor, divided.tax.minor) == (
        ledger.total(EntryKind.REFUNDED),
        ledger.balance(Account.SELLER),
        ledger.balance(Account.PLATFORM),
        ledger.balance(Account.TAX),
    )


@given(PRICES, st.integers(-10, 150_000).map(usd), COSTS)
def test_a_division_adds_up_to_the_total(order: Order, refund: Money, costs: Money | None) -> None:
    """Every minor unit has one owner, none owns less than nothing, and the platform's costs come first."""
    price = order.price
    divided = division(price, refund, costs)
    assert price.total == divided.buyer + divided.seller + divided.platform + divided.tax
    assert 0 <= min(divided.buyer, divided.seller, divided.platform, divided.tax).minor
    kept = price.total - divided.buyer
    assert min(kept.minor, costs.minor if costs else 0) <= divided.platform.minor


@given(PRICES, CLAWBACKS, st.lists(DECISIONS, min_size=1, max_size=4), st.integers(0, 9))
def test_a_plan_broken_off_at_any_step_is_planned_anew_as_its_rest(
    order: Order, share: float, decided: list[Decision], steps: int
) -> None:
    """What has been made of a plan changes nothing about the rest, so that one plan serves until somebody else acts."""
    order = with_clawback(order, share)
    *before, made = decided
    ledger = settled(order, *before)
    plan = movements(order, ledger, made, NOW)
    assert plan[steps:] == movements(order, carried_out(ledger, plan[:steps]), made, NOW)


@given(PRICES, DECISIONS)
def test_one_decision_settles_an_order(order: Order, made: Decision) -> None:
    """Carried out, a decision empties escrow; the fee never exceeds the agreed one, nor the seller their share."""
    ledger = settled(order, made)
    price = order.price
    refund = max(0, min(made.refund.minor, price.total.minor))
    assert (0, refund) == (ledger.balance(Account.ESCROW), ledger.total(EntryKind.REFUNDED))
    assert ledger.total(EntryKind.FEE) <= price.platform_fee.minor
    assert ledger.balance(Account.SELLER) <= price.seller_share.minor
    if (refund == 0 and not made.costs) or made.borne_by is Role.PLATFORM:
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
