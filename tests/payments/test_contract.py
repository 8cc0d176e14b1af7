"""What every payment provider behind the port does, over all that can stand for one here.

The sandbox, the Stripe adapter over stripe-stateful-mock, and the adapter over our stand-in, which has the features
that the mock lacks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.payments import PaymentActivities
from activities.ports import Provider, Refused
from activities.sandbox.payments import SandboxPayments
from activities.stripe.client import client
from domain.books import Kind
from domain.money import Money
from domain.requests import Movement, Paid, Submission
from tests.payments.conftest import adapter
from tests.payments.fake_stripe import a_fake_stripe
from tests.payments.movements import clawback, refund, release, usd
from tests.payments.servers import a_stateful_mock

_NUMBERS = itertools.count(1)


@dataclass
class Rig:
    """A provider, and a payment of USD 100.00 that it has captured."""

    payments: Provider
    ref: str
    refunded: Callable[[], Iterable[int]] = tuple
    """What the provider itself says was refunded, in cents, as a witness that is not the adapter."""


@pytest.fixture(scope="session")
def stateful() -> Iterator[str]:
    """One stripe-stateful-mock for all tests, each of which has a payment of its own."""
    with a_stateful_mock() as base:
        yield base


@pytest.fixture(params=["sandbox", "stateful-mock", "stand-in"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """A provider of each kind."""
    if request.param == "sandbox":
        with_sandbox = SandboxPayments(tmp_path / "payments.db", sleep=lambda _: None)
        with_sandbox.capture("pi_A", usd(10_000))
        yield Rig(with_sandbox, "pi_A", lambda: (made.amount.minor for made in with_sandbox.refunds("pi_A")))
        with_sandbox.close()
    elif request.param == "stand-in":
        with a_fake_stripe() as fake:
            fake.capture("pi_A", 10_000)
            yield Rig(adapter(fake.base), "pi_A", lambda: (made["amount"] for made in fake.refunds))
    else:
        base = request.getfixturevalue("stateful")
        charge = _charged(base, "tok_visa")
        yield Rig(adapter(base), charge, lambda: _refunds_of(base, charge))


@pytest.fixture(params=["sandbox", "stand-in"])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """A provider that also knows transfers, reversals and disputes; dp_1 is a dispute that it can open."""
    if request.param == "sandbox":
        sandbox = SandboxPayments(tmp_path / "payments.db", sleep=lambda _: None)
        sandbox.capture("pi_A", usd(10_000))
        sandbox.capture("pi_B", usd(2_000))
        sandbox.open_dispute("pi_B", "dp_1")
        yield Rig(sandbox, "pi_A")
        sandbox.close()
    else:
        with a_fake_stripe() as fake:
            fake.capture("pi_A", 10_000)
            fake.capture("pi_B", 2_000)
            fake.open_dispute("pi_B", "dp_1")
            yield Rig(adapter(fake.base), "pi_A")


def _charged(base: str, token: str) -> str:
    params: Any = {"amount": 10_000, "currency": "usd", "source": token}
    return str(client("sk_test_secret", base=base).v1.charges.create(params).id)


def _refunds_of(base: str, charge: str) -> list[int]:
    params: Any = {"charge": charge, "limit": 100}
    return [made.amount for made in client("sk_test_secret", base=base).v1.refunds.list(params).data]


def a_refund(rig: Rig, minor: int = 4_000, key: str = "") -> Movement:
    """A refund of this payment under a key of its own."""
    return refund(minor, key or f"refund-A-{next(_NUMBERS)}", rig.ref)


def perform(rig: Rig, movement: Movement, name: str = "refund") -> Paid:
    """One attempt of the activity, as a worker makes it."""
    method: Callable[[Movement], Paid] = getattr(PaymentActivities(rig.payments), name)
    return ActivityEnvironment().run(method, movement)


def moved(rig: Rig) -> list[tuple[Kind, int]]:
    """What the provider has moved for the order, without regard to order."""
    return sorted((made.kind, made.amount.minor) for made in rig.payments.movements(rig.ref, "A"))


# Refunds, which every one of them knows


def test_a_refund_is_made_once_and_found_by_its_key(rig: Rig) -> None:
    """The first attempt pays, the second finds."""
    movement = a_refund(rig)
    paid = perform(rig, movement)
    assert paid == perform(rig, movement) == rig.payments.find(movement)
    assert [4_000] == sorted(rig.refunded())


def test_nothing_is_found_of_another_key(rig: Rig) -> None:
    """A look for a movement that was never made shows none, whatever else was."""
    perform(rig, a_refund(rig))
    assert rig.payments.find(a_refund(rig)) is None


def test_the_same_request_gets_the_stored_answer(rig: Rig) -> None:
    """Without any look, the idempotency key alone keeps a repeated request from paying twice."""
    movement = a_refund(rig)
    assert rig.payments.refund(movement, key=movement.key) == rig.payments.refund(movement, key=movement.key)
    assert [4_000] == sorted(rig.refunded())


def test_the_danger_that_the_look_averts_is_real(rig: Rig) -> None:
    """The negative control: a fresh request key pays a partial refund a second time."""
    movement = a_refund(rig)
    rig.payments.refund(movement, key=f"{movement.key}-one")
    rig.payments.refund(movement, key=f"{movement.key}-two")
    assert [4_000, 4_000] == sorted(rig.refunded())


def test_a_key_with_other_parameters_is_refused(rig: Rig) -> None:
    """A key belongs to one request."""
    movement = a_refund(rig)
    rig.payments.refund(movement, key=movement.key)
    with pytest.raises(Refused) as refusal:
        rig.payments.refund(a_refund(rig, 4_001, movement.key), key=movement.key)
    assert ("idempotency_error", [4_000]) == (refusal.value.code, sorted(rig.refunded()))


def test_changed_parameters_are_never_taken_for_done(rig: Rig) -> None:
    """A look that finds another amount under the key is a final refusal for a person."""
    movement = a_refund(rig)
    perform(rig, movement)
    with pytest.raises(ApplicationError) as failure:
        perform(rig, a_refund(rig, 4_001, movement.key))
    assert (True, ("idempotency_error",)) == (failure.value.non_retryable, failure.value.details)
    assert [4_000] == sorted(rig.refunded())


def test_refunds_end_at_the_charge(rig: Rig) -> None:
    """More than is left is too large, all of it is not, and after it nothing is."""
    perform(rig, a_refund(rig, 4_000))
    with pytest.raises(Refused) as too_large:
        rig.payments.refund(a_refund(rig, 6_001), key=f"k{next(_NUMBERS)}")
    perform(rig, a_refund(rig, 6_000))
    with pytest.raises(Refused) as already:
        rig.payments.refund(a_refund(rig, 1), key=f"k{next(_NUMBERS)}")
    assert ("amount_too_large", "charge_already_refunded") == (too_large.value.code, already.value.code)
    assert [4_000, 6_000] == sorted(rig.refunded())


@pytest.mark.parametrize("minor", [0, -1])
def test_only_a_positive_amount_is_refunded(rig: Rig, minor: int) -> None:
    """An amount that is none is refused."""
    with pytest.raises(Refused) as refusal:
        rig.payments.refund(a_refund(rig, minor), key=f"k{next(_NUMBERS)}")
    assert ("parameter_invalid_integer", []) == (refusal.value.code, sorted(rig.refunded()))


def test_an_unknown_payment_is_refused(rig: Rig) -> None:
    """A payment that the provider does not have is named as such."""
    with pytest.raises(Refused) as refusal:
        rig.payments.refund(refund(payment_ref="ch_none"), key=f"k{next(_NUMBERS)}")
    assert "no_such_charge" == refusal.value.code


def test_another_currency_is_refused(rig: Rig) -> None:
    """A number that means other money in the currency of the payment does not reach it."""
    euros = a_refund(rig).model_copy(update={"amount": Money(minor=100, currency="EUR")})
    with pytest.raises(Refused) as refusal:
        rig.payments.refund(euros, key=f"k{next(_NUMBERS)}")
    assert ("currency_mismatch", []) == (refusal.value.code, sorted(rig.refunded()))


def test_a_disputed_payment_is_not_refunded_in_the_stateful_mock(stateful: str) -> None:
    """The bank has the money already: the mock's own disputed charge is refused with the code that we know."""
    disputed = _charged(stateful, "tok_createDispute")
    with pytest.raises(Refused) as refusal:
        adapter(stateful).refund(refund(payment_ref=disputed), key=f"k{next(_NUMBERS)}")
    assert "charge_disputed" == refusal.value.code


# Payouts, clawbacks and disputes


def test_a_payout_and_its_clawback_are_made_once_each(whole: Rig) -> None:
    """Each is found by its own key, and they add up."""
    paid = perform(whole, release(), "release")
    taken = perform(whole, clawback(), "claw_back")
    assert (paid, taken) == (perform(whole, release(), "release"), perform(whole, clawback(), "claw_back"))
    assert (paid, taken) == (whole.payments.find(release()), whole.payments.find(clawback()))
    assert [(Kind.CLAWBACK, 3_000), (Kind.RELEASE, 9_000)] == moved(whole)


def test_a_clawback_takes_no_more_than_was_paid_out(whole: Rig) -> None:
    """A seller is never made to owe: nothing is taken at all."""
    perform(whole, release(2_000), "release")
    with pytest.raises(Refused) as refusal:
        whole.payments.claw_back(clawback(2_001), key="k1")
    assert ("amount_too_large", [(Kind.RELEASE, 2_000)]) == (refusal.value.code, moved(whole))


def test_a_refund_after_a_payout_comes_from_the_platform(whole: Rig) -> None:
    """What was paid out does not lower what the buyer can have back."""
    perform(whole, release(10_000), "release")
    perform(whole, refund(10_000))
    assert [(Kind.REFUND, 10_000), (Kind.RELEASE, 10_000)] == moved(whole)


def test_a_disputed_payment_is_not_refunded(whole: Rig) -> None:
    """The bank decides; the dispute is read with its amount and its payment."""
    with pytest.raises(Refused) as refusal:
        whole.payments.refund(refund(1_000, payment_ref="pi_B"), key="k1")
    dispute = whole.payments.dispute("dp_1")
    assert dispute is not None
    told = dispute.report()
    assert told is not None
    assert ("charge_disputed", "dp_1", "opened", usd(2_000)) == (
        refusal.value.code,
        told.chargeback_id,
        told.state,
        told.amount,
    )
    assert "pi_B" in dispute.payment_refs
    assert whole.payments.dispute("dp_none") is None


def test_evidence_is_handed_in_once(whole: Rig) -> None:
    """It is not there, is handed in, and is there; a second attempt gives the first answer, also with other texts."""
    submission = Submission(
        order_id="B", payment_ref="pi_B", chargeback_id="dp_1", texts={"uncategorized_text": "Order B"}
    )
    other = submission.model_copy(update={"texts": {"uncategorized_text": "other"}})
    assert whole.payments.find_evidence("dp_1") is None
    hand_in = PaymentActivities(whole.payments).submit_evidence
    paid = ActivityEnvironment().run(hand_in, submission)
    assert paid == ActivityEnvironment().run(hand_in, other) == whole.payments.find_evidence("dp_1")
    with pytest.raises(Refused) as refusal:
        whole.payments.submit_evidence(other)
    assert "evidence_already_submitted" == refusal.value.code


@pytest.mark.parametrize(
    "texts", [{"product_description": "x" * 20_001}, {f"text_{n}": "x" * 20_000 for n in range(8)}]
)
def test_evidence_beyond_the_limits_is_refused_before_it_is_sent(whole: Rig, texts: dict[str, str]) -> None:
    """One text has at most 20,000 characters, all have 150,000."""
    with pytest.raises(Refused) as refusal:
        whole.payments.submit_evidence(Submission(order_id="B", payment_ref="pi_B", chargeback_id="dp_1", texts=texts))
    assert ("evidence_too_large", None) == (refusal.value.code, whole.payments.find_evidence("dp_1"))
