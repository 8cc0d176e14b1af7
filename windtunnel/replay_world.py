"""A world in memory for one recorded order after another: carriers know the record, payments succeed, notices count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio.exceptions import ApplicationError

from activities.carriers import NO_NEWS
from domain.histories import Histories
from domain.money import Money
from domain.parcel import Shipment, TrackingEvent
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
    Posting,
    Submission,
)
from domain.story import Notice, Outcome
from domain.tracking_numbers import sandbox_number
from windtunnel.contract import Answer, Call

NEVER: Final = timedelta(days=3650)
"""When a carrier has nothing more to tell: longer than any order runs."""

MOST_LABELS: Final = 10**6
"""Return labels are numbered from one: numbers of parcels that go out lie above this."""


class Doubled(Exception):
    """A movement of money was asked for twice in ways that do not agree."""


class ReplayWorld:
    """What stands in place of the activities, for the order that was begun last."""

    def __init__(self) -> None:
        self._answers: dict[str, Callable[[Call], Any]] = {
            "notices.post": self._post,
            "payments.refund": self._pay,
            "payments.release": self._pay,
            "payments.claw_back": self._pay,
            "payments.submit_evidence": lambda call: Paid(reference=call.read(Submission).chargeback_id),
            "carrier.trace": lambda _: None,
            "carrier.buy_label": self._sell_label,
            "carrier.refund_label": lambda _: True,
            "evidence.check": self._check_files,
            "outcomes.histories": lambda _: Histories(),
            "outcomes.record": self._record,
            "outcomes.recall": lambda _: self.outcome,
        }

    def begin(self, label_cost: Money, tell: Callable[[Notice], None]) -> None:
        """Forget the last order. A return label costs `label_cost`; `tell` hears each notice."""
        self._tell = tell
        self.notices: Counter[str] = Counter()
        self.moved: dict[str, tuple[str, int]] = {}
        self.outcome: Outcome | None = None
        self._label_cost = label_cost
        self._labels: dict[str, Label] = {}
        self._journeys: dict[str, tuple[TrackingEvent, ...]] = {}

    def know(self, shipment: Shipment, events: Iterable[TrackingEvent]) -> None:
        """Let the carrier know a parcel's journey, past and to come."""
        self._journeys[shipment.tracking_number] = tuple(events)

    def label_of(self, case_id: str) -> Shipment | None:
        """The shipment of the newest return label of a case."""
        found = [label.shipment for name, label in self._labels.items() if name.startswith(f"label-{case_id}-")]
        return found[-1] if found else None

    def perform(self, call: Call) -> Answer:
        """Answer at once; a look-up without news is tried again when there is some."""
        if call.name == "carrier.look_up":
            return self._look_up(call)
        return Answer(result=self._answers[call.name](call))

    def _post(self, call: Call) -> None:
        posting: Posting = call.read(Posting)
        for notice in posting.notices:
            self.notices[f"{notice.kind} to {notice.to}"] += 1
            self._tell(notice)

    def _pay(self, call: Call) -> Paid:
        movement: Movement = call.read(Movement)
        wanted = (movement.purpose, movement.amount.minor)
        if self.moved.setdefault(movement.key, wanted) != wanted:
            raise Doubled(f"{movement.key} was {self.moved[movement.key]} and is now {wanted}")
        return Paid(reference=movement.key)

    def _look_up(self, call: Call) -> Answer:
        ask: LookUp = call.read(LookUp)
        journey = self._journeys.get(ask.shipment.tracking_number, ())
        if ask.urgent:
            return Answer(result=_news(journey, call.at))
        known = {event.identity for event in ask.known}
        untold = [event.at for event in journey if event.identity not in known]
        if untold and untold[0] <= call.at:
            return Answer(result=_news(journey, call.at))
        pause = untold[0] - call.at if untold else NEVER
        return Answer(failure=ApplicationError("no news yet", type=NO_NEWS, next_retry_delay=pause))

    def _sell_label(self, call: Call) -> Label:
        ask: LabelRequest = call.read(LabelRequest)
        if ask.reference not in self._labels:
            number = sandbox_number(len(self._labels) + 1)
            shipment = Shipment(carrier="sandbox", tracking_number=number)
            self._labels[ask.reference] = Label(
                reference=ask.reference, shipment=shipment, cost=self._label_cost, pickup=ask.pickup
            )
        return self._labels[ask.reference]

    def _check_files(self, call: Call) -> FilesFound:
        asked: FileChecks = call.read(FileChecks)
        return FilesFound(files=tuple(FileFound(item=file.item, matches=True) for file in asked.files))

    def _record(self, call: Call) -> None:
        self.outcome = call.read(Outcome)


def _news(journey: Iterable[TrackingEvent], now: datetime) -> News:
    return News(events=tuple(event for event in journey if event.at <= now))
