"""Journeys for the sandbox carrier: what happens to a parcel from the moment its label is made.

Each function gives the events of one journey, oldest first.
`start` is when the label is made (UTC, policy time), six hours before the first scan;
`transit` is the time from the first scan to the first attempt at delivery.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.parcel import TrackingEvent, TrackingStatus

Journey = tuple[TrackingEvent, ...]

TRANSIT = timedelta(days=4)
FIRST_SCAN = timedelta(hours=6)
AT_THE_DOOR = timedelta(hours=4)
"""From loading the van to the doorbell."""


def never_scanned(start: datetime) -> Journey:
    """A label is made, and the carrier never sees the parcel."""
    return (TrackingEvent(status=TrackingStatus.LABEL_MADE, at=start),)


def direct(start: datetime, transit: timedelta = TRANSIT) -> Journey:
    """All goes well: scanned, carried, delivered."""
    door = start + FIRST_SCAN + transit
    return (*_to_the_door(start, transit), _event(TrackingStatus.DELIVERED, door, "At the front door"))


def signed_for(start: datetime, transit: timedelta = TRANSIT) -> Journey:
    """All goes well, and the parcel is handed over against a signature."""
    *before, delivered = direct(start, transit)
    return (*before, delivered.model_copy(update={"detail": "Handed over", "signature": True}))


def late(start: datetime, transit: timedelta = TRANSIT, by: timedelta = timedelta(days=5)) -> Journey:
    """Delivered, but later than `transit` by `by`, after a delay that the carrier reports."""
    held = start + FIRST_SCAN + transit / 2
    delayed = _event(TrackingStatus.EXCEPTION, held + timedelta(hours=1), "Delayed at a sorting centre")
    return _ordered(*direct(start, transit + by), delayed)


def stalled_for_ever(start: datetime, transit: timedelta = TRANSIT) -> Journey:
    """Scanned half-way, and never again."""
    return _half_way(start, transit)


def lost(start: datetime, transit: timedelta = TRANSIT) -> Journey:
    """Half-way the carrier reports that it cannot find the parcel; after that it says nothing."""
    gone = start + FIRST_SCAN + transit
    return (*_half_way(start, transit), _event(TrackingStatus.EXCEPTION, gone, "Searching for the parcel"))


def lost_then_found(start: datetime, transit: timedelta = TRANSIT, silence: timedelta = timedelta(days=40)) -> Journey:
    """Lost, and after `silence` it turns up and is delivered two days later."""
    before = lost(start, transit)
    found = before[-1].at + silence
    return (
        *before,
        _event(TrackingStatus.IN_TRANSIT, found, "Found in a depot"),
        _event(TrackingStatus.DELIVERED, found + timedelta(days=2)),
    )


def attempted_then_delivered(
    start: datetime, transit: timedelta = TRANSIT, pause: timedelta = timedelta(days=1)
) -> Journey:
    """Nobody opens; the parcel is delivered after `pause`."""
    door = start + FIRST_SCAN + transit
    return (
        *_to_the_door(start, transit),
        _event(TrackingStatus.ATTEMPT_FAILED, door, "Nobody was in"),
        _event(TrackingStatus.OUT_FOR_DELIVERY, door + pause - AT_THE_DOOR / 2),
        _event(TrackingStatus.DELIVERED, door + pause),
    )


def collected(start: datetime, transit: timedelta = TRANSIT, waits: timedelta = timedelta(days=3)) -> Journey:
    """Nobody opens; the parcel waits at a pickup point and is fetched after `waits`."""
    return (
        *_to_the_pickup_point(start, transit),
        _event(TrackingStatus.DELIVERED, start + FIRST_SCAN + transit + waits, "Fetched at the pickup point"),
    )


def returned(
    start: datetime,
    transit: timedelta = TRANSIT,
    waits: timedelta = timedelta(days=10),
    back: timedelta = TRANSIT,
) -> Journey:
    """Never fetched at the pickup point: after `waits` it turns back, and after `back` its sender has it."""
    turned = start + FIRST_SCAN + transit + waits
    return (
        *_to_the_pickup_point(start, transit),
        _event(TrackingStatus.RETURNING, turned, "Not fetched in time"),
        _event(TrackingStatus.RETURNED, turned + back),
    )


def _half_way(start: datetime, transit: timedelta) -> Journey:
    scanned = start + FIRST_SCAN
    return (
        *never_scanned(start),
        _event(TrackingStatus.ACCEPTED, scanned),
        _event(TrackingStatus.IN_TRANSIT, scanned + transit / 2, "Left a sorting centre"),
    )


def _to_the_door(start: datetime, transit: timedelta) -> Journey:
    loaded = start + FIRST_SCAN + max(transit - AT_THE_DOOR, transit * 3 / 4)
    return (*_half_way(start, transit), _event(TrackingStatus.OUT_FOR_DELIVERY, loaded))


def _to_the_pickup_point(start: datetime, transit: timedelta) -> Journey:
    door = start + FIRST_SCAN + transit
    return (
        *_to_the_door(start, transit),
        _event(TrackingStatus.ATTEMPT_FAILED, door, "Nobody was in"),
        _event(TrackingStatus.READY_FOR_PICKUP, door + AT_THE_DOOR),
    )


def _event(status: TrackingStatus, at: datetime, detail: str = "") -> TrackingEvent:
    return TrackingEvent(status=status, at=at, detail=detail)


def _ordered(*events: TrackingEvent) -> Journey:
    return tuple(sorted(events, key=lambda event: event.at))
