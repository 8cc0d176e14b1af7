"""The same request under the same Idempotency-Key is carried out once and answered the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import update

from domain.messages import Reply
from gateway.idempotency import KEPT, Answers, Attempt, table
from gateway.keys import KeyRole
from gateway.problems import Rejected
from storefront.errors import MessageRefused, NotAnswered
from tests.gateway.closed import Closed

Act = Callable[[Attempt], Awaitable[Response]]


@pytest.fixture
def answers(closed: Closed) -> Answers:
    """Answers in a store of their own."""
    return Answers(closed.store, timedelta(seconds=5))


def request(path: str = "/v1/orders", query: str = "") -> Request:
    """A request to this address."""
    return Request({"type": "http", "method": "POST", "path": path, "query_string": query.encode(), "headers": []})


async def ask(answers: Answers, act: Act, body: bytes = b"{}", **changes: str) -> Response:
    """Carry it out under the key `k` of the marketplace `demo`."""
    at = request(changes.get("path", "/v1/orders"), changes.get("query", ""))
    return await answers.once(at, changes.get("marketplace", "demo"), changes.get("key", "k"), body, act)


class Counted:
    """Answers with how often it was called, or fails as told."""

    def __init__(self, *errors: Exception) -> None:
        self.attempts: list[Attempt] = []
        self._errors = list(errors)

    async def __call__(self, attempt: Attempt) -> Response:
        self.attempts.append(attempt)
        if self._errors:
            raise self._errors.pop(0)
        return JSONResponse({"call": len(self.attempts)}, 201, headers={"Location": "/v1/orders/A-1"})


async def test_repetition_is_answered_the_same(answers: Answers) -> None:
    """Status, body and location come again, and nothing is done."""
    act = Counted()

    first, again = [await ask(answers, act) for _ in range(2)]

    assert 1 == len(act.attempts)
    assert (201, first.body, "/v1/orders/A-1", "true") == (
        again.status_code,
        again.body,
        again.headers["location"],
        again.headers["idempotent-replayed"],
    )
    assert "application/json" == again.headers["content-type"]


@pytest.mark.parametrize("other", [{"body": b"[]"}, {"path": "/v1/orders/A-1/cancel"}, {"query": "lenient=true"}])
async def test_key_of_another_request_is_refused(answers: Answers, other: dict[str, Any]) -> None:
    """Another body, address or query under the same key is 422: one of the two would be lost."""
    await ask(answers, Counted())

    with pytest.raises(Rejected) as caught:
        await ask(answers, Counted(), **other)

    assert "key_reused" == caught.value.kind


async def test_marketplaces_share_no_keys(answers: Answers) -> None:
    """The same key of two marketplaces is two keys, also for Temporal."""
    mine, theirs = Counted(), Counted()

    await ask(answers, mine)
    await ask(answers, theirs, marketplace="other")

    assert mine.attempts[0].request_id != theirs.attempts[0].request_id


async def test_repetition_meanwhile_is_told_to_wait(answers: Answers) -> None:
    """Of two at once, one is carried out, and the other is told to come again in a second or two."""
    at_work, done = asyncio.Event(), asyncio.Event()

    async def slow(attempt: Attempt) -> Response:
        at_work.set()
        await done.wait()
        return JSONResponse({})

    first = asyncio.create_task(ask(answers, slow))
    await at_work.wait()
    with pytest.raises(Rejected) as caught:
        await ask(answers, Counted())
    done.set()

    assert 200 == (await first).status_code
    assert ("busy", {"Retry-After": "2"}) == (caught.value.kind, caught.value.headers)


async def test_what_could_not_be_done_is_tried_again_as_it_was_first_said(answers: Answers) -> None:
    """After a 503 the retry has the same id for Temporal and the instant at which the request first came."""
    act = Counted(NotAnswered("order-A-1", 1))

    with pytest.raises(NotAnswered):
        await ask(answers, act)
    answer = await ask(answers, act)

    first, second = act.attempts
    assert 201 == answer.status_code
    assert (first.request_id, first.at, False, True) == (second.request_id, second.at, first.again, second.again)


async def test_refusal_by_the_rules_is_kept(answers: Answers) -> None:
    """A refusal is an answer: it comes again, without asking the order again."""
    act = Counted(MessageRefused(Reply.no("not_a_side")))

    first, again = [await ask(answers, act) for _ in range(2)]

    assert (409, first.body, 1) == (again.status_code, again.body, len(act.attempts))


async def test_caller_who_hangs_up_can_come_again_at_once(answers: Answers) -> None:
    """A request that is cancelled leaves no lease behind."""
    at_work = asyncio.Event()

    async def endless(attempt: Attempt) -> Response:
        at_work.set()
        await asyncio.Event().wait()
        raise AssertionError

    hanging = asyncio.create_task(ask(answers, endless))
    await at_work.wait()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging

    assert 201 == (await ask(answers, Counted())).status_code


async def test_crash_is_recovered_from_once_its_lease_has_ended(closed: Closed, answers: Answers) -> None:
    """A gateway that died at work leaves a lease; after it, the next try is the same attempt again."""
    dead = Counted()
    await ask(answers, dead)
    with closed.store.begin() as connection:
        connection.execute(update(table).values(status=None, leased_until=datetime.now(UTC) - timedelta(seconds=1)))
    act = Counted()

    await ask(answers, act)

    assert (dead.attempts[0].request_id, True) == (act.attempts[0].request_id, act.attempts[0].again)


async def test_answers_are_forgotten_after_thirty_days(closed: Closed, answers: Answers) -> None:
    """An old key is free again; the purge removes what is old and leaves the rest."""
    await ask(answers, Counted())
    await ask(answers, Counted(), key="k2")
    with closed.store.begin() as connection:
        old = datetime.now(UTC) - KEPT - timedelta(seconds=1)
        connection.execute(update(table).where(table.c.key == "k").values(first_at=old))
    act = Counted()

    await ask(answers, act)

    assert 1 == len(act.attempts)
    assert 0 == answers.purge(datetime.now(UTC))
    assert 2 == answers.purge(datetime.now(UTC) + KEPT + timedelta(minutes=1))


async def test_key_must_be_visible_characters(closed: Closed) -> None:
    """A key that is empty, too long or has spaces is told what a key may be."""
    client = closed.client(KeyRole.STOREFRONT)

    statuses = [
        (await client.post("/v1/orders", json={}, headers={"Idempotency-Key": key})).json()["errors"][0]["field"]
        for key in ("", "x" * 256, "a b")
    ]

    assert ["header.idempotency-key"] * 3 == [field.lower() for field in statuses]
