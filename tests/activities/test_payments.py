"""Money moves exactly once: the sandbox provider's documented states, and activities that retry against it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.payments import UNAVAILABLE, PaymentActivities
from activities.ports import FailureReplayed, Payments, Refused, Unavailable
from activities.sandbox.payments import SandboxPayments, Totals
from domain.money import Money
from domain.requests import Movement, Paid, Submission

DAY = 24 * 3600.0


class Time:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 1_772_442_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> Time:
    """The provider's clock."""
    return Time()


@pytest.fixture
def provider(tmp_path: Path, time: Time) -> Iterator[SandboxPayments]:
    """A provider that has captured USD 100.00 as pay-A; time passes for it by the time fixture only."""
    sandbox = SandboxPayments(tmp_path / "payments.db", clock=time, sleep=lambda _: None)
    sandbox.capture("pay-A", usd(10_000))
    yield sandbox
    sandbox.close()


def usd(minor: int) -> Money:
    """An amount in cents."""
    return Money(minor=minor, currency="USD")


def refund(minor: int = 4_000, key: str = "refund-A-1", payment_ref: str = "pay-A") -> Movement:
    """A partial refund, unless told otherwise."""
    return Movement(key=key, order_id="A", payment_ref=payment_ref, payee="buyer-1", amount=usd(minor))


def release(minor: int = 9_000, key: str = "release-A-1") -> Movement:
    """A payout to the seller."""
    return Movement(key=key, order_id="A", payment_ref="pay-A", payee="seller-1", amount=usd(minor))


def clawback(minor: int = 3_000, key: str = "clawback-A-1") -> Movement:
    """What an appeal takes back from the seller."""
    return Movement(key=key, order_id="A", payment_ref="pay-A", payee="seller-1", amount=usd(minor))


def submission(text: str = "Order A", chargeback_id: str = "dp_1", payment_ref: str = "pay-A") -> Submission:
    """Evidence of one text."""
    texts = {"uncategorized_text": text}
    return Submission(order_id="A", payment_ref=payment_ref, chargeback_id=chargeback_id, texts=texts)


def hand_in(provider: SandboxPayments, evidence: Submission) -> Paid:
    """One attempt of the activity that hands evidence in."""
    return ActivityEnvironment().run(PaymentActivities(provider).submit_evidence, evidence)


def perform(provider: SandboxPayments, movement: Movement, name: str = "refund") -> Paid:
    """One attempt of the activity, as a worker makes it."""
    activities = PaymentActivities(provider)
    method: Callable[[Movement], Paid] = getattr(activities, name)
    return ActivityEnvironment().run(method, movement)


def attempts(provider: SandboxPayments, movement: Movement) -> Iterator[Paid | None]:
    """Attempts until one succeeds, as Temporal makes them; each that is to be retried yields none."""
    for _ in range(2_000):
        try:
            paid = perform(provider, movement)
        except ApplicationError as error:
            if error.non_retryable:
                raise
            yield None
        else:
            yield paid
            return
    raise AssertionError("no success in 2,000 attempts")


def minors(provider: SandboxPayments) -> list[int]:
    """What was refunded of pay-A, one by one."""
    return [made.amount.minor for made in provider.refunds("pay-A")]


# The sandbox, state by state


def test_a_refund_is_made_and_found_by_its_business_key(provider: SandboxPayments) -> None:
    """What was paid can be looked up, whatever request key it came with."""
    paid = provider.refund(refund(), key="some-request")
    assert (paid, None) == (provider.find(refund()), provider.find(refund(key="refund-A-2")))


def test_the_same_request_gets_the_stored_answer(provider: SandboxPayments) -> None:
    """A key with the same parameters answers as the first time and does nothing."""
    assert provider.refund(refund(), key="k") == provider.refund(refund(), key="k")
    assert [4_000] == minors(provider)


def test_a_key_with_other_parameters_is_refused(provider: SandboxPayments) -> None:
    """A key belongs to one request, whichever parameter differs."""
    provider.refund(refund(), key="k")
    with pytest.raises(Refused, match="other parameters") as refusal:
        provider.refund(refund(4_001), key="k")
    with pytest.raises(Refused, match="other parameters"):
        provider.release(refund(), key="k")
    assert ("idempotency_error", [4_000]) == (refusal.value.code, minors(provider))


def test_a_request_in_flight_is_a_conflict(provider: SandboxPayments, time: Time) -> None:
    """Until the first request of a key is answered, a second is told to wait, and a look-up shows nothing."""
    provider.set_faults(latency_ms=2_000)
    first = provider.refund(refund(), key="k")
    with pytest.raises(Unavailable, match="in flight") as conflict:
        provider.refund(refund(), key="k")
    assert (2.0, None) == (conflict.value.retry_after, provider.find(refund()))
    time.pass_(2)
    assert first == provider.refund(refund(), key="k") == provider.find(refund())


def test_keys_are_forgotten_after_a_day_and_no_sooner(provider: SandboxPayments, time: Time) -> None:
    """Once its key is pruned, a repeated partial refund is a new one: the danger that the look-up averts."""
    provider.refund(refund(), key="k")
    time.pass_(DAY - 1)
    assert 0 == provider.forget_keys()
    time.pass_(1)
    assert 1 == provider.forget_keys()
    provider.refund(refund(), key="k")
    assert ([4_000, 4_000], {"refund-A-1": 2}) == (minors(provider), provider.duplicates())


def test_a_server_error_is_replayed_for_its_key(provider: SandboxPayments) -> None:
    """A stored 500 comes back under the same key even after the provider is well again."""
    provider.set_faults(store_500=1.0)
    with pytest.raises(Unavailable, match="internal error") as first:
        provider.refund(refund(), key="k")
    provider.set_faults()
    with pytest.raises(FailureReplayed, match="internal error"):
        provider.refund(refund(), key="k")
    assert not isinstance(first.value, FailureReplayed)


def test_a_refusal_is_replayed_for_its_key(provider: SandboxPayments) -> None:
    """A refusal made while executing is kept like any answer: only another key asks anew."""
    provider.open_dispute("pay-A")
    with pytest.raises(Refused):
        provider.refund(refund(), key="k")
    provider.close_dispute("pay-A", won=True)
    with pytest.raises(Refused) as replayed:
        provider.refund(refund(), key="k")
    provider.refund(refund(), key="k2")
    assert ("charge_disputed", [4_000]) == (replayed.value.code, minors(provider))


@pytest.mark.parametrize(
    ("movement", "code"),
    [
        (refund(payment_ref="pay-B"), "no_such_charge"),
        (refund(0), "parameter_invalid_integer"),
        (refund(-1), "parameter_invalid_integer"),
    ],
)
def test_a_request_that_is_not_valid_is_refused_and_not_kept(
    provider: SandboxPayments, movement: Movement, code: str
) -> None:
    """Failed validation leaves the key free for a request that is right."""
    with pytest.raises(Refused) as refusal:
        provider.refund(movement, key="k")
    provider.refund(refund(), key="k")
    assert (code, [4_000]) == (refusal.value.code, minors(provider))


def test_partial_refunds_add_up_to_the_charge_and_no_further(provider: SandboxPayments) -> None:
    """The running total bounds refunds: more than is left is too large, and nothing follows after all."""
    provider.refund(refund(4_000), key="k1")
    with pytest.raises(Refused) as too_large:
        provider.refund(refund(6_001, "refund-A-2"), key="k2")
    provider.refund(refund(6_000, "refund-A-3"), key="k3")
    with pytest.raises(Refused) as already:
        provider.refund(refund(1, "refund-A-4"), key="k4")
    assert ("amount_too_large", "charge_already_refunded") == (too_large.value.code, already.value.code)
    assert [4_000, 6_000] == minors(provider)


def test_another_currency_is_refused(provider: SandboxPayments) -> None:
    """A charge is refunded and paid out in its own currency."""
    euros = refund().model_copy(update={"amount": Money(minor=100, currency="EUR")})
    with pytest.raises(Refused) as refusal:
        provider.refund(euros, key="k")
    assert "currency_mismatch" == refusal.value.code


def test_releases_never_exceed_the_charge(provider: SandboxPayments) -> None:
    """Payouts have a running total of their own: a refunded order may still pay a seller at the platform's cost."""
    provider.refund(refund(10_000), key="k1")
    provider.release(release(9_000), key="k2")
    with pytest.raises(Refused) as refusal:
        provider.release(release(1_001, "release-A-2"), key="k3")
    assert ("amount_too_large", 9_000) == (refusal.value.code, provider.releases("pay-A")[0].amount.minor)


def test_a_clawback_takes_no_more_than_was_paid_out(provider: SandboxPayments) -> None:
    """What was clawed back cannot be taken again, but may be paid out again."""
    with pytest.raises(Refused, match=r"USD 0\.00 left for a clawback"):
        provider.claw_back(clawback(), key="k1")
    provider.release(release(9_000), key="k2")
    provider.claw_back(clawback(6_000), key="k3")
    with pytest.raises(Refused) as refusal:
        provider.claw_back(clawback(3_001, "clawback-A-2"), key="k4")
    provider.release(release(7_000, "release-A-2"), key="k5")
    expected = Totals(captured=10_000, refunded=0, released=16_000, disputed=0, clawed_back=6_000)
    assert ("amount_too_large", {"USD": expected}) == (refusal.value.code, provider.totals())
    assert [6_000] == [made.amount.minor for made in provider.clawbacks("pay-A")]
    assert ["release", "clawback", "release"] == [made.kind for made in provider.transfers("pay-A")]


def test_a_refund_after_a_full_release_comes_from_the_platform(provider: SandboxPayments) -> None:
    """A payout does not lower what the buyer can be given back; the charge does."""
    provider.release(release(10_000), key="k1")
    provider.refund(refund(10_000), key="k2")
    with pytest.raises(Refused, match="in full"):
        provider.refund(refund(1, "refund-A-2"), key="k3")


def test_evidence_is_handed_in_once(provider: SandboxPayments) -> None:
    """The same submission again is the same fact; another for the same chargeback is refused, and the first stays."""
    first = provider.submit_evidence(submission())
    assert first == provider.submit_evidence(submission()) == provider.find_evidence("dp_1")
    with pytest.raises(Refused) as refusal:
        provider.submit_evidence(submission("other"))
    assert first != provider.submit_evidence(submission(chargeback_id="dp_2"))
    assert ("evidence_already_submitted", submission()) == (refusal.value.code, provider.submission("dp_1"))
    assert (None, None) == (provider.submission("dp_3"), provider.find_evidence("dp_3"))


@pytest.mark.parametrize(
    ("evidence", "code"),
    [(submission("x" * 150_001), "evidence_too_large"), (submission(payment_ref="pay-B"), "no_such_charge")],
)
def test_evidence_that_cannot_be_taken_is_refused(provider: SandboxPayments, evidence: Submission, code: str) -> None:
    """A submission is bounded in all its texts together, and belongs to a payment."""
    with pytest.raises(Refused) as refusal:
        provider.submit_evidence(evidence)
    assert (code, None) == (refusal.value.code, provider.submission("dp_1"))


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_locks_the_charge(provider: SandboxPayments, won: bool) -> None:
    """A disputed charge is not refunded too, so nobody is paid twice; a dispute that was won unlocks it."""
    provider.open_dispute("pay-A")
    with pytest.raises(Refused, match="disputed"):
        provider.refund(refund(), key="k1")
    provider.close_dispute("pay-A", won=won)
    if won:
        provider.refund(refund(), key="k2")
    else:
        with pytest.raises(Refused, match="disputed"):
            provider.refund(refund(), key="k2")
    assert ([4_000] if won else []) == minors(provider)


def test_a_dispute_opens_and_closes_once(provider: SandboxPayments) -> None:
    """Disputes out of order are mistakes of the caller and say so."""
    with pytest.raises(ValueError, match="it must be open"):
        provider.close_dispute("pay-A", won=True)
    provider.open_dispute("pay-A")
    with pytest.raises(ValueError, match="it must be none"):
        provider.open_dispute("pay-A")


def test_a_capture_may_be_repeated_but_not_changed(provider: SandboxPayments) -> None:
    """A demo that starts again captures again; another amount under the same reference is a mistake."""
    provider.capture("pay-A", usd(10_000))
    with pytest.raises(ValueError, match="another amount"):
        provider.capture("pay-A", usd(1))


def test_totals_tell_where_the_money_went(provider: SandboxPayments) -> None:
    """Sums by currency; a dispute counts for what had not been refunded, until it is won."""
    provider.refund(refund(), key="k1")
    provider.release(release(500), key="k2")
    provider.open_dispute("pay-A")
    expected = Totals(captured=10_000, refunded=4_000, released=500, disputed=6_000)
    assert {"USD": expected} == provider.totals()


def test_faults_and_state_outlive_the_process(provider: SandboxPayments, tmp_path: Path) -> None:
    """Another process on the same file sees the same faults and the same money."""
    paid = provider.refund(refund(), key="k")
    again = SandboxPayments(tmp_path / "payments.db")
    assert paid == again.find(refund())
    provider.set_faults(fail_before=1.0)
    with pytest.raises(Unavailable, match="could not be reached"):
        again.refund(refund(), key="k")
    again.close()


def test_the_same_seed_brings_the_same_faults(provider: SandboxPayments) -> None:
    """A run with faults can be repeated."""

    def run() -> list[bool]:
        provider.set_faults(fail_before=0.3, fail_after=0.3, seed=7)
        return [_answers(provider) for _ in range(30)]

    first = run()
    assert first == run()
    assert {True, False} == set(first)


def _answers(provider: SandboxPayments) -> bool:
    try:
        provider.refund(refund(payment_ref="pay-B"), key="k")
    except Unavailable:
        return False
    except Refused:
        return True
    raise AssertionError("pay-B does not exist")


def _refund_one(path: Path, number: int) -> str:
    sandbox = SandboxPayments(path)
    sandbox.capture("pay-A", usd(100))
    try:
        return sandbox.refund(refund(10, f"refund-A-{number}"), key=f"refund-A-{number}").reference
    except Refused as refusal:
        return refusal.code
    finally:
        sandbox.close()


def test_processes_share_one_file(tmp_path: Path) -> None:
    """Processes that open a new file at once and refund at once keep the running total."""
    path = tmp_path / "shared.db"
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        answers = list(pool.map(_refund_one, [path] * 16, range(16)))
    sandbox = SandboxPayments(path)
    assert (10, 6) == (len(sandbox.refunds("pay-A")), answers.count("charge_already_refunded"))
    sandbox.close()


# The activities


@pytest.mark.parametrize(("name", "movement"), [("refund", refund()), ("release", release())])
def test_an_activity_moves_money_and_names_the_fact(provider: SandboxPayments, name: str, movement: Movement) -> None:
    """Without faults one attempt is enough, and a second changes nothing."""
    paid = perform(provider, movement, name)
    assert paid == perform(provider, movement, name) == provider.find(movement)
    assert {} == provider.duplicates()


def test_a_clawback_is_made_once_for_its_key(provider: SandboxPayments) -> None:
    """Like any movement it is looked for before it is made, so that forgotten keys take nothing twice."""
    perform(provider, release(), "release")
    paid = perform(provider, clawback(), "claw_back")
    provider.forget_keys(timedelta())
    assert paid == perform(provider, clawback(), "claw_back") == provider.find(clawback())
    assert [3_000] == [made.amount.minor for made in provider.clawbacks("pay-A")]


def test_a_clawback_beyond_the_payout_is_a_final_refusal(provider: SandboxPayments) -> None:
    """A seller is never made to owe: the refusal is for the workflow and for people."""
    with pytest.raises(ApplicationError) as failure:
        perform(provider, clawback(), "claw_back")
    assert ("PaymentRefused", ("amount_too_large",)) == (failure.value.type, failure.value.details)


def test_evidence_that_was_handed_in_before_is_the_answer(provider: SandboxPayments) -> None:
    """A reset workflow that has gathered other texts meanwhile learns of the submission that counts."""
    first = hand_in(provider, submission())
    assert first == hand_in(provider, submission("other"))
    assert submission() == provider.submission("dp_1")


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.0), (0.0, 1.0)])
def test_evidence_is_handed_in_whatever_fails(provider: SandboxPayments, before: float, after: float) -> None:
    """Without an answer the attempt is retried and says what is known; a lost answer is found by the next."""
    provider.set_faults(fail_before=before, fail_after=after)
    with pytest.raises(ApplicationError) as failure:
        hand_in(provider, submission())
    provider.set_faults()
    paid = hand_in(provider, submission())
    assert (paid, submission()) == (provider.find_evidence("dp_1"), provider.submission("dp_1"))
    expected = (
        "The payment provider did not answer for the evidence for dp_1; asked again later; "
        "it is not known to have been handed in"
    )
    assert (expected, False) == (failure.value.message, failure.value.non_retryable)


def test_refused_evidence_is_final_and_names_its_code(provider: SandboxPayments) -> None:
    """What is too long stays too long: no retry."""
    with pytest.raises(ApplicationError) as failure:
        hand_in(provider, submission("x" * 150_001))
    assert ("PaymentRefused", True, ("evidence_too_large",)) == (
        failure.value.type,
        failure.value.non_retryable,
        failure.value.details,
    )


def test_no_answer_is_retried_and_explained(provider: SandboxPayments) -> None:
    """An unreachable provider is a retryable failure whose words an ops person can use."""
    provider.set_faults(fail_before=1.0)
    with pytest.raises(ApplicationError) as failure:
        perform(provider, refund())
    error = failure.value
    assert ("PaymentUnavailable", False, None) == (error.type, error.non_retryable, error.next_retry_delay)
    assert (
        "The payment provider did not answer for refund-A-1; asked again later; no money is known to have moved"
        == error.message
    )


def test_a_retry_waits_as_long_as_the_provider_asked(provider: SandboxPayments) -> None:
    """While an earlier attempt is in flight, the next one comes when that must be over."""
    provider.set_faults(latency_ms=2_000)
    provider.refund(refund(), key="refund-A-1")
    with pytest.raises(ApplicationError) as failure:
        perform(provider, refund())
    assert timedelta(seconds=2) == failure.value.next_retry_delay


def test_a_rate_limit_is_waited_for_and_keeps_no_key(provider: SandboxPayments) -> None:
    """Too many requests: nothing is done, the pause that the provider names is kept, and the key is free."""
    provider.set_faults(rate_limit=1.0)
    with pytest.raises(ApplicationError) as failure:
        perform(provider, refund())
    provider.set_faults()
    perform(provider, refund())
    assert (timedelta(seconds=7), [4_000]) == (failure.value.next_retry_delay, minors(provider))


@pytest.mark.parametrize(
    ("movement", "code"),
    [(refund(10_001), "amount_too_large"), (refund(payment_ref="pay-B"), "no_such_charge")],
)
def test_a_refusal_is_final_and_names_its_code(provider: SandboxPayments, movement: Movement, code: str) -> None:
    """What the provider refuses is for the workflow and for people, not for retries."""
    with pytest.raises(ApplicationError) as failure:
        perform(provider, movement)
    error = failure.value
    assert ("PaymentRefused", True, (code,)) == (error.type, error.non_retryable, error.details)


def test_a_disputed_charge_is_a_final_refusal(provider: SandboxPayments) -> None:
    """A refund stops at a dispute: the bank pays the buyer, not we a second time."""
    provider.open_dispute("pay-A")
    with pytest.raises(ApplicationError) as failure:
        perform(provider, refund())
    assert ("charge_disputed",) == failure.value.details


@pytest.mark.parametrize("forgotten", [False, True])
def test_changed_parameters_are_never_taken_for_done(provider: SandboxPayments, time: Time, forgotten: bool) -> None:
    """A key that moved another amount is refused, even once the provider has forgotten its keys."""
    perform(provider, refund(4_000))
    if forgotten:
        time.pass_(30 * DAY)
        provider.forget_keys()
    with pytest.raises(ApplicationError) as failure:
        perform(provider, refund(4_001))
    assert (("idempotency_error",), [4_000]) == (failure.value.details, minors(provider))


@pytest.mark.parametrize("minor", [4_000, 10_000])
def test_a_lost_answer_is_found_even_after_keys_are_forgotten(
    provider: SandboxPayments, time: Time, minor: int
) -> None:
    """After an outage longer than the life of a key, the look-up stops a second payment."""
    provider.set_faults(fail_after=1.0)
    with pytest.raises(ApplicationError):
        perform(provider, refund(minor))
    provider.set_faults()
    time.pass_(30 * 3600)
    assert 1 == provider.forget_keys()
    perform(provider, refund(minor))
    assert [minor] == minors(provider)


def test_a_refusal_of_what_an_earlier_attempt_did_is_good_news(provider: SandboxPayments) -> None:
    """When an earlier attempt comes through between look and payment, "already refunded" means done."""

    class Racing:
        """Lets the earlier attempt through just after the first look, under a key since forgotten."""

        def __init__(self) -> None:
            self.looks = 0

        def find(self, movement: Movement) -> Paid | None:
            self.looks += 1
            return provider.find(movement) if self.looks > 1 else None

        def refund(self, movement: Movement, *, key: str) -> Paid:
            provider.refund(movement, key="earlier")
            return provider.refund(movement, key=key)

        def release(self, movement: Movement, *, key: str) -> Paid:
            return provider.release(movement, key=key)

    paid = ActivityEnvironment().run(PaymentActivities(cast(Payments, Racing())).refund, refund(10_000))
    assert (provider.find(refund(10_000)), [10_000]) == (paid, minors(provider))


@pytest.mark.parametrize("seed", range(8))
def test_a_stored_failure_is_passed_by_another_key(provider: SandboxPayments, seed: int) -> None:
    """A replayed 500 is paid under the key :r2 if the look-up shows nothing, and else taken as done."""
    provider.set_faults(store_500=1.0, seed=seed)
    with pytest.raises(ApplicationError, match="did not answer"):
        perform(provider, refund())
    provider.set_faults()
    perform(provider, refund())
    assert [4_000] == minors(provider)


def test_a_provider_that_stores_every_failure_is_asked_under_three_keys() -> None:
    """Another key is no endless resource: after the third the activity waits for the provider."""
    keys: list[str] = []

    class Failing:
        """Has a stored failure for every key and has moved nothing."""

        def find(self, movement: Movement) -> Paid | None:
            return None

        def refund(self, movement: Movement, *, key: str) -> Paid:
            keys.append(key)
            raise FailureReplayed("internal error")

        release = refund

    with pytest.raises(ApplicationError) as failure:
        ActivityEnvironment().run(PaymentActivities(cast(Payments, Failing())).refund, refund())
    assert (UNAVAILABLE, False) == (failure.value.type, failure.value.non_retryable)
    assert ["refund-A-1", "refund-A-1:r2", "refund-A-1:r3"] == keys


CHANCE = st.sampled_from([0.0, 0.2, 0.5])


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    before=CHANCE,
    after=CHANCE,
    stored=st.sampled_from([0.0, 0.2]),
    parts=st.lists(st.integers(1, 4_000), min_size=1, max_size=3),
    pruned=st.booleans(),
)
def test_money_moves_exactly_once_whatever_fails(
    seed: int, before: float, after: float, stored: float, parts: list[int], pruned: bool
) -> None:
    """The headline law: attempts until success move each movement once, under any faults and forgotten keys."""
    time = Time()
    with TemporaryDirectory() as folder:
        provider = SandboxPayments(Path(folder) / "payments.db", clock=time, sleep=lambda _: None)
        provider.capture("pay-A", usd(12_000))
        provider.set_faults(fail_before=before, fail_after=after, store_500=stored, seed=seed)
        movements = [refund(minor, f"refund-A-{number}") for number, minor in enumerate(parts, 1)]
        for movement in movements * 2:
            for number, _ in enumerate(attempts(provider, movement), 1):
                if pruned or number % 20 == 0:
                    time.pass_(DAY)
                    provider.forget_keys()
        assert (parts, {}) == (minors(provider), provider.duplicates())
        provider.close()


def test_without_look_up_and_stable_key_money_moves_twice(provider: SandboxPayments) -> None:
    """The negative control: a retry with a fresh key doubles a partial refund; the law is not blind."""
    provider.set_faults(fail_after=0.5, seed=1)
    for number in range(1, 11):
        movement = refund(100, f"refund-A-{number}")
        for attempt in count(1):
            try:
                provider.refund(movement, key=f"{movement.key}-{attempt}")
                break
            except Unavailable:
                continue
    assert provider.duplicates()
    assert 10 < len(minors(provider))


def test_attempts_at_the_same_time_move_money_once(provider: SandboxPayments) -> None:
    """Zombie attempts beside live ones: the idempotency key guards what the look-up cannot see."""
    provider.set_faults(fail_before=0.2, fail_after=0.2, seed=3)
    with ThreadPoolExecutor(8) as pool:
        paid = set(pool.map(lambda _: list(attempts(provider, refund()))[-1], range(24)))
    assert ({provider.find(refund())}, [4_000]) == (paid, minors(provider))
