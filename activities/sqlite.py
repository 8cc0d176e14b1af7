"""How files of SQLite are opened, and one trap of it, for all that open them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def create(path: Path, schema: str) -> None:
    """Make the file and its tables, where they are missing. Raises sqlite3.OperationalError if it stays locked."""
    with closing(_connect(path)) as db:
        switch_to_wal(db)
        db.executescript(schema)


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one transaction: kept as a whole, or not at all if an exception leaves it.

    Cheap beside any provider, and no thread ever sees another one's connection.
    """
    with closing(_connect(path)) as db, db:
        db.execute("BEGIN IMMEDIATE")
        yield db


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    # These files outlive a killed process, and need not outlive a power cut: else each close waited for the disk.
    db.execute("PRAGMA synchronous=OFF")
    return db


def switch_to_wal(db: sqlite3.Connection) -> None:
    """Let readers and the writer work side by side. The file keeps the mode.

    Raises sqlite3.OperationalError if the file stays locked for some two seconds.
    """
    # SQLite keeps no timeout here: of processes that open a new file at once, some are told "locked".
    for wait in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            time.sleep(wait)
    db.execute("PRAGMA journal_mode = WAL")
