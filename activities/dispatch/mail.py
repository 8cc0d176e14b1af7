"""Notices by mail, over SMTP: to the address that the directory knows at the time of sending."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, getaddresses
from hashlib import sha256
from ipaddress import ip_address
from ssl import SSLError
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from activities.dispatch.letters import Letter, letter
from activities.dispatch.localised import one_line
from activities.ports import Contact, Directory, Refused, Unavailable
from domain.story import Notice

_ADDRESS: Final = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}@[^\s@<>()\[\]\\,;:\"]{1,255}")
_DOT_ATOM: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_COMMAND_SECONDS: Final = 20
_REFUSED_FOR_GOOD: Final = 500


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `smtps` speaks TLS from the start; `smtp` changes to it if the server offers it.

    With a password it must, unless the server is on this machine.
    """

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """From `smtp://user:password@host:587`. Raises ValueError, without the URL in its text."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # Its text would show a part of the URL, perhaps of the password.
            raise ValueError("its host or port cannot be read") from None
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("it is not smtp:// or smtps:// with a host")
        if bool(parts.username) != bool(parts.password):
            raise ValueError("user and password go together")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=port or (465 if tls else 587),
            tls=tls,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    @property
    def start_tls(self) -> bool | None:
        """Whether the connection must change to TLS; none: if it can."""
        if self.tls:
            return False
        return True if self.password and not _on_this_machine(self.host) else None


class Mail:
    """Sends letters from one address through one server. A connection serves one letter."""

    def __init__(
        self,
        server: SmtpServer,
        sender: Address,
        directory: Directory,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._server = server
        self._sender = sender
        self._directory = directory
        self._now = now

    async def send(self, message_id: str, notices: Sequence[Notice]) -> None:
        """See `Sender`. A server that refuses us, and not the letter or its reader, is tried again."""
        contact = await self._contact(notices[-1].party_id)
        try:
            reader = address_of(contact.name, contact.address)
        except ValueError:
            raise Refused("bad_address", "the directory has no mail address for this party") from None
        mail = envelope(letter(notices, contact.name), self._sender, reader, message_id, self._now())
        try:
            await self._hand_in(mail, reader.addr_spec)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _verdict(refused.recipients[0].code) from None
        except aiosmtplib.SMTPDataError as refused:
            raise _verdict(refused.code) from None
        except aiosmtplib.SMTPResponseException as refused:
            raise Unavailable(f"smtp_{refused.code}") from None
        except aiosmtplib.SMTPNotSupported:
            raise Refused("address_not_supported", "the server takes no such address") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as lost:
            raise Unavailable("tls" if _about_tls(lost) else "connection") from None

    async def _contact(self, party_id: str) -> Contact:
        try:
            contact = await asyncio.to_thread(self._directory.contact, party_id)
        except Unavailable as silent:
            raise Unavailable("directory", silent.retry_after) from None
        if contact is None:
            raise Refused("no_contact", "the directory does not know this party")
        return contact

    async def _hand_in(self, mail: EmailMessage, reader: str) -> None:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.start_tls,
            timeout=_COMMAND_SECONDS,
        )
        try:
            await client.connect()
            await client.send_message(mail, sender=self._sender.addr_spec, recipients=[reader])
            # The letter is taken by now: a goodbye that fails must not have it sent again.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
        finally:
            client.close()


def envelope(content: Letter, sender: Address, reader: Address, message_id: str, now: datetime) -> EmailMessage:
    """The mail with this content, as it goes out."""
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = sender
    mail["To"] = reader
    mail["Subject"] = content.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{_local_part(message_id)}@{sender.domain}>"
    # RFC 3834: so that no vacation message answers.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(content.text)
    mail.add_alternative(content.html, subtype="html")
    # Last, since what is about the content moves to a part when there come to be two.
    mail["Content-Language"] = content.language
    return mail


def sender_of(text: str) -> Address:
    """One address with or without a name, as in `Redress <no-reply@marketplace.example>`. Raises ValueError."""
    found = getaddresses([text]) if text.isprintable() else []
    if len(found) != 1:
        raise ValueError("not one mail address: write for example Redress <no-reply@marketplace.example>")
    return address_of(*found[0])


def address_of(name: str, address: str) -> Address:
    """A name and a mail address for a header. Raises ValueError for what is no address."""
    if _ADDRESS.fullmatch(address) and address.isprintable():
        with contextlib.suppress(MessageError, ValueError, IndexError):
            return Address(display_name=one_line(name), addr_spec=address)
    raise ValueError("not a mail address: write for example no-reply@example.org")


def _local_part(message_id: str) -> str:
    return message_id if _DOT_ATOM.fullmatch(message_id) else sha256(message_id.encode()).hexdigest()


def _verdict(code: int) -> Refused | Unavailable:
    name = f"smtp_{code}"
    return Refused(name, "the server refuses the letter") if code >= _REFUSED_FOR_GOOD else Unavailable(name)


def _about_tls(error: Exception) -> bool:
    """Whether there was no safe connection: a certificate that cannot be trusted, or a server without TLS."""
    # Of the library's own errors, only that a server has no STARTTLS is of no closer kind.
    return type(error) is aiosmtplib.SMTPException or any(
        isinstance(one, SSLError) for one in (error, error.__cause__, error.__context__)
    )


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
