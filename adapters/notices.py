"""On which ways notices leave the outbox: by mail, by webhook, both or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import runtime

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from activities.dispatch.deliverer import Deliverer
    from activities.dispatch.records import Channel
    from activities.dispatch.sending import Sender
    from activities.ports import Directory


def senders_of(settings: runtime.Settings, directory: Directory) -> dict[Channel, Sender]:
    """The ways on which notices leave the outbox, none by default. Raises runtime.SettingsError."""
    senders: dict[Channel, Sender] = {}
    if settings.notices == "smtp" or settings.webhook_url:
        from activities.dispatch.records import Channel

        if settings.notices == "smtp":
            senders[Channel.MAIL] = _mail(settings, directory)
        if settings.webhook_url:
            senders[Channel.WEBHOOK] = _webhook(settings, settings.webhook_url)
    return senders


def _mail(settings: runtime.Settings, directory: Directory) -> Sender:
    from activities.dispatch.mail import Mail, SmtpServer, sender_of

    url = settings.smtp_url.get_secret_value() if settings.smtp_url else ""
    try:
        server = SmtpServer.parse(url)
    except ValueError as error:
        raise runtime.SettingsError(
            f"REDRESS_SMTP_URL is wrong: {error}. Write for example smtp://user:password@mail.example.org:587."
        ) from None
    try:
        sender = sender_of(settings.mail_from or "")
    except ValueError:
        raise runtime.SettingsError(
            "REDRESS_MAIL_FROM is wrong: it is not one mail address. "
            "Write for example Redress <no-reply@marketplace.example>."
        ) from None
    return Mail(server, sender, directory)


def _webhook(settings: runtime.Settings, url: str) -> Sender:
    from activities.dispatch.webhook import Webhook, signers

    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
    try:
        return Webhook(url, signers(secret))
    except ValueError as error:
        raise runtime.SettingsError(
            f"REDRESS_WEBHOOK_SECRET is wrong: {error}. Write whsec_ and 24 to 64 random bytes in base64; "
            "while you exchange it, the new and the old one with a space between."
        ) from None


def deliverer_of(store: Engine, senders: dict[Channel, Sender]) -> Deliverer | None:
    """What brings notices out of the outbox on these ways; nothing, if there are none."""
    if not senders:
        return None
    from activities.dispatch.deliverer import Deliverer
    from activities.dispatch.queue import SqlDispatches

    return Deliverer(SqlDispatches(store), senders)
