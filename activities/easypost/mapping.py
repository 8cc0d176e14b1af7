"""From EasyPost's bodies to the domain: pure, so that no order of arrival and no repetition can show.

The coarse status decides, as EasyPost advises; the finer detail only where it says another thing beyond doubt.
The table of docs/carriers.md is compared with this one by a test.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Final

from activities.easypost.bodies import Scan, Tracker
from domain.parcel import Parcel, TrackingEvent, TrackingStatus
from domain.requests import News

STATUSES: Final = {
    "pre_transit": TrackingStatus.LABEL_MADE,
    "in_transit": TrackingStatus.IN_TRANSIT,
    "out_for_delivery": TrackingStatus.OUT_FOR_DELIVERY,
    "available_for_pickup": TrackingStatus.READY_FOR_PICKUP,
    "delivered": TrackingStatus.DELIVERED,
    "return_to_sender": TrackingStatus.RETURNING,
    "failure": TrackingStatus.EXCEPTION,
    "cancelled": TrackingStatus.EXCEPTION,
    "canceled": TrackingStatus.EXCEPTION,
    "error": TrackingStatus.EXCEPTION,
}
"""What a coarse status means. Any other, such as `unknown`, stays what it is: shown, and never taken for a scan."""

DETAILS: Final = {
    ("in_transit", "received_at_origin_facility"): TrackingStatus.ACCEPTED,
    ("in_transit", "address_correction"): TrackingStatus.EXCEPTION,
    ("in_transit", "damaged"): TrackingStatus.EXCEPTION,
    ("in_transit", "delivery_exception"): TrackingStatus.EXCEPTION,
    ("in_transit", "lost"): TrackingStatus.EXCEPTION,
    ("in_transit", "refused"): TrackingStatus.EXCEPTION,
    ("in_transit", "transit_exception"): TrackingStatus.EXCEPTION,
    ("in_transit", "return"): TrackingStatus.RETURNING,
    ("out_for_delivery", "delivery_exception"): TrackingStatus.EXCEPTION,
    ("return_to_sender", "arrived_at_destination"): TrackingStatus.RETURNED,
}
"""Where the detail says another thing than its coarse status. No detail makes a delivery: money follows from one."""

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

_ENDED_EVERYWHERE: Final = timedelta(hours=12)
"""After midnight in UTC: by then a day is over in the last time zone of the earth."""


def news(tracker: Tracker) -> News:
    """All that a tracker tells: oldest first, each event once, and the carrier's estimate."""
    return News(events=events(tracker), estimate=estimate(tracker))


def events(tracker: Tracker) -> tuple[TrackingEvent, ...]:
    """The scans of a tracker as events, in the order of their instants, each once.

    The same scans in another order, or some of them twice, are the same events.
    A delivery after the parcel was turned back is its return to the sender.
    """
    told = sorted((_event(scan, tracker) for scan in tracker.tracking_details), key=_order)
    turned = next((event.at for event in told if event.status == TrackingStatus.RETURNING), None)
    if turned is not None:
        told = [_brought_back(event) if event.at >= turned else event for event in told]
    return Parcel().hearing(told)[0].events


def estimate(tracker: Tracker) -> datetime | None:
    """Until when the carrier promises delivery; a promised day counts until it has ended everywhere."""
    given = [(scan.datetime, scan.est_delivery_date) for scan in tracker.tracking_details]
    of_scans = [(at, promised) for at, promised in given if at and promised]
    promised = tracker.est_delivery_date or (max(of_scans)[1] if of_scans else None)
    if promised and promised.time() == time():
        return promised + timedelta(days=1) + _ENDED_EVERYWHERE
    return promised


def status_of(scan: Scan) -> TrackingStatus | str:
    """What a scan means; a code of tomorrow survives as its text."""
    known = DETAILS.get((scan.status, scan.status_detail)) or STATUSES.get(scan.status)
    return known or scan.status or "unknown"


def _event(scan: Scan, tracker: Tracker) -> TrackingEvent:
    status = status_of(scan)
    # A scan without an instant must have the same one at each look-up.
    at = scan.datetime + _rewritten(tracker) if scan.datetime else tracker.created_at or _BEGINNING
    signed = status == TrackingStatus.DELIVERED and bool(tracker.signed_by)
    return TrackingEvent(status=status, at=at, detail=_detail(scan, tracker.signed_by), signature=signed)


def _rewritten(tracker: Tracker) -> timedelta:
    """By how much the scans of a test are to be moved, so that they stand still.

    A tracker of test mode writes all its past anew with each change, as if it had just begun: every scan of before
    would be another event. Recorded: the same scans three minutes later, after the tracker had lived three minutes.
    """
    if tracker.mode != "test" or tracker.created_at is None or tracker.updated_at is None:
        return timedelta()
    return tracker.created_at - tracker.updated_at


def _detail(scan: Scan, signed_by: str) -> str:
    message = re.sub(re.escape(signed_by), "…", scan.message, flags=re.IGNORECASE) if signed_by else scan.message
    return " ".join(part for part in (message, f"({scan.status_detail})" if scan.status_detail else "") if part)


def _brought_back(event: TrackingEvent) -> TrackingEvent:
    if event.status != TrackingStatus.DELIVERED:
        return event
    return event.model_copy(update={"status": TrackingStatus.RETURNED, "signature": False})


def _order(event: TrackingEvent) -> tuple[datetime, str, str]:
    return event.at, str(event.status), event.detail
