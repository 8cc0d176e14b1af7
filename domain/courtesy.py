"""When a notice may be mailed: quiet hours, and reminders that wait for each other.

Pure: `now` and all results are policy time in UTC. What a reader must act on is never held past the instant at which
the policy's margin before its deadline begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from domain import wording
from domain.base import Model
from domain.calendars import known_time_zone
from domain.clock import REAL_TIME, Clock
from domain.parties import Role
from domain.policy import Courtesy, LocalTime
from domain.story import Notice

DIGESTED: Final = frozenset({"reminded"})
"""The kinds of notices that may wait for each other and come in one mail."""

_SPARED: Final = frozenset({Role.BUYER, Role.SELLER})
_DAY: Final = timedelta(days=1)


class Manner(Model):
    """How the notices of an order are delivered: the courtesy of its policy, and the clock of its time."""

    courtesy: Courtesy = Courtesy()
    clock: Clock = REAL_TIME


def digested(notice: Notice, courtesy: Courtesy) -> bool:
    """Whether this notice may wait for others and come with them."""
    return bool(courtesy.digest_at) and notice.kind in DIGESTED and notice.to in _SPARED


def due_of(notice: Notice) -> datetime | None:
    """The deadline that a notice names, to the minute; none if it names none."""
    return wording.instant(notice.facts.get("due", ""))


def mailed_at(notice: Notice, courtesy: Courtesy, now: datetime) -> datetime:
    """When the notice may be mailed: `now`, or the later instant at which it has waited long enough.

    Buyers and sellers are spared at night, and a reminder waits for the next digest after it was written.
    If that would leave less than `margin` before the deadline that the notice names, it waits for less or not at all.
    """
    if notice.to not in _SPARED:
        return now
    due = due_of(notice)
    for at in _waits(notice, courtesy, now):
        if due is None or at <= due - courtesy.time_to_act:
            return at
    return now


def _waits(notice: Notice, courtesy: Courtesy, now: datetime) -> Iterator[datetime]:
    zone = zone_of(notice)
    if digested(notice, courtesy):
        yield _quiet_over(courtesy, max(now, _next_digest(courtesy, notice.at, zone)), zone)
    yield _quiet_over(courtesy, now, zone)


def zone_of(notice: Notice) -> tzinfo:
    """The time zone of the reader; UTC where it is unknown here."""
    try:
        return ZoneInfo(known_time_zone(notice.time_zone))
    except ValueError:
        return UTC


def _next_digest(courtesy: Courtesy, at: datetime, zone: tzinfo) -> datetime:
    today = at.astimezone(zone).date()
    slots = (_instant(today + days * _DAY, slot, zone) for days in range(3) for slot in courtesy.digest_at)
    return min(slot for slot in slots if slot >= at)


def _quiet_over(courtesy: Courtesy, at: datetime, zone: tzinfo) -> datetime:
    """`at`, or the end of the quiet hours that it falls into."""
    local = at.astimezone(zone)
    clock = local.time().isoformat()
    if courtesy.quiet_until is None or not courtesy.quiet_at(clock):
        return at
    day = local.date() if clock < courtesy.quiet_until else local.date() + _DAY
    return max(at, _instant(day, courtesy.quiet_until, zone))


def _instant(day: date, clock: LocalTime, zone: tzinfo) -> datetime:
    """A local time as an instant; the later one where a clock is set back, and where it jumps over that time."""
    wall = datetime.combine(day, time.fromisoformat(clock), zone)
    return max(wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC))
