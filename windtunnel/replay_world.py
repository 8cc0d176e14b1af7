"""A world in memory for one recorded order after another: carriers know the record, payments succeed, notices count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from domain.money import Money
from domain.parcel import Shipment, TrackingEvent
from domain.requests import Label, LabelRequest, LookUp, Movement, News, Posting
from domain.story import Notice
from domain.tracking_numbers import sandbox_number
from windtunnel.contract import Answer, Call
from windtunnel.willing_world import NEVER, WillingWorld, no_news

MOST_LABELS: Final = 10**6
"""Return labels are numbered from one: numbers of parcels that go out lie above this."""


class Doubled(Exception):
    """A movement of money was asked for twice in ways that do not agree."""


class ReplayWorld(WillingWorld):
    """What stands in place of the activities, for the order that was begun last."""

    def begin(self, label_cost: Money, tell: Callable[[Notice], None]) -> None:
        """Forget the last order. A return label costs `label_cost`; `tell` hears each notice."""
        self._tell = tell
        self.notices: Counter[str] = Counter()
        self.moved.clear()
        self.outcomes.clear()
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

    def _post(self, call: Call) -> Answer:
        posting: Posting = call.read(Posting)
        for notice in posting.notices:
            self.notices[f"{notice.kind} to {notice.to}"] += 1
            self._tell(notice)
        return Answer()

    def _book(self, name: str, movement: Movement) -> None:
        super()._book(name, movement)
        made, wanted = ((one.purpose, one.amount.minor) for one in (self.moved[movement.key], movement))
        if made != wanted:
            raise Doubled(f"{movement.key} was {made} and is now {wanted}")

    def _look_up(self, call: Call) -> Answer:
        """A look-up without news is tried again when there is some."""
        ask: LookUp = call.read(LookUp)
        journey = self._journeys.get(ask.shipment.tracking_number, ())
        known = {event.identity for event in ask.known}
        next_at = next((event.at for event in journey if event.identity not in known), None)
        if ask.urgent or (next_at is not None and next_at <= call.at):
            return Answer(_news(journey, call.at))
        return no_news(NEVER if next_at is None else next_at - call.at)

    def _sell_label(self, call: Call) -> Answer:
        ask: LabelRequest = call.read(LabelRequest)
        if ask.reference not in self._labels:
            number = sandbox_number(len(self._labels) + 1)
            shipment = Shipment(carrier="sandbox", tracking_number=number)
            self._labels[ask.reference] = Label(
                reference=ask.reference, shipment=shipment, cost=self._label_cost, pickup=ask.pickup
            )
        return Answer(self._labels[ask.reference])


def _news(journey: Iterable[TrackingEvent], now: datetime) -> News:
    return News(events=tuple(event for event in journey if event.at <= now))
