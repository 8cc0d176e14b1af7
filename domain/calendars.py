"""Deadline arithmetic: calendar days, business days and business hours, right across daylight-saving changes.

All functions are pure, take any aware datetime and return UTC.
A naive datetime is refused with ValueError.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import field_validator, model_validator

from domain.base import Model, utc
from domain.spans import MAX_DAYS, Span

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_NOTHING: Final = timedelta(0)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_INTERVAL: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")

_Hours: TypeAlias = tuple[tuple[timedelta, timedelta], ...]
_Direction: TypeAlias = Literal[1, -1]


class Calendar(Model):
    """Where and when a promise is counted.

    `time_zone` is an IANA name.
    `weekend` holds the weekdays without business, Monday being 0.
    `hours` holds, for each weekday from Monday, the half-open intervals during which the business is open,
    for example `("09:00-12:00", "13:00-17:30")`; a weekday with none is closed. It has seven entries, or none
    for a calendar that only counts days. `24:00` ends a day.
    `holidays` are local dates without business, and `holiday_region` says to people whose they are.

    Refuses an unknown time zone, a week without business days, unordered or overlapping hours,
    and hours on a weekend day.
    """

    name: str
    time_zone: str
    weekend: tuple[int, ...] = (5, 6)
    hours: tuple[tuple[str, ...], ...] = ()
    holidays: tuple[date, ...] = ()
    holiday_region: str = ""

    @field_validator("time_zone")
    @classmethod
    def _known_time_zone(cls, value: str) -> str:
        return known_time_zone(value)

    @field_validator("weekend")
    @classmethod
    def _leaves_business_days(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(day not in range(len(_WEEKDAYS)) for day in value):
            raise ValueError("holds weekdays from 0 (Monday) to 6 (Sunday)")
        if len(set(value)) == len(_WEEKDAYS):
            raise ValueError("leaves no business day: take a weekday out")
        return tuple(sorted(set(value)))

    @field_validator("hours")
    @classmethod
    def _readable_hours(cls, value: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        if len(value) not in (0, len(_WEEKDAYS)):
            raise ValueError(f"needs seven entries, Monday to Sunday (empty for a closed day), not {len(value)}")
        for day in value:
            _parse_hours(day)
        return value

    @field_validator("holidays")
    @classmethod
    def _in_order(cls, value: tuple[date, ...]) -> tuple[date, ...]:
        return tuple(sorted(set(value)))

    @model_validator(mode="after")
    def _closed_at_the_weekend(self) -> Self:
        for weekday in self.weekend:
            if self.hours and self.hours[weekday]:
                raise ValueError(
                    f"calendar '{self.name}' has hours on {_WEEKDAYS[weekday]}, which is in its weekend: "
                    "take one of the two away"
                )
        return self


def after(instant: datetime, span: Span, calendar: Calendar) -> datetime:
    """The instant (UTC) at which `span`, begun at `instant`, has run out.

    - min, h: elapsed time.
    - CD: the same local wall-clock time that many days later.
    - BD: the same wall-clock time on that many business days later;
      on a day without business, counting starts at 00:00 of the next business day.
    - BH: the exact instant at which that much open time is used up, which may be an interval's end
      but never the next one's start.

    A wall-clock time that a clock change skips becomes the first instant after the gap;
    one that occurs twice means its first occurrence.
    No span of zero moves an instant, except 0 BD on a day without business.

    The result never lies earlier for a later instant or a longer span, with one exception that comes with
    wall-clock time: within an hour that a clock set back repeats, CD and BD follow the wall clock back.

    Raises ValueError for a BH span in a calendar without hours, and if the span does not end within ten years
    (3660 days).
    """
    return _move(utc(instant), span, calendar, 1)


def before(instant: datetime, span: Span, calendar: Calendar) -> datetime:
    """The instant (UTC) that lies `span` before `instant`, for reminders such as "3 CD before".

    Counts as `after` does, backwards:
    from a day without business, business days are counted from the end (24:00) of the last business day.

    Raises ValueError as `after` does.
    """
    return _move(utc(instant), span, calendar, -1)


def at_share(since: datetime, span: Span, calendar: Calendar, share: float) -> datetime:
    """The instant (UTC) at which `share` (0 to 1) of `span`, begun at `since`, has run: 0.75 to warn at 75 %.

    BH are shared out over open time and BD over the hours of business days, so that a warning falls
    when somebody can act on it; other spans over elapsed time.
    A share of 1 is `after(since, span, calendar)`.

    Raises ValueError for a share outside 0 to 1, and as `after` does.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, not {share}")
    since = utc(since)
    due = after(since, span, calendar)
    if share == 1:
        return due
    match span.unit:
        case "BH":
            table = _open_hours(calendar)
        case "BD":
            table = _whole_days(calendar)
        case _:
            return since + (due - since) * share
    return _use_up(since, _open_time(since, due, table) * share, table, 1)


def run_on(stopped: datetime, due: datetime, resumed: datetime, calendar: Calendar) -> datetime:
    """When (UTC) a clock in open hours is up that stood still from `stopped` to `resumed`, with what it had left."""
    table = _open_hours(calendar)
    return _use_up(resumed, _open_time(stopped, due, table), table, 1)


def known_time_zone(name: str) -> str:
    """`name` itself, if it is an IANA time zone; raises ValueError otherwise."""
    _zone(name)
    return name


def is_business_day(day: date, calendar: Calendar) -> bool:
    """Whether the local date is neither in the weekend nor a holiday; office hours do not matter."""
    return _whole_days(calendar).has_business(day.toordinal())


def business_seconds(start: datetime, end: datetime, calendar: Calendar) -> float:
    """How many seconds the business is open from `start` to `end`; negative if `end` is the earlier one.

    Raises ValueError for a calendar without hours, and for instants more than ten years apart.
    """
    return _open_time(utc(start), utc(end), _open_hours(calendar)).total_seconds()


def describe(calendar: Calendar, span: Span | None = None) -> str:
    """For people, in English: "5 business days, America/New_York, without US holidays".

    Without a span: "business days, America/New_York, without US holidays".
    Elapsed time needs no calendar and reads "72 hours".
    """
    counted = "business days" if span is None else span.describe()
    if span is not None and span.unit in ("min", "h"):
        return counted
    parts = [counted, calendar.time_zone]
    if calendar.holidays and not (span is not None and span.unit == "CD"):
        parts.append(f"without {calendar.holiday_region} holidays" if calendar.holiday_region else "without holidays")
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class _Timetable:
    """A calendar made ready for counting: days are `date` ordinals, times are offsets from local midnight."""

    name: str
    zone: ZoneInfo
    weekend: frozenset[int]
    holidays: frozenset[int]
    hours: tuple[_Hours, ...]

    def has_business(self, ordinal: int) -> bool:
        return (ordinal + 6) % 7 not in self.weekend and ordinal not in self.holidays

    def intervals(self, instant: datetime, direction: _Direction) -> Iterator[tuple[datetime, datetime]]:
        """Open intervals in UTC from the local day of `instant` on, or back; the first may lie across it."""
        # Where a clock is set back across midnight, the local date of an instant can be behind by one.
        ordinal = instant.astimezone(self.zone).toordinal() + (0 if direction == 1 else 1)
        for _ in range(MAX_DAYS + 2):
            if self.has_business(ordinal):
                midnight = datetime.fromordinal(ordinal)
                for opens, closes in self.hours[(ordinal + 6) % 7][::direction]:
                    yield _from_wall(midnight + opens, self.zone), _from_wall(midnight + closes, self.zone)
            ordinal += direction


def _move(instant: datetime, span: Span, calendar: Calendar, direction: _Direction) -> datetime:
    match span.unit:
        case "CD":
            return _move_calendar_days(instant, span.amount * direction, _zone(calendar.time_zone))
        case "BD":
            return _move_business_days(instant, span.amount, _whole_days(calendar), direction)
        case "BH":
            return _use_up(instant, timedelta(hours=span.amount), _open_hours(calendar), direction)
        case "h":
            return instant + timedelta(hours=span.amount * direction)
        case "min":
            return instant + timedelta(minutes=span.amount * direction)


def _move_calendar_days(instant: datetime, days: int, zone: ZoneInfo) -> datetime:
    if days == 0:
        return instant
    return _from_wall(instant.astimezone(zone).replace(tzinfo=None) + timedelta(days=days), zone)


def _move_business_days(instant: datetime, days: int, table: _Timetable, direction: _Direction) -> datetime:
    wall = instant.astimezone(table.zone).replace(tzinfo=None)
    today = wall.toordinal()
    if table.has_business(today):
        if days == 0:
            return instant
        time_of_day = wall - datetime.fromordinal(today)
    else:
        time_of_day = _NOTHING if direction == 1 else _DAY
    day = _nth_business_day(today, days, table, direction)
    return _from_wall(datetime.fromordinal(day) + time_of_day, table.zone)


def _nth_business_day(ordinal: int, count: int, table: _Timetable, direction: _Direction) -> int:
    """The business day `count` steps away; the day of `ordinal`, or else the next business day, is step 0."""
    for _ in range(MAX_DAYS + 1):
        if table.has_business(ordinal):
            if count == 0:
                return ordinal
            count -= 1
        ordinal += direction
    raise _too_far(table)


def _use_up(instant: datetime, amount: timedelta, table: _Timetable, direction: _Direction) -> datetime:
    """The instant at which `amount` of open time has passed since `instant`, or lies ahead until it."""
    if not amount:
        return instant
    for opens, closes in table.intervals(instant, direction):
        start = max(opens, instant) if direction == 1 else opens
        end = closes if direction == 1 else min(closes, instant)
        if end - start >= amount:
            return start + amount if direction == 1 else end - amount
        amount -= max(end - start, _NOTHING)
    raise _too_far(table)


def _open_time(start: datetime, end: datetime, table: _Timetable) -> timedelta:
    if end < start:
        return -_open_time(end, start, table)
    if end - start > MAX_DAYS * _DAY:
        raise _too_far(table)
    total = _NOTHING
    for opens, closes in table.intervals(start, 1):
        if opens >= end:
            break
        total += max(min(closes, end) - max(opens, start), _NOTHING)
    return total


def _too_far(table: _Timetable) -> ValueError:
    return ValueError(f"counting in calendar '{table.name}' does not end within {MAX_DAYS} days: shorten the span")


def _from_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which clocks in `zone` first show `wall` or, where they skip it, the end of the gap."""
    local = wall.replace(tzinfo=zone)
    offset = local.utcoffset() or _NOTHING
    later = local.replace(fold=1).utcoffset() or _NOTHING
    if offset >= later:
        return (wall - offset).replace(tzinfo=UTC)
    # In a gap the clocks go from `offset` to `later`; both changes and this search are in whole seconds.
    start = (wall - later).replace(microsecond=0, tzinfo=UTC)
    low, high = 0, (later - offset) // _SECOND
    while low < high:
        middle = (low + high) // 2
        if (start + middle * _SECOND).astimezone(zone).utcoffset() == offset:
            low = middle + 1
        else:
            high = middle
    return start + low * _SECOND


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    # KeyError: unknown; ValueError: not a relative path; OSError: a folder of the data, or too long a name.
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name[:40]!r} is not a time zone: write an IANA name such as Europe/Berlin") from None


@lru_cache(maxsize=512)
def _parse_hours(day: tuple[str, ...]) -> _Hours:
    intervals = []
    earliest = _NOTHING
    for text in day:
        found = _INTERVAL.fullmatch(text)
        if found is None:
            raise ValueError(f"{text[:40]!r} is not an opening time: write for example 09:00-12:30")
        opens = timedelta(hours=int(found[1]), minutes=int(found[2]))
        closes = timedelta(hours=int(found[3]), minutes=int(found[4]))
        if not earliest <= opens < closes <= _DAY:
            raise ValueError(f"'{text}' must end after it starts, by 24:00, and start after the interval before it")
        intervals.append((opens, closes))
        earliest = closes
    return tuple(intervals)


# Every order brings its own copy of its policy's calendar. Looking the timetable up by content shares one
# among them all, and cannot go stale when a calendar is copied with a change.
@lru_cache(maxsize=512)
def _timetable(
    name: str,
    time_zone: str,
    weekend: tuple[int, ...],
    hours: tuple[tuple[str, ...], ...],
    holidays: tuple[date, ...],
) -> _Timetable:
    return _Timetable(
        name=name,
        zone=_zone(time_zone),
        weekend=frozenset(weekend),
        holidays=frozenset(day.toordinal() for day in holidays),
        hours=tuple(_parse_hours(day) for day in hours),
    )


_WHOLE_DAYS: Final = (("00:00-24:00",),) * len(_WEEKDAYS)


def _whole_days(calendar: Calendar) -> _Timetable:
    return _timetable(calendar.name, calendar.time_zone, calendar.weekend, _WHOLE_DAYS, calendar.holidays)


def _open_hours(calendar: Calendar) -> _Timetable:
    if not any(calendar.hours):
        raise ValueError(f"calendar '{calendar.name}' has no open hours: give it hours, or count in h, CD or BD")
    return _timetable(calendar.name, calendar.time_zone, calendar.weekend, calendar.hours, calendar.holidays)
