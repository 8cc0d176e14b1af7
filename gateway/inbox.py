"""The inbox: every webhook that was answered 2xx, once for its event id, for ever.

An event is stored before it is answered, and stays `waiting` until an order has been told. Its id is never forgotten,
so that a repetition after years is known; its body, which may hold where somebody lives, is erased after a while.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, RowMapping, Select, bindparam, delete, func, insert, select, update

from activities.store import inbox as table
from activities.store import inbox_bodies as bodies
from activities.store import insert_into
from domain.base import Instant, Model
from gateway.webhooks_event import WebhookEvent

LEASE: Final = timedelta(seconds=15)
"""How long an event that one gateway works on is left alone by the others. Told by two, it still counts once."""

BODIES_KEPT: Final = timedelta(days=30)
"""How long the body of an event that is dealt with can still be looked at and tried again."""

_KEEP_BODY: Final = insert(bodies)
_CHANGE: Final = (
    update(table)
    .where(table.c.seq == bindparam("new_seq"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "due_at", "attempts", "note")})
)


class State(StrEnum):
    """How far an event has come."""

    WAITING = "waiting"
    """It is passed on as soon as that is possible."""
    DONE = "done"
    """Its order has been told, or there was nothing to tell."""
    UNKNOWN = "unknown"
    """No event that this version acts on: kept and counted."""
    REFUSED = "refused"
    """It is from before the purchase of what it speaks of."""
    GIVEN_UP = "given_up"
    """It has waited too long; a person must look."""


class Change(NamedTuple):
    """How an event stands from now on; `due_at` (UTC) counts while it waits."""

    seq: int
    state: State
    due_at: datetime
    attempts: int
    note: str


class Waiting(NamedTuple):
    """An event to be passed on. `received_at` is UTC, `attempts` counts this one."""

    seq: int
    source: str
    event_id: str
    received_at: datetime
    attempts: int
    body: bytes


class Kept(Model):
    """An event in the inbox, without its body. Instants are in UTC; `note` says in words how it stands."""

    seq: int
    source: str
    event_id: str
    kind: str
    received_at: Instant
    state: str
    due_at: Instant
    attempts: int
    note: str


class Count(Model):
    """How many events of one kind are in one state."""

    source: str
    kind: str
    state: str
    events: int


class Inbox:
    """The inbox in a database that `open_store` has opened. Everything raises SQLAlchemyError if it is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else contextlib.nullcontext()
        self._insert = insert_into(engine, table).on_conflict_do_nothing().returning(table.c.seq)

    def keep(self, source: str, event: WebhookEvent, body: bytes, now: datetime) -> bool:
        """Store the event for good; false if it is there already, whatever its body says this time."""
        row = {
            "source": source,
            "event_id": event.event_id,
            "kind": event.kind,
            "received_at": now,
            "state": State.WAITING if event.about else State.UNKNOWN,
            "due_at": now,
        }
        with self._writing() as connection:
            seq = connection.scalar(self._insert, row)
            if seq is not None:
                connection.execute(_KEEP_BODY, {"seq": seq, "body": body})
        return seq is not None

    def claim(self, now: datetime, most: int) -> tuple[Waiting, ...]:
        """The events that are due, oldest first, which no other gateway then takes before the lease is over."""
        is_due = (table.c.state == State.WAITING, table.c.due_at <= now)
        first = select(table.c.seq).where(*is_due).order_by(table.c.seq).limit(most)
        # Asked twice: who had to wait for another gateway's claim sees in the second that it has come too late.
        claimed = (
            update(table)
            .where(table.c.seq.in_(first.scalar_subquery()), *is_due)
            .values(due_at=now + LEASE, attempts=table.c.attempts + 1)
            .returning(*(table.c[name] for name in Waiting._fields if name != "body"))
        )
        with self._writing() as connection:
            rows = sorted(connection.execute(claimed).mappings(), key=itemgetter("seq"))
            wanted = select(bodies).where(bodies.c.seq.in_([row["seq"] for row in rows]))
            said = {row.seq: row.body for row in connection.execute(wanted)}
        return tuple(Waiting(**row, body=said[row["seq"]]) for row in rows)

    def record(self, changes: Iterable[Change]) -> None:
        """Write down how events stand now, all of them or none."""
        rows = [{f"new_{name}": value for name, value in change._asdict().items()} for change in changes]
        if rows:
            with self._writing() as connection:
                connection.execute(_CHANGE, rows)

    def next_due(self) -> datetime | None:
        """When the next event is due; none if nothing waits."""
        with self._engine.connect() as connection:
            due: datetime | None = connection.scalar(
                select(func.min(table.c.due_at)).where(table.c.state == State.WAITING)
            )
        return due

    def counts(self) -> tuple[Count, ...]:
        """How many events of each kind are in each state."""
        columns = (table.c.source, table.c.kind, table.c.state)
        query = select(*columns, func.count().label("events")).group_by(*columns).order_by(*columns)
        return tuple(Count.model_validate(dict(row)) for row in self._rows(query))

    def listed(self, states: Iterable[State], limit: int) -> tuple[Kept, ...]:
        """The newest events in one of these states, newest first."""
        columns = [table.c[name] for name in Kept.model_fields]
        wanted = table.c.state.in_(tuple(states))
        rows = self._rows(select(*columns).where(wanted).order_by(table.c.seq.desc()).limit(limit))
        return tuple(Kept.model_validate(dict(row)) for row in rows)

    def retry(self, now: datetime, *, event_ids: Iterable[str] = (), states: Iterable[State] = ()) -> int:
        """Have these events tried again at once, and give them their time to wait anew; how many there are.

        An event whose body has been erased cannot be tried again.
        """
        wanted = table.c.event_id.in_(tuple(event_ids)) | table.c.state.in_(tuple(states))
        again = update(table).where(wanted, table.c.seq.in_(select(bodies.c.seq)))
        with self._writing() as connection:
            return connection.execute(again.values(state=State.WAITING, due_at=now, attempts=0)).rowcount

    def forget_bodies(self, now: datetime) -> int:
        """Erase the bodies of events that were dealt with and came more than `BODIES_KEPT` ago; how many there were."""
        over = select(table.c.seq).where(table.c.state != State.WAITING, table.c.received_at < now - BODIES_KEPT)
        with self._writing() as connection:
            return connection.execute(delete(bodies).where(bodies.c.seq.in_(over))).rowcount

    def _rows(self, query: Select[Any]) -> list[RowMapping]:
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction. SQLite has one writer at a time, and makes the others sleep: in a process they take turns."""
        with self._turn, self._engine.begin() as connection:
            yield connection
