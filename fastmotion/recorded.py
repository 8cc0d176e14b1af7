"""Orders that really happened, read from tables: what was promised, what came of it, and how the buyer felt.

Two forms: `csv_file` reads the form of `docs/replay.md`, one row an order; `olist` joins the tables of the
Brazilian E-Commerce Public Dataset by Olist. Both stream, and name file, line and column of what they cannot use.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, TypeAdapter, ValidationError

from domain.base import Instant, Model
from domain.money import Currency, Money
from domain.order import Line
from domain.parties import Country, Id, Party, TimeZone
from storefront.draft import OWN_PREFIXES
from storefront.errors import BadInput

UNHAPPY: Final = 2
"""The highest review score, of 1 to 5, that counts as a complaint."""

DATA_VARIABLE: Final = "REDRESS_DATA"
DEFAULT_DATA: Final = "../shared/data"

CSV_COLUMNS: Final = {
    "order_id": "required; used once",
    "buyer_id": "required",
    "seller_id": "required",
    "currency": "required; ISO 4217, for example USD",
    "items": "required; price of all items in minor units (cents), without shipping and tax",
    "shipping": "minor units; blank is 0",
    "tax": "minor units; blank is 0",
    "platform_fee": "minor units, the seller's cost; blank lets the replay assume one",
    "purchased_at": "required; instant of the purchase, where every clock starts",
    "ship_by": "the seller's promise to hand over; blank leaves it to the policy",
    "handed_over_at": "the carrier's first scan; blank: never handed over",
    "delivered_at": "delivery; blank: never delivered",
    "estimate": "the promise of delivery; blank leaves it to the policy",
    "withdrawn": "cancelled (by the buyer) or unavailable (the seller had none); blank: neither",
    "withdrawn_at": "when that was; blank: not known",
    "review_score": "1 to 5; blank: no review",
    "reviewed_at": "when the buyer answered; needed with a score",
    "review_length": "characters of the review's text; blank is 0",
    "time_zone": "of all times in the row that have no offset, and of both parties; blank is UTC",
    "country": "of both parties, ISO 3166-1 alpha-2; blank is US",
    "buyer_time_zone": "where the buyer's differs",
    "buyer_country": "where the buyer's differs",
    "seller_time_zone": "where the seller's differs",
    "seller_country": "where the seller's differs",
}
"""The columns of `csv_file` in their usual order; any order will do, and optional ones may be missing."""

_REQUIRED: Final = tuple(name for name, meaning in CSV_COLUMNS.items() if meaning.startswith("required"))

_Got = TypeVar("_Got")


class Withdrawn(StrEnum):
    """Why a recorded order was called off."""

    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"


class Review(Model):
    """What the buyer said afterwards. Of the text only its length is kept."""

    score: int = Field(ge=1, le=5)
    at: Instant
    length: int = Field(default=0, ge=0)

    @property
    def unhappy(self) -> bool:
        """Whether this counts as a complaint."""
        return self.score <= UNHAPPY


class RecordedOrder(Model):
    """One order as its marketplace recorded it. Instants in UTC; what is not known, or did not happen, is none.

    `handed_over_at` is the carrier's first scan. `withdrawn_at` may be unknown for an order that was withdrawn.
    An order without lines or seller is a record too, though nothing can be replayed from it.
    `platform_fee` is none where the record does not tell it.
    `base_rates` is false for an order that was sampled because of its fate: shares must not be counted over those.
    """

    order_id: Id
    marketplace: Id
    buyer: Party
    seller: Party | None
    lines: tuple[Line, ...]
    items: Money
    shipping: Money
    tax: Money
    platform_fee: Money | None = None
    purchased_at: Instant
    ship_by: Instant | None = None
    handed_over_at: Instant | None = None
    delivered_at: Instant | None = None
    estimate: Instant | None = None
    withdrawn: Withdrawn | None = None
    withdrawn_at: Instant | None = None
    review: Review | None = None
    base_rates: bool = True


# --- one row an order ---


def csv_file(path: Path) -> Iterator[RecordedOrder]:
    """The orders of a CSV file in the form of `docs/replay.md`, in the file's order.

    Money is in minor units. A time without an offset is local to the row's `time_zone`.
    Raises BadInput, naming file, line and column, for what cannot be used.
    """
    lines: dict[str, int] = {}
    for row in _table(path, _REQUIRED, known=CSV_COLUMNS):
        order = _of_row(row)
        if first := lines.get(order.order_id):
            raise row.bad("order_id", f"was used in line {first} before; give every order its own id")
        lines[order.order_id] = row.line
        yield order


def _of_row(row: _Row) -> RecordedOrder:
    zone = row.valid("time_zone", _TIME_ZONE, default="UTC")
    country = row.valid("country", _COUNTRY, default="US")
    currency = row.valid("currency", _CURRENCY)
    score = row.number("review_score", 1, 5) if row.cells.get("review_score") else None
    if score is not None and not row.cells.get("reviewed_at"):
        raise row.bad("reviewed_at", "is empty, but there is a review_score; write when the buyer answered")

    def at(column: str) -> datetime | None:
        return row.instant(column, zone) if row.cells.get(column) else None

    def money(column: str) -> Money:
        return Money(minor=row.number(column, default=0), currency=currency)

    def party(role: str) -> Party:
        return Party(
            id=row.valid(f"{role}_id", _ID),
            time_zone=row.valid(f"{role}_time_zone", _TIME_ZONE, default=zone),
            country=row.valid(f"{role}_country", _COUNTRY, default=country),
        )

    order_id = row.valid("order_id", _ID)
    if order_id.startswith(OWN_PREFIXES):
        raise row.bad("order_id", f"begins with {' or '.join(OWN_PREFIXES)}, which Redress puts before it itself")
    items = Money(minor=row.number("items"), currency=currency)
    return RecordedOrder(
        order_id=order_id,
        marketplace="recorded",
        buyer=party("buyer"),
        seller=party("seller"),
        lines=(Line(listing_id=order_id, price=items),),
        items=items,
        shipping=money("shipping"),
        tax=money("tax"),
        platform_fee=money("platform_fee") if row.cells.get("platform_fee") else None,
        purchased_at=row.instant("purchased_at", zone),
        ship_by=at("ship_by"),
        handed_over_at=at("handed_over_at"),
        delivered_at=at("delivered_at"),
        estimate=at("estimate"),
        withdrawn=row.valid("withdrawn", _WITHDRAWN) if row.cells.get("withdrawn") else None,
        withdrawn_at=at("withdrawn_at"),
        review=Review(score=score, at=row.instant("reviewed_at", zone), length=row.number("review_length", default=0))
        if score is not None
        else None,
    )


# --- Olist ---

_BRAZIL: Final = "America/Sao_Paulo"
"""The tables write local times without a zone. Brazil has four zones; this one has most of its people and sellers."""

_BASE_RATE_SAMPLES: Final = frozenset("AHP")
"""The other samples chose orders by their fate: C all cancelled ones, G only delivered ones (the data's README)."""

_OLIST_WITHDRAWN: Final = {"canceled": Withdrawn.CANCELLED, "unavailable": Withdrawn.UNAVAILABLE}


def olist(folder: Path) -> Iterator[RecordedOrder]:
    """The orders of the Olist tables in `folder` (`orders.csv.gz` and its companions, or the same without `.gz`).

    All sellers of an order stand as one, that of its dearest item, with the latest of their ship-by limits: the
    record has one hand-over for the whole order. Of several reviews the first answer counts.
    Raises BadInput, naming file, line and column, for what cannot be used.
    """
    people = {
        row.cells["customer_id"]: row.cells["customer_unique_id"]
        for row in _table(_olist_table(folder, "customers"), ("customer_id", "customer_unique_id"))
    }
    items: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in _table(_olist_table(folder, "order_items"), _OLIST_ITEMS):
        items[row.cells["order_id"]].append(row)
    reviews: dict[str, Review] = {}
    for row in _table(_olist_table(folder, "order_reviews"), _OLIST_REVIEWS):
        review = _olist_review(row)
        known = reviews.get(row.cells["order_id"])
        if known is None or review.at < known.at:
            reviews[row.cells["order_id"]] = review
    for row in _table(_olist_table(folder, "orders"), _OLIST_ORDERS):
        order_id = row.cells["order_id"]
        person = people.get(row.cells["customer_id"])
        if person is None:
            raise row.bad("customer_id", "is not in the customers table; the tables do not belong together")
        yield _of_olist(row, person, items.get(order_id, []), reviews.get(order_id))


_OLIST_ITEMS: Final = ("order_id", "product_id", "seller_id", "shipping_limit_date", "price", "freight_value")
_OLIST_REVIEWS: Final = (
    "order_id",
    "review_score",
    "review_comment_title",
    "review_comment_message",
    "review_answer_timestamp",
)
_OLIST_ORDERS: Final = (
    "order_id",
    "customer_id",
    "order_status",
    "order_purchase_timestamp",
    "order_delivered_carrier_date",
    "order_delivered_customer_date",
    "order_estimated_delivery_date",
)


def _olist_review(row: _Row) -> Review:
    words = (row.cells["review_comment_title"], row.cells["review_comment_message"])
    return Review(
        score=row.number("review_score", 1, 5),
        at=row.instant("review_answer_timestamp", _BRAZIL),
        length=sum(map(len, words)),
    )


def _of_olist(row: _Row, person: str, items: list[_Row], review: Review | None) -> RecordedOrder:
    def at(column: str) -> datetime | None:
        return row.instant(column, _BRAZIL) if row.cells[column] else None

    lines = tuple(Line(listing_id=item.valid("product_id", _ID), price=item.reais("price")) for item in items)
    dearest = max(items, key=lambda item: item.reais("price").minor, default=None)
    samples = row.cells.get("sample_sources")
    return RecordedOrder(
        order_id=row.valid("order_id", _ID),
        marketplace="olist",
        buyer=Party(id=person, locale="pt_BR", time_zone=_BRAZIL, country="BR"),
        seller=Party(id=dearest.valid("seller_id", _ID), locale="pt_BR", time_zone=_BRAZIL, country="BR")
        if dearest
        else None,
        lines=lines,
        items=_sum(line.price for line in lines),
        shipping=_sum(item.reais("freight_value") for item in items),
        tax=_NOTHING,
        purchased_at=row.instant("order_purchase_timestamp", _BRAZIL),
        ship_by=max((item.instant("shipping_limit_date", _BRAZIL) for item in items), default=None),
        handed_over_at=at("order_delivered_carrier_date"),
        delivered_at=at("order_delivered_customer_date"),
        estimate=at("order_estimated_delivery_date"),
        withdrawn=_OLIST_WITHDRAWN.get(row.cells["order_status"]),
        review=review,
        base_rates=samples is None or not _BASE_RATE_SAMPLES.isdisjoint(samples),
    )


_NOTHING: Final = Money(minor=0, currency="BRL")


def _sum(amounts: Iterable[Money]) -> Money:
    return sum(amounts, start=_NOTHING)


def olist_folder(chosen: Path | None = None) -> Path:
    """Where the Olist tables are: `chosen`, else the folder that REDRESS_DATA names, else ../shared/data.

    Each may be the folder of the tables or the one above it. Raises BadInput if there are none.
    """
    folder = chosen or Path(os.environ.get(DATA_VARIABLE) or DEFAULT_DATA)
    for candidate in (folder, folder / "olist"):
        if _found(candidate, "orders"):
            return candidate
    raise BadInput(
        f"There are no Olist tables in {folder} (looked for orders.csv.gz there and in its folder olist). "
        f"They are not part of Redress: name their folder with --data or {DATA_VARIABLE}, "
        "or replay your own orders with --csv (docs/replay.md)."
    )


def _found(folder: Path, table: str) -> Path | None:
    return next((path for end in ("csv.gz", "csv") if (path := folder / f"{table}.{end}").is_file()), None)


def _olist_table(folder: Path, table: str) -> Path:
    if path := _found(folder, table):
        return path
    raise BadInput(f"There is no {table}.csv.gz in {folder}; all Olist tables are needed")


# --- tables ---

_ID: Final[TypeAdapter[str]] = TypeAdapter(Id)
_TIME_ZONE: Final[TypeAdapter[str]] = TypeAdapter(TimeZone)
_COUNTRY: Final[TypeAdapter[str]] = TypeAdapter(Country)
_CURRENCY: Final[TypeAdapter[str]] = TypeAdapter(Currency)
_WITHDRAWN: Final[TypeAdapter[Withdrawn]] = TypeAdapter(Withdrawn)
_INSTANT: Final[TypeAdapter[datetime]] = TypeAdapter(Instant)


class _Row:
    """One row of a table, which knows where it stands."""

    __slots__ = ("cells", "file", "line")

    def __init__(self, file: Path, line: int, cells: dict[str, str]) -> None:
        self.file = file
        self.line = line
        self.cells = cells

    def bad(self, column: str, problem: str) -> BadInput:
        return BadInput(f"{self.file.name}, line {self.line}, column {column}: {problem}")

    def valid(self, column: str, adapter: TypeAdapter[_Got], default: _Got | None = None) -> _Got:
        cell = self.cells.get(column, "")
        if not cell and default is not None:
            return default
        try:
            return adapter.validate_python(cell)
        except ValidationError as error:
            raise self.bad(column, f"{cell[:40]!r} will not do: {_plain(error)}") from None

    def number(self, column: str, least: int = 0, most: int = 10**12, default: int | None = None) -> int:
        cell = self.cells.get(column, "")
        if not cell and default is not None:
            return default
        if not (cell.isascii() and cell.isdigit() and least <= int(cell) <= most):
            raise self.bad(column, f"{cell[:40]!r} is not a whole number from {least} to {most}")
        return int(cell)

    def reais(self, column: str) -> Money:
        cell = self.cells[column]
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", cell):
            raise self.bad(column, f"{cell[:40]!r} is not an amount in reais, for example 21.99")
        return Money(minor=int(Decimal(cell) * 100), currency="BRL")

    def instant(self, column: str, zone: str) -> datetime:
        cell = self.cells.get(column, "")
        try:
            told = datetime.fromisoformat(cell)
            return _INSTANT.validate_python(told if told.tzinfo else told.replace(tzinfo=ZoneInfo(zone)))
        except (ValueError, OverflowError):
            example = "write 2026-11-24T09:30:00-05:00, or 2026-11-24 09:30:00 for the local time of time_zone"
            raise self.bad(column, f"{cell[:40]!r} is not a date with time; {example}") from None


def _plain(error: ValidationError) -> str:
    return "; ".join(found["msg"].removeprefix("Value error, ") for found in error.errors(include_url=False))


def _table(path: Path, required: Iterable[str], known: Iterable[str] | None = None) -> Iterator[_Row]:
    """The rows of a CSV table with a header, in UTF-8, gzipped or not. Cells are stripped of outer blanks."""
    opened: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as text:
            yield from _rows(path, text, required, known)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not UTF-8 text: save it as UTF-8") from error


def _rows(path: Path, text: Iterable[str], required: Iterable[str], known: Iterable[str] | None) -> Iterator[_Row]:
    reader = csv.reader(text, strict=True)
    header: list[str] = []
    before = 0
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not header:
                header = [name.strip() for name in cells]
                _check_header(path, header, tuple(required), tuple(known or ()))
            elif cells:
                if len(cells) != len(header):
                    problem = f"has {len(cells)} cells, but the header has {len(header)} columns"
                    raise BadInput(f"{path.name}, line {line}: {problem}; quote cells that hold a comma")
                yield _Row(path, line, dict(zip(header, map(str.strip, cells), strict=True)))
    except csv.Error as error:
        raise BadInput(f"{path.name}, line {reader.line_num}: {error}") from error
    if not header:
        raise BadInput(f"{path.name} is empty: its first line must name the columns")


def _check_header(path: Path, header: list[str], required: tuple[str, ...], known: tuple[str, ...]) -> None:
    for name in required:
        if name not in header:
            raise BadInput(f"{path.name}, line 1: the column {name} is missing; needed are {', '.join(required)}")
    for name in header:
        if header.count(name) > 1:
            raise BadInput(f"{path.name}, line 1, column {name}: is there twice")
        if known and name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise BadInput(f"{path.name}, line 1, column {name[:40]}: is not known; {hint}")
