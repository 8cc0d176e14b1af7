"""Moving money, exactly once for each business key, whatever fails in between.

Temporal runs an activity at least once, and a provider may forget an idempotency key after 24 hours
(docs.stripe.com/api/idempotent_requests). So every attempt looks before it pays, also the first one:
a reset workflow, or a second activity for the same movement, counts from one again days after the payment.
Between look and payment the idempotency key guards against an earlier attempt that is still under way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.ports import FailureReplayed, Payments, Refused, Unavailable
from domain.requests import Movement, Paid, Submission

UNAVAILABLE: Final = "PaymentUnavailable"
REFUSED: Final = "PaymentRefused"

# A stored failure comes back as long as its key lives: where a look shows no payment, another key goes on.
_ROUNDS = ("", ":r2", ":r3")


class _Send(Protocol):
    def __call__(self, movement: Movement, *, key: str) -> Paid: ...


class PaymentActivities:
    """Refunds, releases and clawbacks may be retried without end: a movement is made once for its key.

    So may evidence, which is handed in once for its chargeback.

    They fail with type `PaymentUnavailable`, which Temporal retries, or `PaymentRefused`, which it does not;
    the first detail of a refusal is the provider's code.
    """

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    @activity.defn(name="payments.refund")
    def refund(self, movement: Movement) -> Paid:
        """Give money back to the buyer."""
        return self._once(movement, self._payments.refund)

    @activity.defn(name="payments.release")
    def release(self, movement: Movement) -> Paid:
        """Pay money out to the seller."""
        return self._once(movement, self._payments.release)

    @activity.defn(name="payments.claw_back")
    def claw_back(self, movement: Movement) -> Paid:
        """Take money back from what was paid out to the seller."""
        return self._once(movement, self._payments.claw_back)

    @activity.defn(name="payments.submit_evidence")
    def submit_evidence(self, submission: Submission) -> Paid:
        """Hand in the evidence for a chargeback. What was handed in before is final, and so the answer.

        A reset workflow may have gathered other texts meanwhile; the bank has read the first ones.
        """
        chargeback_id = submission.chargeback_id
        with _explained(f"the evidence for {chargeback_id}", "it is not known to have been handed in"):
            try:
                return self._payments.find_evidence(chargeback_id) or self._payments.submit_evidence(submission)
            except Refused:
                if paid := self._payments.find_evidence(chargeback_id):
                    return paid
                raise

    @activity.defn(name="payments.look")
    def look(self, movement: Movement) -> Paid:
        """The movement, once the provider has it: for the time in which a person finds out why it is not there.

        Moves nothing. Fails with type `PaymentUnavailable` as long as it is not there.
        """
        with _explained(movement.key, "no money is known to have moved"):
            if paid := self._payments.find(movement):
                return paid
        raise ApplicationError(f"The payment provider has not made {movement.key} yet", type=UNAVAILABLE)

    def _once(self, movement: Movement, send: _Send) -> Paid:
        with _explained(movement.key, "no money is known to have moved"):
            return self._look_and_pay(movement, send)

    def _look_and_pay(self, movement: Movement, send: _Send) -> Paid:
        for suffix in _ROUNDS:
            if paid := self._payments.find(movement):
                return paid
            if suffix:
                activity.logger.warning("stored failure, paying with the key %s%s", movement.key, suffix)
            try:
                return send(movement, key=movement.key + suffix)
            except FailureReplayed as error:
                failure = error
            except Refused:
                # Perhaps because an earlier attempt has just come through: then the refusal is good news.
                if paid := self._payments.find(movement):
                    return paid
                raise
        raise failure


@contextmanager
def _explained(subject: str, known: str) -> Iterator[None]:
    """What the provider raises about `subject`, in words for people and in types for Temporal."""
    try:
        yield
    except Unavailable as error:
        raise ApplicationError(
            f"The payment provider did not answer for {subject}; asked again later; {known}",
            type=UNAVAILABLE,
            next_retry_delay=error.pause,
        ) from error
    except Refused as error:
        raise ApplicationError(
            f"The payment provider refused {subject} ({error.code}): {error}",
            error.code,
            type=REFUSED,
            non_retryable=True,
        ) from error
