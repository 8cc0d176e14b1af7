"""The Stripe adapter when things go wrong: each movement is made once, and a person hears of what cannot be."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.payments import PaymentActivities
from activities.ports import Refused, Unavailable
from activities.stripe.payments import StripePayments
from domain.books import Kind
from domain.requests import Movement, Paid, Submission
from tests.payments.conftest import adapter
from tests.payments.fake_stripe import FakeStripe, Fault, a_fake_stripe
from tests.payments.movements import clawback, refund, release

METHODS = {"refunded": "refund", "released": "release", "clawed_back": "claw_back"}


def attempt(payments: StripePayments, movement: Movement) -> Paid:
    """One attempt of the activity, as a worker makes it."""
    method: Callable[[Movement], Paid] = getattr(PaymentActivities(payments), METHODS[movement.purpose])
    return ActivityEnvironment().run(method, movement)


def attempts(payments: StripePayments, movement: Movement) -> Paid:
    """Attempts until one succeeds, as Temporal makes them."""
    for _ in range(100):
        try:
            return attempt(payments, movement)
        except ApplicationError as error:
            if error.non_retryable:
                raise
    raise AssertionError("no success in 100 attempts")


def failure_of(payments: StripePayments, movement: Movement) -> ApplicationError:
    """How an attempt fails."""
    with pytest.raises(ApplicationError) as failure:
        attempt(payments, movement)
    return failure.value


def refunded(fake: FakeStripe) -> list[int]:
    """Each refund that the money has moved for."""
    return [made["amount"] for made in fake.refunds]


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("forgets", [False, True], ids=["keys kept", "keys forgotten"])
def test_one_refund_whatever_befalls_the_first_attempt(
    fake: FakeStripe, stripe_payments: StripePayments, fault: Fault, forgets: bool
) -> None:
    """The first attempt fails in a way to be retried; the next ones pay or find, also a day later."""
    fake.faults.append(fault)
    first = failure_of(stripe_payments, refund())
    if forgets:
        fake.forget_keys()
    paid = attempts(stripe_payments, refund())
    assert ("PaymentUnavailable", False) == (first.type, first.non_retryable)
    assert ([4_000], fake.refunds[0]["id"]) == (refunded(fake), paid.reference)


@pytest.mark.parametrize("fault", list(Fault))
def test_one_payout_and_one_clawback_whatever_befalls_them(
    fake: FakeStripe, stripe_payments: StripePayments, fault: Fault
) -> None:
    """Transfers and reversals are looked for by their own metadata and paid under their own keys."""
    fake.faults += [fault]
    attempts(stripe_payments, release())
    fake.faults += [fault]
    attempts(stripe_payments, clawback())
    made = [(one.kind, one.amount.minor) for one in stripe_payments.movements("pi_A", "A")]
    assert [(Kind.RELEASE, 9_000), (Kind.CLAWBACK, 3_000)] == made


def test_a_stored_failure_is_passed_by_another_key_only_after_a_look(
    fake: FakeStripe, stripe_payments: StripePayments
) -> None:
    """Stripe replays the 500 for the life of the key: where nothing has moved, a second round has a key of its own."""
    fake.faults.append(Fault.STORED_500)
    failure_of(stripe_payments, refund())
    attempt(stripe_payments, refund())
    assert ["refund-A-1", "refund-A-1", "refund-A-1:r2"] == [key for _, key in fake.posts]


def test_a_stored_failure_whose_money_moved_is_found(fake: FakeStripe, stripe_payments: StripePayments) -> None:
    """The look comes first: no other request is made at all."""
    fake.faults.append(Fault.STORED_500_DONE)
    failure_of(stripe_payments, refund())
    attempt(stripe_payments, refund())
    assert ["refund-A-1"] == [key for _, key in fake.posts]


def test_the_pause_that_stripe_asks_for_is_kept(fake: FakeStripe, stripe_payments: StripePayments) -> None:
    """429 names seconds, and Temporal waits them."""
    fake.faults.append(Fault.RATE_LIMIT)
    assert timedelta(seconds=7) == failure_of(stripe_payments, refund()).next_retry_delay


def test_a_key_that_is_not_let_in_is_told_without_it(fake: FakeStripe, stripe_payments: StripePayments) -> None:
    """Operations read what to mend; no part of the key is in any text."""
    fake.faults.append(Fault.UNAUTHORIZED)
    with pytest.raises(Unavailable, match="check REDRESS_STRIPE_API_KEY") as failure:
        stripe_payments.refund(refund(), key="k")
    assert (None, True) == (failure.value.__cause__, "sk_test" not in str(failure.value))


def test_no_log_holds_the_key_or_what_people_said(
    fake: FakeStripe, stripe_payments: StripePayments, caplog: pytest.LogCaptureFixture
) -> None:
    """Also at the level of debugging, where the library would write whole requests."""
    caplog.set_level(logging.DEBUG)
    fake.open_dispute("pi_A", "dp_1")
    texts = {"uncategorized_text": "canary-of-a-message"}
    stripe_payments.submit_evidence(Submission(order_id="A", payment_ref="pi_A", chargeback_id="dp_1", texts=texts))
    assert "/v1/disputes/dp_1" in caplog.text
    assert ("sk_test" in caplog.text, "canary" in caplog.text) == (False, False)


def test_a_refund_that_the_bank_sent_back_is_for_a_person(fake: FakeStripe, stripe_payments: StripePayments) -> None:
    """It counts as not made, but is not silently made again: the buyer's card is gone."""
    paid = attempt(stripe_payments, refund())
    fake.send_back(paid.reference)
    error = failure_of(stripe_payments, refund())
    assert (True, ("refund_failed",)) == (error.non_retryable, error.details)
    assert "expired_or_canceled_card" in error.message
    assert ["expired_or_canceled_card"] == [made.failed for made in stripe_payments.movements("pi_A", "A")]


# Clawbacks over several payouts


def two_payouts(payments: StripePayments) -> None:
    """USD 20.00 and then USD 15.00 went to the seller."""
    attempt(payments, release(2_000, "release-A-1"))
    attempt(payments, release(1_500, "release-A-2"))


def test_a_clawback_takes_from_the_newest_payout_first(fake: FakeStripe, stripe_payments: StripePayments) -> None:
    """What one payout does not hold comes from the one before; the fact names both reversals."""
    two_payouts(stripe_payments)
    paid = attempt(stripe_payments, clawback(3_000))
    assert [1_500, 1_500] == [transfer["amount_reversed"] for transfer in fake.transfers]
    assert paid == stripe_payments.find(clawback(3_000)) == attempt(stripe_payments, clawback(3_000))
    assert 2 == len(paid.reference.split(","))


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("forgets", [False, True], ids=["keys kept", "keys forgotten"])
def test_a_clawback_that_got_half_way_is_completed(
    fake: FakeStripe, stripe_payments: StripePayments, fault: Fault, forgets: bool
) -> None:
    """The first part is found and not taken twice, the second is made."""
    two_payouts(stripe_payments)
    fake.faults += [fault]
    fake.only_after = 1
    failure_of(stripe_payments, clawback(3_000))
    if forgets:
        fake.forget_keys()
    attempts(stripe_payments, clawback(3_000))
    assert [1_500, 1_500] == [transfer["amount_reversed"] for transfer in fake.transfers]


def test_a_clawback_of_which_a_part_moved_is_never_given_up(fake: FakeStripe, stripe_payments: StripePayments) -> None:
    """A refusal would drop the intent as if nothing had moved: after a part it is a failure to be looked into."""
    two_payouts(stripe_payments)
    fake.blocked.add(fake.transfers[1]["id"])
    error = failure_of(stripe_payments, clawback(3_000))
    assert ("PaymentUnavailable", False) == (error.type, error.non_retryable)
    assert "took back a part of USD 30.00; the rest is refused (balance_insufficient)" in str(error.__cause__)
    assert timedelta(hours=1) == error.next_retry_delay
    fake.blocked.clear()
    fake.forget_keys()
    attempt(stripe_payments, clawback(3_000))
    assert [1_500, 1_500] == [transfer["amount_reversed"] for transfer in fake.transfers]


def test_a_blocked_clawback_is_a_refusal(fake: FakeStripe, stripe_payments: StripePayments) -> None:
    """As long as nothing has moved, a no is a no."""
    two_payouts(stripe_payments)
    fake.blocked.add(fake.transfers[0]["id"])
    with pytest.raises(Refused) as refusal:
        stripe_payments.claw_back(clawback(3_000), key="k")
    assert ("balance_insufficient", None) == (refusal.value.code, stripe_payments.find(clawback(3_000)))


# Long lists


def test_a_movement_is_found_on_whatever_page_it_stands(fake: FakeStripe, stripe_payments: StripePayments) -> None:
    """Stripe shows a hundred refunds at a time, and ten reversals with their transfer: the rest is asked for."""
    first = stripe_payments.refund(refund(10, "refund-A-1"), key="k")
    fake.refunds[:0] = [fake.refunds[0] | {"id": f"re_x{number}", "metadata": {}} for number in range(120)]
    attempt(stripe_payments, release())
    taken = [attempt(stripe_payments, clawback(100, f"clawback-A-{number}")) for number in range(13)]
    assert first == stripe_payments.find(refund(10, "refund-A-1"))
    assert taken[0] == stripe_payments.find(clawback(100, "clawback-A-0"))
    assert 121 + 1 + 13 == len(stripe_payments.movements("pi_A", "A"))


# The law


@settings(deadline=None, max_examples=60)
@given(
    faults=st.lists(st.sampled_from(Fault), max_size=12),
    parts=st.lists(st.integers(1, 3_000), min_size=1, max_size=3),
    forgets=st.booleans(),
)
def test_money_moves_exactly_once_whatever_fails(faults: list[Fault], parts: list[int], forgets: bool) -> None:
    """Any sequence of faults, with keys that are forgotten: every movement is there once, and no other."""
    with a_fake_stripe() as fake:
        fake.capture("pi_A", 10_000)
        payments = adapter(fake.base)
        wanted = [refund(minor, f"refund-A-{number}") for number, minor in enumerate(parts)]
        wanted += [release(sum(parts), "release-A-1"), clawback(parts[0], "clawback-A-1")]
        fake.faults += faults
        for movement in wanted * 2:
            attempts(payments, movement)
            if forgets:
                fake.forget_keys()
        made = payments.movements("pi_A", "A")
    assert sorted((one.key, one.amount) for one in made) == sorted((one.key, one.amount) for one in wanted)
