"""A carrier of scripted journeys: a stateful double with faults that can be switched on.

It stands for somebody else's system, so it shares nothing with the product and keeps its own SQLite file:
it goes on while workers are killed, and any process may script it, break it or count its calls.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import Field, TypeAdapter

from activities.ports import Refused, Unavailable
from activities.sqlite import switch_to_wal
from domain.base import Model
from domain.parcel import Shipment, TrackingEvent
from domain.requests import News

RETRY_AFTER = 1.0
"""What a rate-limited caller is told, in real seconds."""

_EVENTS = TypeAdapter(tuple[TrackingEvent, ...])

_SCHEMA = """
CREATE TABLE IF NOT EXISTS journeys (
    carrier TEXT, number TEXT, news TEXT NOT NULL, PRIMARY KEY (carrier, number)
);
CREATE TABLE IF NOT EXISTS calls (
    carrier TEXT, number TEXT, made INTEGER NOT NULL, PRIMARY KEY (carrier, number)
);
CREATE TABLE IF NOT EXISTS traces (reference TEXT PRIMARY KEY, carrier TEXT, number TEXT);
CREATE TABLE IF NOT EXISTS faults (one INTEGER PRIMARY KEY CHECK (one = 1), rates TEXT NOT NULL);
"""


class Faults(Model):
    """How the carrier misbehaves: the share of calls that fail or repeat an event, and whether order is lost.

    The same seed gives the same faults to the same call of the same parcel, whatever runs beside it.
    """

    unavailable: float = Field(default=0, ge=0, le=1)
    rate_limited: float = Field(default=0, ge=0, le=1)
    duplicate: float = Field(default=0, ge=0, le=1)
    shuffle: bool = False
    seed: int = 0


class SandboxCarrier:
    """The double in the file `path`, which is made, with its folder, if it is missing.

    Safe to share between threads and processes.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as db:
            switch_to_wal(db)
            db.executescript(_SCHEMA)

    def script(
        self,
        shipment: Shipment,
        events: tuple[TrackingEvent, ...],
        estimate: datetime | None = None,
        *,
        append: bool = False,
    ) -> None:
        """Write the journey of a parcel: instead of an earlier one or, with `append`, as its continuation."""
        with self._transaction() as db:
            before = _journey(db, shipment) if append else None
            if before is not None:
                events, estimate = (*before.events, *events), estimate or before.estimate
            news = News(events=events, estimate=estimate).model_dump_json()
            db.execute("INSERT OR REPLACE INTO journeys VALUES (?, ?, ?)", (*_key(shipment), news))

    def set_faults(
        self,
        *,
        unavailable: float = 0,
        rate_limited: float = 0,
        duplicate: float = 0,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        """Misbehave from now on, in every process, until set otherwise; without arguments, behave."""
        faults = Faults(
            unavailable=unavailable,
            rate_limited=rate_limited,
            duplicate=duplicate,
            shuffle=shuffle,
            seed=seed,
        )
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO faults VALUES (1, ?)", (faults.model_dump_json(),))

    def news(self, shipment: Shipment, as_of: datetime) -> News:
        """The events of the journey up to and with `as_of`, and its estimate.

        Raises Refused (`unknown_number`) for a parcel that has no journey or whose journey has not begun,
        and Unavailable as its faults will have it.
        """
        with self._transaction() as db:
            (call,) = db.execute(
                "INSERT INTO calls VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET made = made + 1 RETURNING made",
                _key(shipment),
            ).fetchone()
            journey = _journey(db, shipment)
            row = db.execute("SELECT rates FROM faults").fetchone()
        faults = Faults.model_validate_json(row[0]) if row else Faults()
        chance = random.Random(f"{faults.seed} {_key(shipment)} {call}")
        if chance.random() < faults.unavailable:
            raise Unavailable("503 from the sandbox carrier")
        if chance.random() < faults.rate_limited:
            raise Unavailable("429 from the sandbox carrier: too many requests", RETRY_AFTER)
        happened = [event for event in journey.events if event.at <= as_of] if journey else []
        if journey is None or not happened:
            raise Refused("unknown_number", f"{shipment.carrier} has never seen {shipment.tracking_number}")
        told = sorted(happened, key=lambda event: event.at)
        told += [event for event in told if chance.random() < faults.duplicate]
        if faults.shuffle:
            chance.shuffle(told)
        return News(events=tuple(told), estimate=journey.estimate)

    def trace(self, shipment: Shipment, reference: str) -> None:
        """Note that the parcel is to be searched for; the same reference again changes nothing."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO traces VALUES (?, ?, ?)", (reference, *_key(shipment)))

    def traces(self, shipment: Shipment) -> int:
        """How many searches for this parcel were asked for."""
        with self._transaction() as db:
            row = db.execute("SELECT count(*) FROM traces WHERE (carrier, number) = (?, ?)", _key(shipment)).fetchone()
        return int(row[0])

    def calls(self, shipment: Shipment) -> int:
        """How often news of this parcel has been asked for, also in vain."""
        with self._transaction() as db:
            row = db.execute("SELECT made FROM calls WHERE (carrier, number) = (?, ?)", _key(shipment)).fetchone()
        return row[0] if row else 0

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        db.execute("PRAGMA synchronous=NORMAL")
        return db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        # A connection a call: cheap beside a real carrier, and no thread ever sees another one's.
        with closing(self._connect()) as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db


def _key(shipment: Shipment) -> tuple[str, str]:
    return shipment.carrier, shipment.tracking_number


def _journey(db: sqlite3.Connection, shipment: Shipment) -> News | None:
    row = db.execute("SELECT news FROM journeys WHERE (carrier, number) = (?, ?)", _key(shipment)).fetchone()
    return News.model_validate_json(row[0]) if row else None
