"""Keeping what became of an order when its workflow is gone, and what both sides have been like in their orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Column, ColumnElement, Engine, exists, func, select
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.ports import OutcomeStore
from activities.store import insert_new, outcomes
from domain.histories import BuyerHistory, Histories, SellerHistory
from domain.requests import HistoryQuery, RecallQuery
from domain.story import Outcome

UNKNOWN: Final = "UnknownOutcome"
"""The error type of an order that has not closed yet."""


class OutcomeActivities:
    """Records outcomes and looks them up."""

    def __init__(self, store: OutcomeStore) -> None:
        self._store = store

    @activity.defn(name="outcomes.record")
    def record(self, outcome: Outcome) -> bool:
        """Keep the outcome, once for its order and revision, however often this runs; false if another stands there."""
        return self._store.record(outcome)

    @activity.defn(name="outcomes.histories")
    def histories(self, query: HistoryQuery) -> Histories:
        """What both sides have been like in their other finished orders on this marketplace."""
        return self._store.histories(query.buyer_id, query.seller_id, query.marketplace, excluding=query.order_id)

    @activity.defn(name="outcomes.recall")
    def recall(self, query: RecallQuery) -> Outcome:
        """The latest outcome of the order.

        Raises ApplicationError of type `UnknownOutcome` if there is none; retryable, since the order may be closing.
        """
        outcome = self._store.recall(query.order_id)
        if outcome is None:
            raise ApplicationError(
                f"Order {query.order_id} has no recorded outcome: it has not closed yet, or its id is wrong.",
                type=UNKNOWN,
            )
        return outcome


class SqlOutcomes:
    """Outcomes in a database that `open_store` has opened."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, outcome: Outcome) -> bool:
        """Keep the outcome, once for its order and revision; what is kept is never changed.

        A workflow task that is done again closes the order a moment later: that makes no other outcome.
        """
        row = {
            "order_id": outcome.order_id,
            "revision": outcome.revision,
            "marketplace": outcome.marketplace,
            "buyer_id": outcome.buyer_id,
            "seller_id": outcome.seller_id,
            "pack": outcome.pack,
            "ending": outcome.decision.ending.value,
            "closed_at": outcome.closed_at,
            "complaints": outcome.complaints,
            "upheld": outcome.upheld,
            "against_seller": int(outcome.against_seller),
            "chargebacks": len(outcome.chargebacks),
            "payload": outcome.model_dump(mode="json"),
        }
        insert_new(self._engine, outcomes, [row])
        this = (outcomes.c.order_id == outcome.order_id, outcomes.c.revision == outcome.revision)
        with self._engine.connect() as connection:
            kept = Outcome.model_validate(connection.scalar(select(outcomes.c.payload).where(*this)))
        return outcome == kept.model_copy(update={"closed_at": outcome.closed_at})

    def outcomes(self) -> Iterator[Outcome]:
        """The latest outcome of every order, in the order of closing.

        Read in portions, so that any number fits in memory.
        """
        rows = select(outcomes.c.payload).where(_LATEST).order_by(outcomes.c.closed_at, outcomes.c.order_id)
        with self._engine.connect() as connection:
            for payload in connection.execution_options(yield_per=500).scalars(rows):
                yield Outcome.model_validate(payload)

    def closed_since(self, since: datetime) -> tuple[str, ...]:
        """The orders that closed then or later, for the first time or again, in the order of closing."""
        rows = select(outcomes.c.order_id).where(_LATEST, outcomes.c.closed_at >= since)
        with self._engine.connect() as connection:
            return tuple(connection.scalars(rows.order_by(outcomes.c.closed_at, outcomes.c.order_id)))

    def histories(self, buyer_id: str, seller_id: str, marketplace: str, *, excluding: str) -> Histories:
        """Counted by the database over the latest outcome of each order of theirs except `excluding`."""
        columns = outcomes.c
        others = (_LATEST, columns.marketplace == marketplace, columns.order_id != excluding)
        of_buyer = self._count(*others, columns.buyer_id == buyer_id, chargebacks=columns.chargebacks)
        of_seller = self._count(*others, columns.seller_id == seller_id, against=columns.against_seller)
        return Histories(buyer=BuyerHistory(**of_buyer), seller=SellerHistory(**of_seller))

    def recall(self, order_id: str) -> Outcome | None:
        """The latest outcome of the order, or none."""
        rows = select(outcomes.c.payload).where(outcomes.c.order_id == order_id, _LATEST)
        with self._engine.connect() as connection:
            payload = connection.scalar(rows)
        return None if payload is None else Outcome.model_validate(payload)

    def _count(self, *where: ColumnElement[bool], **more: Column[int]) -> dict[str, int]:
        summed = {"complaints": outcomes.c.complaints, "upheld": outcomes.c.upheld} | more
        sums = (func.coalesce(func.sum(column), 0).label(name) for name, column in summed.items())
        with self._engine.connect() as connection:
            return dict(connection.execute(select(func.count().label("orders"), *sums).where(*where)).mappings().one())


_newer = outcomes.alias("newer")
_LATEST: Final = ~exists().where(_newer.c.order_id == outcomes.c.order_id, _newer.c.revision > outcomes.c.revision)
