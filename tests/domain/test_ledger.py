"""The ledger of one order: conservation, intents and facts."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import Account, Conservation, Entry, EntryKind, Ledger
from domain.money import Money

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def entry(
    key: str,
    minor: int,
    source: Account = Account.ESCROW,
    target: Account = Account.BUYER,
    kind: EntryKind = EntryKind.REFUNDED,
    currency: str = "USD",
) -> Entry:
    """A refund out of escrow, unless told otherwise."""
    amount = Money(minor=minor, currency=currency)
    return Entry(key=key, kind=kind, source=source, target=target, amount=amount, at=NOW)


def captured(minor: int = 1000) -> Ledger:
    """A ledger of USD 10.00 paid."""
    return Ledger().record(entry("capture-A", minor, Account.BUYER, Account.ESCROW, EntryKind.CAPTURED))


def balances(ledger: Ledger) -> dict[str, int]:
    """Every account with its balance."""
    return {account.value: ledger.balance(account) for account in Account}


def test_a_capture_fills_escrow() -> None:
    """What the buyer pays enters escrow, and the accounts sum to zero."""
    expected = {"buyer": -1000, "escrow": 1000, "seller": 0, "platform": 0, "tax": 0, "carrier": 0}
    assert expected == balances(captured())


def test_an_intent_claims_money_without_moving_it() -> None:
    """An intent leaves every balance alone and lowers what is available."""
    ledger = captured().intend(entry("refund-A-1", 400))
    assert (1000, 600) == (ledger.balance(Account.ESCROW), ledger.available)


def test_a_confirmed_intent_is_a_fact() -> None:
    """Confirming moves the money once, at the provider's instant and with its reference."""
    later = datetime(2026, 3, 3, tzinfo=UTC)
    ledger = captured().intend(entry("refund-A-1", 400)).confirm("refund-A-1", later, "re_1")
    fact = ledger.facts[-1]
    assert ((), later, "re_1", 600) == (ledger.intents, fact.at, fact.reference, ledger.available)


def test_a_dropped_intent_frees_its_money_and_uses_up_its_key() -> None:
    """After a drop the money is available again, and the key, which a provider may remember, is not."""
    ledger = captured().intend(entry("refund-A-1", 400)).drop("refund-A-1")
    assert 1000 == ledger.available
    with pytest.raises(Conservation, match="in the ledger already"):
        ledger.intend(entry("refund-A-1", 400))


def test_dropping_what_was_never_intended_changes_nothing() -> None:
    """Only an intent can be dropped; a fact stays and an unknown key stays free."""
    ledger = captured()
    assert ledger == ledger.drop("capture-A").drop("refund-A-1")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (entry("capture-A", 1), "in the ledger already"),
        (entry("x", 0), "only a positive amount"),
        (entry("x", -5), "only a positive amount"),
        (entry("x", 1001), "escrow is short of 1 minor"),
        (entry("x", 1, Account.ESCROW, Account.ESCROW), "to itself"),
        (entry("x", 1, currency="EUR"), "in EUR, the order is not"),
        (entry("x", 1, Account.SELLER, Account.BUYER), "seller account is below zero"),
        (entry("x", 1, Account.TAX, Account.BUYER), "tax account is below zero"),
    ],
)
def test_an_entry_that_would_make_or_lose_money_is_refused(bad: Entry, reason: str) -> None:
    """Neither as fact nor as intent does the ledger take an entry that breaks its law."""
    ledger = captured()
    with pytest.raises(Conservation, match=reason):
        ledger.record(bad)
    with pytest.raises(Conservation, match=reason):
        ledger.intend(bad)
    assert captured() == ledger


def test_two_intents_cannot_claim_the_same_money_of_a_seller() -> None:
    """All intents together are bounded by the seller's balance, so that confirming is always safe."""
    ledger = captured().record(entry("release-A-1", 1000, target=Account.SELLER, kind=EntryKind.RELEASED))
    ledger = ledger.intend(entry("back-A-1", 600, Account.SELLER))
    with pytest.raises(Conservation, match="seller account is below zero"):
        ledger.intend(entry("back-A-2", 600, Account.SELLER))


def test_one_ledger_has_one_currency() -> None:
    """An intent of another currency fixes the currency as much as a fact does."""
    comp = entry("release-A-1", 5, Account.PLATFORM, Account.SELLER, EntryKind.COMPENSATED, currency="EUR")
    ledger = Ledger().intend(comp)
    with pytest.raises(Conservation, match="in USD, the order is not"):
        ledger.record(entry("capture-A", 1000, Account.BUYER, Account.ESCROW, EntryKind.CAPTURED))


def test_a_key_is_confirmed_once() -> None:
    """A second confirmation of one intent is refused, so no answer counts twice."""
    ledger = captured().intend(entry("refund-A-1", 400)).confirm("refund-A-1", NOW, "re_1")
    with pytest.raises(Conservation, match="never intended"):
        ledger.confirm("refund-A-1", NOW, "re_1")


def test_total_counts_facts_of_the_kinds_asked_for() -> None:
    """Intents are promises: totals leave them out."""
    ledger = captured().record(entry("refund-A-1", 300)).intend(entry("refund-A-2", 200))
    assert 300 == ledger.total(EntryKind.REFUNDED)
    assert 1300 == ledger.total(EntryKind.REFUNDED, EntryKind.CAPTURED)


def test_totals_are_net_of_what_came_back_into_escrow() -> None:
    """A fee that was given back does not count as earned; a clawback counts as what it took."""
    ledger = captured()
    for moved in (
        entry("fee-A-1", 300, target=Account.PLATFORM, kind=EntryKind.FEE),
        entry("release-A-1", 700, target=Account.SELLER, kind=EntryKind.RELEASED),
        entry("fee-A-2", 100, Account.PLATFORM, Account.ESCROW, EntryKind.FEE),
        entry("clawback-A-1", 250, Account.SELLER, Account.ESCROW, EntryKind.CLAWED_BACK),
    ):
        ledger = ledger.record(moved)
    assert (200, 250) == (ledger.total(EntryKind.FEE), ledger.total(EntryKind.CLAWED_BACK))
    assert 1000 == ledger.total(EntryKind.CAPTURED)


def test_what_is_promised_counts_intents_too() -> None:
    """A plan must not pay twice what is under way, so it reckons with every intent as made."""
    ledger = captured().record(entry("refund-A-1", 300)).intend(entry("refund-A-2", 200))
    assert 500 == ledger.promised(EntryKind.REFUNDED)


def test_a_label_is_money_between_platform_and_carrier() -> None:
    """What labels cost leaves the buyer's money alone, and an unused label comes back."""
    ledger = captured().record(entry("label-A-1", 600, Account.PLATFORM, Account.CARRIER, EntryKind.LABEL))
    assert (1000, -600, 600) == (
        ledger.available,
        ledger.balance(Account.PLATFORM),
        ledger.balance(Account.CARRIER),
    )
    ledger = ledger.record(entry("label-A-2", 600, Account.CARRIER, Account.PLATFORM, EntryKind.LABEL_REFUNDED))
    assert (0, 0) == (ledger.balance(Account.PLATFORM), ledger.balance(Account.CARRIER))


KEYS = st.sampled_from([f"k{number}" for number in range(8)])
ENTRIES = st.builds(
    entry,
    KEYS,
    st.integers(-5, 700),
    st.sampled_from(Account),
    st.sampled_from(Account),
    st.sampled_from(EntryKind),
    st.sampled_from(["USD", "USD", "USD", "EUR"]),
)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["record", "intend"]), ENTRIES),
    st.tuples(st.sampled_from(["confirm", "drop"]), KEYS),
)


@given(st.lists(STEPS, max_size=25))
def test_any_sequence_of_steps_conserves_money(steps: list[tuple[str, Entry | str]]) -> None:
    """After any legal or refused steps the law holds, keys are unique, and a refused step changed nothing."""
    ledger = captured()
    for name, value in steps:
        before = ledger.model_dump_json()
        arguments = (value, NOW, "re_1") if name == "confirm" else (value,)
        try:
            after = getattr(ledger, name)(*arguments)
        except Conservation:
            after = ledger
        assert before == ledger.model_dump_json()
        ledger = after
        keys = [known.key for known in (*ledger.facts, *ledger.intents)]
        assert len(keys) == len(set(keys))
        assert 0 == sum(balances(ledger).values())
        assert 0 <= min(ledger.free(account) for account in (Account.ESCROW, Account.SELLER, Account.TAX))
        assert {"USD"} == {known.amount.currency for known in ledger.facts}


@given(st.lists(st.integers(1, 600), max_size=8))
def test_every_intent_can_come_true(amounts: list[int]) -> None:
    """What the ledger took as intents can all be confirmed, in any number, without breaking its law."""
    ledger = captured()
    for number, minor in enumerate(amounts):
        if minor <= ledger.available:
            ledger = ledger.intend(entry(f"refund-A-{number}", minor))
    for intent in ledger.intents:
        ledger = ledger.confirm(intent.key, NOW, "re_1")
        ledger.check()
    assert ledger.available == ledger.balance(Account.ESCROW) == 1000 - ledger.total(EntryKind.REFUNDED)
