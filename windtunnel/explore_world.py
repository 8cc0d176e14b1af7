"""The world of an exploration: services whose answers are the explorer's choice, in memory and without chance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from temporalio.exceptions import ApplicationError

from activities import carriers, evidence, payments
from activities.sandbox.labels import label_shipment
from domain.histories import Histories
from domain.money import Money
from domain.parcel import Parcel, TrackingEvent
from domain.requests import (
    FileChecks,
    FileFound,
    FilesFound,
    Label,
    LabelRequest,
    LookUp,
    Movement,
    News,
    Paid,
    RecallQuery,
    Submission,
)
from domain.story import Outcome
from windtunnel.contract import Answer, Call

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


class ExploredWorld:
    """Answers every call at once or soon. `down` says until when a service is out (UTC).

    `moved` is the payment provider's book: what was moved, by business key. `known` is what the carrier would tell of
    a parcel, by its tracking number. `refusals` is how many of the next movements are refused.
    """

    def __init__(self) -> None:
        self.down: dict[Service, datetime] = {}
        self.refusals = 0
        self.moved: dict[str, Movement] = {}
        self.known: dict[str, tuple[TrackingEvent, ...]] = {}
        self.outcomes: dict[str, Outcome] = {}
        self._performs: dict[str, Callable[[Call], Answer]] = {
            "payments.refund": self._move,
            "payments.release": self._move,
            "payments.claw_back": self._move,
            "payments.submit_evidence": self._submit,
            "carrier.look_up": self._look_up,
            "carrier.trace": self._trace,
            "carrier.buy_label": self._sell_label,
            "carrier.refund_label": self._refund_label,
            "evidence.check": self._check,
            "outcomes.histories": self._histories,
            "outcomes.record": self._record,
            "outcomes.recall": self._recall,
        }

    def perform(self, call: Call) -> Answer:
        """Perform one attempt."""
        performs = self._performs.get(call.name)
        return Answer() if performs is None else performs(call)

    def out(self, service: Service, now: datetime) -> bool:
        """Whether a service does not answer now."""
        return service in self.down and now < self.down[service]

    def _move(self, call: Call) -> Answer:
        if self.out(Service.PAYMENTS, call.at):
            return _unavailable(payments.UNAVAILABLE)
        movement: Movement = call.read(Movement)
        if movement.key not in self.moved and self.refusals:
            self.refusals -= 1
            refused = ApplicationError("refused", "card_expired", type=payments.REFUSED, non_retryable=True)
            return Answer(failure=refused, after=SOON)
        self.moved.setdefault(movement.key, movement)
        return Answer(result=Paid(reference=f"at-the-provider-{movement.key}"), after=SOON)

    def _submit(self, call: Call) -> Answer:
        if self.out(Service.PAYMENTS, call.at):
            return _unavailable(payments.UNAVAILABLE)
        submission: Submission = call.read(Submission)
        return Answer(result=Paid(reference=submission.chargeback_id), after=SOON)

    def _look_up(self, call: Call) -> Answer:
        if self.out(Service.CARRIER, call.at):
            return _unavailable(carriers.UNAVAILABLE, _RHYTHM)
        ask: LookUp = call.read(LookUp)
        events = self.known.get(ask.shipment.tracking_number, ())
        _, fresh = Parcel(events=ask.known).hearing(events)
        if fresh or ask.urgent:
            return Answer(result=News(events=events))
        return _unavailable(carriers.NO_NEWS, _RHYTHM)

    def _trace(self, call: Call) -> Answer:
        return _unavailable(carriers.UNAVAILABLE) if self.out(Service.CARRIER, call.at) else Answer()

    def _sell_label(self, call: Call) -> Answer:
        if self.out(Service.CARRIER, call.at):
            return _unavailable(carriers.UNAVAILABLE)
        request: LabelRequest = call.read(LabelRequest)
        cost = Money(minor=990, currency=request.currency)
        label = Label(reference=request.reference, shipment=label_shipment(request.reference), cost=cost)
        return Answer(result=label, after=SOON)

    def _refund_label(self, call: Call) -> Answer:
        return _unavailable(carriers.UNAVAILABLE) if self.out(Service.CARRIER, call.at) else Answer(result=True)

    def _check(self, call: Call) -> Answer:
        files = call.read(FileChecks).files
        if self.out(Service.FILES, call.at):
            unread = FilesFound(files=tuple(FileFound(item=file.item, matches=None) for file in files))
            return Answer(failure=ApplicationError("not read yet", unread, type=evidence.UNAVAILABLE))
        return Answer(
            result=FilesFound(
                files=tuple(FileFound(item=file.item, matches=TAMPERED not in file.uri) for file in files)
            )
        )

    def _histories(self, call: Call) -> Answer:
        if self.out(Service.OUTCOMES, call.at):
            return Answer(failure=ApplicationError("the store does not answer"))
        return Answer(result=Histories())

    def _record(self, call: Call) -> Answer:
        outcome: Outcome = call.read(Outcome)
        self.outcomes[outcome.order_id] = outcome
        return Answer()

    def _recall(self, call: Call) -> Answer:
        query: RecallQuery = call.read(RecallQuery)
        outcome = self.outcomes.get(query.order_id)
        return Answer(failure=ApplicationError("no outcome yet")) if outcome is None else Answer(result=outcome)


def _unavailable(kind: str, again_in: timedelta | None = None) -> Answer:
    return Answer(failure=ApplicationError("no answer now", type=kind, next_retry_delay=again_in))
