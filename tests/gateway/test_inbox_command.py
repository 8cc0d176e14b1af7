"""`python -m gateway inbox`: what an operator sees of the inbox, and does about it."""

from __future__ import annotations

import json
from pathlib import Path

from activities.store import open_store
from gateway.inbox import Change, Inbox, State
from gateway.webhooks_sources import SCHEMES
from tests.gateway.doors import NOW, a_tracker_event, written
from tests.server import processes


def _an_inbox(folder: Path) -> Inbox:
    inbox = Inbox(open_store(f"sqlite:///{folder / 'redress.sqlite'}"))
    for event in (a_tracker_event(id="evt_1"), a_tracker_event(id="evt_2", description="batch.created")):
        inbox.keep("easypost", SCHEMES["easypost"].read(written(event)), written(event), NOW)
    [waiting] = inbox.claim(NOW, 10)
    inbox.record([Change(waiting.seq, State.GIVEN_UP, NOW, 1, "order-A-1 has not started yet")])
    return inbox


async def test_list_counts_and_shows_what_needs_somebody(tmp_path: Path) -> None:
    """Counts of everything, and the events that are not dealt with, with the reason in words."""
    _an_inbox(tmp_path)

    code, said, _ = await processes.run("-m", "gateway", "inbox", "list", REDRESS_DATA_DIR=str(tmp_path))
    _, document, _ = await processes.run("-m", "gateway", "inbox", "list", "--json", REDRESS_DATA_DIR=str(tmp_path))

    assert 0 == code
    assert "1  unknown   easypost batch.created" in said
    assert "evt_1  tracker.updated  given_up, try 1: order-A-1 has not started yet" in said
    assert "evt_2" not in said
    assert ["evt_1"] == [event["event_id"] for event in json.loads(document)["events"]]


async def test_retry_has_events_tried_again(tmp_path: Path) -> None:
    """By id or state; an id that is not there ends with 5 and says what to do, no choice at all with 2."""
    inbox = _an_inbox(tmp_path)

    done, _, _ = await processes.run("-m", "gateway", "inbox", "retry", "evt_1", REDRESS_DATA_DIR=str(tmp_path))
    missing, _, told = await processes.run("-m", "gateway", "inbox", "retry", "evt_9", REDRESS_DATA_DIR=str(tmp_path))
    nothing, _, _ = await processes.run("-m", "gateway", "inbox", "retry", REDRESS_DATA_DIR=str(tmp_path))

    assert (0, 5, 2) == (done, missing, nothing)
    assert "inbox list" in told
    assert ["evt_1"] == [kept.event_id for kept in inbox.listed([State.WAITING], 10)]


async def test_a_store_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    """Whoever looks into the wrong place must not read that no webhook has come."""
    code, _, told = await processes.run("-m", "gateway", "inbox", "list", REDRESS_DATA_DIR=str(tmp_path))

    assert (2, []) == (code, list(tmp_path.iterdir()))
    assert told.startswith("There is no store at REDRESS_STORE_URL yet")
