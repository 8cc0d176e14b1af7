"""What a workflow did, without why: the commands of each workflow task, and what had to happen before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from bench.actions import is_local_activity
from domain.base import Model


class Step(Model):
    """One workflow task: how many signals, timers and activities had come to an end before, and its commands."""

    signals: int
    fired: int
    done: int
    local_activities: int = 0
    upserts: int = 0
    timers: tuple[float, ...] = ()
    cancels: int = 0
    activities: int = 0


class Plan(Model):
    """The steps of a workflow; timers in seconds."""

    steps: tuple[Step, ...]


_BEFORE: Final[Mapping[int, str]] = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signals",
    EventType.EVENT_TYPE_TIMER_FIRED: "fired",
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "done",
}
_COMMANDS: Final[Mapping[int, str]] = {
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "upserts",
    EventType.EVENT_TYPE_TIMER_CANCELED: "cancels",
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: "activities",
}


def plan_of(history: WorkflowHistory) -> Plan:
    """The plan that would leave the same history. Children and updates are not followed."""
    so_far: Counter[str] = Counter(dict.fromkeys(_BEFORE.values(), 0))
    steps: list[Step] = []
    for event in history.events:
        if name := _BEFORE.get(event.event_type):
            so_far[name] += 1
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            # Commands follow the completion of their workflow task, before anything else happens.
            steps.append(Step(**so_far))
        elif command := _COMMANDS.get(event.event_type):
            steps[-1] = steps[-1].model_copy(update={command: getattr(steps[-1], command) + 1})
        elif is_local_activity(event):
            steps[-1] = steps[-1].model_copy(update={"local_activities": steps[-1].local_activities + 1})
        elif event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            length = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta().total_seconds()
            steps[-1] = steps[-1].model_copy(update={"timers": (*steps[-1].timers, length)})
    return Plan(steps=tuple(steps))
