"""What a workflow costs on Temporal Cloud: the billable Actions of one history, each with its reason.

Rules: docs.temporal.io/cloud/actions. One Action each: the start of a workflow, an activity and each of its retries,
a timer, a signal, an accepted update, an upsert of search attributes, a Nexus operation, and all local activities of
one workflow task together. Starting a child costs two, which include the child's own start.

A history does not show everything that is billed: queries, rejected updates, heartbeats, and the retries of an
activity that was cancelled between two attempts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.converter import PayloadConverter

LOCAL_ACTIVITY: Final = "core_local_activity"
VERSIONING: Final = "TemporalChangeVersion"

Events: TypeAlias = Sequence[HistoryEvent]
Rate: TypeAlias = tuple[int, str, str]


@dataclass(frozen=True)
class Action:
    """What is billed for one event: how many Actions, of which kind, and why."""

    event_id: int
    count: int
    kind: str
    reason: str


def actions(history: WorkflowHistory) -> tuple[Action, ...]:
    """The billable Actions of a history, in its order."""
    events = history.events
    rated = ((event, rule(event, events)) for event in events if (rule := _RULES.get(event.event_type)))
    return tuple(Action(event.event_id, *rate) for event, rate in rated if rate is not None)


def total(counted: Iterable[Action]) -> int:
    """How many Actions these are in all."""
    return sum(action.count for action in counted)


def _start(event: HistoryEvent, _events: Events) -> Rate | None:
    started = event.workflow_execution_started_event_attributes
    return None if started.parent_workflow_execution.workflow_id else (1, "start", started.workflow_type.name)


def _activity(event: HistoryEvent, _events: Events) -> Rate:
    name = event.activity_task_scheduled_event_attributes.activity_type.name
    return 1, "activity", _summary(event) or name


def _retries(event: HistoryEvent, events: Events) -> Rate | None:
    started = event.activity_task_started_event_attributes
    _, _, reason = _activity(events[started.scheduled_event_id - 1], events)
    return (started.attempt - 1, "retries", reason) if started.attempt > 1 else None


def _timer(event: HistoryEvent, _events: Events) -> Rate:
    return 1, "timer", _summary(event)


def _signal(event: HistoryEvent, _events: Events) -> Rate:
    return 1, "signal", event.workflow_execution_signaled_event_attributes.signal_name


def _update(event: HistoryEvent, _events: Events) -> Rate:
    return 1, "update", event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name


def _upsert(event: HistoryEvent, _events: Events) -> Rate | None:
    fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
    return None if set(fields) == {VERSIONING} else (1, "upsert", ", ".join(sorted(fields)))


def _local_activities(event: HistoryEvent, events: Events) -> Rate | None:
    marker = event.marker_recorded_event_attributes
    of_the_task = events[marker.workflow_task_completed_event_id : event.event_id - 1]
    if marker.marker_name != LOCAL_ACTIVITY or any(map(is_local_activity, of_the_task)):
        return None
    return 1, "local activities", _summary(event)


def is_local_activity(event: HistoryEvent) -> bool:
    """Whether the event is the record of a local activity."""
    return event.marker_recorded_event_attributes.marker_name == LOCAL_ACTIVITY


def _child(event: HistoryEvent, _events: Events) -> Rate:
    return 2, "child", event.start_child_workflow_execution_initiated_event_attributes.workflow_id


def _nexus(event: HistoryEvent, _events: Events) -> Rate:
    scheduled = event.nexus_operation_scheduled_event_attributes
    return 1, "nexus", f"{scheduled.service}.{scheduled.operation}"


_RULES: Final[Mapping[int, Callable[[HistoryEvent, Events], Rate | None]]] = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: _start,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: _activity,
    EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED: _retries,
    EventType.EVENT_TYPE_TIMER_STARTED: _timer,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: _signal,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: _update,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: _upsert,
    EventType.EVENT_TYPE_MARKER_RECORDED: _local_activities,
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: _child,
    EventType.EVENT_TYPE_NEXUS_OPERATION_SCHEDULED: _nexus,
}


def _summary(event: HistoryEvent) -> str:
    payload = event.user_metadata.summary
    return PayloadConverter.default.from_payload(payload, str) if payload.data else ""
