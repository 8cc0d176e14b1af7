"""Which marketplace an order belongs to: a key of another one is told that there is no such order."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import Engine

from activities.outcomes import SqlOutcomes
from gateway.keys import ApiKey
from gateway.temporal import Temporal
from storefront.client import Redress, order_behind, subject_of
from storefront.errors import UnknownOrder

_REMEMBERED: Final = 10_000


class Owners:
    """Asks Temporal for the order's own record, or the outcomes for what it has forgotten; once for each order."""

    def __init__(self, temporal: Temporal, store: Engine) -> None:
        self._temporal = temporal
        self._outcomes = SqlOutcomes(store)
        self._known: dict[str, str] = {}

    async def admit(self, key: ApiKey, subject: str) -> Redress:
        """The client for this order or case. Raises UnknownOrder, also for an order of another marketplace."""
        redress = await self._temporal.redress()
        order_id = order_behind(subject_of(subject)).removeprefix("order-")
        if await self._marketplace(redress, order_id) != key.marketplace:
            raise UnknownOrder(subject_of(subject))
        return redress

    async def _marketplace(self, redress: Redress, order_id: str) -> str | None:
        # An id is used once, so what was true stays true.
        if order_id not in self._known:
            found = await self._found(redress, order_id)
            if found is None:
                return None
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[order_id] = found
        return self._known[order_id]

    async def _found(self, redress: Redress, order_id: str) -> str | None:
        try:
            return (await redress.purchase(order_id)).marketplace
        except UnknownOrder:
            outcome = await asyncio.to_thread(self._outcomes.recall, order_id)
            return outcome.marketplace if outcome else None
