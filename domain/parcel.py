"""A parcel and what its carrier says of it. The carrier's word counts, not the seller's click."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from domain.base import Instant, Model


class TrackingStatus(StrEnum):
    """The normal form of carrier statuses; a status unknown to this version survives as its text."""

    LABEL_MADE = "label_made"
    ACCEPTED = "accepted"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    EXCEPTION = "exception"


_SCANS = frozenset(TrackingStatus) - {TrackingStatus.LABEL_MADE, TrackingStatus.EXCEPTION}
AT_REST = frozenset({TrackingStatus.DELIVERED, TrackingStatus.RETURNED})

MOST_EVENTS: Final = 500
"""All events of a parcel travel with each look-up, which must stay far below the 2 MB that Temporal carries."""

LONGEST_ESTIMATE: Final = timedelta(days=366)
"""How far ahead a delivery may be promised: no parcel travels longer, so a later day was mistyped."""

_TIME_ZONE_MISTAKEN: Final = timedelta(days=1)
"""Carriers give local times as UTC and the reverse: by so much an instant may be off and still be meant."""


def _shortened(text: str) -> str:
    """A carrier's text is cut, never refused: a signal that does not decode would be lost."""
    return text[:500]


class Shipment(Model):
    """A carrier and its tracking number."""

    carrier: str = Field(min_length=1, max_length=32)
    tracking_number: str = Field(min_length=1, max_length=64)

    def __str__(self) -> str:
        """For logs and lists: the carrier and the end of the number. The whole number leads to a person's door."""
        return f"{self.carrier} …{self.tracking_number[-4:]}"


class TrackingEvent(Model):
    """One scan or message of the carrier, at the carrier's own instant (UTC)."""

    status: Annotated[TrackingStatus | Annotated[str, AfterValidator(_shortened)], Field(union_mode="left_to_right")]
    at: Instant
    event_id: Annotated[str, AfterValidator(_shortened)] = ""
    detail: Annotated[str, AfterValidator(_shortened)] = ""
    written_at: Instant | None = Field(default=None, description="the carrier's own instant, where `at` replaces it")
    signature: bool = Field(default=False, description="delivered against a signature")

    @property
    def identity(self) -> tuple[str, str, datetime, bool]:
        """What makes two reports the same event: the carrier's id, or status and instant; and the signature.

        Carriers often hand a signature in after the delivery: such a report is news, or the proof would be lost.
        """
        written_at = self.written_at or self.at
        name = (self.event_id, "") if self.event_id else ("", str(self.status))
        return *name, written_at, self.signature

    def heard(self, now: datetime, earliest: datetime) -> TrackingEvent:
        """This event, which counts from `now` if its instant cannot be: before the purchase, or in the future.

        Otherwise a delivery in the year 1970 would release the money at once, and one in 2106 never.
        """
        if earliest - _TIME_ZONE_MISTAKEN <= self.at <= now + _TIME_ZONE_MISTAKEN:
            return self
        return self.model_copy(update={"at": now, "written_at": self.at})


class Parcel(Model):
    """All that is known of one parcel: events in the carrier's order, without duplicates."""

    shipment: Shipment | None = None
    marked_shipped_at: Instant | None = None
    estimate: Instant | None = None
    events: tuple[TrackingEvent, ...] = ()

    def hearing(self, events: Iterable[TrackingEvent]) -> tuple[Parcel, tuple[TrackingEvent, ...]]:
        """This parcel with more news, and the part of it that was new; repeats and disorder are harmless.

        Beyond `MOST_EVENTS` only a status that is known to us and was not heard before is still news.
        """
        known = {event.identity for event in self.events}
        unheard = set(TrackingStatus).difference(event.status for event in self.events)
        news = []
        for event in events:
            if event.identity not in known and (len(known) < MOST_EVENTS or event.status in unheard):
                known.add(event.identity)
                unheard.discard(event.status)
                news.append(event)
        if not news:
            return self, ()
        ordered = tuple(sorted((*self.events, *news), key=_order))
        return self.model_copy(update={"events": ordered}), tuple(sorted(news, key=_order))

    def _first(self, *statuses: TrackingStatus) -> datetime | None:
        return next((event.at for event in self.events if event.status in statuses), None)

    @property
    def scanned_at(self) -> datetime | None:
        """The first scan by the carrier: the instant at which the order counts as shipped."""
        return self._first(*_SCANS)

    @property
    def delivered_at(self) -> datetime | None:
        """The carrier's instant of delivery."""
        return self._first(TrackingStatus.DELIVERED)

    @property
    def signed(self) -> bool:
        """Whether the parcel was delivered against a signature."""
        return any(event.signature and event.status == TrackingStatus.DELIVERED for event in self.events)

    @property
    def returning_at(self) -> datetime | None:
        """When the carrier turned the parcel back to its sender."""
        return self._first(TrackingStatus.RETURNING)

    @property
    def returned_at(self) -> datetime | None:
        """When the sender had the parcel back."""
        return self._first(TrackingStatus.RETURNED)

    @property
    def last_news_at(self) -> datetime | None:
        """The instant of the newest event."""
        return self.events[-1].at if self.events else None

    @property
    def at_rest(self) -> bool:
        """Whether the parcel has arrived somewhere and needs no more looking after."""
        return any(event.status in AT_REST for event in self.events)


def _order(event: TrackingEvent) -> tuple[datetime, tuple[str, str, datetime, bool]]:
    """Events of one instant need an order of their own, or the order of arrival would show."""
    return event.at, event.identity
