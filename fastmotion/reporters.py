"""What carrier and payment provider report to the gateway, by webhooks of the real shapes.

They tell it as soon as something happens, and the order need not wait for its next look-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from activities.sandbox.webhooks import SandboxWebhooks
from domain.parcel import Shipment
from domain.requests import News
from fastmotion.services import SandboxServices


class Reporters:
    """The senders of the sandbox carrier and payment provider; `told` has the ids of all that was acknowledged."""

    def __init__(self, webhooks: SandboxWebhooks, services: SandboxServices) -> None:
        self._webhooks = webhooks
        self._services = services
        self.told: list[str] = []

    async def follow(self, journeys: Mapping[Shipment, News], until: Callable[[datetime], Awaitable[None]]) -> None:
        """Report every scan at its instant (UTC, policy time), which `until` waits for. Raises NotDelivered."""
        async with asyncio.TaskGroup() as group:
            for shipment, journey in journeys.items():
                group.create_task(self._follow(shipment, journey, until))

    async def _follow(self, shipment: Shipment, journey: News, until: Callable[[datetime], Awaitable[None]]) -> None:
        for event in journey.events:
            await until(event.at)
            self.told.append(await asyncio.to_thread(self._webhooks.parcel, self._services.carrier, shipment, event.at))

    async def dispute(self, chargeback_id: str, at: datetime) -> None:
        """Report how a dispute stands at `at` (UTC, policy time). Raises NotDelivered."""
        self.told.append(await asyncio.to_thread(self._webhooks.dispute, self._services.payments, chargeback_id, at))
