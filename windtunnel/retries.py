"""When an activity is tried again: the server's rules.

Source: Temporal's documentation of retry policies, and what the server does where the page is silent
(a retry that would begin after schedule-to-close is not made; the delay that a failure names replaces the backoff).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from temporalio import exceptions
from temporalio.exceptions import ApplicationError, RetryState, TimeoutType

_FIRST: Final = timedelta(seconds=1)
_COEFFICIENT: Final = 2.0
_LONGEST: Final = 100
"""The server's default for the longest pause, in first pauses."""

_DOUBLINGS: Final = 30
"""More would leave the range of `timedelta`, and be cut to the longest pause anyway."""

UNTIL_A_TIMER: Final = timedelta(minutes=1)
"""A local activity waits this long within its workflow task; a longer pause becomes a timer of the workflow."""


def next_try(
    asked: Any, failure: BaseException, attempt: int, since: datetime, now: datetime
) -> timedelta | RetryState:
    """The pause before the next attempt of an activity that has failed, or why there is none.

    `asked` is the command that scheduled it `since`, `attempt` counts from one; instants are UTC.
    """
    policy = asked.retry_policy
    if _final(failure, policy.non_retryable_error_types):
        return RetryState.NON_RETRYABLE_FAILURE
    if isinstance(failure, exceptions.TimeoutError) and failure.type is TimeoutType.SCHEDULE_TO_CLOSE:
        return RetryState.TIMEOUT
    if policy.maximum_attempts and attempt >= policy.maximum_attempts:
        return RetryState.MAXIMUM_ATTEMPTS_REACHED
    pause = _pause(policy, attempt)
    if isinstance(failure, ApplicationError) and failure.next_retry_delay is not None:
        pause = failure.next_retry_delay
    limit = asked.schedule_to_close_timeout.ToTimedelta()
    return RetryState.TIMEOUT if limit and now + pause > since + limit else pause


def time_limit(asked: Any, since: datetime, now: datetime) -> tuple[timedelta, TimeoutType] | None:
    """How long one attempt may take from now, and which of its limits that is; none if it has no limit."""
    limits = []
    if one := asked.start_to_close_timeout.ToTimedelta():
        limits.append((one, TimeoutType.START_TO_CLOSE))
    if whole := asked.schedule_to_close_timeout.ToTimedelta():
        limits.append((since + whole - now, TimeoutType.SCHEDULE_TO_CLOSE))
    return min(limits, default=None)


def _final(failure: BaseException, types: Any) -> bool:
    if isinstance(failure, ApplicationError):
        return failure.non_retryable or failure.type in types
    return type(failure).__name__ in types


def _pause(policy: Any, attempt: int) -> timedelta:
    first = policy.initial_interval.ToTimedelta() or _FIRST
    longest = policy.maximum_interval.ToTimedelta() or first * _LONGEST
    return min(first * (policy.backoff_coefficient or _COEFFICIENT) ** min(attempt - 1, _DOUBLINGS), longest)
