"""A real SMTP server for tests, which answers as it is told."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Postmaster:
    """Takes every mail, or answers a command as it is told."""

    def __init__(self) -> None:
        self.rcpt = "250 OK"
        self.data = "250 taken"
        self.quit = "221 Bye"
        self.mails: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802 -- the library's name
        """Answer RCPT TO."""
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 -- the same
        """Answer DATA, and keep what is taken."""
        if self.data.startswith("250"):
            mail = email.message_from_bytes(cast(bytes, envelope.content), policy=default)
            self.mails.append((list(envelope.rcpt_tos), mail))
        return self.data

    async def handle_QUIT(self, *_: object) -> str:  # noqa: N802 -- the same
        """Answer QUIT."""
        return self.quit


class Listening(Controller):
    """A server on a free port."""

    def __init__(self, postmaster: Postmaster, **options: Any) -> None:
        super().__init__(postmaster, hostname="127.0.0.1", port=0, **options)

    def _trigger_server(self) -> None:
        # Asked for port 0, so the one that was given is only known by now.
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr] # it has just been opened
        super()._trigger_server()  # type: ignore[no-untyped-call] # the library has no types here
