"""The world of an exploration: services whose answers are the explorer's choice, in memory and without chance."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from temporalio.exceptions import ApplicationError

from activities import carriers, evidence, payments
from domain.parcel import Parcel, TrackingEvent
from domain.requests import FileChecks, FileFound, FilesFound, LookUp, Movement, News, Paid
from windtunnel.contract import Answer, Call
from windtunnel.willing_world import WillingWorld, no_news

SOON: Final = timedelta(seconds=5)
"""How long a payment or a label takes, so that people can speak meanwhile."""

OUTAGE: Final = timedelta(days=2)
"""Longer than any activity is retried without a person being told."""

TAMPERED: Final = "://exchanged/"
"""Marks the URI of a file that is not what was sealed."""

_RHYTHM: Final = timedelta(days=1)


class Service(StrEnum):
    """What can fail to answer."""

    PAYMENTS = "payments"
    CARRIER = "carrier"
    FILES = "files"
    OUTCOMES = "outcomes"


_NEEDED: Final = {
    "payments.refund": Service.PAYMENTS,
    "payments.release": Service.PAYMENTS,
    "payments.claw_back": Service.PAYMENTS,
    "payments.submit_evidence": Service.PAYMENTS,
    "payments.look": Service.PAYMENTS,
    "carrier.look_up": Service.CARRIER,
    "carrier.trace": Service.CARRIER,
    "carrier.buy_label": Service.CARRIER,
    "carrier.refund_label": Service.CARRIER,
    "evidence.check": Service.FILES,
    "outcomes.histories": Service.OUTCOMES,
}
"""What an activity needs an answer from. What an order ends with is always kept and found again."""

_SLOW: Final = frozenset({*(name for name in _NEEDED if name.startswith("payments.")), "carrier.buy_label"})


class ExploredWorld(WillingWorld):
    """Answers every call at once or soon. `down` says until when a service is out (UTC).

    `known` is what the carrier would tell of a parcel, by its tracking number. `refusals` is how many of the next
    movements are refused.
    """

    label_minor = 990

    def __init__(self) -> None:
        super().__init__()
        self.down: dict[Service, datetime] = {}
        self.refusals = 0
        self.known: dict[str, tuple[TrackingEvent, ...]] = {}

    def perform(self, call: Call) -> Answer:
        """Perform one attempt."""
        service = _NEEDED.get(call.name)
        if service and self.out(service, call.at):
            return Answer(failure=_unanswered(call, service))
        answer = super().perform(call)
        return replace(answer, after=SOON) if call.name in _SLOW else answer

    def out(self, service: Service, now: datetime) -> bool:
        """Whether a service does not answer now."""
        return service in self.down and now < self.down[service]

    def scan(self, tracking_number: str, event: TrackingEvent) -> None:
        """The carrier has something to tell of a parcel."""
        self.known[tracking_number] = (*self.known.get(tracking_number, ()), event)

    def _pay(self, call: Call) -> Answer:
        movement: Movement = call.read(Movement)
        if movement.key not in self.moved and self.refusals:
            self.refusals -= 1
            return Answer(
                failure=ApplicationError("refused", "card_expired", type=payments.REFUSED, non_retryable=True)
            )
        self._book(call.name, movement)
        return Answer(Paid(reference=f"at-the-provider-{movement.key}"))

    def _look_up(self, call: Call) -> Answer:
        ask: LookUp = call.read(LookUp)
        events = self.known.get(ask.shipment.tracking_number, ())
        _, fresh = Parcel(events=ask.known).hearing(events)
        return Answer(News(events=events)) if fresh or ask.urgent else no_news(_RHYTHM)

    def _check(self, call: Call) -> Answer:
        asked: FileChecks = call.read(FileChecks)
        found = tuple(FileFound(item=file.item, matches=TAMPERED not in file.uri) for file in asked.files)
        return Answer(FilesFound(files=found))


def _unanswered(call: Call, service: Service) -> ApplicationError:
    """What an attempt fails with while the service that it needs is out."""
    match service:
        case Service.PAYMENTS:
            return ApplicationError("no answer now", type=payments.UNAVAILABLE)
        case Service.CARRIER:
            again_in = _RHYTHM if call.name == "carrier.look_up" else None
            return ApplicationError("no answer now", type=carriers.UNAVAILABLE, next_retry_delay=again_in)
        case Service.FILES:
            asked: FileChecks = call.read(FileChecks)
            unread = FilesFound(files=tuple(FileFound(item=file.item, matches=None) for file in asked.files))
            return ApplicationError("not read yet", unread, type=evidence.UNAVAILABLE)
        case Service.OUTCOMES:
            return ApplicationError("the store does not answer")
