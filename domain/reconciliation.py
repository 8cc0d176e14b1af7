"""Whether three books agree about the money of an order. Pure: `activities/reconciliation.py` reads the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from domain.base import Model
from domain.books import KINDS, Asked, Book, Books, Checked, Difference, Kind, Made, Mismatch
from domain.ledger import Ledger
from domain.money import Money


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
    history = None if books.history is None else _of_history(books.history)
    ours, foreign = _of_provider(books.made)
    keys = dict.fromkeys((*(ledger or {}), *(key for key, line in (history or {}).items() if line.reference), *ours))
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


def _of_history(history: Iterable[Asked]) -> dict[str, _Line]:
    return {asked.key: _Line(kind=asked.kind, amount=asked.amount, reference=asked.reference) for asked in history}


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
    history: Mapping[str, _Line] | None,
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
    for other in filter(None, (asked, kept)):
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


def _found(made: tuple[Made, ...], kept: _Line | None, asked: _Line | None) -> dict[str, str]:
    found = {Book.PROVIDER.value: _told(made)}
    if kept:
        found[Book.LEDGER] = str(kept)
    if asked:
        found[Book.HISTORY] = str(asked)
    return found


def _told(made: tuple[Made, ...]) -> str:
    lines = (f"{one.kind} {one.amount} {one.reference}{f' ({one.failed})' if one.failed else ''}" for one in made)
    return "; ".join(lines)
