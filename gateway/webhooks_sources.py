"""Who may send webhooks, and under which secrets."""

from __future__ import annotations

from typing import Final

import runtime
from gateway import webhooks_easypost, webhooks_stripe
from gateway.webhooks_event import Scheme

SCHEMES: Final[dict[str, Scheme]] = {"easypost": webhooks_easypost, "stripe": webhooks_stripe}
"""By the name that is in the address, in the inbox and in the setting."""


def secrets_of(settings: runtime.Settings, source: str) -> tuple[str, ...]:
    """The secrets in force for this source; without any, its webhooks are not taken."""
    given = {"easypost": settings.easypost_webhook_secrets, "stripe": settings.stripe_webhook_secrets}[source]
    return tuple(given.get_secret_value().split()) if given else ()
