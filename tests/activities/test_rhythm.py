"""The rhythm of look-ups, as laws."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.parcel import TrackingEvent, TrackingStatus
from domain.policy import Lookup
from domain.rhythm import NEAR_ESTIMATE, next_delay
from domain.spans import Span

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NEARING = [TrackingStatus.OUT_FOR_DELIVERY, TrackingStatus.READY_FOR_PICKUP, TrackingStatus.ATTEMPT_FAILED]
RHYTHM = Lookup(
    first=Span.parse("2 h"),
    growth=1.5,
    longest=Span.parse("12 h"),
    near=Span.parse("30 min"),
    sparse=Span.parse("48 h"),
)

spans = st.builds(Span, st.integers(1, 10_000), st.sampled_from(["min", "h"]))
rhythms = st.builds(
    Lookup,
    first=spans,
    growth=st.floats(1, 10, allow_nan=False),
    longest=spans,
    near=spans,
    sparse=spans,
)
attempts = st.integers(1, 5_000)
far = st.none() | st.timedeltas(NEAR_ESTIMATE + timedelta(seconds=1), timedelta(days=60)).map(lambda away: NOW + away)


def seen(status: TrackingStatus | str, hours_ago: float = 1) -> TrackingEvent:
    """An event of the recent past."""
    return TrackingEvent(status=status, at=NOW - timedelta(hours=hours_ago))


@given(rhythms, attempts, far)
def test_pauses_grow_up_to_the_longest(rhythm: Lookup, attempt: int, estimate: datetime | None) -> None:
    """Without news a pause is never shorter than the one before it, and never longer than `longest`."""
    pause = next_delay(rhythm, attempt, (), estimate, NOW)
    following = next_delay(rhythm, attempt + 1, (), estimate, NOW)

    assert pause <= following
    assert following <= (rhythm.longest.elapsed or timedelta.max)


@given(rhythms, attempts, st.sampled_from(NEARING))
def test_near_when_the_last_event_says_so(rhythm: Lookup, attempt: int, status: TrackingStatus) -> None:
    """A parcel that is about to arrive is asked for every `near`, however often that was in vain."""
    events = (seen(TrackingStatus.IN_TRANSIT, 9), seen(status))

    pause = next_delay(rhythm, attempt, events, None, NOW)

    assert pause == min(rhythm.near.elapsed or timedelta.max, rhythm.longest.elapsed or timedelta.max)


@given(attempts, st.timedeltas(-NEAR_ESTIMATE, NEAR_ESTIMATE))
def test_near_around_the_estimate(attempt: int, away: timedelta) -> None:
    """Within a day either side of the promised day, the day itself included, it is asked for every `near`."""
    assert next_delay(RHYTHM, attempt, (), NOW + away, NOW) == timedelta(minutes=30)


@pytest.mark.parametrize("side", [-1, 1])
def test_not_near_a_second_beyond_a_day(side: int) -> None:
    """More than a day from the estimate is not near it."""
    estimate = NOW + side * (NEAR_ESTIMATE + timedelta(seconds=1))

    assert next_delay(RHYTHM, 1, (), estimate, NOW) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("attempt", "hours"), [(1, 2), (2, 3), (3, 4.5), (4, 6.75), (5, 10.125), (6, 12), (100_000, 12)]
)
def test_the_pauses_of_a_rhythm(attempt: int, hours: float) -> None:
    """First two hours, then half as long again each time, up to twelve."""
    assert next_delay(RHYTHM, attempt, (), None, NOW) == timedelta(hours=hours)


def test_only_the_last_event_counts() -> None:
    """A failed attempt that was followed by another scan is over, in whatever order the two are told."""
    events = (seen(TrackingStatus.IN_TRANSIT, 1), seen(TrackingStatus.ATTEMPT_FAILED, 5))

    assert next_delay(RHYTHM, 1, events, None, NOW) == timedelta(hours=2)


def test_a_rhythm_in_days_is_refused() -> None:
    """A rhythm is elapsed time: a calendar day has no fixed length."""
    rhythm = RHYTHM.model_copy(update={"first": Span.parse("1 CD")})

    with pytest.raises(ValueError, match="write the rhythm of look-ups in min or h"):
        next_delay(rhythm, 1, (), None, NOW)
