"""How often a carrier is asked: seldom while nothing happens, often near delivery."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from domain.parcel import TrackingEvent, TrackingStatus
from domain.policy import Lookup
from domain.spans import Span

NEAR_ESTIMATE: Final = timedelta(days=1)
"""How far around the promised day a delivery is expected, before and after it."""

_ABOUT_TO_CHANGE: Final = frozenset(
    {TrackingStatus.OUT_FOR_DELIVERY, TrackingStatus.READY_FOR_PICKUP, TrackingStatus.ATTEMPT_FAILED}
)


def next_delay(
    rhythm: Lookup,
    attempt: int,
    events: Iterable[TrackingEvent],
    estimate: datetime | None,
    now: datetime,
) -> timedelta:
    """How long to wait, in policy time, after look-up number `attempt` (from 1) has brought no news.

    `first` after the first, then longer by `growth` each time up to `longest`;
    `near` when the last event says that delivery is at hand, or `now` is within a day of the estimate.
    Never more than `longest`. Raises ValueError for a rhythm that counts in days or business time.
    """
    longest = elapsed(rhythm.longest)
    if _near_delivery(events, estimate, now):
        return min(elapsed(rhythm.near), longest)
    try:
        grown = elapsed(rhythm.first) * rhythm.growth ** (attempt - 1)
    except OverflowError:  # after hundreds of attempts, and long past any `longest`
        return longest
    return min(grown, longest)


def elapsed(span: Span) -> timedelta:
    """The length of a span of a rhythm. Raises ValueError, saying what to write, for other spans."""
    if span.unit not in {"min", "h"} or (length := span.elapsed) is None:
        raise ValueError(f"'{span}' is not elapsed time: write the rhythm of look-ups in min or h")
    return length


def _near_delivery(events: Iterable[TrackingEvent], estimate: datetime | None, now: datetime) -> bool:
    if estimate is not None and abs(now - estimate) <= NEAR_ESTIMATE:
        return True
    last = max(events, key=lambda event: event.at, default=None)
    return last is not None and last.status in _ABOUT_TO_CHANGE
