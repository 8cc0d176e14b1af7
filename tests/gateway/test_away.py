"""What the gateway answers while something that it needs is away."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine
from temporalio.client import Client

import runtime
from activities.files import StoredFiles
from gateway.app import create_app
from gateway.keys import KeyRole
from gateway.temporal import Temporal
from tests.gateway import photo_files as files
from tests.gateway.closed import Closed, nobody
from tests.storefront.orders import document

BY_HEART = {"Idempotency-Key": "sell-1"}


async def test_without_temporal_every_question_is_503_in_words(closed: Closed) -> None:
    """Orders cannot be asked or told; the answer says that nothing is lost, and when to come again."""
    shop = closed.client(KeyRole.STOREFRONT)
    order = document(placed_at="2026-11-24T08:00:00Z")

    answers = [
        await shop.get("/v1/orders/A-1"),
        await shop.post("/v1/orders", json=order, headers=BY_HEART),
        await shop.post("/v1/orders/A-1/accept"),
    ]

    assert {503} == {answer.status_code for answer in answers}
    assert {"5", "6"} >= {answer.headers["retry-after"] for answer in answers}
    assert {"Temporal, which keeps the orders, does not answer. Nothing is lost."} == {
        answer.json()["detail"] for answer in answers
    }
    assert "same Idempotency-Key" in answers[0].json()["remedy"]


async def test_what_was_answered_503_may_be_sent_again_at_once(closed: Closed) -> None:
    """The key is not held by the try that came to nothing."""
    shop = closed.client(KeyRole.STOREFRONT)
    order = document(placed_at="2026-11-24T08:00:00Z")

    statuses = [(await shop.post("/v1/orders", json=order, headers=BY_HEART)).status_code for _ in range(3)]

    assert [503, 503, 503] == statuses


async def test_health_and_readiness(closed: Closed) -> None:
    """The process lives; it is not ready, and says what is away."""
    client = closed.client()

    assert 200 == (await client.get("/healthz")).status_code
    ready = await client.get("/readyz")
    assert (503, {"ready": False, "temporal": "does not answer", "database": "ok"}) == (ready.status_code, ready.json())


async def test_photos_need_no_temporal(closed: Closed) -> None:
    """Evidence can be uploaded while the orders cannot be reached."""
    answer = await closed.client(KeyRole.STOREFRONT).post("/v1/files", content=files.saved(files.picture(), "JPEG"))

    assert 201 == answer.status_code


async def test_without_the_database_nothing_is_2xx(tmp_path: Path) -> None:
    """Nobody can be let in, and the answer does not show the database's address."""
    gone = create_engine(f"sqlite:///{tmp_path / 'gone' / 'redress.sqlite'}")
    settings = runtime.Settings(data_dir=tmp_path)
    temporal = Temporal.from_settings(settings)
    closed = Closed(tmp_path)
    key = closed.key(KeyRole.STOREFRONT)
    closed.app = create_app(settings, temporal, gone)
    client = closed.bare(Authorization=f"Bearer {key}")

    answers = [await client.get("/v1/orders/A-1"), await client.post("/v1/orders", json={})]
    ready = await client.get("/readyz")

    assert [503, 503] == [answer.status_code for answer in answers]
    assert "sqlite" not in "".join(answer.text for answer in answers)
    assert "The gateway's database does not answer" in answers[0].json()["detail"]
    assert "does not answer" == ready.json()["database"]


async def test_file_store_that_fails_is_503(closed: Closed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk or a bucket out of reach is told as such."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StoredFiles, "_write", full)

    answer = await closed.client(KeyRole.STOREFRONT).post("/v1/files", content=files.saved(files.picture(), "PNG"))

    assert (503, True) == (answer.status_code, "store of files" in answer.json()["detail"])


async def test_failure_that_nobody_foresaw_tells_nothing(closed: Closed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is a 500 problem; what it was is in our log alone."""

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("gateway.owners.Owners.admit", broken)
    transport = httpx.ASGITransport(closed.app, raise_app_exceptions=False)
    headers = closed.client(KeyRole.STOREFRONT).headers
    client = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)

    answer = await client.get("/v1/orders/A-1")

    assert (500, "/problems/failed", False) == (answer.status_code, answer.json()["type"], "secret" in answer.text)


async def test_one_attempt_to_connect_serves_all_that_wait() -> None:
    """A crowd of requests makes one connection attempt, and later ones try anew."""
    tries = 0
    come = asyncio.Event()

    async def connect() -> Client:
        nonlocal tries
        tries += 1
        await come.wait()
        return await nobody()

    temporal = Temporal(connect, task_queue="none", patience=timedelta(seconds=5))
    crowd = [asyncio.create_task(temporal.redress()) for _ in range(10)]
    await asyncio.sleep(0)
    come.set()
    answers = await asyncio.gather(*crowd, return_exceptions=True)
    with pytest.raises(runtime.Unreachable):
        await temporal.redress()

    assert 2 == tries
    assert {runtime.Unreachable} == {type(answer) for answer in answers}
