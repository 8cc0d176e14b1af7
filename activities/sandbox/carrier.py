"""A carrier of scripted journeys that also sells labels: a stateful double with faults that can be switched on.

It stands for somebody else's system, so it shares nothing with the product and keeps its own SQLite file:
it goes on while workers are killed, and any process may script it, break it or count its calls.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from pydantic import Field

from activities.ports import Contact, Refused, Unavailable
from activities.sandbox.labels import LIFE, LabelState, SoldLabel, label_shipment, label_uri, price
from activities.sqlite import create, transaction
from domain.base import Model
from domain.parcel import Parcel, Shipment, TrackingEvent, TrackingStatus
from domain.requests import Label, LabelRefund, LabelRequest, News

RETRY_AFTER = 1.0
"""What a rate-limited caller is told, in real seconds."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS journeys (
    carrier TEXT, number TEXT, news TEXT NOT NULL, PRIMARY KEY (carrier, number)
);
CREATE TABLE IF NOT EXISTS calls (
    carrier TEXT, number TEXT, made INTEGER NOT NULL, PRIMARY KEY (carrier, number)
);
CREATE TABLE IF NOT EXISTS label_calls (reference TEXT PRIMARY KEY, made INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS labels (
    reference TEXT PRIMARY KEY, carrier TEXT, number TEXT, case_id TEXT, sold TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS label_by_number ON labels (carrier, number);
CREATE TABLE IF NOT EXISTS traces (reference TEXT PRIMARY KEY, carrier TEXT, number TEXT);
CREATE TABLE IF NOT EXISTS faults (one INTEGER PRIMARY KEY CHECK (one = 1), rates TEXT NOT NULL);
"""


class Faults(Model):
    """How the carrier misbehaves: the share of calls that fail or repeat an event, and whether order is lost.

    A call whose answer is lost has been carried out all the same.
    The same seed gives the same faults to the same call of the same parcel, whatever runs beside it.
    """

    unavailable: float = Field(default=0, ge=0, le=1)
    rate_limited: float = Field(default=0, ge=0, le=1)
    lost_answer: float = Field(default=0, ge=0, le=1)
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
        create(self._path, _SCHEMA)

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
        lost_answer: float = 0,
        duplicate: float = 0,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        """Misbehave from now on, in every process, until set otherwise; without arguments, behave."""
        faults = Faults(
            unavailable=unavailable,
            rate_limited=rate_limited,
            lost_answer=lost_answer,
            duplicate=duplicate,
            shuffle=shuffle,
            seed=seed,
        )
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO faults VALUES (1, ?)", (faults.model_dump_json(),))

    def news(self, shipment: Shipment, as_of: datetime) -> News:
        """The events of the journey up to and with `as_of`, and its estimate.

        While the journey has not begun, the purchase of the label is the only event.
        Raises Refused (`unknown_number`) for a parcel without either, and Unavailable as its faults will have it.
        """
        with self._transaction() as db:
            (call,) = db.execute(
                "INSERT INTO calls VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET made = made + 1 RETURNING made",
                _key(shipment),
            ).fetchone()
            journey = _journey(db, shipment) or News()
            faults = _faults(db)
            happened = _happened(journey, as_of) or _label_made(db, shipment, as_of)
        chance = random.Random(f"{faults.seed} {_key(shipment)} {call}")
        _fail_before(faults, chance)
        if not happened:
            raise Refused("unknown_number", f"{shipment.carrier} has never seen {shipment.tracking_number}")
        _fail_after(faults, chance)
        told = sorted(happened, key=lambda event: event.at)
        told += [event for event in told if chance.random() < faults.duplicate]
        if faults.shuffle:
            chance.shuffle(told)
        return News(events=tuple(told), estimate=journey.estimate)

    def trace(self, shipment: Shipment, reference: str) -> None:
        """Note that the parcel is to be searched for; the same reference again changes nothing."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO traces VALUES (?, ?, ?)", (reference, *_key(shipment)))

    def buy_label(
        self, request: LabelRequest, sender: Contact | None, receiver: Contact | None, as_of: datetime
    ) -> Label:
        """A label of the sandbox carrier for `label_shipment(reference)`, good for 30 days; once for its reference.

        Raises Refused (`currency_not_served`, `unknown_address`), and Unavailable as its faults will have it.
        """
        faults, chance = self._label_call(request.reference)
        with self._transaction() as db:
            sold = _label(db, request.reference)
            if sold is None:
                label = Label(
                    reference=request.reference,
                    shipment=label_shipment(request.reference),
                    cost=price(request, sender, receiver),
                    uri=label_uri(request.reference),
                    pickup=request.pickup,
                    expires_at=as_of + LIFE,
                )
                sold = SoldLabel(label=label, request=request, bought_at=as_of)
                _keep(db, sold)
        _fail_after(faults, chance)
        return sold.label

    def refund_label(self, refund: LabelRefund, as_of: datetime) -> bool:
        """Whether the label is unused at `as_of`, or was given back before. The sandbox decides at once.

        Raises Refused (`unknown_label`), and Unavailable as its faults will have it.
        """
        faults, chance = self._label_call(refund.reference)
        with self._transaction() as db:
            sold = _label(db, refund.reference)
            if sold is None or sold.label.shipment != refund.shipment:
                raise Refused(
                    "unknown_label",
                    f"no label {refund.reference} for {refund.shipment} was bought here. "
                    "Give it back by the reference and shipment that it was bought with",
                )
            refunded = _state(db, sold, as_of) != LabelState.USED
            if refunded and sold.refunded_at is None:
                _keep(db, sold.model_copy(update={"refunded_at": as_of}))
        _fail_after(faults, chance)
        return refunded

    def labels(self, case_id: str, as_of: datetime | None = None) -> tuple[SoldLabel, ...]:
        """The labels bought for a case, in the order of purchase, with their state at `as_of`.

        Without `as_of`, with the state at the end of their scripted journeys.
        """
        with self._transaction() as db:
            rows = db.execute("SELECT sold FROM labels WHERE case_id = ? ORDER BY rowid", (case_id,)).fetchall()
            return tuple(_reported(db, SoldLabel.model_validate_json(sold), as_of) for (sold,) in rows)

    def label(self, reference: str, as_of: datetime | None = None) -> SoldLabel | None:
        """The label of this reference with its state, as `labels` tells it, or none if it was never bought."""
        with self._transaction() as db:
            sold = _label(db, reference)
            return _reported(db, sold, as_of) if sold else None

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

    def _label_call(self, reference: str) -> tuple[Faults, random.Random]:
        # A transaction of its own: the call is counted also if it fails, or it would fail for ever.
        with self._transaction() as db:
            (call,) = db.execute(
                "INSERT INTO label_calls VALUES (?, 1) ON CONFLICT DO UPDATE SET made = made + 1 RETURNING made",
                (reference,),
            ).fetchone()
            faults = _faults(db)
        chance = random.Random(f"{faults.seed} {reference} {call}")
        _fail_before(faults, chance)
        return faults, chance

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._path)


def _key(shipment: Shipment) -> tuple[str, str]:
    return shipment.carrier, shipment.tracking_number


def _journey(db: sqlite3.Connection, shipment: Shipment) -> News | None:
    row = db.execute("SELECT news FROM journeys WHERE (carrier, number) = (?, ?)", _key(shipment)).fetchone()
    return News.model_validate_json(row[0]) if row else None


def _faults(db: sqlite3.Connection) -> Faults:
    row = db.execute("SELECT rates FROM faults").fetchone()
    return Faults.model_validate_json(row[0]) if row else Faults()


def _fail_before(faults: Faults, chance: random.Random) -> None:
    if chance.random() < faults.unavailable:
        raise Unavailable("503 from the sandbox carrier")
    if chance.random() < faults.rate_limited:
        raise Unavailable("429 from the sandbox carrier: too many requests", RETRY_AFTER)


def _fail_after(faults: Faults, chance: random.Random) -> None:
    # No chance is taken without this fault, so that a seed gives the same repeats and disorder as before.
    if faults.lost_answer and chance.random() < faults.lost_answer:
        raise Unavailable("the answer of the sandbox carrier was lost")


def _happened(journey: News, as_of: datetime | None) -> list[TrackingEvent]:
    return [event for event in journey.events if as_of is None or event.at <= as_of]


def _label_made(db: sqlite3.Connection, shipment: Shipment, as_of: datetime) -> list[TrackingEvent]:
    rows = db.execute("SELECT sold FROM labels WHERE (carrier, number) = (?, ?)", _key(shipment)).fetchall()
    bought = [SoldLabel.model_validate_json(sold).bought_at for (sold,) in rows]
    return [TrackingEvent(status=TrackingStatus.LABEL_MADE, at=at) for at in bought if at <= as_of]


def _label(db: sqlite3.Connection, reference: str) -> SoldLabel | None:
    row = db.execute("SELECT sold FROM labels WHERE reference = ?", (reference,)).fetchone()
    return SoldLabel.model_validate_json(row[0]) if row else None


def _keep(db: sqlite3.Connection, sold: SoldLabel) -> None:
    db.execute(
        "INSERT INTO labels VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET sold = excluded.sold",
        (sold.label.reference, *_key(sold.label.shipment), sold.request.case_id, sold.model_dump_json()),
    )


def _state(db: sqlite3.Connection, sold: SoldLabel, as_of: datetime | None) -> LabelState:
    if sold.refunded_at is not None:
        return LabelState.REFUNDED
    journey = _journey(db, sold.label.shipment) or News()
    parcel, _ = Parcel().hearing(_happened(journey, as_of))
    return LabelState.USED if parcel.scanned_at else LabelState.BOUGHT


def _reported(db: sqlite3.Connection, sold: SoldLabel, as_of: datetime | None) -> SoldLabel:
    return sold.model_copy(update={"state": _state(db, sold, as_of)})
