"""Five thousand bodies that somebody made up: each is answered, none breaks anything."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from fastapi import FastAPI

from gateway.keys import KeyRole
from gateway.problems import MEDIA_TYPE, ProblemDetails
from tests.server.gateway.doors import Doors

BODIES: Final = 5_000
AT_ONCE: Final = 4
SEED: Final = 6

ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 10**15 + 1, 2**63, -(2**63), 1e308, 10**400),
    *(
        "",
        " ",
        "0",
        "null",
        "\0",
        "\U0001f4a5" * 50,
        "x" * 20_000,
        "a\nb",
        "../../etc/passwd",
        "'; DROP TABLE orders; --",
    ),
    *("buyer", "seller", "support", "USD", "XXX", "2026-11-24T09:00:00Z", "2026-11-24", "9999-12-31T23:59:59Z"),
    *([], {}, [[]], [None], {"minor": 1}, {"": ""}, [{}] * 200, {"__proto__": {}}, {"$ref": "#"}),
)
RAW: Final = (
    *(b"", b" ", b"{", b"}", b"[]", b"null", b"1e999", b"NaN", b"{}x", b"\xff\xfe", b"\xef\xbb\xbf{}", b"\0" * 100),
    *(b"[" * 50_000, b'{"a":' * 50_000, b'{"by":"\\ud800"}', b'{"by":1,"by":2}', b"--x\r\n", b"\x1f\x8b\x08", b"<a/>"),
)


@pytest.mark.slow
async def test_made_up_bodies_are_all_answered(doors: Doors) -> None:
    """Examples of the contract with anything exchanged in them, and bytes that are no JSON: never a 5xx."""
    case = await doors.complained("Z-1")
    key = doors.key(*KeyRole)
    document = (await doors.bare().get("/openapi.json")).json()
    targets = [
        (path.format(order_id="Z-1", case_id=case), operation["requestBody"]["content"]["application/json"]["example"])
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    bodies = made_up(random.Random(SEED), targets)
    answered: Counter[int] = Counter()
    wrong: list[tuple[int, str, bytes, str]] = []

    async def ask() -> None:
        for address, body in bodies:
            status, media_type, text = await posted(doors.app, key, address, body)
            answered[status] += 1
            if status >= 500 or (status >= 400 and not is_problem(media_type, text)):
                wrong.append((status, address, body[:200], text))

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))

    assert [] == wrong[:3]
    assert BODIES == answered.total()
    assert {200, 202, 409, 422} <= answered.keys(), answered


def made_up(chance: random.Random, targets: list[tuple[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """So many bodies, each with where it goes."""
    for number in range(BODIES):
        address, example = chance.choice(targets)
        if number % 10 == 0:
            yield address, chance.choice(RAW)
        else:
            text = json.dumps(example)
            for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
                text = json.dumps(exchanged(chance, json.loads(text)))
            yield address, text.encode()


def exchanged(chance: random.Random, value: Any) -> Any:
    """The same with something odd in one place, one field less, or one more."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        match chance.randrange(8):
            case 0:
                return {key: inner for key, inner in value.items() if key != name}
            case 1:
                return {**value, chance.choice(("extra", "", "submitted_at", "by")): chance.choice(ODD)}
            case _:
                return {**value, name: exchanged(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        return [*value[:at], exchanged(chance, value[at]), *value[at + 1 :]]
    return chance.choice(ODD)


def is_problem(media_type: str, text: str) -> bool:
    """Whether this says what is wrong, and what to do."""
    return media_type == MEDIA_TYPE and bool(ProblemDetails.model_validate_json(text).remedy)


async def posted(app: FastAPI, key: str, address: str, body: bytes) -> tuple[int, str, str]:
    """Status, media type and text of the answer; by no client, which would take most of the time."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {key}".encode()), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http"}
    where = {"path": address, "raw_path": address.encode(), "query_string": b"", "root_path": "", "headers": headers}
    await app({**scope, **where, "client": ("127.0.0.1", 1), "server": ("gateway", 80)}, receive, send)
    media_type = dict(sent[0]["headers"]).get(b"content-type", b"").decode()
    return sent[0]["status"], media_type, b"".join(one.get("body", b"") for one in sent[1:]).decode()
