"""Delivery is off unless it is set, and half or wrong settings end the worker before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.dispatch.records import Channel
from adapters import Adapters
from runtime import SettingsError, load_settings
from tests.activities.dispatch.test_webhook import SECRET

MAIL = {
    "NOTICES": "smtp",
    "SMTP_URL": "smtp://redress:p4ssword@mail.example:587",
    "MAIL_FROM": "Redress <no-reply@marketplace.example>",
}
WEBHOOK = {"WEBHOOK_URL": "https://shop.example/notices", "WEBHOOK_SECRET": SECRET}


@pytest.fixture(autouse=True)
def _own_folder(bare_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever is made is made here."""
    monkeypatch.setenv("REDRESS_DATA_DIR", str(tmp_path))


def adapters(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> Adapters:
    """Those of a worker with these settings."""
    for name, value in settings.items():
        monkeypatch.setenv(f"REDRESS_{name}", value)
    return Adapters.from_settings(load_settings())


@pytest.mark.parametrize(
    ("settings", "channels"),
    [({}, None), (MAIL, {Channel.MAIL}), (WEBHOOK, {Channel.WEBHOOK}), (MAIL | WEBHOOK, set(Channel))],
)
def test_channels_are_those_that_are_set(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], channels: set[Channel] | None
) -> None:
    """By default nothing leaves the outbox, and no deliverer runs."""
    made = adapters(monkeypatch, settings)

    assert channels == (set(made.deliverer._senders) if made.deliverer else None)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"NOTICES": "pigeon"}, "REDRESS_NOTICES is wrong"),
        ({"NOTICES": "smtp"}, "needs REDRESS_SMTP_URL and REDRESS_MAIL_FROM"),
        (MAIL | {"MAIL_FROM": ""}, "needs REDRESS_SMTP_URL and REDRESS_MAIL_FROM"),
        (MAIL | {"SMTP_URL": "https://redress:p4ssword@mail.example"}, "REDRESS_SMTP_URL is wrong"),
        (MAIL | {"SMTP_URL": "smtp://redress:p4ssword@mail.example:many"}, "REDRESS_SMTP_URL is wrong"),
        (MAIL | {"MAIL_FROM": "p4ssword"}, "REDRESS_MAIL_FROM is wrong"),
        (MAIL | {"MAIL_FROM": "a@b.example\r\nBcc: c@d.example"}, "REDRESS_MAIL_FROM is wrong"),
        (MAIL | {"MAIL_FROM": "a@b.example, c@d.example"}, "REDRESS_MAIL_FROM is wrong"),
        (WEBHOOK | {"WEBHOOK_SECRET": ""}, "an empty one counts as none"),
        (WEBHOOK | {"WEBHOOK_SECRET": "  "}, "REDRESS_WEBHOOK_SECRET is wrong: it is empty"),
        (WEBHOOK | {"WEBHOOK_SECRET": "whsec_p4ssword"}, "REDRESS_WEBHOOK_SECRET is wrong"),
        (WEBHOOK | {"WEBHOOK_URL": ""}, "need both REDRESS_WEBHOOK_URL and REDRESS_WEBHOOK_SECRET"),
        (WEBHOOK | {"WEBHOOK_URL": "shop.example"}, "REDRESS_WEBHOOK_URL is wrong"),
    ],
)
def test_wrong_settings_are_told_without_their_values(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    """The variable and what to write; passwords and secrets are not repeated."""
    with pytest.raises(SettingsError) as wrong:
        adapters(monkeypatch, settings)

    assert said in str(wrong.value)
    assert "p4ssword" not in str(wrong.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor in what a settings object says of itself."""
    for name, value in (MAIL | WEBHOOK).items():
        monkeypatch.setenv(f"REDRESS_{name}", value)

    shown = repr(load_settings())

    assert "p4ssword" not in shown
    assert SECRET not in shown
