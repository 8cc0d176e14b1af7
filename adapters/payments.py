"""Which payment provider moves the money: that of the sandbox, or Stripe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import runtime
from adapters.files import data_folder

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from activities.ports import FileContents, Provider

PAYMENTS_FILE: Final = "payments.sqlite"


def payments_of(settings: runtime.Settings, store: Engine, files: FileContents) -> Provider:
    """The payment provider that the settings name. Raises runtime.SettingsError."""
    if settings.payments == "sandbox":
        from activities.sandbox.payments import SandboxPayments

        return SandboxPayments(data_folder(settings) / PAYMENTS_FILE)
    from activities.payout_accounts import SqlPayoutAccounts
    from activities.stripe.client import client
    from activities.stripe.payments import StripePayments

    return StripePayments(client(_stripe_key(settings), base=settings.stripe_api_base), SqlPayoutAccounts(store), files)


def _stripe_key(settings: runtime.Settings) -> str:
    """The key to Stripe, never in any message. A live key needs a word of its own: it moves real money."""
    advice = "Write a secret or restricted key of Stripe, for example sk_test_... ."
    if settings.stripe_api_key is None:
        raise runtime.SettingsError(f"REDRESS_STRIPE_API_KEY is missing: REDRESS_PAYMENTS=stripe needs it. {advice}")
    key = settings.stripe_api_key.get_secret_value()
    kind, _, mode = key.partition("_")
    mode = mode.partition("_")[0]
    if kind not in ("sk", "rk") or mode not in ("test", "live"):
        raise runtime.SettingsError(f"REDRESS_STRIPE_API_KEY is wrong: it is no secret key. {advice}")
    if mode == "live" and settings.stripe_api_base:
        raise runtime.SettingsError(
            "REDRESS_STRIPE_API_BASE is wrong: a live key is for Stripe alone. Leave it out, or use a test key."
        )
    if mode == "live" and not settings.stripe_live:
        raise runtime.SettingsError(
            "REDRESS_STRIPE_API_KEY is a live key, which moves real money. "
            "Set REDRESS_STRIPE_LIVE=true if that is meant, else write a test key."
        )
    if mode == "test" and settings.stripe_live:
        raise runtime.SettingsError(
            "REDRESS_STRIPE_LIVE is true, but REDRESS_STRIPE_API_KEY is a test key: no seller would be paid. "
            "Write the live key, or set it to false."
        )
    return key
