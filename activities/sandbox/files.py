"""A store of evidence files: a folder named by content, with faults that can be switched on.

It stands for somebody else's storage, so it keeps its faults in its own SQLite file, next to the evidence:
any process may hand a file in, exchange it behind its address, or break the store.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from pydantic import Field

from activities.portions import hashed, portions
from activities.ports import Refused, Unavailable
from activities.sqlite import create, transaction
from domain.base import Model

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
# Nothing else is an address here, so none can lead out of the folder.
_URI: Final = re.compile(rf"sandbox://evidence/([0-9a-f]{{16}})/({_NAME})")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (uri TEXT PRIMARY KEY, made INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS faults (one INTEGER PRIMARY KEY CHECK (one = 1), rates TEXT NOT NULL);
"""


class Faults(Model):
    """The share of readings that fail. The same seed gives the same faults to the same reading of the same file."""

    unavailable: float = Field(default=0, ge=0, le=1)
    seed: int = 0


class SandboxFiles:
    """The port `Files` over a folder, which is made if it is missing.

    Safe to share between threads and processes.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._faults = self._folder / "faults.sqlite"
        create(self._faults, _SCHEMA)

    def put(self, content: bytes, name: str = "photo.jpg") -> tuple[str, str]:
        """Hand a file in: its URI and SHA-256, the same for the same content and name.

        Raises ValueError for a name that is not a plain file name of ASCII letters, digits, dots, dashes, underscores.
        """
        digest = sha256(content).hexdigest()
        uri = f"sandbox://evidence/{digest[:16]}/{name}"
        self._write(uri, content)
        return uri, digest

    def tamper(self, uri: str, content: bytes) -> None:
        """Exchange the content behind a URI. Raises ValueError if the URI is none of this store."""
        self._write(uri, content)

    def set_faults(self, *, unavailable: float = 0, seed: int = 0) -> None:
        """Misbehave from now on, in every process, until set otherwise; without arguments, behave."""
        faults = Faults(unavailable=unavailable, seed=seed)
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO faults VALUES (1, ?)", (faults.model_dump_json(),))

    def sha256(self, uri: str, *, progress: Callable[[], object]) -> str | None:
        """The hash of what is there now, read in portions.

        None also for every URI that is not of this store. Raises Unavailable as its faults will have it.
        """
        self._fail(uri)
        path = self._path(uri)
        return hashed(_read(path), progress=progress) if path else None

    def read(self, uri: str, *, most: int) -> bytes | None:
        """What is there now, at most `most` bytes. None also for every URI that is not of this store."""
        self._fail(uri)
        path = self._path(uri)
        try:
            if path is None or path.stat().st_size <= most:
                return path.read_bytes() if path else None
        except FileNotFoundError:
            return None
        raise Refused("too_large", f"the file {path.name} has more than {most} bytes")

    def _path(self, uri: str) -> Path | None:
        parts = _URI.fullmatch(uri)
        return self._folder / parts[1] / parts[2] if parts else None

    def _write(self, uri: str, content: bytes) -> None:
        path = self._path(uri)
        if path is None:
            raise ValueError(f"{uri!r} is no file of the sandbox. Use a plain name, such as photo.jpg.")
        path.parent.mkdir(exist_ok=True)
        # Put in place as a whole: a reader in another process must never hash half a file.
        with NamedTemporaryFile(dir=self._folder, prefix=".new-", delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)

    def _fail(self, uri: str) -> None:
        with self._transaction() as db:
            (call,) = db.execute(
                "INSERT INTO calls VALUES (?, 1) ON CONFLICT DO UPDATE SET made = made + 1 RETURNING made", (uri,)
            ).fetchone()
            row = db.execute("SELECT rates FROM faults").fetchone()
        faults = Faults.model_validate_json(row[0]) if row else Faults()
        if random.Random(f"{faults.seed} {uri} {call}").random() < faults.unavailable:
            raise Unavailable("503 from the sandbox files")

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._faults)


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from portions(file)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(f"the sandbox files cannot be read: {error.strerror}") from error
