"""The gateway's way to Temporal: one client, made when it is first needed, so that the gateway starts without it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Self

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

import runtime
from storefront.client import Redress

AWAY: Final = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNKNOWN,
    }
)
"""What a server answers, or its proxy, that cannot serve us now: asking again later is right."""


class Temporal:
    """Gives the storefront's client, or says that Temporal is away.

    `connect` makes a Temporal client; one that has been made reconnects by itself. `patience` bounds every wait.
    """

    def __init__(self, connect: Callable[[], Awaitable[Client]], *, task_queue: str, patience: timedelta) -> None:
        self._connect = connect
        self._task_queue = task_queue
        self._patience = patience
        self._redress: Redress | None = None
        self._connecting: asyncio.Task[Redress] | None = None

    @classmethod
    def from_settings(cls, settings: runtime.Settings) -> Self:
        """As the settings and `temporalio.envconfig` say."""
        patience = timedelta(seconds=settings.gateway_patience_seconds)
        return cls(runtime.connect, task_queue=settings.task_queue, patience=patience)

    async def redress(self) -> Redress:
        """The storefront's client. Raises runtime.Unreachable or runtime.AccessDenied, within the patience."""
        if self._redress is None:
            # One attempt for all that wait: a server that comes back is not met by a crowd.
            if self._connecting is None or self._connecting.done():
                self._connecting = asyncio.create_task(self._connected())
            try:
                async with asyncio.timeout(self._patience.total_seconds()):
                    self._redress = await asyncio.shield(self._connecting)
            except TimeoutError:
                raise runtime.Unreachable("Temporal does not answer.") from None
        return self._redress

    async def check(self) -> None:
        """Whether Temporal serves our namespace now. Raises runtime.Unreachable, runtime.AccessDenied or RPCError."""
        client = (await self.redress()).client
        if not await client.service_client.check_health(timeout=self._patience):
            raise runtime.Unreachable("Temporal is there, but does not serve.")

    async def _connected(self) -> Redress:
        try:
            client = await self._connect()
        except RPCError as error:
            raise runtime.Unreachable(error.message) from error
        return Redress(client, task_queue=self._task_queue, patience=self._patience)
