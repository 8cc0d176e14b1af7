"""Dispatches as people look at them, and the one thing that people do about them: have a dead letter sent again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Engine, select, update

from activities.dispatch.records import Channel, Dispatch, State
from activities.store import dispatches, outbox
from domain.story import Notice

_D: Final = dispatches.c


class Overview:
    """What became of every notice, in a database that `open_store` has opened."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def listed(self, state: State | None = None, subject: str = "", limit: int = 1000) -> tuple[Dispatch, ...]:
        """Dispatches, newest first: of one state, of one order or case, or all."""
        wanted = [_D.state == state] if state else []
        wanted += [_D.subject == subject] if subject else []
        return self._read(*wanted, limit=limit)

    def of(self, key: str) -> tuple[Dispatch, ...]:
        """The dispatches of one notice, one for each channel."""
        return self._read(_D.key == key, limit=len(Channel))

    def _read(self, *wanted: ColumnElement[bool], limit: int) -> tuple[Dispatch, ...]:
        shown = [_D[name] for name in Dispatch.model_fields if name not in ("to", "kind")]
        query = (
            select(*shown, outbox.c.role.label("to"), outbox.c.kind)
            .join(outbox, outbox.c.key == _D.key)
            .where(*wanted)
            .order_by(_D.posted_at.desc(), _D.position.desc(), _D.key, _D.channel)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return tuple(Dispatch.model_validate(dict(row)) for row in connection.execute(query).mappings())

    def notice(self, key: str) -> Notice | None:
        """The notice of this key, or none."""
        with self._engine.connect() as connection:
            payload = connection.scalar(select(outbox.c.payload).where(outbox.c.key == key))
        return None if payload is None else Notice.model_validate(payload)

    def resend(self, keys: Collection[str] | None, now: datetime) -> tuple[str, ...]:
        """Let dead letters begin anew: those of these keys, or all. Gives the keys of those that do.

        They keep their ids, so that a receiver who had one after all can tell.
        """
        dead = [_D.state == State.DEAD] + ([] if keys is None else [_D.key.in_(list(keys))])
        again = update(dispatches).where(*dead).values(state=State.WAITING, attempts=0, next_attempt=now, ended_at=None)
        with self._engine.begin() as connection:
            return tuple(sorted(set(connection.scalars(again.returning(_D.key)))))
