"""Laws of duties: shifts move them, a revoked one leaves no trace, and disruptions stay below their cap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.disruptions import disrupted
from domain.duties import Duty, DutyKind, Shift, Silence
from domain.messages import Disruption
from domain.parties import Role

SINCE = datetime(2026, 11, 2, 9, tzinfo=UTC)
DUE = SINCE + timedelta(days=7)
CAP = timedelta(days=10)
PAUSES = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pause: (pause[0], pause[0] + pause[1]))
"""Pauses by the hours after the start at which they begin and end."""
HOURS = st.integers(-100, 500).map(lambda hours: timedelta(hours=hours))


def a_duty(*reminders: int) -> Duty:
    """A seller ships within a week; reminders are days after the start."""
    return Duty(
        kind=DutyKind.SHIP,
        owner=Role.SELLER,
        since=SINCE,
        agreed_due=DUE,
        on_silence=Silence.BUYER_MAY_CANCEL,
        rule="trial/shipping.soft",
        calendar="7 calendar days",
        reminders=tuple(SINCE + timedelta(days=days) for days in reminders),
    )


def _disruption(name: str, since: timedelta, length: timedelta | None, clocks: tuple[str, ...]) -> Disruption:
    until = None if length is None else SINCE + since + length
    return Disruption(disruption_id=name, clocks=clocks, since=SINCE + since, until=until)


DISRUPTIONS = st.lists(
    st.builds(
        _disruption,
        st.sampled_from(["storm", "strike", "outage", "flood"]),
        HOURS,
        st.none() | HOURS,
        st.sampled_from([("ship",), ("ship", "report"), ("report",), ()]),
    ),
    max_size=4,
    unique_by=lambda disruption: disruption.disruption_id,
)


@given(DISRUPTIONS)
def test_disruptions_only_put_off_and_at_most_by_the_cap(disruptions: list[Disruption]) -> None:
    """However many and long, disruptions never bring a duty forward nor move it beyond their cap together."""
    due = disrupted(a_duty(), disruptions, CAP).due

    assert due is not None
    assert DUE <= due <= DUE + CAP


@given(DISRUPTIONS, DISRUPTIONS)
def test_only_the_disruptions_in_force_count(before: list[Disruption], now: list[Disruption]) -> None:
    """A disruption that was corrected or taken back leaves the duty as if it had never been."""
    assert disrupted(a_duty(), now, CAP) == disrupted(disrupted(a_duty(), before, CAP), now, CAP)
    assert a_duty() == disrupted(disrupted(a_duty(), before, CAP), [], CAP)


@given(DISRUPTIONS)
def test_a_disruption_moves_only_the_clocks_it_names(disruptions: list[Disruption]) -> None:
    """Without a disruption that names its kind, a duty stays where it is."""
    others = [disruption for disruption in disruptions if "ship" not in disruption.clocks]

    assert a_duty() == disrupted(a_duty(), others, CAP)


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_longer_disruption_never_moves_less(hours: int, more: int) -> None:
    """A deadline is monotonic in the length of what moves it."""
    short = disrupted(a_duty(), [_disruption("storm", timedelta(), timedelta(hours=hours), ("ship",))], CAP).due
    longer = disrupted(a_duty(), [_disruption("storm", timedelta(), timedelta(hours=hours + more), ("ship",))], CAP).due

    assert short is not None
    assert longer is not None
    assert short <= longer


def test_a_disruption_after_the_deadline_comes_too_late() -> None:
    """What begins when a duty was due already does not save it; one second earlier, it does."""
    too_late = _disruption("storm", timedelta(days=7), timedelta(days=1), ("ship",))
    in_time = _disruption("storm", timedelta(days=7, seconds=-1), timedelta(days=1), ("ship",))

    assert DUE == disrupted(a_duty(), [too_late], CAP).due
    assert DUE + timedelta(days=1) == disrupted(a_duty(), [in_time], CAP).due


def test_a_disruption_leaves_pauses_alone() -> None:
    """A clock that a case has stopped stands still, storm or not."""
    paused = a_duty().shifted(Shift(cause="case-A-1-1", since=SINCE))
    storm = _disruption("storm", timedelta(), timedelta(days=1), ("ship",))

    assert (None, True) == (disrupted(paused, [storm], CAP).due, paused.paused)
    assert paused == disrupted(disrupted(paused, [storm], CAP), [], CAP)


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_pause_gives_back_exactly_its_length(begins: int, lasts: int) -> None:
    """After a pause a duty has the time it had left; while it lasts, nobody is late and nobody is reminded."""
    since = SINCE + timedelta(hours=begins)
    open_pause = Shift(cause="case-A-1-1", since=since)
    ended = open_pause.model_copy(update={"until": since + timedelta(hours=lasts)})
    paused, resumed = a_duty(2, 3).shifted(open_pause), a_duty(2, 3).shifted(open_pause).shifted(ended)

    assert (None, None, False) == (paused.due, paused.next_reminder(), paused.lapsed_at(DUE + timedelta(days=99)))
    assert DUE + timedelta(hours=lasts) == resumed.due
    assert SINCE + timedelta(days=2, hours=lasts) == resumed.next_reminder()


@pytest.mark.parametrize("causes", [("chargeback", "appeal"), ("waiting for the sides", "waiting for the sides")])
@given(first=PAUSES, second=PAUSES)
def test_pauses_stop_a_clock_as_long_as_any_of_them(
    causes: tuple[str, str], first: tuple[int, int], second: tuple[int, int]
) -> None:
    """Two pauses at once give their union back, not their sum; two after each other give both, whatever the cause."""
    assume(len(set(causes)) > 1 or first[0] != second[0])  # otherwise it is the same pause, told again
    duty = a_duty()
    for cause, (begins, ends) in zip(causes, (first, second), strict=True):
        since, until = (SINCE + timedelta(hours=hours) for hours in (begins, ends))
        duty = duty.shifted(Shift(cause=cause, since=since, until=until))

    assert DUE + timedelta(hours=len({*range(*first), *range(*second)})) == duty.due


def test_a_duty_is_half_open() -> None:
    """A duty runs up to its instant: an act at that instant comes too late."""
    duty = a_duty()

    assert (False, True) == (duty.lapsed_at(DUE - timedelta(microseconds=1)), duty.lapsed_at(DUE))


@given(st.integers(-10, 200))
def test_sent_reminders_do_not_come_again(hours: int) -> None:
    """What lies before an instant is dropped, all at once; what lies after it stays."""
    at = SINCE + timedelta(hours=hours)
    left = a_duty(2, 3, 4, 6).without_reminders_before(at).reminders

    assert tuple(reminder for reminder in a_duty(2, 3, 4, 6).reminders if reminder > at) == left
