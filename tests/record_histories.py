"""Record what every story leaves behind: its histories for the replay tests, and its transcript.

`make histories`. Two recordings differ only where the workflows do: what varies from run to run is made uniform.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from temporalio.client import WorkflowHistory

from fastmotion.stories import all_stories
from fastmotion.telling import transcript
from tests.story_world import Recording, record

HISTORIES = Path(__file__).parent / "histories"
TRANSCRIPTS = Path(__file__).parent / "transcripts"

# What replay does not need and what would tell of the machine that recorded.
LEFT_OUT = {
    "identity",
    "taskId",
    "workerVersion",
    "binaryChecksum",
    "stickyTaskQueue",
    "requestId",
    "header",
    "historySizeBytes",
}

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+(Z|\+00:00)")
_EVENT_TIME = re.compile(r'("eventTime": "[^"]{19})(?:\.\d+)?Z"')
_TIMEOUT = re.compile(r"(\d+)\.\d+s")
_SECONDS = re.compile(r'"seconds":(\d+),"nanos":\d+')
_SCHEDULED = re.compile(r'"original_schedule_time":\{[^}]*\}')


def plain(history: WorkflowHistory) -> str:
    """The history as JSON, an event a line, without what is by chance: ids, identities, parts of a second."""
    # A server whose clock happens to stand at a whole second says so; a fraction makes that like any other moment.
    document = _strip(json.loads(_EVENT_TIME.sub(r'\1.1Z"', history.to_json())))
    events = ",\n".join(json.dumps(event, separators=(",", ":"), sort_keys=True) for event in document["events"])
    return _uniform_ids(f'{{"events":[\n{events}\n]}}\n', history.workflow_id)


def _strip(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: _payload(value) if name == "data" and isinstance(value, str) else _strip(value)
            for name, value in node.items()
            if name not in LEFT_OUT
        }
    if isinstance(node, list):
        # The only lists of numbers are the flags of the SDK, which is a set to it.
        return sorted(node) if all(isinstance(item, int) for item in node) else [_strip(item) for item in node]
    return _whole_seconds(node) if isinstance(node, str) else node


def _payload(data: str) -> str:
    text = _whole_seconds(base64.b64decode(data).decode())
    return base64.b64encode(text.encode()).decode()


def _whole_seconds(text: str) -> str:
    """Instants rounded up, so that no timer seems to have fired too early."""
    text = _SCHEDULED.sub('"original_schedule_time":null', text)
    text = _TIMEOUT.sub(lambda found: f"{int(found[1]) + 1}s", text)
    text = _SECONDS.sub(lambda found: f'"seconds":{int(found[1]) + 1},"nanos":0', text)
    return _INSTANT.sub(lambda found: _next_second(found[1]) + found[2], text)


def _next_second(text: str) -> str:
    at = datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(seconds=1)
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def _uniform_ids(text: str, workflow_id: str) -> str:
    known: dict[str, str] = {}
    return _UUID.sub(
        lambda found: known.setdefault(found[0], str(uuid5(NAMESPACE_URL, f"{workflow_id}/{len(known)}"))), text
    )


def write(recording: Recording) -> None:
    """Keep the histories and the transcript of one story."""
    for subject, history in recording.histories.items():
        (HISTORIES / f"{subject}.json").write_text(plain(history), encoding="utf-8")
    told = recording.telling
    (TRANSCRIPTS / f"{told.story.name}.txt").write_text(transcript(told), encoding="utf-8")


async def main() -> None:
    """Record every story anew."""
    for folder in (HISTORIES, TRANSCRIPTS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for story in all_stories().values():
        write(await record(story))
        sys.stdout.write(f"{story.name}\n")


if __name__ == "__main__":
    asyncio.run(main())
