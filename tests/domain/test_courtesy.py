"""When a notice may be mailed: never at night, reminders together, and never too late to act."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import wording
from domain.courtesy import due_of, mailed_at
from domain.parties import Role
from domain.policy import Courtesy
from domain.spans import Span
from domain.story import Notice

NIGHT = Courtesy(quiet_from="21:00", quiet_until="08:00", digest_at=("09:00",), margin=Span(12, "h"))
NO_DIGEST = NIGHT.model_copy(update={"digest_at": ()})
ZONES = ("UTC", "America/Los_Angeles", "Asia/Shanghai", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/Berlin")

laws = settings(max_examples=150, deadline=None)
instants = st.integers(0, 2 * 365 * 86_400).map(
    lambda after: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=after)
)
clocks = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))


@st.composite
def courtesies(draw: st.DrawFn) -> Courtesy:
    """Any rules that a pack may have."""
    begin, end = draw(st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1]))
    quiet = Courtesy(quiet_from=begin, quiet_until=end)
    digest_at = tuple(draw(st.lists(clocks.filter(lambda at: not quiet.quiet_at(at)), max_size=3)))
    return quiet.model_copy(update={"digest_at": digest_at, "margin": Span(draw(st.integers(0, 48)), "h")})


def notice(kind: str, at: datetime, due: datetime | None = None, **fields: object) -> Notice:
    """A notice to a seller, who lives in UTC unless told otherwise."""
    facts = {"due": wording.moment(due)} if due else {}
    made = Notice(key="k", subject="order-A-1", to=Role.SELLER, party_id="s-1", kind=kind, at=at, facts=facts)
    return made.model_copy(update=fields)


def at(text: str) -> datetime:
    """An instant in UTC, as in 03-02 23:00."""
    return datetime.fromisoformat(f"2026-{text}:00+00:00")


@pytest.mark.parametrize(
    ("kind", "now", "due", "expected"),
    [
        # News waits for the morning, and not for the digest.
        ("delivered", "03-02 20:59", None, "03-02 20:59"),
        ("delivered", "03-02 21:00", None, "03-03 08:00"),
        ("delivered", "03-03 07:59", None, "03-03 08:00"),
        ("delivered", "03-03 08:00", None, "03-03 08:00"),
        # A reminder waits for the digest.
        ("reminded", "03-02 10:00", "03-05 18:00", "03-03 09:00"),
        ("reminded", "03-02 23:00", "03-05 18:00", "03-03 09:00"),
        # Where the digest would come too late, only the night is kept.
        ("reminded", "03-02 10:00", "03-03 20:59", "03-02 10:00"),
        ("reminded", "03-02 10:00", "03-03 21:00", "03-03 09:00"),
        ("reminded", "03-02 22:00", "03-03 20:30", "03-03 08:00"),
        # Where the morning would come too late, nothing is kept.
        ("reminded", "03-02 22:00", "03-03 19:59", "03-02 22:00"),
        ("delivered", "03-02 22:00", "03-03 10:00", "03-02 22:00"),
        ("delivered", "03-02 22:00", "03-02 20:00", "03-02 22:00"),
    ],
)
def test_a_notice_is_mailed_when_its_reader_can_act(kind: str, now: str, due: str | None, expected: str) -> None:
    """By day at once, a reminder with the next digest, and at night only what cannot wait."""
    told = notice(kind, at(now), at(due) if due else None)

    assert at(expected) == mailed_at(told, NIGHT, at(now))


def test_a_digest_that_has_begun_is_not_missed() -> None:
    """A reminder that was held for a digest goes out when its time has come, not with the next one."""
    told = notice("reminded", at("03-02 10:00"), at("03-09 10:00"))

    assert at("03-03 09:00") == mailed_at(told, NIGHT, at("03-03 08:59"))
    assert at("03-03 09:00") == mailed_at(told, NIGHT, at("03-03 09:00"))
    assert at("03-03 09:05") == mailed_at(told, NIGHT, at("03-03 09:05"))


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.PLATFORM])
def test_the_desk_is_written_to_at_any_hour(role: Role) -> None:
    """Who works for the marketplace has hours of their own."""
    assert at("03-02 23:00") == mailed_at(notice("payment_stuck", at("03-02 23:00"), to=role), NIGHT, at("03-02 23:00"))


def test_orders_of_before_are_mailed_at_once() -> None:
    """A policy without such rules, as old orders carry it, holds nothing."""
    assert at("03-02 23:00") == mailed_at(notice("reminded", at("03-02 23:00")), Courtesy(), at("03-02 23:00"))


def test_the_night_is_where_the_reader_lives() -> None:
    """An hour that is day in one place is night in another."""
    told = notice("delivered", at("03-02 15:00"), time_zone="Asia/Shanghai")

    assert at("03-03 00:00") == mailed_at(told, NIGHT, at("03-02 15:00"))
    assert at("03-02 15:00") == mailed_at(
        told.model_copy(update={"time_zone": "Mars/Olympus"}), NIGHT, at("03-02 15:00")
    )


@laws
@given(
    courtesies(), instants, st.integers(0, 14 * 24 * 60), st.integers(0, 72 * 60), st.sampled_from(ZONES), st.booleans()
)
def test_nothing_is_held_beyond_its_deadline(
    rules: Courtesy, written: datetime, left: int, passed: int, zone: str, reminds: bool
) -> None:
    """Whatever the rules: not before now, and if it waits at all, the margin before its deadline is left."""
    written = written.replace(second=0, microsecond=0)
    now, due = written + timedelta(minutes=passed), written + timedelta(minutes=left)
    told = notice("reminded" if reminds else "delivered", written, due, time_zone=zone)

    mailed = mailed_at(told, rules, now)

    assert mailed >= now
    assert mailed == now or mailed <= due - rules.time_to_act
    assert due == due_of(told)


@laws
@given(courtesies(), instants, st.sampled_from(ZONES), st.booleans())
def test_what_may_wait_comes_by_day_and_soon(rules: Courtesy, now: datetime, zone: str, reminds: bool) -> None:
    """Without a deadline nothing is mailed in the quiet hours, and all within two days; once ripe, it stays ripe."""
    told = notice("reminded" if reminds else "delivered", now, time_zone=zone)

    mailed = mailed_at(told, rules, now)

    local = mailed.astimezone(ZoneInfo(zone))
    assert not rules.quiet_at(local.time().isoformat())
    assert mailed - now <= timedelta(days=2, hours=1)
    assert mailed == mailed_at(told, rules, mailed)
