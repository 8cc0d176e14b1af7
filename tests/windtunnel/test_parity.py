"""The tunnel does what a server does: for every story the same transcript, and the same commands in the same order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from fastmotion.stories import all_stories
from fastmotion.telling import transcript
from tests.record_histories import HISTORIES, TRANSCRIPTS
from tests.windtunnel.calm import Calm, calm
from windtunnel import engine
from windtunnel.contract import Command

RECORDED: Final = sorted(path.stem for path in HISTORIES.glob("*.json"))

ROUNDED: Final = 2
"""Seconds by which a recorded timer may be longer: recording rounds up, and a real clock has run on meanwhile."""


class Wish(NamedTuple):
    """A command as it is compared: what is asked for, of which type or name, and a timer's seconds."""

    kind: str
    of: str = ""
    seconds: int = 0


@pytest.mark.parametrize("name", all_stories())
async def test_a_story_has_the_same_transcript_as_on_a_server(name: str) -> None:
    """What happened, who was told, the money and the reasons are the same to the letter."""
    assert (TRANSCRIPTS / f"{name}.txt").read_text(encoding="utf-8") == transcript((await calm(name)).telling)


@pytest.mark.parametrize("subject", RECORDED)
async def test_a_workflow_asks_for_the_same_as_on_a_server(subject: str) -> None:
    """The commands of the committed history, in their order; see `in_common` for what is chance in it."""
    history = WorkflowHistory.from_json(subject, (HISTORIES / f"{subject}.json").read_text(encoding="utf-8"))

    recorded = list(in_common(wishes_of_history(history.events)))

    expected = [wish._replace(seconds=0) for wish in recorded]
    ours = list(in_common(wishes_of_tunnel((await calm(story_of(subject))).commands[subject])))
    assert expected == [wish._replace(seconds=0) for wish in ours]
    assert not [
        pair for pair in zip(recorded, ours, strict=True) if not 0 <= pair[0].seconds - pair[1].seconds <= ROUNDED
    ]


async def test_every_workflow_of_every_story_is_compared() -> None:
    """A workflow that only one of the two has started would be seen."""
    assert RECORDED == sorted([subject for name in all_stories() for subject in compared(await calm(name))])


def compared(story: Calm) -> Iterator[str]:
    """The workflows of a story that are recorded: an order that was taken up again only if that had a result."""
    return (subject for subject in story.commands if subject in story.telling.timelines)


def story_of(subject: str) -> str:
    """The story in which this workflow runs: `case-damaged-1` is one of `damaged`."""
    name = subject.split("-", 1)[1]
    return name if name in all_stories() else name.rpartition("-")[0]


def test_one_file_alone_touches_the_bridge() -> None:
    """An upgrade of the SDK that breaks the tunnel breaks it there."""
    files = (path for path in Path(engine.__file__).parent.rglob("*.py"))
    assert [Path(engine.__file__).name] == [
        path.name for path in files if "temporalio.bridge" in path.read_text("utf-8")
    ]


# --- commands, from both sides ---


def wishes_of_tunnel(commands: Iterable[Command]) -> Iterator[Wish]:
    """What reached the server: what a task asks for and takes back at once never does.

    Nor does the end of a timer that is due at that very instant, since it has fired.
    """
    commands = tuple(commands)
    due = {one.seq: one.at + timedelta(seconds=int(one.of)) for one in commands if one.kind == "start_timer"}
    taken_back = {task: Counter(_undone(list(run))) for task, run in groupby(commands, lambda one: one.task)}
    for one in commands:
        if (_begun(one), one.seq) in taken_back[one.task]:
            continue
        if one.kind == "cancel_timer" and due[one.seq] <= one.at:
            continue
        seconds = int(one.of) if one.kind == "start_timer" else 0
        of = one.of if one.kind in NAMED else ""
        yield Wish(one.kind, of, seconds)


NAMED: Final = {
    "schedule_activity",
    "record_marker",
    "start_child_workflow_execution",
    "signal_external_workflow_execution",
}
ENDS: Final = {"cancel_timer": "start_timer", "request_cancel_activity": "schedule_activity"}


def _begun(command: Command) -> str:
    return ENDS.get(command.kind, command.kind)


def _undone(task: list[Command]) -> Iterator[tuple[str, int]]:
    asked = {(one.kind, one.seq) for one in task}
    return ((_begun(one), one.seq) for one in task if one.kind in ENDS and (_begun(one), one.seq) in asked)


def wishes_of_history(events: Iterable[HistoryEvent]) -> Iterator[Wish]:
    """What a history says that the workflow has asked for."""
    for event in events:
        kind = KINDS.get(event.event_type)
        if kind is not None:
            seconds = event.timer_started_event_attributes.start_to_fire_timeout.seconds
            yield Wish(kind, _of(event), seconds)


KINDS: Final[Mapping[int, str]] = {
    EventType.EVENT_TYPE_TIMER_STARTED: "start_timer",
    EventType.EVENT_TYPE_TIMER_CANCELED: "cancel_timer",
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: "schedule_activity",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED: "request_cancel_activity",
    EventType.EVENT_TYPE_MARKER_RECORDED: "record_marker",
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: "start_child_workflow_execution",
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: "signal_external_workflow_execution",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "upsert_workflow_search_attributes",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "complete_workflow_execution",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: "fail_workflow_execution",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: "cancel_workflow_execution",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: "continue_as_new_workflow_execution",
}


def _of(event: HistoryEvent) -> str:
    match event.event_type:
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            return event.activity_task_scheduled_event_attributes.activity_type.name
        case EventType.EVENT_TYPE_MARKER_RECORDED:
            (payload,) = event.marker_recorded_event_attributes.details["data"].payloads
            return str(json.loads(payload.data)["activity_type"])
        case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            return event.start_child_workflow_execution_initiated_event_attributes.workflow_type.name
        case EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
            return event.signal_external_workflow_execution_initiated_event_attributes.signal_name
        case _:
            return ""


def in_common(wishes: Iterable[Wish]) -> Iterator[Wish]:
    """The commands without what is by chance on a server.

    Local activities that run side by side end in any order, so their markers are sorted. And two things that happen
    at once are one task or two, as the worker has time: then the parties are told by one posting or by two.
    """
    for local, run in groupby(wishes, lambda wish: wish.kind == "record_marker"):
        together = list(run)
        yield from sorted(set(together)) if local else together
