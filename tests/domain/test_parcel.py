"""Laws of a parcel: the carrier's word counts, in its own order, each event once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.parcel import MOST_EVENTS, Parcel, TrackingEvent, TrackingStatus

START = datetime(2026, 11, 2, 9, tzinfo=UTC)


def _event(status: TrackingStatus | str, hours: int = 0, event_id: str = "") -> TrackingEvent:
    return TrackingEvent(status=status, at=START + timedelta(hours=hours), event_id=event_id)


EVENTS = st.lists(
    st.builds(
        _event,
        st.one_of(st.sampled_from(TrackingStatus), st.sampled_from(["teleported", "customs"])),
        st.integers(0, 5),
        st.sampled_from(["", "e-1", "e-2"]),
    ),
    max_size=8,
)


@given(EVENTS, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_show(events: list[TrackingEvent], luck: Random) -> None:
    """Whatever order distinct news come in, and however often, the parcel is the same."""
    distinct = list({event.identity: event for event in events}.values())
    shuffled = [*distinct, *distinct]
    luck.shuffle(shuffled)
    at_once, _ = Parcel().hearing(distinct)
    one_by_one = Parcel()
    for event in shuffled:
        one_by_one, _ = one_by_one.hearing([event])

    assert at_once == one_by_one


@given(EVENTS, EVENTS)
def test_only_what_is_new_is_news(first: list[TrackingEvent], second: list[TrackingEvent]) -> None:
    """News are exactly the events that were not known, each once; hearing them again brings none."""
    parcel, _ = Parcel().hearing(first)
    after, news = parcel.hearing(second)

    known = {event.identity for event in parcel.events}
    assert {event.identity for event in second} - known == {event.identity for event in news}
    assert len(parcel.events) + len(news) == len(after.events)
    assert (after, ()) == after.hearing(second)


@given(EVENTS)
def test_events_are_in_the_carriers_order(events: list[TrackingEvent]) -> None:
    """Events are kept by the carrier's instants."""
    parcel, _ = Parcel().hearing(events)

    assert sorted(event.at for event in parcel.events) == [event.at for event in parcel.events]


def test_a_label_is_no_scan() -> None:
    """A label, an exception and a word unknown to this version do not count as handed over."""
    parcel, _ = Parcel().hearing([_event(TrackingStatus.LABEL_MADE), _event("teleported", 1), _event("exception", 2)])
    scanned, _ = parcel.hearing([_event(TrackingStatus.IN_TRANSIT, 3)])

    assert (None, START + timedelta(hours=2)) == (parcel.scanned_at, parcel.last_news_at)
    assert START + timedelta(hours=3) == scanned.scanned_at


def test_a_long_text_of_a_carrier_is_cut() -> None:
    """A carrier's text is cut, never refused, since the news would be lost with it."""
    event = TrackingEvent(status="delivered", at=START, detail="x" * 10_000)

    assert (500, TrackingStatus.DELIVERED) == (len(event.detail), event.status)


def test_an_instant_that_cannot_be_counts_from_when_it_was_heard() -> None:
    """A delivery before the purchase or in the future counts from now, and is known again however it is repeated."""
    now = START + timedelta(days=3)
    believed = _event(TrackingStatus.DELIVERED, 24)
    impossible = TrackingEvent(status="delivered", at=datetime(1970, 1, 1, tzinfo=UTC))
    never = TrackingEvent(status="delivered", at=datetime(2106, 2, 7, tzinfo=UTC))
    parcel, _ = Parcel().hearing([impossible.heard(now, START)])

    assert believed == believed.heard(now, START)
    assert (now, now) == (parcel.delivered_at, never.heard(now, START).at)
    assert (parcel, ()) == parcel.hearing([impossible.heard(now + timedelta(days=1), START)])
    assert (parcel, ()) == parcel.hearing([impossible])


def test_a_parcel_keeps_a_bounded_number_of_events() -> None:
    """Beyond the bound, repeated statuses are dropped; one not heard before, as the delivery, still counts."""
    flood = [_event(TrackingStatus.IN_TRANSIT, hours) for hours in range(MOST_EVENTS + 50)]
    full, news = Parcel().hearing(flood)
    delivered, last = full.hearing([_event("teleported"), _event(TrackingStatus.DELIVERED, 1), _event("delivered", 2)])

    assert (MOST_EVENTS, MOST_EVENTS) == (len(full.events), len(news))
    assert (1, START + timedelta(hours=1)) == (len(last), delivered.delivered_at)


def test_a_parcel_is_at_rest_where_it_has_arrived() -> None:
    """Delivered or back at its sender, a parcel needs no more looking after."""
    moving, _ = Parcel().hearing([_event(TrackingStatus.RETURNING)])
    back, _ = moving.hearing([_event(TrackingStatus.RETURNED, 1)])

    assert (False, True) == (moving.at_rest, back.at_rest)
    assert (START, START + timedelta(hours=1)) == (back.returning_at, back.returned_at)
