"""What stands behind the doors for webhooks, put together from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.outcomes import SqlOutcomes
from adapters.carriers import carriers_of
from adapters.files import files_of
from adapters.payments import payments_of
from gateway.forwarding import Forwarder, Truth
from gateway.inbox import Inbox
from gateway.inbox_sweeper import Sweeper

if TYPE_CHECKING:
    from gateway.app import Gateway


def sweeper_of(gateway: Gateway, inbox: Inbox) -> Sweeper:
    """The sweeper over this inbox, which reads the truth where the worker would. Raises runtime.SettingsError."""
    settings, store = gateway.settings, gateway.store
    carriers, _ = carriers_of(settings)
    truth = Truth(carriers, payments_of(settings, store, files_of(settings)))
    return Sweeper(inbox, Forwarder(gateway.temporal.redress, truth, gateway.routes, SqlOutcomes(store)))
