"""The doors for webhooks: stored before the answer, once for ever; with the database away nothing is taken."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Connection

from gateway.inbox import State
from gateway.webhooks import LARGEST_EVENT
from gateway.webhooks_sources import SCHEMES
from tests.gateway.doors import Doorstep, a_dispute_event, a_doorstep, a_tracker_event, signed, written

DATA = Path(os.environ.get("REDRESS_DATA", "../shared/data")) / "easypost"


@pytest.fixture
async def doorstep(tmp_path: Path) -> AsyncIterator[Doorstep]:
    """The doors of both providers."""
    async with a_doorstep(tmp_path) as doorstep:
        yield doorstep


@pytest.mark.parametrize(("source", "sent"), [("easypost", a_tracker_event()), ("stripe", a_dispute_event())])
async def test_an_event_is_stored_before_it_is_answered(
    doorstep: Doorstep, source: str, sent: dict[str, object]
) -> None:
    """202 says that the event is kept, waits, and what happens next; Temporal is not needed for it."""
    answer = await doorstep.send(source, sent)

    [kept] = doorstep.inbox.listed(State, 10)
    assert (202, sent["id"], False) == (answer.status_code, answer.json()["event_id"], answer.json()["repeated"])
    assert (source, sent["id"], State.WAITING) == (kept.source, kept.event_id, kept.state)
    assert "by itself" in answer.json()["text"]


async def test_a_repetition_is_known_whatever_its_body_says_then(doorstep: Doorstep) -> None:
    """EasyPost writes anew in each delivery who has had it: the id alone says that it is the same event."""
    first = a_tracker_event()

    await doorstep.send("easypost", first)
    again = await doorstep.send("easypost", first | {"completed_urls": ["https://example.com"], "status": "retry"})

    assert (200, True, 1) == (again.status_code, again.json()["repeated"], doorstep.kept)


async def test_providers_have_ids_of_their_own(doorstep: Doorstep) -> None:
    """The same id from two providers is two events."""
    await doorstep.send("easypost", a_tracker_event(id="evt_1"))
    await doorstep.send("stripe", a_dispute_event(id="evt_1"))

    assert 2 == doorstep.kept


@pytest.mark.parametrize(
    "sent",
    [
        a_tracker_event(description="batch.created"),
        a_tracker_event(result=None),
        a_tracker_event(result={"object": "Tracker", "tracking_code": 7}),
        a_tracker_event(result={"object": "Tracker", "tracking_code": "' OR 1=1 --"}),
    ],
)
async def test_unknown_events_are_kept_and_counted(doorstep: Doorstep, sent: dict[str, object]) -> None:
    """What we cannot act on is taken all the same, and can be tried again by a later version."""
    answer = await doorstep.send("easypost", sent)

    [count] = doorstep.inbox.counts()
    assert (202, State.UNKNOWN, 1) == (answer.status_code, count.state, count.events)
    assert "changes nothing" in answer.json()["text"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"object": "Event"}',
        b'{"object": "Event", "id": "", "description": "tracker.updated"}',
        b'{"object": "Event", "id": "a b", "description": "tracker.updated"}',
        b'{"object": "Event", "id": "evt_\\u0000", "description": "tracker.updated"}',
        b'{"object": "Event", "id": "evt_\\ud800", "description": "tracker.updated"}',
        b'{"object": "event", "id": "evt_1", "type": "charge.dispute.created"}',
        b"[" * 100_000,
        written(a_tracker_event(id="x" * 201)),
    ],
    ids=range(12),
)
async def test_a_body_that_is_no_event_is_told_so(doorstep: Doorstep, body: bytes) -> None:
    """Authentic bytes that are no event of this provider: 400 with what one needs, and nothing is kept."""
    answer = await doorstep.send("easypost", body)

    assert (400, "/problems/no_event", 0) == (answer.status_code, answer.json()["type"], doorstep.kept)


async def test_the_largest_event_is_taken_and_a_larger_one_is_not(doorstep: Doorstep) -> None:
    """256 KiB, counted as bytes come, whatever the sender says of their number."""
    base = written(a_tracker_event())
    largest = base + b" " * (LARGEST_EVENT - len(base))

    async def in_parts(body: bytes) -> AsyncIterator[bytes]:
        yield body

    taken = await doorstep.send("easypost", largest)
    larger = largest + b" "
    refused = await doorstep.http.post(
        "/webhooks/easypost", content=in_parts(larger), headers=signed("easypost", larger)
    )

    assert (202, 413, 1) == (taken.status_code, refused.status_code, doorstep.kept)


async def test_with_the_database_away_nothing_is_taken(doorstep: Doorstep) -> None:
    """A disk that is full, a lock that is never let go of: 503 with a time to come again, and the sender does."""
    sent = a_tracker_event()

    def fails(*_: object) -> None:
        raise OSError("no space left on device")

    event.listen(doorstep.store, "before_cursor_execute", fails)
    during = [await doorstep.send("easypost", sent), await doorstep.send("stripe", a_dispute_event())]
    event.remove(doorstep.store, "before_cursor_execute", fails)
    after = await doorstep.send("easypost", sent)

    assert ({True}, 202, 1) == (
        {answer.status_code >= 500 for answer in during},
        after.status_code,
        doorstep.kept,
    )


async def test_a_commit_that_fails_is_not_answered_2xx(doorstep: Doorstep) -> None:
    """The row counts only once it is committed."""

    def fails(_connection: Connection) -> None:
        raise RuntimeError("the disk is gone")

    event.listen(doorstep.store, "commit", fails)
    answer = await doorstep.send("easypost", a_tracker_event())
    event.remove(doorstep.store, "commit", fails)

    assert (True, 0) == (answer.status_code >= 500, doorstep.kept)


async def test_a_table_that_is_gone_is_a_503_in_words(doorstep: Doorstep) -> None:
    """The sender learns that it should come again, and nothing of our database."""
    with doorstep.store.begin() as connection:
        connection.execute(text("ALTER TABLE inbox RENAME TO gone"))

    answer = await doorstep.send("easypost", a_tracker_event())

    assert (503, "/problems/unavailable") == (answer.status_code, answer.json()["type"])
    assert "gone" not in answer.text
    assert "inbox" not in answer.text
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("source", SCHEMES)
async def test_the_documented_event_is_one_that_an_order_hears_of(doorstep: Doorstep, source: str) -> None:
    """The example of the OpenAPI document, signed, is taken and waits for its order."""
    document = (await doorstep.http.get("/openapi.json")).json()
    body = document["paths"][f"/webhooks/{source}"]["post"]["requestBody"]
    answer = await doorstep.send(source, body["content"]["application/json"]["example"])

    assert (202, [State.WAITING]) == (answer.status_code, [count.state for count in doorstep.inbox.counts()])


@pytest.mark.skipif(
    not (DATA / "events.jsonl").exists(), reason=f"{DATA} is missing: set REDRESS_DATA to the folder with easypost"
)
async def test_every_recorded_event_of_easypost_is_taken(doorstep: Doorstep) -> None:
    """55 real bodies: each is kept, and those with a tracker's number wait for its order."""
    lines = (DATA / "events.jsonl").read_text().splitlines()
    events = {sent["id"]: sent for line in lines if (sent := json.loads(line)["body"])}

    answers = [await doorstep.send("easypost", sent) for sent in events.values()]

    with_a_number = sum(
        sent["description"].startswith("tracker.") and bool((sent.get("result") or {}).get("tracking_code"))
        for sent in events.values()
    )
    waiting = sum(count.events for count in doorstep.inbox.counts() if count.state == State.WAITING)
    assert {202} == {answer.status_code for answer in answers}
    assert (len(events), with_a_number) == (doorstep.kept, waiting)
    assert waiting
