"""What Temporal Cloud bills, counted from small histories made by hand."""

from __future__ import annotations

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.sdk.v1 import UserMetadata
from temporalio.client import WorkflowHistory

from bench.actions import Action, actions, total
from bench.plan import Plan, Step, plan_of

LOCAL = "core_local_activity"


def history(*events: HistoryEvent) -> WorkflowHistory:
    """A history of these events, numbered from one."""
    for number, event in enumerate(events, start=1):
        event.event_id = number
    return WorkflowHistory("order-A-1", events)


def started(parent: str = "") -> HistoryEvent:
    """The first event, of a child if it has a parent."""
    event = HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
    event.workflow_execution_started_event_attributes.workflow_type.name = "OrderWorkflow"
    if parent:
        attributes = event.workflow_execution_started_event_attributes
        attributes.parent_workflow_execution.CopyFrom(WorkflowExecution(workflow_id=parent))
    return event


def task() -> HistoryEvent:
    """A completed workflow task."""
    return HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)


def signal(name: str) -> HistoryEvent:
    """A received signal."""
    event = HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
    event.workflow_execution_signaled_event_attributes.signal_name = name
    return event


def marker(name: str, task_id: int, summary: str = "") -> HistoryEvent:
    """A marker that a workflow task has left."""
    event = HistoryEvent(event_type=EventType.EVENT_TYPE_MARKER_RECORDED, user_metadata=described(summary))
    event.marker_recorded_event_attributes.marker_name = name
    event.marker_recorded_event_attributes.workflow_task_completed_event_id = task_id
    return event


def timer(seconds: int, summary: str) -> HistoryEvent:
    """A started timer."""
    event = HistoryEvent(event_type=EventType.EVENT_TYPE_TIMER_STARTED, user_metadata=described(summary))
    event.timer_started_event_attributes.start_to_fire_timeout.FromSeconds(seconds)
    return event


def upsert(*names: str) -> HistoryEvent:
    """An upsert of search attributes."""
    event = HistoryEvent(event_type=EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)
    attributes = event.upsert_workflow_search_attributes_event_attributes
    for name in names:
        attributes.search_attributes.indexed_fields[name].CopyFrom(Payload(data=b'"x"'))
    return event


def scheduled(name: str) -> HistoryEvent:
    """A scheduled activity."""
    event = HistoryEvent(event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    event.activity_task_scheduled_event_attributes.activity_type.name = name
    return event


def attempted(attempt: int, scheduled_id: int) -> HistoryEvent:
    """The last attempt of an activity, as a history shows it."""
    event = HistoryEvent(event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED)
    event.activity_task_started_event_attributes.attempt = attempt
    event.activity_task_started_event_attributes.scheduled_event_id = scheduled_id
    return event


def child(workflow_id: str) -> HistoryEvent:
    """The start of a child."""
    event = HistoryEvent(event_type=EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED)
    event.start_child_workflow_execution_initiated_event_attributes.workflow_id = workflow_id
    return event


def described(summary: str) -> UserMetadata:
    """The text that the Web UI shows for an event."""
    payload = Payload(metadata={"encoding": b"json/plain"}, data=f'"{summary}"'.encode())
    return UserMetadata(summary=payload if summary else None)


def test_start_signal_timer_and_upsert_are_one_action_each() -> None:
    """Each is billed once, with what it is for as its reason; a workflow task is not billed."""
    counted = actions(
        history(started(), task(), signal("tracking"), timer(60, "Remind seller"), upsert("OrderState", "NextDeadline"))
    )

    assert counted == (
        Action(1, 1, "start", "OrderWorkflow"),
        Action(3, 1, "signal", "tracking"),
        Action(4, 1, "timer", "Remind seller"),
        Action(5, 1, "upsert", "NextDeadline, OrderState"),
    )


def test_local_activities_of_one_task_are_one_action_together() -> None:
    """Two in one workflow task are billed once, two in two tasks twice."""
    together = history(started(), task(), marker(LOCAL, 2, "Tell the parties"), upsert("A"), marker(LOCAL, 2))
    apart = history(started(), task(), marker(LOCAL, 2), task(), marker(LOCAL, 4))

    assert [(a.event_id, a.reason) for a in actions(together) if a.kind == "local activities"] == [
        (3, "Tell the parties")
    ]
    assert [a.event_id for a in actions(apart) if a.kind == "local activities"] == [3, 5]


def test_every_retry_of_an_activity_is_an_action() -> None:
    """An activity that came through at the fourth attempt costs four."""
    counted = actions(history(started(), scheduled("carrier.look_up"), attempted(4, scheduled_id=2)))

    assert counted[1:] == (Action(2, 1, "activity", "carrier.look_up"), Action(3, 3, "retries", "carrier.look_up"))


def test_a_child_is_billed_to_its_parent() -> None:
    """The parent pays two for a child, so the child's own start is free."""
    assert total(actions(history(started(), child("case-A-1-1")))) == 3
    assert total(actions(history(started(parent="order-A-1")))) == 0


def test_versioning_is_free() -> None:
    """Neither the marker of a patch nor its upsert is billed."""
    assert total(actions(history(started(), task(), marker("core_patch", 2), upsert("TemporalChangeVersion")))) == 1


def test_a_plan_repeats_the_commands_of_each_task() -> None:
    """The yardstick does what the recorded workflow did, after what it had waited for."""
    plan = plan_of(history(started(), task(), marker(LOCAL, 2), timer(60, ""), signal("tracking"), task(), upsert("A")))

    assert plan == Plan(
        steps=(
            Step(signals=0, fired=0, done=0, local_activities=1, timers=(60.0,)),
            Step(signals=1, fired=0, done=0, upserts=1),
        )
    )
