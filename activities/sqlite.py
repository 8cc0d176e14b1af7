"""One trap of SQLite, for all that open its files."""

from __future__ import annotations

import sqlite3
import time


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
