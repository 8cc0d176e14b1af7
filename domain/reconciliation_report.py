"""What is asked of a comparison of the books, and what it reports: inputs and results of `ReconcileWorkflow`."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from domain.base import Instant, Model
from domain.books import Checked, Difference
from domain.parties import Id

MOST_SHOWN: Final = 500
"""How many differences a report carries; the rest is counted, and the next run shows it."""


class Unread(Model):
    """An order whose books could not be read, and why. `known` is false if no book has heard of it."""

    order_id: str
    why: str
    known: bool = True


class Report(Model):
    """How the books compare. `more` counts the differing orders beyond those that are shown."""

    orders: int = 0
    movements: int = 0
    differences: tuple[Difference, ...] = ()
    unread: tuple[Unread, ...] = ()
    more: int = 0
    begun_at: Instant | None = None
    ended_at: Instant | None = None

    @property
    def agrees(self) -> bool:
        """Whether every book that could be read says the same, and all could."""
        return not (self.differences or self.unread or self.more)

    def with_batch(self, batch: BatchChecked) -> Report:
        """This report with what came of some more orders."""
        found = [*self.differences]
        unread = [*self.unread]
        more = self.more
        for checked in batch.checked:
            if len(found) + len(checked.differences) <= MOST_SHOWN:
                found += checked.differences
            else:
                more += 1
        for one in batch.unread:
            if len(unread) < MOST_SHOWN:
                unread.append(one)
            else:
                more += 1
        return self.model_copy(
            update={
                "orders": self.orders + batch.orders,
                "movements": self.movements + batch.movements,
                "differences": tuple(found),
                "unread": tuple(unread),
                "more": more,
            }
        )


class Reconcile(Model):
    """Compare the books of these orders, or of all whose money moved in the last `days`.

    `after` and `report` are for a run that goes on where another stopped. `tell` posts a notice to support for each
    difference, once for each that it finds.
    """

    orders: tuple[Id, ...] = Field(default=(), max_length=10_000)
    days: int = Field(default=40, ge=1, le=400)
    tell: bool = True
    after: str = ""
    report: Report = Report()


class Period(Model):
    """Ask which orders' money moved since then: a page of them, in the order of their ids, after this one."""

    since: Instant
    after: str = ""


class OrderIds(Model):
    """Orders to compare; fewer than a page mean that there are no more."""

    orders: tuple[str, ...] = ()
    last: bool = True


class Batch(Model):
    """Orders whose books are compared one after the other."""

    orders: tuple[str, ...]


class BatchChecked(Model):
    """What came of a batch: how many orders and movements, those that differ, and those that could not be read."""

    orders: int = 0
    movements: int = 0
    checked: tuple[Checked, ...] = ()
    unread: tuple[Unread, ...] = ()
