"""Following one parcel: news pushed by webhooks, and asking the carrier when none comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.workflow import ActivityConfig

from activities.carriers import CarrierActivities
from domain import clocks
from domain.carriage import Carriage, WatchState
from domain.duties import DutyKind
from domain.parcel import LONGEST_ESTIMATE, Parcel, Shipment, TrackingEvent
from domain.parties import Role
from domain.requests import LookUp, News, Trace
from workflows.docket import Docket
from workflows.journal import Journal
from workflows.options import ASK_ONCE, LOOK_UP, described


class ParcelWatch:
    """What is known of a parcel; `fresh` events, or a new estimate, stay `unread` until somebody acts on them.

    The next look-up is a duty of the platform, put off by every piece of news; a look-up under way asks on in the
    policy's rhythm until there is news, which adds nothing to the history. With a `state` it goes on where another
    run stopped, on a docket that was restored already.
    """

    def __init__(self, carriage: Carriage, docket: Docket, journal: Journal, state: WatchState | None = None) -> None:
        self._carriage = carriage
        self._docket = docket
        self._journal = journal
        self._looking: asyncio.Task[None] | None = None
        known = state or WatchState(parcel=Parcel(shipment=carriage.shipment, estimate=carriage.estimate))
        self._pushed = known.pushed
        self._traced = known.traced
        self.parcel = known.parcel
        self.fresh = list(known.fresh)
        self.unread = known.unread
        if state is None and carriage.shipment:
            self._docket.open(clocks.look_up(carriage, carriage.begun_at, pushed=True))
        elif known.looking:
            now = docket.now()
            self._docket.open(clocks.look_up(carriage, now, pushed=self._pushed, due=now))

    def snapshot(self) -> WatchState:
        """All that another run needs to go on; taken before `stop`, so that a look-up under way is begun anew there."""
        return WatchState(
            parcel=self.parcel,
            pushed=self._pushed,
            traced=self._traced,
            fresh=tuple(self.fresh),
            unread=self.unread,
            looking=self._looking is not None,
        )

    def ship(self, shipment: Shipment, at: datetime) -> None:
        """The seller has named a shipment."""
        first = self.parcel.marked_shipped_at or at
        self.parcel = self.parcel.model_copy(update={"shipment": shipment, "marked_shipped_at": first})
        self._docket.open(clocks.look_up(self._carriage, at, pushed=self._pushed))

    def pushed(self, events: Iterable[TrackingEvent], estimate: datetime | None) -> None:
        """News by webhook: from now on the carrier is asked only when it falls silent."""
        self._pushed = True
        self._hear(events, estimate)
        self._stop_looking()
        self.look_later()

    def look_up(self) -> None:
        """Start asking the carrier, unless that is under way."""
        if self._looking is None and self.parcel.shipment and not self.parcel.at_rest:
            self._looking = asyncio.create_task(self._look(self.parcel.shipment))

    def read(self) -> list[TrackingEvent]:
        """The events that nobody has acted on yet, which the caller does now; none if only the estimate is new."""
        news, self.fresh, self.unread = self.fresh, [], False
        return news

    def stop(self) -> None:
        """The parcel needs no more looking after."""
        self._stop_looking()
        self._docket.close(DutyKind.LOOK_UP)

    async def look_now(self) -> None:
        """Ask the carrier once, at once, before a deadline takes something away; if it stays silent, so be it."""
        if self.parcel.shipment is None:
            return
        self._stop_looking()
        try:
            news = await self._ask(self.parcel.shipment, ASK_ONCE, urgent=True)
        except ActivityError:
            workflow.logger.warning("the carrier was silent at the last look")
        else:
            self._hear(news.events, news.estimate)
        self.look_later()

    async def trace(self) -> None:
        """Have the carrier search for a parcel that has stopped moving; a person is told if it cannot be asked."""
        if self.parcel.shipment is None:
            return
        self._traced += 1
        ask = Trace(reference=f"trace-{self._carriage.subject}-{self._traced}", shipment=self.parcel.shipment)
        options = described(ASK_ONCE, f"Have it traced: {ask.shipment}")
        try:
            await workflow.execute_activity_method(CarrierActivities.trace, ask, **options)
        except ActivityError:
            self._journal.note("trace_failed", Role.SUPPORT)

    async def _look(self, shipment: Shipment) -> None:
        try:
            news = await self._ask(shipment, LOOK_UP, urgent=False)
        except ActivityError as error:
            if is_cancelled_exception(error):
                return
            workflow.logger.warning("a look-up was ended from outside; the next one is due later")
        else:
            self._hear(news.events, news.estimate)
        self._looking = None
        self.look_later()

    async def _ask(self, shipment: Shipment, options: ActivityConfig, *, urgent: bool) -> News:
        ask = LookUp(
            order_id=self._carriage.order_id,
            shipment=shipment,
            rhythm=self._carriage.policy.lookup,
            known=self.parcel.events,
            estimate=clocks.estimate(self._carriage, self.parcel),
            urgent=urgent,
            clock=self._carriage.clock,
        )
        how = "Last look before a deadline" if urgent else "Wait for news"
        summary = f"{how}: {shipment}"
        return await workflow.execute_activity_method(CarrierActivities.look_up, ask, **described(options, summary))

    def _hear(self, events: Iterable[TrackingEvent], estimate: datetime | None) -> None:
        now, begun_at = self._docket.now(), self._carriage.begun_at
        self.parcel, news = self.parcel.hearing(event.heard(now, begun_at) for event in events)
        likely = estimate is not None and begun_at <= estimate <= now + LONGEST_ESTIMATE
        if likely and estimate != self.parcel.estimate:
            self.parcel = self.parcel.model_copy(update={"estimate": estimate})
            self.unread = True
        for event in news:
            self._journal.note("tracking", status=event.status, at=event.at)
        self.fresh.extend(news)
        self.unread = self.unread or bool(news)

    def look_later(self) -> None:
        """Make the next look-up due, unless the parcel has arrived."""
        if self.parcel.shipment and not self.parcel.at_rest:
            self._docket.open(clocks.look_up(self._carriage, self._docket.now(), pushed=self._pushed))

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
