"""The queue of dispatches in the store: who may send what now, and what has become of it.

A deliverer leases a bundle, sends it and writes down what came of it. A lease that runs out is another deliverer's to
take; whoever held it before can then write nothing any more. Safe on SQLite and PostgreSQL, for any number of workers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, case, func, or_, select, update

from activities.dispatch.records import UNDER_WAY, Bundle, Channel, Item, State
from activities.store import add_new, dispatches, insert_into, outbox, standings
from domain.courtesy import Manner, digested
from domain.duties import Owed
from domain.moot import Moot
from domain.requests import Posting
from domain.story import Notice

LEASE: Final = timedelta(minutes=5)
"""How long a bundle is one deliverer's: well above what an attempt may take."""

_OPEN_DIGEST: Final = "digest for "
"""What the id of a digest begins with until its first attempt fixes what is in it."""

_D: Final = dispatches.c


def enrol(connection: Connection, posting: Posting, channels: Iterable[Channel], now: datetime) -> None:
    """Owe each notice one delivery on each channel, within the transaction that keeps the notice.

    What was enrolled before stays as it is.
    """
    first = posting.number - len(posting.notices)
    manner = posting.manner.model_dump(mode="json")
    rows = [
        {
            "key": notice.key,
            "channel": channel,
            "subject": notice.subject,
            "bundle": _bundle(notice, posting.manner, channel),
            "position": first + place,
            "manner": manner,
            "state": State.WAITING,
            "posted_at": now,
            "next_attempt": now,
        }
        for channel in channels
        for place, notice in enumerate(posting.notices)
    ]
    add_new(connection, dispatches, rows)
    if rows and posting.owed is not None:
        _keep_standing(connection, posting.notices[0].subject, posting.number, posting.owed)


def _bundle(notice: Notice, manner: Manner, channel: Channel) -> str:
    if channel is Channel.MAIL and digested(notice, manner.courtesy):
        return f"{_OPEN_DIGEST}{notice.party_id} {notice.locale} {notice.time_zone}"
    return notice.key


def _keep_standing(connection: Connection, subject: str, number: int, owed: tuple[Owed, ...]) -> None:
    values = {"number": number, "owed": [duty.model_dump(mode="json") for duty in owed]}
    written = insert_into(connection, standings).values(subject=subject, **values)
    # Postings run side by side and may be repeated: the newest counts, whenever it arrives.
    newest = standings.c.number < number
    connection.execute(written.on_conflict_do_update(index_elements=["subject"], set_=values, where=newest))


class SqlDispatches:
    """The queue in a database that `open_store` has opened. Every method may raise SQLAlchemyError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, channel: Channel, now: datetime, limit: int) -> tuple[Bundle, ...]:
        """Lease up to `limit` bundles of a channel that are due at `now`, the longest due first."""
        heads = (
            select(_D.bundle)
            .where(_D.channel == channel, *_due(now))
            .group_by(_D.bundle)
            .order_by(func.min(_D.next_attempt), func.min(_D.position))
            .limit(limit)
        )
        with self._engine.connect() as connection:
            found = connection.scalars(heads).all()
        bundles = (self._lease(bundle, channel, now) for bundle in found)
        return tuple(bundle for bundle in bundles if bundle.items)

    def _lease(self, bundle: str, channel: Channel, now: datetime) -> Bundle:
        lease = uuid4().hex
        mine = (_D.bundle == bundle, _D.channel == channel, *_due(now))
        with self._engine.begin() as connection:
            # PostgreSQL locks the rows here, in one order; on SQLite the update alone decides, being one statement.
            keys = connection.scalars(select(_D.key).where(*mine).order_by(_D.key).with_for_update(skip_locked=True))
            taken = (
                update(dispatches)
                .where(_D.key.in_(list(keys)), *mine)
                .values(
                    lease=lease,
                    leased_until=now + LEASE,
                    # A lease that ran out was an attempt whose end nobody has written down.
                    attempts=_D.attempts + case((_D.lease.is_not(None), 1), else_=0),
                )
                .returning(_D.key)
            )
            held = list(connection.scalars(taken))
            query = (
                select(outbox.c.payload, _D.manner, _D.attempts)
                .join(outbox, outbox.c.key == _D.key)
                .where(_D.key.in_(held), _D.channel == channel)
                .order_by(outbox.c.at, _D.position, _D.key)
            )
            rows = connection.execute(query).all()
        return Bundle(bundle, channel, lease, tuple(_item(*row) for row in rows))

    def standing(self, subject: str) -> tuple[Owed, ...] | None:
        """What is owed in an order or case by its newest posting; none if no posting has said."""
        with self._engine.connect() as connection:
            owed = connection.scalar(select(standings.c.owed).where(standings.c.subject == subject))
        return None if owed is None else tuple(Owed.model_validate(duty) for duty in owed)

    def newer(self, notice: Notice) -> tuple[Notice, ...]:
        """Later notices of the same kind about the same order or case to the same reader."""
        same = (outbox.c.subject == notice.subject, outbox.c.kind == notice.kind, outbox.c.role == notice.to)
        query = select(outbox.c.payload).where(*same, outbox.c.at > notice.at, outbox.c.key != notice.key)
        with self._engine.connect() as connection:
            return tuple(Notice.model_validate(payload) for payload in connection.scalars(query))

    def hold(self, bundle: Bundle, keys: Collection[str], until: datetime) -> None:
        """Let these wait until `until`; that is no attempt."""
        self._write(bundle, keys, state=State.HELD, next_attempt=until)

    def drop(self, bundle: Bundle, key: str, reason: Moot, now: datetime) -> None:
        """This one is moot."""
        self._write(bundle, [key], state=State.MOOT, reason=reason, ended_at=now)

    def begin(self, bundle: Bundle, keys: Collection[str], now: datetime) -> str | None:
        """Begin an attempt with these notices: the id of their message, the same at every further attempt.

        The lease begins anew. None, and nothing may be sent, if it has run out meanwhile and another one has it.
        """
        sealed = _sealed(bundle, keys)
        renewed = update(dispatches).where(*_held(bundle, keys)).values(bundle=sealed, leased_until=now + LEASE)
        with self._engine.begin() as connection:
            ours = set(connection.scalars(renewed.returning(_D.key)))
        return sealed if ours == set(keys) else None

    def sent(self, bundle: Bundle, keys: Collection[str], now: datetime) -> None:
        """The other side has taken the message with these."""
        self._write(bundle, keys, state=State.SENT, reason="", attempts=_D.attempts + 1, ended_at=now)

    def failed(
        self, bundle: Bundle, keys: Collection[str], reason: str, now: datetime, next_attempt: datetime | None
    ) -> None:
        """It has not; it is tried again at `next_attempt`, or without one given up."""
        ends = {"state": State.DEAD, "ended_at": now} if next_attempt is None else {"state": State.WAITING}
        again = {} if next_attempt is None else {"next_attempt": next_attempt}
        self._write(bundle, keys, reason=reason, attempts=_D.attempts + 1, **ends, **again)

    def _write(self, bundle: Bundle, keys: Collection[str], **values: Any) -> None:
        with self._engine.begin() as connection:
            written = update(dispatches).where(*_held(bundle, keys))
            connection.execute(written.values(lease=None, leased_until=None, **values))


def _sealed(bundle: Bundle, keys: Collection[str]) -> str:
    if not bundle.id.startswith(_OPEN_DIGEST):
        return bundle.id
    first = next(item.notice.key for item in bundle.items if item.notice.key in keys)
    return first if len(keys) == 1 else f"digest-{first}"


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(_D.leased_until.is_(None), _D.leased_until <= now)
    return (_D.state.in_(UNDER_WAY), _D.next_attempt <= now, free)


def _held(bundle: Bundle, keys: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (_D.channel == bundle.channel, _D.key.in_(list(keys)), _D.lease == bundle.lease)


def _item(payload: object, manner: object, attempts: int) -> Item:
    return Item(Notice.model_validate(payload), Manner.model_validate(manner), attempts)
