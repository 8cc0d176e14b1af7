"""What stands behind the doors for webhooks, put together from the settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import Engine

import runtime
from activities.outcomes import SqlOutcomes
from activities.routes import SqlRoutes
from adapters import Adapters
from gateway.forwarding import Forwarder, Truth
from gateway.inbox import Inbox
from gateway.inbox_sweeper import Sweeper
from storefront.client import Redress


def sweeper_of(settings: runtime.Settings, store: Engine, redress: Callable[[], Awaitable[Redress]]) -> Sweeper:
    """The sweeper over this store, which reads the truth where the worker would. Raises runtime.SettingsError."""
    adapters = Adapters.from_settings(settings)
    truth = Truth(adapters.carriers, adapters.payments)
    forwarder = Forwarder(redress, truth, SqlRoutes(store), SqlOutcomes(store))
    return Sweeper(Inbox(store), forwarder)
