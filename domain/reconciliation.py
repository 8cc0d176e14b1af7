"""Whether three books agree about the money of an order: the provider's, the ledger's and the history's.

The ledger is that of the kept outcome, the history is what the activities of the workflow were asked and answered.
A movement is known by its business key in all three. Pure: who reads the books is in `activities/reconciliation.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from pydantic import Field

from domain.base import Instant, Model
from domain.ledger import EntryKind, Ledger
from domain.money import Money


class Book(StrEnum):
    """Who keeps account."""

    PROVIDER = "provider"
    LEDGER = "ledger"
    HISTORY = "history"


class Kind(StrEnum):
    """What a payment provider can do with money."""

    REFUND = "refund"
    RELEASE = "release"
    CLAWBACK = "clawback"


KINDS: Final[Mapping[str, Kind]] = {
    EntryKind.REFUNDED: Kind.REFUND,
    EntryKind.RELEASED: Kind.RELEASE,
    EntryKind.COMPENSATED: Kind.RELEASE,
    EntryKind.CLAWED_BACK: Kind.CLAWBACK,
}
"""Which entries of a ledger the provider makes, and as what; all others divide escrow among our own accounts."""


class Made(Model):
    """One movement as the provider has it. `key` is our business key, empty for what others have moved.

    `source` tells parts of one movement apart: a clawback may take from several payouts.
    `failed` says why the money came back, if it did: such a movement counts as not made.
    """

    reference: str
    kind: Kind
    key: str
    amount: Money
    made_at: Instant
    source: str = ""
    order_id: str = ""
    failed: str = ""


class Asked(Model):
    """One movement as the history of a workflow has it; `reference` is empty until its activity has succeeded."""

    key: str
    kind: Kind
    amount: Money
    reference: str = ""


class Books(Model):
    """All that is known of an order's money. `ledger` and `history` are none where that book is not at hand.

    Of an order that still runs, `closed` is false, and its ledger may be that of an earlier closing.
    """

    order_id: str
    made: tuple[Made, ...] = ()
    ledger: Ledger | None = None
    history: tuple[Asked, ...] | None = None
    closed: bool = True


class Mismatch(StrEnum):
    """In what way books differ."""

    NOT_AT_PROVIDER = "not_at_provider"
    NOT_IN_LEDGER = "not_in_ledger"
    NOT_IN_HISTORY = "not_in_history"
    AMOUNT = "amount"
    KIND = "kind"
    REFERENCE = "reference"
    TWICE = "twice"
    FOREIGN = "foreign"
    FAILED = "failed"


ADVICE: Final[Mapping[Mismatch, str]] = {
    Mismatch.NOT_AT_PROVIDER: "Look for the reference at the provider. If the money never moved, move it there "
    "by hand, with the key as metadata redress_key, and note it for the auditors.",
    Mismatch.NOT_IN_LEDGER: "Money moved that the order does not know of. Find out who has moved it; "
    "take it back at the provider, or have it written down as a loss.",
    Mismatch.NOT_IN_HISTORY: "The ledger has a fact without an activity. Look at the order's history, also of runs "
    "before a reset; if it is there, the retention was shorter than the order.",
    Mismatch.AMOUNT: "Compare the amounts at the provider with the decision of the order; "
    "move the difference by hand at the provider.",
    Mismatch.KIND: "The same key moved money in two directions. Compare with the decision of the order, and take back "
    "what is wrong at the provider.",
    Mismatch.REFERENCE: "Two movements carry this key. Find both references at the provider, and take back the one "
    "that the ledger does not name.",
    Mismatch.TWICE: "Somebody was paid twice. Take all but the one that the ledger names back at the provider.",
    Mismatch.FOREIGN: "Somebody has moved money of this order outside of Redress. Ask who, and do not refund or "
    "release it again: correct it at the provider.",
    Mismatch.FAILED: "The bank has sent the money back after the movement counted as made. "
    "Reach the payee another way, and make the payment by hand at the provider.",
}
"""What a person does about each."""


class Difference(Model):
    """One movement about which the books do not agree. `found` is what each book at hand says of it."""

    order_id: str
    key: str
    what: Mismatch
    found: dict[str, str] = Field(default_factory=dict)

    @property
    def advice(self) -> str:
        """What a person does about it."""
        return ADVICE[self.what]


class Checked(Model):
    """What came of comparing the books of one order. `movements` is how many keys were compared.

    `missing` are books that were not at hand: an order that still runs has no ledger, an old one no history.
    """

    order_id: str
    movements: int = 0
    missing: tuple[Book, ...] = ()
    differences: tuple[Difference, ...] = ()


class _Line(Model):
    """One movement in one book, parts added up."""

    kind: Kind
    amount: Money
    reference: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, str(self.amount), self.reference)))


def compare(books: Books) -> Checked:
    """What the books disagree about, by key; nothing if they agree, or if only what still runs is missing."""
    ledger = None if books.ledger is None else _of_ledger(books.ledger)
    history = None if books.history is None else {asked.key: asked for asked in books.history}
    ours, foreign = _of_provider(books.made)
    keys = dict.fromkeys((*(ledger or {}), *(key for key, asked in (history or {}).items() if asked.reference), *ours))
    differences = [*_foreign(books.order_id, foreign)]
    for key in keys:
        what = _mismatch(key, ours.get(key, ()), ledger, history, closed=books.closed)
        if what is not None:
            found = _found(ours.get(key, ()), (ledger or {}).get(key), (history or {}).get(key))
            differences.append(Difference(order_id=books.order_id, key=key, what=what, found=found))
    missing = [book for book, kept in ((Book.LEDGER, ledger), (Book.HISTORY, history)) if kept is None]
    return Checked(order_id=books.order_id, movements=len(keys), missing=tuple(missing), differences=tuple(differences))


def _of_ledger(ledger: Ledger) -> dict[str, _Line]:
    return {
        entry.key: _Line(kind=KINDS[entry.kind], amount=entry.amount, reference=entry.reference)
        for entry in ledger.facts
        if entry.kind in KINDS
    }


def _of_provider(made: Iterable[Made]) -> tuple[dict[str, tuple[Made, ...]], list[Made]]:
    ours: defaultdict[str, list[Made]] = defaultdict(list)
    foreign = []
    for one in made:
        if one.key:
            ours[one.key].append(one)
        elif not one.failed:
            foreign.append(one)
    return {key: tuple(parts) for key, parts in ours.items()}, foreign


def _foreign(order_id: str, made: Iterable[Made]) -> Iterator[Difference]:
    for one in made:
        yield Difference(
            order_id=order_id, key=one.reference, what=Mismatch.FOREIGN, found={Book.PROVIDER: _told((one,))}
        )


def _mismatch(
    key: str,
    made: tuple[Made, ...],
    ledger: Mapping[str, _Line] | None,
    history: Mapping[str, Asked] | None,
    *,
    closed: bool,
) -> Mismatch | None:
    kept = ledger.get(key) if ledger else None
    asked = history.get(key) if history else None
    live = tuple(one for one in made if not one.failed)
    if not live:
        known = kept is not None or (asked is not None and bool(asked.reference))
        return None if not known else Mismatch.FAILED if made else Mismatch.NOT_AT_PROVIDER
    if len({(one.kind, one.amount.currency) for one in live}) > 1:
        return Mismatch.KIND
    if len({one.source for one in live}) < len(live):
        return Mismatch.TWICE
    line = _sum(live)
    told = (_Line(kind=asked.kind, amount=asked.amount, reference=asked.reference) if asked else None, kept)
    for other in filter(None, told):
        # Only the first part may have come of what is still under way.
        under_way = not closed and not other.reference
        if (differs := _differs(line, other)) and not under_way:
            return differs
    if closed and ledger is not None and kept is None:
        return Mismatch.NOT_IN_LEDGER
    if history is not None and asked is None:
        return Mismatch.NOT_IN_HISTORY
    return None


def _differs(made: _Line, other: _Line) -> Mismatch | None:
    if made.kind is not other.kind:
        return Mismatch.KIND
    if made.amount != other.amount:
        return Mismatch.AMOUNT
    if other.reference and set(made.reference.split(",")) != set(other.reference.split(",")):
        return Mismatch.REFERENCE
    return None


def _sum(made: tuple[Made, ...]) -> _Line:
    amount = sum((one.amount for one in made[1:]), made[0].amount)
    return _Line(kind=made[0].kind, amount=amount, reference=",".join(one.reference for one in made))


def _found(made: tuple[Made, ...], kept: _Line | None, asked: Asked | None) -> dict[str, str]:
    found = {Book.PROVIDER.value: _told(made)}
    if kept:
        found[Book.LEDGER] = str(kept)
    if asked:
        found[Book.HISTORY] = str(_Line(kind=asked.kind, amount=asked.amount, reference=asked.reference))
    return found


def _told(made: tuple[Made, ...]) -> str:
    lines = (f"{one.kind} {one.amount} {one.reference}{f' ({one.failed})' if one.failed else ''}" for one in made)
    return "; ".join(lines)
