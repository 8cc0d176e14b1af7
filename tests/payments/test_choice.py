"""The settings choose the provider, and a key that must not be used is told before anything starts, never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from activities.payout_accounts import SqlPayoutAccounts
from activities.sandbox.payments import SandboxPayments
from activities.store import open_store
from activities.stripe.payments import StripePayments
from runtime import Settings, SettingsError, load_settings
from tests.payments.fake_stripe import FakeStripe
from tests.payments.movements import release
from worker import Adapters

SECRET = "sk_test_abc123secret"


def settings(tmp_path: Path, **changes: Any) -> Settings:
    """Settings of a worker that keeps its files here."""
    return Settings(data_dir=tmp_path, **changes)


def test_the_sandbox_is_the_default(tmp_path: Path) -> None:
    """A newcomer needs no account."""
    assert isinstance(Adapters.from_settings(settings(tmp_path)).payments, SandboxPayments)


@pytest.mark.parametrize("key", [SECRET, "rk_test_abc"])
def test_stripe_is_chosen_with_a_key(tmp_path: Path, key: str) -> None:
    """A secret key or a restricted one."""
    chosen = Adapters.from_settings(settings(tmp_path, payments="stripe", stripe_api_key=key))
    assert isinstance(chosen.payments, StripePayments)


def test_a_live_key_needs_a_word(tmp_path: Path) -> None:
    """With it, it is taken."""
    live = settings(tmp_path, payments="stripe", stripe_api_key="sk_live_abcsecret", stripe_live=True)
    assert isinstance(Adapters.from_settings(live).payments, StripePayments)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "REDRESS_STRIPE_API_KEY is missing"),
        ({"stripe_api_key": "pk_test_abcsecret"}, "it is no secret key"),
        ({"stripe_api_key": "abcsecret"}, "it is no secret key"),
        ({"stripe_api_key": "sk_live_abcsecret"}, "Set REDRESS_STRIPE_LIVE=true"),
        ({"stripe_api_key": SECRET, "stripe_live": True}, "no seller would be paid"),
        (
            {"stripe_api_key": "sk_live_abcsecret", "stripe_live": True, "stripe_api_base": "http://127.0.0.1:1"},
            "a live key is for Stripe alone",
        ),
    ],
)
def test_a_key_that_must_not_be_used_is_told(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    """The message names the setting and the remedy, and does not show the key."""
    with pytest.raises(SettingsError, match=told) as error:
        Adapters.from_settings(settings(tmp_path, payments="stripe", **changes))
    assert "secret" not in str(error.value).replace("a secret or restricted", "").replace("no secret key", "")


def test_no_text_of_the_settings_shows_the_key(tmp_path: Path) -> None:
    """Neither their repr nor their dump."""
    kept = settings(tmp_path, payments="stripe", stripe_api_key=SECRET)
    assert SECRET not in f"{kept!r} {kept} {kept.model_dump()} {kept.model_dump_json()}"


def test_a_wrong_provider_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the words that there are."""
    monkeypatch.setenv("REDRESS_PAYMENTS", "paypal")
    with pytest.raises(SettingsError, match=r"REDRESS_PAYMENTS is wrong: .* Write sandbox or stripe"):
        load_settings()


def test_sellers_are_paid_to_the_accounts_of_our_store(tmp_path: Path, fake: FakeStripe) -> None:
    """A worker pays a seller as soon as the account is known, and to the account that was written last."""
    changes = {"payments": "stripe", "stripe_api_key": SECRET, "stripe_api_base": fake.base}
    chosen = settings(tmp_path, **changes)
    payments = Adapters.from_settings(chosen).payments
    accounts = SqlPayoutAccounts(open_store(chosen.store_url))
    accounts.keep("seller-1", "acct_old")
    accounts.keep("seller-1", "acct_new")

    payments.release(release(), key="k")

    assert ["acct_new"] == [made["destination"] for made in fake.transfers]
    with pytest.raises(ValueError, match="as in acct_1PgafTB7WZ01zgkW"):
        accounts.keep("seller-1", "12345")
