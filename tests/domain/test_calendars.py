"""Deadline arithmetic at its edges: clock changes, weekends, holidays, lunch breaks, year ends."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.calendars import (
    Calendar,
    after,
    at_share,
    before,
    business_seconds,
    describe,
    is_business_day,
    known_time_zone,
    run_on,
)
from domain.holidays_data import holidays_of
from domain.spans import Span, Unit

OFFICE_WEEK = (("09:00-12:00", "13:00-17:00"),) * 5 + ((), ())

BERLIN = Calendar(
    name="berlin",
    time_zone="Europe/Berlin",
    hours=OFFICE_WEEK,
    holidays=(date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)),
    holiday_region="DE",
)
NEW_YORK = Calendar(
    name="new york",
    time_zone="America/New_York",
    hours=OFFICE_WEEK,
    holidays=(date(2026, 11, 26), date(2026, 12, 25), date(2027, 1, 1)),
    holiday_region="US",
)
BERLIN_ALWAYS_OPEN = Calendar(name="always", time_zone="Europe/Berlin", weekend=(), hours=(("00:00-24:00",),) * 7)
DAYS_ONLY = Calendar(name="days only", time_zone="Europe/Berlin")


def at(text: str, calendar: Calendar) -> datetime:
    """The wall-clock time in the calendar's zone; its first occurrence where it occurs twice."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(calendar.time_zone)).astimezone(UTC)


def utc(text: str) -> datetime:
    """The instant that `text` writes without its offset."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "span", "end"),
    [
        # Clocks go forward on 2026-03-29 in Berlin and on 2026-03-08 in New York.
        pytest.param(BERLIN, "2026-03-28T12:00", "24 h", "2026-03-29T13:00", id="hours-across-spring"),
        pytest.param(BERLIN, "2026-03-28T12:00", "1 CD", "2026-03-29T12:00", id="day-across-spring"),
        pytest.param(NEW_YORK, "2026-03-07T12:00", "24 h", "2026-03-08T13:00", id="hours-across-spring-ny"),
        pytest.param(NEW_YORK, "2026-03-07T12:00", "1 CD", "2026-03-08T12:00", id="day-across-spring-ny"),
        # Clocks go back on 2026-10-25 in Berlin and on 2026-11-01 in New York.
        pytest.param(BERLIN, "2026-10-24T12:00", "24 h", "2026-10-25T11:00", id="hours-across-autumn"),
        pytest.param(BERLIN, "2026-10-24T12:00", "1 CD", "2026-10-25T12:00", id="day-across-autumn"),
        pytest.param(NEW_YORK, "2026-10-31T12:00", "24 h", "2026-11-01T11:00", id="hours-across-autumn-ny"),
        pytest.param(NEW_YORK, "2026-10-31T12:00", "1 CD", "2026-11-01T12:00", id="day-across-autumn-ny"),
        pytest.param(BERLIN, "2026-12-30T09:00", "30 min", "2026-12-30T09:30", id="minutes"),
        pytest.param(BERLIN, "2026-12-30T09:00", "7 CD", "2027-01-06T09:00", id="days-across-year-end"),
        pytest.param(BERLIN, "2028-02-28T09:00", "2 CD", "2028-03-01T09:00", id="days-across-leap-day"),
        pytest.param(BERLIN, "2026-11-20T15:00", "1 BD", "2026-11-23T15:00", id="friday-to-monday"),
        pytest.param(BERLIN, "2026-11-21T15:00", "1 BD", "2026-11-24T00:00", id="saturday-starts-monday"),
        pytest.param(BERLIN, "2026-11-22T23:59", "0 BD", "2026-11-23T00:00", id="sunday-moves-to-monday"),
        pytest.param(BERLIN, "2026-12-24T10:00", "1 BD", "2026-12-28T10:00", id="over-christmas"),
        pytest.param(BERLIN, "2026-12-30T10:00", "3 BD", "2027-01-05T10:00", id="business-days-over-new-year"),
        pytest.param(NEW_YORK, "2026-11-25T10:00", "2 BD", "2026-11-30T10:00", id="over-thanksgiving"),
        pytest.param(BERLIN, "2026-03-27T16:00", "1 BD", "2026-03-30T16:00", id="business-day-across-spring"),
        pytest.param(BERLIN, "2026-11-23T10:00", "2 BH", "2026-11-23T12:00", id="ends-with-the-interval"),
        pytest.param(BERLIN, "2026-11-23T10:00", "3 BH", "2026-11-23T14:00", id="over-lunch"),
        pytest.param(BERLIN, "2026-11-23T12:30", "1 BH", "2026-11-23T14:00", id="from-lunch"),
        pytest.param(BERLIN, "2026-11-20T16:00", "2 BH", "2026-11-23T10:00", id="over-the-weekend"),
        pytest.param(BERLIN, "2026-11-20T16:00", "1 BH", "2026-11-20T17:00", id="ends-on-friday-evening"),
        pytest.param(BERLIN, "2026-12-24T16:00", "2 BH", "2026-12-28T10:00", id="hours-over-christmas"),
        pytest.param(BERLIN, "2026-11-21T10:00", "0 BH", "2026-11-21T10:00", id="no-hours-move-nothing"),
        pytest.param(BERLIN_ALWAYS_OPEN, "2026-03-29T00:00", "3 BH", "2026-03-29T04:00", id="hours-in-spring"),
        pytest.param(BERLIN_ALWAYS_OPEN, "2026-10-25T00:00", "4 BH", "2026-10-25T03:00", id="hours-in-autumn"),
    ],
)
def test_after(calendar: Calendar, start: str, span: str, end: str) -> None:
    """Hours elapse; days keep the wall-clock time; business time skips what is closed."""
    assert at(end, calendar) == after(at(start, calendar), Span.parse(span), calendar)


@pytest.mark.parametrize(
    ("calendar", "start", "end"),
    [
        pytest.param(BERLIN, "2026-03-28T02:30", "2026-03-29T01:00", id="berlin-gap-ends-at-03:00"),
        pytest.param(NEW_YORK, "2026-03-07T02:30", "2026-03-08T07:00", id="new-york-gap-ends-at-03:00"),
        pytest.param(BERLIN, "2026-10-24T02:30", "2026-10-25T00:30", id="berlin-first-02:30"),
        pytest.param(NEW_YORK, "2026-10-31T01:30", "2026-11-01T05:30", id="new-york-first-01:30"),
    ],
)
def test_wall_times_that_are_skipped_or_repeated(calendar: Calendar, start: str, end: str) -> None:
    """A skipped wall-clock time becomes the end of the gap, a repeated one its first occurrence."""
    assert utc(end) == after(at(start, calendar), Span(1, "CD"), calendar)


def test_a_day_that_a_zone_skipped() -> None:
    """Samoa had no 2011-12-30: a day after the 29th is the first instant of the 31st."""
    apia = Calendar(name="apia", time_zone="Pacific/Apia")

    assert at("2011-12-31T00:00", apia) == after(at("2011-12-29T15:00", apia), Span(1, "CD"), apia)


def test_nothing_moves_in_a_repeated_hour_without_reason() -> None:
    """A span of no days leaves an instant where it is, also in the second of two equal hours."""
    second = utc("2026-10-25T01:30")

    assert second == after(second, Span(0, "CD"), BERLIN_ALWAYS_OPEN)
    assert second == after(second, Span(0, "BD"), BERLIN_ALWAYS_OPEN)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        pytest.param("2026-03-29T12:00", "24 h", "2026-03-28T11:00", id="hours-across-spring"),
        pytest.param("2026-03-30T02:30", "1 CD", "2026-03-29T03:00", id="day-into-the-gap"),
        pytest.param("2026-11-26T09:00", "3 CD", "2026-11-23T09:00", id="reminder-three-days-before"),
        pytest.param("2026-11-23T15:00", "1 BD", "2026-11-20T15:00", id="monday-to-friday"),
        pytest.param("2026-11-22T15:00", "1 BD", "2026-11-20T00:00", id="sunday-counts-from-friday-night"),
        pytest.param("2026-12-28T10:00", "1 BD", "2026-12-24T10:00", id="over-christmas"),
        pytest.param("2026-11-23T14:00", "3 BH", "2026-11-23T10:00", id="over-lunch"),
        pytest.param("2026-11-23T10:00", "2 BH", "2026-11-20T16:00", id="over-the-weekend"),
        pytest.param("2026-11-23T10:00", "1 BH", "2026-11-23T09:00", id="stops-at-opening-time"),
        pytest.param("2026-11-22T10:00", "0 BH", "2026-11-22T10:00", id="no-hours-move-nothing"),
    ],
)
def test_before(start: str, span: str, end: str) -> None:
    """Counting backwards follows the same rules."""
    assert at(end, BERLIN) == before(at(start, BERLIN), Span.parse(span), BERLIN)


@pytest.mark.parametrize(
    ("start", "span", "share", "end"),
    [
        pytest.param("2026-11-23T09:00", "72 h", 0.75, "2026-11-25T15:00", id="elapsed"),
        pytest.param("2026-11-23T09:00", "8 BH", 0.75, "2026-11-23T16:00", id="business-hours"),
        pytest.param("2026-11-20T16:00", "4 BH", 0.5, "2026-11-23T10:00", id="business-hours-over-weekend"),
        pytest.param("2026-11-20T00:00", "2 BD", 0.75, "2026-11-23T12:00", id="business-days-skip-weekend"),
        pytest.param("2026-11-20T12:00", "4 BD", 0.0, "2026-11-20T12:00", id="none"),
        pytest.param("2026-11-20T00:00", "1 BD", 1.0, "2026-11-23T00:00", id="all"),
    ],
)
def test_at_share(start: str, span: str, share: float, end: str) -> None:
    """A warning at a share of a span falls in business time when the span is counted in it."""
    assert at(end, BERLIN) == at_share(at(start, BERLIN), Span.parse(span), BERLIN, share)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_share_outside_the_span_is_refused(share: float) -> None:
    """A share of a span lies within it."""
    with pytest.raises(ValueError, match="a share lies between 0 and 1"):
        at_share(utc("2026-11-23T09:00"), Span(1, "h"), BERLIN, share)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 23), True),
        (date(2026, 11, 21), False),
        (date(2026, 11, 22), False),
        (date(2026, 12, 25), False),
        (date(2026, 12, 28), True),
    ],
)
def test_is_business_day(day: date, expected: bool) -> None:
    """A business day is neither in the weekend nor a holiday."""
    assert expected is is_business_day(day, BERLIN)


def test_weekend_is_the_calendars_own() -> None:
    """Where the weekend is Friday and Saturday, Sunday is a business day."""
    riyadh = Calendar(name="riyadh", time_zone="Asia/Riyadh", weekend=(4, 5))

    assert is_business_day(date(2026, 11, 22), riyadh)
    assert not is_business_day(date(2026, 11, 20), riyadh)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        pytest.param("2026-11-23T00:00", "2026-11-24T00:00", 7, id="a-day-without-lunch"),
        pytest.param("2026-11-23T12:00", "2026-11-23T13:00", 0, id="lunch"),
        pytest.param("2026-11-23T11:30", "2026-11-23T13:30", 1, id="around-lunch"),
        pytest.param("2026-11-21T00:00", "2026-11-23T00:00", 0, id="weekend"),
        pytest.param("2026-12-24T00:00", "2026-12-29T00:00", 14, id="christmas"),
        pytest.param("2026-11-23T10:00", "2026-11-23T09:00", -1, id="backwards"),
    ],
)
def test_business_seconds(start: str, end: str, hours: int) -> None:
    """Only open time counts, and it counts against the sign of the direction."""
    assert hours * 3600.0 == business_seconds(at(start, BERLIN), at(end, BERLIN), BERLIN)


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)],
    ids=["spring", "autumn", "plain"],
)
def test_a_day_is_as_long_as_it_lasts(day: str, hours: int) -> None:
    """Open time is elapsed time: 23 or 25 hours on the days of a clock change."""
    start = at(day, BERLIN_ALWAYS_OPEN)
    end = after(start, Span(1, "CD"), BERLIN_ALWAYS_OPEN)

    assert hours * 3600.0 == business_seconds(start, end, BERLIN_ALWAYS_OPEN)


def test_business_hours_need_open_hours() -> None:
    """A calendar without hours refuses business hours at once instead of searching for ever."""
    with pytest.raises(ValueError, match="calendar 'days only' has no open hours"):
        after(utc("2026-11-23T09:00"), Span(1, "BH"), DAYS_ONLY)
    with pytest.raises(ValueError, match="calendar 'days only' has no open hours"):
        business_seconds(utc("2026-11-23T09:00"), utc("2026-11-24T09:00"), DAYS_ONLY)


@pytest.mark.parametrize("span", ["3660 BD", "80000 BH"])
def test_searches_are_bounded(span: str) -> None:
    """A span that does not end within ten years is refused."""
    with pytest.raises(ValueError, match="does not end within 3660 days"):
        after(utc("2026-11-23T09:00"), Span.parse(span), BERLIN)


def test_a_business_that_never_opens_is_refused() -> None:
    """Hours that holidays always cover are found out by the bound."""
    closed = tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(4000))
    shut = Calendar(name="shut", time_zone="UTC", hours=OFFICE_WEEK, holidays=closed)

    with pytest.raises(ValueError, match="does not end within 3660 days"):
        after(utc("2026-01-02T09:00"), Span(1, "BH"), shut)
    with pytest.raises(ValueError, match="does not end within 3660 days"):
        before(utc("2036-11-01T09:00"), Span(1, "BD"), shut)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_zone": "Europe/Atlantis"}, "'Europe/Atlantis' is not a time zone"),
        ({"time_zone": "../etc/passwd"}, "is not a time zone"),
        ({"time_zone": "Europe"}, "'Europe' is not a time zone"),
        ({"time_zone": "x" * 100_000}, "is not a time zone"),
        ({"weekend": (5, 7)}, "holds weekdays from 0"),
        ({"weekend": tuple(range(7))}, "leaves no business day"),
        ({"hours": (("09:00-17:00",),) * 5}, "needs seven entries"),
        ({"hours": (("9-17",),) * 5 + ((), ())}, "'9-17' is not an opening time"),
        ({"hours": (("17:00-09:00",),) * 5 + ((), ())}, "must end after it starts"),
        ({"hours": (("09:00-09:00",),) * 5 + ((), ())}, "must end after it starts"),
        ({"hours": (("09:00-24:30",),) * 5 + ((), ())}, "by 24:00"),
        ({"hours": (("13:00-17:00", "09:00-12:00"),) * 5 + ((), ())}, "start after the interval before it"),
        ({"hours": (("09:00-12:00", "11:00-17:00"),) * 5 + ((), ())}, "start after the interval before it"),
        ({"hours": (("09:00-12:00",),) * 6 + ((),)}, "has hours on Saturday, which is in its weekend"),
    ],
)
def test_contradictory_calendars_are_refused(changes: dict[str, Any], message: str) -> None:
    """A calendar that cannot be meant is refused with what is wrong about it."""
    with pytest.raises(ValidationError, match=message):
        Calendar.model_validate({"name": "bad", "time_zone": "UTC", **changes})


def test_naive_datetimes_are_refused() -> None:
    """No function guesses a time zone."""
    naive = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - the case under test

    with pytest.raises(ValueError, match="needs a time zone"):
        after(naive, Span(1, "h"), BERLIN)
    with pytest.raises(ValueError, match="needs a time zone"):
        before(naive, Span(1, "CD"), BERLIN)
    with pytest.raises(ValueError, match="needs a time zone"):
        at_share(naive, Span(1, "BH"), BERLIN, 0.75)
    with pytest.raises(ValueError, match="needs a time zone"):
        business_seconds(naive, utc("2026-11-24T09:00"), BERLIN)


def test_a_changed_copy_counts_by_the_change() -> None:
    """What is remembered about a calendar never outlives a change of it."""
    assert is_business_day(date(2026, 11, 24), BERLIN)

    changed = BERLIN.model_copy(update={"holidays": (date(2026, 11, 24),)})

    assert not is_business_day(date(2026, 11, 24), changed)


def test_calendar_travels_as_json() -> None:
    """A calendar pinned to an order comes back equal and hashable."""
    copy = Calendar.model_validate_json(BERLIN.model_dump_json())

    assert copy == BERLIN
    assert hash(copy) == hash(BERLIN)


@pytest.mark.parametrize(
    ("calendar", "span", "text"),
    [
        (NEW_YORK, None, "business days, America/New_York, without US holidays"),
        (NEW_YORK, "5 BD", "5 business days, America/New_York, without US holidays"),
        (NEW_YORK, "24 BH", "24 business hours, America/New_York, without US holidays"),
        (NEW_YORK, "7 CD", "7 calendar days, America/New_York"),
        (NEW_YORK, "72 h", "72 hours"),
        (DAYS_ONLY, "1 BD", "1 business day, Europe/Berlin"),
        (
            NEW_YORK.model_copy(update={"holiday_region": ""}),
            None,
            "business days, America/New_York, without holidays",
        ),
    ],
)
def test_describe(calendar: Calendar, span: str | None, text: str) -> None:
    """People read how a deadline is counted, and nothing that does not bear on it."""
    assert text == describe(calendar, None if span is None else Span.parse(span))


def test_known_time_zone() -> None:
    """A time zone is known by its IANA name."""
    assert known_time_zone("Europe/Berlin") == "Europe/Berlin"


def test_holidays_become_data() -> None:
    """The holidays of a country are plain dates in order, with days observed in lieu."""
    independence_day = (date(2026, 7, 3), date(2026, 7, 4))

    found = holidays_of("US", range(2026, 2028))

    assert set(independence_day) <= set(found)
    assert tuple(sorted(found)) == found
    assert {day.year for day in found} == {2026, 2027}


def test_holidays_of_a_subdivision() -> None:
    """Epiphany is a holiday in Bavaria and not in all of Germany."""
    epiphany = date(2026, 1, 6)

    assert epiphany in holidays_of("DE", range(2026, 2027), "BY")
    assert epiphany not in holidays_of("DE", range(2026, 2027))


@pytest.mark.parametrize(
    ("country", "years", "subdivision", "message"),
    [
        ("ZZ", range(2026, 2027), None, "no holidays known for 'ZZ'"),
        ("DE", range(2026, 2027), "QQ", "no holidays known for 'DE-QQ'"),
        ("US", range(2026, 2026), None, "need at least one year"),
    ],
)
def test_unknown_holidays_are_refused(country: str, years: range, subdivision: str | None, message: str) -> None:
    """A misspelt country is an error, never a year without holidays."""
    with pytest.raises(ValueError, match=message):
        holidays_of(country, years, subdivision)


# The laws hold for every zone; these have clock changes at night, at midnight and of half an hour.
HAVANA = BERLIN_ALWAYS_OPEN.model_copy(update={"name": "havana", "time_zone": "America/Havana"})
LORD_HOWE = BERLIN.model_copy(update={"name": "lord howe", "time_zone": "Australia/Lord_Howe"})

calendars = st.sampled_from((BERLIN, NEW_YORK, BERLIN_ALWAYS_OPEN, HAVANA, LORD_HOWE))
anywhere = st.integers(0, 3 * 366 * 86_400).map(lambda n: utc("2026-01-01T00:00") + timedelta(seconds=n))
# Most instants lie far from a clock change; half of them are drawn close to one.
near_changes = st.builds(
    lambda text, n: utc(text) + timedelta(seconds=n),
    st.sampled_from(
        ("2026-03-08T06:00", "2026-03-29T01:00", "2026-04-04T15:00", "2026-10-25T01:00", "2026-11-01T06:00")
    ),
    st.integers(-2 * 86_400, 2 * 86_400),
)
instants = anywhere | near_changes
units: st.SearchStrategy[Unit] = st.sampled_from(("min", "h", "CD", "BD", "BH"))
amounts = st.integers(0, 30)
laws = settings(max_examples=60, deadline=None)


def shown_once(instant: datetime, calendar: Calendar) -> bool:
    """Whether the wall clock shows this time only once."""
    local = instant.astimezone(ZoneInfo(calendar.time_zone))
    return local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()


@laws
@given(calendars, instants, st.integers(0, 3 * 86_400), amounts, units)
def test_later_instants_end_later(calendar: Calendar, start: datetime, gap: int, amount: int, unit: Unit) -> None:
    """`after` never answers earlier for a later instant whose wall-clock time is unique."""
    later = start + timedelta(seconds=gap)
    assume(shown_once(start, calendar) and shown_once(later, calendar))

    assert after(start, Span(amount, unit), calendar) <= after(later, Span(amount, unit), calendar)


@laws
@given(calendars, instants, amounts, amounts, units)
def test_longer_spans_end_later(calendar: Calendar, start: datetime, one: int, other: int, unit: Unit) -> None:
    """`after` never answers earlier for a longer span, and never before the start."""
    short, long = sorted((one, other))

    assert start <= after(start, Span(short, unit), calendar) <= after(start, Span(long, unit), calendar)


@laws
@given(calendars, instants, amounts, units)
def test_before_lies_before(calendar: Calendar, due: datetime, amount: int, unit: Unit) -> None:
    """A reminder before an instant never falls after it."""
    assert before(due, Span(amount, unit), calendar) <= due


@laws
@given(calendars, instants, st.integers(0, 87_840), st.sampled_from(("min", "h")))
def test_elapsed_spans_are_undone(calendar: Calendar, start: datetime, amount: int, unit: Unit) -> None:
    """Going an elapsed span forwards and back ends where it began."""
    span = Span(amount, unit)

    assert start == before(after(start, span, calendar), span, calendar)


@laws
@given(calendars, instants, instants, instants)
def test_business_time_adds_up(calendar: Calendar, one: datetime, two: datetime, three: datetime) -> None:
    """Open time over two adjacent stretches is the open time over both."""
    parts = business_seconds(one, two, calendar) + business_seconds(two, three, calendar)

    assert parts == business_seconds(one, three, calendar)


@laws
@given(calendars, instants, st.integers(1, 60))
def test_business_hours_are_used_up_exactly(calendar: Calendar, start: datetime, amount: int) -> None:
    """BH end, counted forwards or back, at the exact instant at which the amount is used up, while open."""
    due = after(start, Span(amount, "BH"), calendar)
    begin = before(start, Span(amount, "BH"), calendar)
    second = timedelta(seconds=1)

    assert amount * 3600.0 == business_seconds(start, due, calendar)
    assert amount * 3600.0 == business_seconds(begin, start, calendar)
    assert business_seconds(due - second, due, calendar) == 1.0
    assert business_seconds(begin, begin + second, calendar) == 1.0


@laws
@given(calendars, instants, st.integers(1, 30), units, st.floats(0, 1), st.floats(0, 1))
def test_shares_are_in_order(
    calendar: Calendar, since: datetime, amount: int, unit: Unit, one: float, other: float
) -> None:
    """A larger share of a span is never reached earlier, and no share after the span's end."""
    span = Span(amount, unit)
    small, large = sorted((one, other))

    first = at_share(since, span, calendar, small)
    second = at_share(since, span, calendar, large)

    assert since <= first <= second <= after(since, span, calendar)


def test_a_stopped_business_clock_keeps_its_open_hours() -> None:
    """Two open hours were left when it stopped; running on at night, it is due two open hours into the next day."""
    stopped, due = at("2026-11-23 15:00", NEW_YORK), at("2026-11-23 17:00", NEW_YORK)
    resumed = at("2026-11-23 23:00", NEW_YORK)
    assert at("2026-11-24 11:00", NEW_YORK) == run_on(stopped, due, resumed, NEW_YORK)


def test_a_business_clock_that_stood_still_for_a_weekend_is_due_in_office_hours() -> None:
    """What stops on Friday afternoon and runs on on Saturday is due on Monday."""
    stopped, due = at("2026-11-20 16:00", NEW_YORK), at("2026-11-23 10:00", NEW_YORK)
    assert at("2026-11-23 11:00", NEW_YORK) == run_on(stopped, due, at("2026-11-21 12:00", NEW_YORK), NEW_YORK)
