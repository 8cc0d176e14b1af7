"""A world in memory whose services all do at once what they are asked to; an instrument says what is otherwise in its.

The carrier knows nothing of any parcel: what it has to tell comes by webhook.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar, Final

from temporalio.exceptions import ApplicationError

from activities.carriers import NO_NEWS
from activities.payments import UNAVAILABLE
from activities.sandbox.labels import label_shipment
from domain.histories import Histories
from domain.ledger import EntryKind
from domain.money import Money
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

NEVER: Final = timedelta(days=3650)
"""When a carrier has nothing more to tell: longer than any order runs."""

BY_PROVIDER: Final = frozenset({EntryKind.REFUNDED, EntryKind.RELEASED, EntryKind.COMPENSATED, EntryKind.CLAWED_BACK})
"""What the payment provider makes of a ledger. The treasury has this too; here it is what the treasury is held to."""


class WillingWorld:
    """What stands in place of the activities.

    `moved` is the payment provider's book, by business key; `outcomes` are those that were recorded, by order. A label
    costs `label_minor` minor units of the order's currency.
    """

    label_minor: ClassVar[int] = 740

    def __init__(self) -> None:
        self.moved: dict[str, Movement] = {}
        self.outcomes: dict[str, Outcome] = {}
        self._performs: dict[str, Callable[[Call], Answer]] = {
            "notices.post": self._post,
            "payments.refund": self._pay,
            "payments.release": self._pay,
            "payments.claw_back": self._pay,
            "payments.submit_evidence": self._submit,
            "payments.look": self._seek,
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
        return self._performs[call.name](call)

    def _post(self, _: Call) -> Answer:
        return Answer()

    def _pay(self, call: Call) -> Answer:
        movement: Movement = call.read(Movement)
        self._book(call.name, movement)
        return Answer(Paid(reference=movement.key))

    def _book(self, _: str, movement: Movement) -> None:
        """The provider moves money, in this way: once, however often it is asked."""
        self.moved.setdefault(movement.key, movement)

    def _seek(self, call: Call) -> Answer:
        movement: Movement = call.read(Movement)
        if movement.key not in self.moved:
            return Answer(failure=ApplicationError("not made yet", type=UNAVAILABLE))
        return self._pay(call)

    def _submit(self, call: Call) -> Answer:
        submission: Submission = call.read(Submission)
        return Answer(Paid(reference=submission.chargeback_id))

    def _look_up(self, call: Call) -> Answer:
        ask: LookUp = call.read(LookUp)
        return Answer(News()) if ask.urgent else no_news(NEVER)

    def _trace(self, _: Call) -> Answer:
        return Answer()

    def _sell_label(self, call: Call) -> Answer:
        request: LabelRequest = call.read(LabelRequest)
        cost = Money(minor=self.label_minor, currency=request.currency)
        return Answer(Label(reference=request.reference, shipment=label_shipment(request.reference), cost=cost))

    def _refund_label(self, _: Call) -> Answer:
        return Answer(result=True)

    def _check(self, call: Call) -> Answer:
        asked: FileChecks = call.read(FileChecks)
        return Answer(FilesFound(files=tuple(FileFound(item=file.item, matches=True) for file in asked.files)))

    def _histories(self, _: Call) -> Answer:
        return Answer(Histories())

    def _record(self, call: Call) -> Answer:
        outcome: Outcome = call.read(Outcome)
        self.outcomes[outcome.order_id] = outcome
        return Answer(result=True)

    def _recall(self, call: Call) -> Answer:
        query: RecallQuery = call.read(RecallQuery)
        outcome = self.outcomes.get(query.order_id)
        return Answer(failure=ApplicationError("no outcome yet")) if outcome is None else Answer(outcome)


def no_news(again_in: timedelta) -> Answer:
    """What a carrier answers that has nothing to tell, and when to ask again."""
    return Answer(failure=ApplicationError("no news yet", type=NO_NEWS, next_retry_delay=again_in))
