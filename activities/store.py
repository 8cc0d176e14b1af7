"""The product's own tables: outbox, outcomes, where sellers are paid to, and the inbox of webhooks.

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
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
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

outbox = Table(
    "outbox",
    metadata,
    Column("key", String, primary_key=True),
    Column("subject", String, nullable=False, index=True),
    Column("role", String, nullable=False),
    Column("party_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("text", String, nullable=False),
    Column("contact", JSON(none_as_null=True)),
    Column("state", String, nullable=False, default="waiting", index=True),
)

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
    Column("closed_at", DateTime(timezone=True), nullable=False, index=True),
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
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("state", String, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
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
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
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
    if not rows:
        return
    with engine.begin() as connection:
        connection.execute(_insert_new(connection, table), list(rows))


def is_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert the row in the caller's transaction; false, and nothing done, if its primary key is there already."""
    return connection.execute(_insert_new(connection, table), dict(row)).rowcount == 1


def _insert_new(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


def aware(instant: datetime) -> datetime:
    """An instant that the database gave, in UTC: SQLite gives it back without its zone."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _tune_sqlite(connection: SqliteConnection, _record: object) -> None:
    # WAL: readers do not block the writer. NORMAL: no commit waits for the disk; a killed process loses
    # nothing, a power cut at most the last rows. Who must survive power cuts runs PostgreSQL.
    switch_to_wal(connection)
    connection.execute("PRAGMA synchronous=NORMAL")
