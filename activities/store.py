"""The product's own tables: notices and dispatches, outcomes, where sellers are paid to, and the inbox of webhooks.

SQLite by default, PostgreSQL by its URL. The workflow is the record of an order, and this is what leaves it;
outcomes are read again for what both sides have been like before, and to take a closed order up again.
The inbox holds what has not reached an order yet, and routes say which order that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    create_engine,
    event,
    func,
    inspect,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from activities.sqlite import switch_to_wal

BUSY_SECONDS: Final = 10
"""How long a writer to an SQLite file waits for another one."""

_SCHEMA_LOCK: Final = int.from_bytes(b"redress")
"""An arbitrary number that no other program on the same database is likely to lock."""

_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
"""PostgreSQL uses a number up for each repetition too; SQLite counts up only what it calls an integer."""

metadata = MetaData()


class UtcInstant(TypeDecorator[datetime]):
    """An instant in UTC that is aware in Python also where the database forgets its time zone, as SQLite does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


outbox = Table(
    "outbox",
    metadata,
    Column("key", String, primary_key=True),
    Column("subject", String, nullable=False, index=True),
    Column("role", String, nullable=False),
    Column("party_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("text", String, nullable=False),
    Column("contact", JSON(none_as_null=True)),
    Column("state", String, nullable=False, default="waiting", index=True),
)

dispatches = Table(
    "dispatches",
    metadata,
    Column("key", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("subject", String, nullable=False, index=True),
    Column("bundle", String, nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("manner", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("posted_at", UtcInstant, nullable=False),
    Column("next_attempt", UtcInstant, nullable=False),
    Column("ended_at", UtcInstant),
    Column("lease", String),
    Column("leased_until", UtcInstant),
    Index("ix_dispatches_due", "state", "next_attempt"),
)
"""One row for each notice and channel: how far its one stream of attempts has come. All instants are real time."""

standings = Table(
    "standings",
    metadata,
    Column("subject", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("owed", JSON, nullable=False),
)
"""What was owed in an order or case by its newest posting."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("marketplace", String, nullable=False),
    Column("buyer_id", String, nullable=False, index=True),
    Column("seller_id", String, nullable=False, index=True),
    Column("pack", String, nullable=False),
    Column("ending", String, nullable=False),
    Column("closed_at", UtcInstant, nullable=False, index=True),
    Column("complaints", Integer, nullable=False),
    Column("upheld", Integer, nullable=False),
    Column("against_seller", Integer, nullable=False),
    Column("chargebacks", Integer, nullable=False),
    Column("payload", JSON, nullable=False),
)

routes = Table(
    "routes",
    metadata,
    Column("kind", String, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("carrier", String, nullable=False, default=""),
)
"""Which order or case a parcel or a payment belongs to: `activities/routes.py`."""

inbox = Table(
    "inbox",
    metadata,
    Column("seq", _NUMBER, primary_key=True),
    Column("source", String, nullable=False),
    Column("event_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("received_at", UtcInstant, nullable=False),
    Column("state", String, nullable=False),
    Column("due_at", UtcInstant, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("note", String, nullable=False, default=""),
    UniqueConstraint("source", "event_id", name="inbox_event"),
    Index("ix_inbox_due", "state", "due_at"),
    # Without it SQLite gives the number of a deleted last row out again.
    sqlite_autoincrement=True,
)
"""Every webhook that was answered 2xx, for ever: `gateway/inbox.py`."""

inbox_bodies = Table(
    "inbox_bodies",
    metadata,
    Column("seq", _NUMBER, ForeignKey(inbox.c.seq), primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
"""What it said, for a while. Not in its row, which is written anew with each try."""


payout_accounts = Table(
    "payout_accounts",
    metadata,
    Column("seller_id", String, primary_key=True),
    Column("account", String, nullable=False),
)


class StoreOutdated(Exception):
    """A table of the database was made by an earlier version of Redress and lacks columns."""


def open_store(url: str) -> Engine:
    """The database at an SQLAlchemy URL, with its tables, which are made if they are missing.

    `sqlite:///var/redress.db` makes the file and its folder. Safe to call from several processes and threads.
    Raises sqlalchemy.exc.ArgumentError for a malformed URL, OperationalError for a database out of reach,
    and StoreOutdated for one with the tables of an earlier version.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _tune_sqlite)
    else:
        engine = create_engine(parsed, pool_pre_ping=True)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Its IF NOT EXISTS fails when two sessions create the same table at the same moment.
            connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
        for table in metadata.sorted_tables:
            # Not metadata.create_all: between its check and its creation another process may be quicker.
            connection.execute(CreateTable(table, if_not_exists=True))
            _check_columns(connection, table)
            # Only what is missing: PostgreSQL locks a table against writers even for an index that is there.
            known = {index["name"] for index in inspect(connection).get_indexes(table.name)}
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                if index.name not in known:
                    connection.execute(CreateIndex(index, if_not_exists=True))
    return engine


def _check_columns(connection: Connection, table: Table) -> None:
    found = {column["name"] for column in inspect(connection).get_columns(table.name)}
    if missing := [column.name for column in table.columns if column.name not in found]:
        raise StoreOutdated(
            f"Its table {table.name} comes from an earlier version of Redress and lacks {', '.join(missing)}. "
            "Keep it for your records and write the URL of a new database."
        )


def insert_new(engine: Engine, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows in one transaction; a row whose primary key is there already changes nothing."""
    with engine.begin() as connection:
        add_new(connection, table, rows)


def add_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """The same, within a transaction of the caller's."""
    if rows:
        connection.execute(insert_into(connection, table).on_conflict_do_nothing(), list(rows))


def is_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert the row in the caller's transaction; false, and nothing done, if its primary key is there already."""
    return connection.execute(insert_into(connection, table).on_conflict_do_nothing(), dict(row)).rowcount == 1


def insert_into(database: Engine | Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insertion that can say what is done about a row that is there already, which is a dialect's own."""
    return postgresql.insert(table) if database.dialect.name == "postgresql" else sqlite.insert(table)


def _tune_sqlite(connection: SqliteConnection, _record: object) -> None:
    # WAL: readers do not block the writer. NORMAL: no commit waits for the disk; a killed process loses
    # nothing, a power cut at most the last rows. Who must survive power cuts runs PostgreSQL.
    switch_to_wal(connection)
    connection.execute("PRAGMA synchronous=NORMAL")
