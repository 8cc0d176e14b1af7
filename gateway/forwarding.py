"""Passing an event on: find whom it is about, read the truth, and tell the order, once for the event's id.

An event is a hint. What it says is not looked at; what carrier and payment provider answer is what the order hears.
So events may be repeated, shuffled or lost, and the order comes to know the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from temporalio.service import RPCError

import runtime
from activities.ports import Carriers, OutcomeStore, PaymentBooks, Refused, Route, RouteKind, Routes, Unavailable
from domain.clock import Clock
from domain.messages import Chargeback, Tracking
from domain.parcel import Shipment
from gateway.inbox import State, Waiting
from gateway.temporal import AWAY
from gateway.webhooks_event import DisputeNews, ParcelNews, WebhookEvent
from gateway.webhooks_sources import SCHEMES
from storefront.client import Redress, order_behind
from storefront.errors import NotAnswered, OrderClosed, UnknownOrder

_PATIENCE: Final = timedelta(seconds=3)
_MOST_REMEMBERED: Final = 10_000


class Verdict(NamedTuple):
    """What became of an event: its state and the reason in words. One that waits may be due after `pause`."""

    state: State
    note: str
    pause: timedelta | None = None


class Away(Exception):
    """Temporal does not answer: nothing can be passed on, and it is no fault of the event."""


class Truth(NamedTuple):
    """Where the truth is read that events hint at."""

    carriers: Carriers
    books: PaymentBooks


class _Sale(NamedTuple):
    placed_at: datetime
    clock: Clock

    def later_than(self, event: WebhookEvent) -> bool:
        """Whether the event speaks of another sale: an old one that somebody plays back, or a number used again."""
        return event.created_at is not None and event.created_at < self.placed_at


class Forwarder:
    """Tells orders and cases what events are about. `now` gives real time (UTC)."""

    def __init__(
        self,
        redress: Callable[[], Awaitable[Redress]],
        truth: Truth,
        routes: Routes,
        outcomes: OutcomeStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._redress = redress
        self._truth = truth
        self._routes = routes
        self._outcomes = outcomes
        self._now = now
        self._sales: dict[str, _Sale] = {}

    async def forward(self, waiting: Waiting) -> Verdict:
        """Tell everyone whom the event concerns. Raises Away, and SQLAlchemyError if the database is."""
        event = SCHEMES[waiting.source].read(waiting.body)
        try:
            match event.about:
                case ParcelNews():
                    return await self._parcel(event.about, event, waiting)
                case DisputeNews():
                    return await self._dispute(event.about, event, waiting)
                case _:
                    return Verdict(State.UNKNOWN, "nothing that this version acts on")
        except Unavailable as error:
            return Verdict(State.WAITING, "the truth could not be read: its provider did not answer", error.pause)
        except Refused as error:
            return Verdict(State.WAITING, f"the truth could not be read: its provider refused ({error.code})")

    async def _parcel(self, about: ParcelNews, event: WebhookEvent, waiting: Waiting) -> Verdict:
        found = await asyncio.to_thread(self._routes.find, RouteKind.PARCEL, [about.tracking_number])
        if not found:
            return Verdict(State.WAITING, "no order has named this parcel yet")
        return _worst([await self._news(route, event, waiting) for route in found])

    async def _news(self, route: Route, event: WebhookEvent, waiting: Waiting) -> Verdict:
        sale = await self._sale(route.subject)
        if sale is None or sale.later_than(event):
            return _not_told(route.subject, sale)
        shipment = Shipment(carrier=route.carrier, tracking_number=route.reference)
        news = await asyncio.to_thread(self._truth.carriers.news, shipment, sale.clock.now(self._now()))
        message = Tracking(events=news.events, estimate=news.estimate)
        try:
            async with self._temporal() as redress:
                then = redress.as_of(waiting.received_at)
                tell = then.track_return if route.subject.startswith("case-") else then.tracking
                await tell(route.subject, message, request_id=waiting.event_id)
        except OrderClosed:
            return Verdict(State.DONE, f"{route.subject} has ended, and this changes nothing in it")
        except UnknownOrder:
            return Verdict(State.DONE, f"{route.subject} ended so long ago that Temporal no longer keeps it")
        return Verdict(State.DONE, f"told {route.subject}")

    async def _dispute(self, about: DisputeNews, event: WebhookEvent, waiting: Waiting) -> Verdict:
        dispute = await asyncio.to_thread(self._truth.books.dispute, about.dispute_id)
        if dispute is None:
            return Verdict(State.WAITING, "the payment provider does not know this dispute")
        message = dispute.report()
        if message is None:
            return Verdict(State.DONE, f"nothing to tell yet: the dispute is {dispute.status}, and no money was taken")
        routes = await asyncio.to_thread(self._routes.find, RouteKind.PAYMENT, dispute.payment_refs)
        subjects = {route.subject for route in routes} or {f"order-{dispute.order_id}"} - {"order-"}
        if not subjects:
            return Verdict(State.WAITING, "no order has named this payment yet")
        return _worst([await self._chargeback(subject, message, event, waiting) for subject in sorted(subjects)])

    async def _chargeback(self, subject: str, message: Chargeback, event: WebhookEvent, waiting: Waiting) -> Verdict:
        sale = await self._sale(subject)
        if sale is None or sale.later_than(event):
            return _not_told(subject, sale)
        try:
            async with self._temporal() as redress:
                then = redress.as_of(waiting.received_at)
                await then.chargeback(subject.removeprefix("order-"), message, request_id=waiting.event_id)
        except OrderClosed:
            return Verdict(State.GIVEN_UP, f"{subject} was ended by operations; settle the dispute by hand")
        return Verdict(State.DONE, f"told {subject}: {message.state}")

    async def _sale(self, subject: str) -> _Sale | None:
        """What an event is judged by; none while the order is neither at Temporal nor among the outcomes."""
        order = order_behind(subject)
        if order not in self._sales:
            try:
                async with self._temporal() as redress:
                    purchase = await redress.purchase(order)
            except UnknownOrder:
                # Temporal forgets what has ended; the outcome is kept, and what comes this late is worth a look.
                outcome = await asyncio.to_thread(self._outcomes.recall, order.removeprefix("order-"))
                if outcome is None or outcome.order is None:
                    return None
                purchase = outcome.order
            if len(self._sales) >= _MOST_REMEMBERED:
                self._sales.clear()
            self._sales[order] = _Sale(purchase.placed_at, purchase.clock)
        return self._sales[order]

    @contextlib.asynccontextmanager
    async def _temporal(self) -> AsyncIterator[Redress]:
        """The storefront's client for a call that Temporal must answer soon. Raises Away if it does not."""
        try:
            # Not the SDK's own patience, which begins anew with each of its attempts.
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                yield await self._redress()
        except (TimeoutError, runtime.Unreachable, runtime.AccessDenied, NotAnswered) as error:
            raise Away from error
        except RPCError as error:
            if error.status in AWAY:
                raise Away from error
            raise


def _not_told(subject: str, sale: _Sale | None) -> Verdict:
    order = order_behind(subject)
    if sale is None:
        return Verdict(State.WAITING, f"{order} has not started yet")
    return Verdict(State.REFUSED, f"the event is older than the purchase of {order}")


def _worst(verdicts: list[Verdict]) -> Verdict:
    """One verdict for all whom an event concerns: as long as one must wait, the event does."""
    gravity = (State.WAITING, State.GIVEN_UP, State.REFUSED, State.DONE)
    worst = min(verdicts, key=lambda verdict: gravity.index(verdict.state))
    return worst._replace(note="; ".join(dict.fromkeys(verdict.note for verdict in verdicts)))
