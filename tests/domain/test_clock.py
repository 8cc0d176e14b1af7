"""The clock: production is the identity, fast motion keeps order and never fires early."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.clock import REAL_TIME, Clock

STARTED = datetime(2026, 11, 24, 9, tzinfo=UTC)
BOUGHT = datetime(2017, 10, 2, 10, 56, 33, tzinfo=UTC)
A_DAY_A_SECOND = Clock(real_anchor=STARTED, policy_anchor=BOUGHT, speed=86_400)
MICROSECOND = timedelta(microseconds=1)

instants = st.integers(946_684_800, 4_102_444_800).map(lambda n: datetime.fromtimestamp(n, UTC))
clocks = st.builds(Clock, real_anchor=instants, policy_anchor=instants, speed=st.floats(1, 100_000))
near = st.integers(-(10**10), 10**10).map(lambda n: STARTED + timedelta(microseconds=n))


@given(instants)
def test_production_is_the_identity(instant: datetime) -> None:
    """In production policy time is real time, to the microsecond."""
    assert instant == REAL_TIME.now(instant)
    assert instant == REAL_TIME.real_instant(instant)


@given(st.timedeltas(timedelta(days=-3660), timedelta(days=3660)))
def test_production_timers_run_their_length(length: timedelta) -> None:
    """In production a timer runs exactly as long as the policy says."""
    assert length == REAL_TIME.real_delay(length)


def test_a_policy_day_takes_a_second() -> None:
    """Fast motion turns seconds of waiting into days of policy."""
    assert BOUGHT + timedelta(days=3) == A_DAY_A_SECOND.now(STARTED + timedelta(seconds=3))
    assert timedelta(seconds=7) == A_DAY_A_SECOND.real_delay(timedelta(days=7))
    assert STARTED + timedelta(seconds=7) == A_DAY_A_SECOND.real_instant(BOUGHT + timedelta(days=7))


@given(clocks, near, near)
def test_time_never_runs_backwards(clock: Clock, one: datetime, other: datetime) -> None:
    """A later real instant is never an earlier policy instant."""
    early, late = sorted((one, other))

    assert clock.now(early) <= clock.now(late)


@given(st.floats(1, 100_000), near)
def test_a_timer_never_fires_before_its_instant(speed: float, due: datetime) -> None:
    """The real instant is the first microsecond at which the policy instant has come."""
    clock = Clock(real_anchor=STARTED, policy_anchor=STARTED, speed=speed)

    fires = clock.real_instant(due)

    assert clock.now(fires) >= due
    assert clock.now(fires - MICROSECOND) < due


def test_a_forgotten_fast_clock_stands_still_at_its_end() -> None:
    """An order in fast motion found again a year later still gets an instant that spans can follow."""
    end = datetime(2900, 1, 1, tzinfo=UTC)

    assert end == A_DAY_A_SECOND.now(STARTED + timedelta(days=365))
    assert datetime(1970, 1, 1, tzinfo=UTC) == A_DAY_A_SECOND.now(STARTED - timedelta(days=365))


@pytest.mark.parametrize("speed", [0, -1, 0.9, float("nan"), float("inf"), 1e7])
def test_impossible_speeds_are_refused(speed: float) -> None:
    """Time passes forwards, at a finite speed, and never slower than real time."""
    with pytest.raises(ValidationError, match="speed"):
        Clock(real_anchor=STARTED, policy_anchor=BOUGHT, speed=speed)


def test_naive_datetimes_are_refused() -> None:
    """A clock does not guess a time zone."""
    naive = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - the case under test

    with pytest.raises(ValueError, match="needs a time zone"):
        A_DAY_A_SECOND.now(naive)
    with pytest.raises(ValueError, match="needs a time zone"):
        A_DAY_A_SECOND.real_instant(naive)


def test_travels_as_json() -> None:
    """An order carries its clock to the worker and gets the same clock there."""
    assert A_DAY_A_SECOND == Clock.model_validate_json(A_DAY_A_SECOND.model_dump_json())
