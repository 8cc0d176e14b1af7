"""A gateway in this process for tests of the inbox: its doors, its database, and a Temporal that may be away."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import httpx
from sqlalchemy import Engine

import runtime
from activities.sandbox.webhooks import dispute_event, easypost_headers, stripe_headers, tracker_event
from activities.store import open_store
from domain.messages import ChargebackState
from domain.parcel import Shipment
from domain.tracking_numbers import sandbox_number
from gateway.app import create_app
from gateway.inbox import Inbox
from gateway.temporal import Temporal

EASYPOST_SECRET = "sandbox-easypost-sécret-⅚"
"""With letters that the scheme normalises."""
STRIPE_SECRET = "whsec_sandbox_0123456789"

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def a_shipment(number: int = 1) -> Shipment:
    """A parcel of the sandbox carrier."""
    return Shipment(carrier="sandbox", tracking_number=sandbox_number(number))


def a_tracker_event(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An event about a parcel, with a new id."""
    return tracker_event(a_shipment(number), (), None, NOW) | changes


def a_dispute_event(
    payment_ref: str = "ch_1", state: ChargebackState = ChargebackState.OPENED, **changes: Any
) -> dict[str, Any]:
    """An event about the dispute of a payment, with a new id."""
    amount = {"amount": 12_900, "currency": "usd"}
    return dispute_event(f"dp_{payment_ref}", payment_ref, state, amount, NOW) | changes


def written(event: Mapping[str, Any]) -> bytes:
    """The raw bytes of an event."""
    return json.dumps(event).encode()


def signed(source: str, body: bytes) -> dict[str, str]:
    """What the provider sends beside this body now."""
    if source == "easypost":
        return easypost_headers(EASYPOST_SECRET, body)
    return stripe_headers(STRIPE_SECRET, body, int(time.time()))


@dataclass(frozen=True)
class Doorstep:
    """The doors, and what lies behind them."""

    http: httpx.AsyncClient
    inbox: Inbox
    store: Engine

    async def send(
        self, source: str, event: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Post an event, properly signed unless other headers are given."""
        body = event if isinstance(event, bytes) else written(event)
        return await self.http.post(f"/webhooks/{source}", content=body, headers=headers or signed(source, body))

    @property
    def kept(self) -> int:
        """How many events are in the inbox."""
        return sum(count.events for count in self.inbox.counts())


async def nowhere() -> NoReturn:
    """Temporal is away."""
    raise runtime.Unreachable("Temporal cannot be reached")


@contextlib.asynccontextmanager
async def a_doorstep(folder: Path, *, temporal: Temporal | None = None, **settings: Any) -> AsyncIterator[Doorstep]:
    """A gateway over files in `folder`, without Temporal unless it is given; `settings` replace the secrets."""
    secrets = {"easypost_webhook_secrets": EASYPOST_SECRET, "stripe_webhook_secrets": STRIPE_SECRET} | settings
    chosen = runtime.Settings(data_dir=folder, store_url=f"sqlite:///{folder / 'redress.sqlite'}", **secrets)
    store = open_store(chosen.store_url)
    temporal = temporal or Temporal(nowhere, task_queue="redress", patience=timedelta(seconds=1))
    app = create_app(chosen, temporal, store)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield Doorstep(http, Inbox(store), store)
    store.dispose()
