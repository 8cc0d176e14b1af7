"""Moving money, exactly once for each business key, whatever fails in between.

Temporal runs an activity at least once, and a provider may forget an idempotency key after 24 hours
(docs.stripe.com/api/idempotent_requests). So every attempt looks before it pays, also the first one:
a reset workflow, or a second activity for the same movement, counts from one again days after the payment.
Between look and payment the idempotency key guards against an earlier attempt that is still under way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.ports import FailureReplayed, Payments, Refused, Unavailable
from domain.requests import Movement, Paid

UNAVAILABLE: Final = "PaymentUnavailable"
REFUSED: Final = "PaymentRefused"

# A stored failure comes back as long as its key lives: where a look shows no payment, another key goes on.
_ROUNDS = ("", ":r2", ":r3")


class _Send(Protocol):
    def __call__(self, movement: Movement, *, key: str) -> Paid: ...


class PaymentActivities:
    """Refunds and releases. Both may be retried without end: a movement is made once for its key.

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

    def _once(self, movement: Movement, send: _Send) -> Paid:
        try:
            return self._look_and_pay(movement, send)
        except Unavailable as error:
            pause = error.retry_after
            raise ApplicationError(
                f"The payment provider did not answer for {movement.key}; asked again later; "
                "no money is known to have moved",
                type=UNAVAILABLE,
                next_retry_delay=None if pause is None else timedelta(seconds=pause),
            ) from error
        except Refused as error:
            raise ApplicationError(
                f"The payment provider refused {movement.key} ({error.code}): {error}",
                error.code,
                type=REFUSED,
                non_retryable=True,
            ) from error

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
