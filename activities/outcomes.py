"""Keeping what became of an order when its workflow is gone."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine, select
from temporalio import activity

from activities.ports import OutcomeStore
from activities.store import insert_new, outcomes
from domain.story import Outcome


class OutcomeActivities:
    """Records outcomes."""

    def __init__(self, store: OutcomeStore) -> None:
        self._store = store

    @activity.defn(name="outcomes.record")
    def record(self, outcome: Outcome) -> None:
        """Keep the outcome, once for its order, however often this runs."""
        self._store.record(outcome)


class SqlOutcomes:
    """Outcomes in a database that `open_store` has opened."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, outcome: Outcome) -> None:
        """Keep the outcome, once for its order; a repetition changes nothing."""
        row = {
            "order_id": outcome.order_id,
            "marketplace": outcome.marketplace,
            "pack": outcome.pack,
            "ending": outcome.decision.ending.value,
            "closed_at": outcome.closed_at,
            "payload": outcome.model_dump(mode="json"),
        }
        insert_new(self._engine, outcomes, [row])

    def outcomes(self) -> Iterator[Outcome]:
        """Every outcome, in the order of closing; read in portions, so that any number fits in memory."""
        rows = select(outcomes.c.payload).order_by(outcomes.c.closed_at, outcomes.c.order_id)
        with self._engine.connect() as connection:
            for payload in connection.execution_options(yield_per=500).scalars(rows):
                yield Outcome.model_validate(payload)
