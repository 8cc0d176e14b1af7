"""`Idempotency-Key`: the same request is carried out once, and answered the same for thirty days.

The key is kept with a hash of its request and, once there is one, the answer. From the key follow the ids by which
Temporal knows a repetition, and from its row the instant at which the request first came: a retry after an outage does
what the first try would have done, whether or not that got through.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Header, Request, Response
from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Integer,
    LargeBinary,
    RowMapping,
    String,
    Table,
    and_,
    delete,
    select,
    update,
)

from activities.store import UtcInstant, is_new, metadata
from gateway import problems
from gateway.problems import Rejected, retry_after

KEPT: Final = timedelta(days=30)
"""How long an answer is given again."""

WAITS: Final = 6
"""A request waits for Temporal at most so often: beyond, whoever carried it out is taken for dead.

Should it live after all, Temporal knows the second try for a repetition.
"""

_CONFLICT: Final = 409
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "redress/idempotency-key")
_KEPT_HEADERS: Final = ("content-type", "location")

table = Table(
    "idempotency_keys",
    metadata,
    Column("marketplace", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request_hash", String, nullable=False),
    Column("first_at", UtcInstant, nullable=False, index=True),
    Column("leased_until", UtcInstant, nullable=False),
    Column("status", Integer),
    Column("headers", JSON(none_as_null=True)),
    Column("body", LargeBinary),
)

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="of your choice, for one request: a repetition with it is carried out once and answered the same",
    ),
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a request. `at` is when it first came (UTC), `again` says that there were tries before."""

    request_id: str
    at: datetime
    again: bool = False


class Answers:
    """The keys and answers in the database that `open_store` has opened; `patience` bounds each wait for Temporal."""

    def __init__(self, store: Engine, patience: timedelta) -> None:
        self._store = store
        self._lease = WAITS * patience

    async def once(
        self,
        request: Request,
        marketplace: str,
        key: str | None,
        body: bytes,
        act: Callable[[Attempt], Awaitable[Response]],
    ) -> Response:
        """The answer of `act`, or the one that was given to this key before.

        Raises what `act` raises, and Rejected for a key of another request or one that is being worked on.
        Accepted and refused requests are kept; what could not be done now, or was malformed, may be tried again.
        """
        now = datetime.now(UTC)
        if key is None:
            return await act(Attempt(str(uuid.uuid4()), now))
        digest = _digest(request, body)
        begun = await asyncio.to_thread(self._begin, marketplace, key, digest, now)
        if isinstance(begun, Response):
            return begun
        answer: Response | None = None
        try:
            answer = await act(begun)
        except Exception as error:
            answer = problems.answer(error)
            if answer.status_code != _CONFLICT:
                answer = None
                raise
        finally:
            # Also when the caller hangs up: a retry then need not wait for the lease to end.
            await asyncio.shield(asyncio.to_thread(self._end, marketplace, key, answer))
        return answer

    def purge(self, now: datetime) -> int:
        """Forget what is older than `KEPT`; gives how many."""
        with self._store.begin() as connection:
            return connection.execute(delete(table).where(table.c.first_at < now - KEPT)).rowcount

    def _begin(self, marketplace: str, key: str, digest: str, now: datetime) -> Attempt | Response:
        this = and_(table.c.marketplace == marketplace, table.c.key == key)
        attempt = Attempt(str(uuid.uuid5(_NAMESPACE, f"{marketplace} {key}")), now)
        new = {"marketplace": marketplace, "key": key, "request_hash": digest, "first_at": now}
        with self._store.begin() as connection:
            # Writing first takes the lock: of two repetitions at once, one alone goes on.
            connection.execute(delete(table).where(this, table.c.first_at < now - KEPT))
            if is_new(connection, table, {**new, "leased_until": now + self._lease}):
                return attempt
            free = (this, table.c.request_hash == digest, table.c.status.is_(None), table.c.leased_until <= now)
            taken = connection.execute(update(table).where(*free).values(leased_until=now + self._lease)).rowcount
            row = connection.execute(select(table).where(this)).mappings().one()
        if row["request_hash"] != digest:
            raise Rejected("key_reused", "This Idempotency-Key came before, with another address or body.")
        if taken:
            return Attempt(attempt.request_id, row["first_at"], again=True)
        if row["status"] is None:
            raise Rejected("busy", "A request with this Idempotency-Key is being worked on.", headers=retry_after(1))
        return _replayed(row)

    def _end(self, marketplace: str, key: str, answer: Response | None) -> None:
        values: dict[str, object] = {"leased_until": datetime.now(UTC)}
        if answer is not None:
            headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
            values |= {"status": answer.status_code, "headers": headers, "body": bytes(answer.body)}
        with self._store.begin() as connection:
            connection.execute(
                update(table).where(table.c.marketplace == marketplace, table.c.key == key).values(values)
            )


def _digest(request: Request, body: bytes) -> str:
    address = f"{request.method} {request.url.path}?{request.url.query}\n"
    return sha256(address.encode() + body).hexdigest()


def _replayed(row: RowMapping) -> Response:
    return Response(row["body"], row["status"], {**row["headers"], "Idempotent-Replayed": "true"})
