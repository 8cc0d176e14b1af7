"""What the Temporal history of an order says about its money: which movements were asked for, and what came of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar, cast

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from domain.base import Model
from domain.books import KINDS, Asked
from domain.order import Order
from domain.requests import Movement, Paid

_PAYMENTS: Final = frozenset({"payments.refund", "payments.release", "payments.claw_back", "payments.look"})
_ENDED: Final = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)

_Read = TypeVar("_Read", bound=Model)


class MoneyHistory(Model):
    """The movements of an order in the order first asked for, its payment, and whether all its runs have ended.

    `whole` is false if the history of the order itself is gone, as after the namespace's retention.
    """

    asked: tuple[Asked, ...] = ()
    payment_ref: str = ""
    closed: bool = True
    whole: bool = True


async def read(client: Client, order_id: str) -> MoneyHistory | None:
    """All that the histories of an order and of its reopened runs say; none if Temporal knows neither."""
    first = await _events(client, f"order-{order_id}")
    later = [events async for events in _reopened(client, f"reopened-{order_id}")]
    runs = [events for events in (first, *later) if events]
    if not runs:
        return None
    asked: dict[str, Asked] = {}
    payment_ref = ""
    for events in runs:
        async for movement, reference in _movements(client, events):
            payment_ref = payment_ref or movement.payment_ref
            kept = asked.get(movement.key)
            if (kept is None or reference) and movement.purpose in KINDS:
                kind = KINDS[movement.purpose]
                asked[movement.key] = Asked(key=movement.key, kind=kind, amount=movement.amount, reference=reference)
    if not payment_ref and first:
        started = first[0].workflow_execution_started_event_attributes
        payment_ref = (await _decoded(client, started.input, Order)).payment_ref
    return MoneyHistory(
        asked=tuple(asked.values()),
        payment_ref=payment_ref,
        closed=all(events[-1].event_type in _ENDED for events in runs),
        whole=first is not None,
    )


async def listed(client: Client, query: str) -> list[WorkflowExecution]:
    """What a list of Temporal's shows; nothing on the time-skipping test server, which has no lists."""
    try:
        return [found async for found in client.list_workflows(query)]
    except RPCError as error:
        if error.status is not RPCStatusCode.UNIMPLEMENTED:
            raise
        return []


async def _movements(client: Client, events: Iterable[HistoryEvent]) -> AsyncIterator[tuple[Movement, str]]:
    """Each movement as it is asked for, and once more with its reference when it has been made."""
    scheduled: dict[int, Movement] = {}
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            asked = event.activity_task_scheduled_event_attributes
            if asked.activity_type.name in _PAYMENTS:
                scheduled[event.event_id] = await _decoded(client, asked.input, Movement)
                yield scheduled[event.event_id], ""
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = event.activity_task_completed_event_attributes
            if done.scheduled_event_id in scheduled:
                paid = await _decoded(client, done.result, Paid)
                yield scheduled[done.scheduled_event_id], paid.reference


async def _decoded(client: Client, payloads: Payloads, model: type[_Read]) -> _Read:
    (read,) = await client.data_converter.decode(payloads.payloads, [model])
    return cast(_Read, read)


async def _events(client: Client, workflow_id: str, run_id: str | None = None) -> list[HistoryEvent] | None:
    """The events of a run, by default of the latest; a reset run begins with those that it has in common."""
    try:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return list(history.events)


async def _reopened(client: Client, workflow_id: str) -> AsyncIterator[list[HistoryEvent]]:
    """Every run that took the order up again, oldest first. Lists lag by a second, so the latest comes last anyway."""
    latest = await _events(client, workflow_id)
    if latest is None:
        return
    found = await listed(client, f"WorkflowId = '{workflow_id}'")
    for run in sorted(found, key=lambda run: run.start_time):
        if events := await _events(client, workflow_id, run.run_id):
            yield events
    yield latest
