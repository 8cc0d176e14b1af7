"""Mail over a real SMTP server: what arrives, and what each answer of the server means."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email.headerregistry import Address
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import AuthResult

from activities.dispatch.mail import Mail, SmtpServer, address_of
from activities.ports import Contact, Refused, Unavailable
from tests.activities.dispatch.mail_server import Listening, Postmaster
from tests.activities.dispatch.scene import Clock, news, reminder

SENDER = Address("Redress", addr_spec="no-reply@marketplace.example")


class Known:
    """A directory with one contact for everybody."""

    def __init__(self, contact: Contact | Exception | None) -> None:
        self._contact = contact

    def contact(self, party_id: str) -> Contact | None:
        if isinstance(self._contact, Exception):
            raise self._contact
        return self._contact


ADA = Contact(name="Ada Abara", address="ada@example.org")


@pytest.fixture
def postmaster() -> Postmaster:
    """Who decides what becomes of a mail."""
    return Postmaster()


@pytest.fixture
def port(postmaster: Postmaster) -> Iterator[int]:
    """Where the server listens."""
    server = Listening(postmaster)
    server.start()
    yield server.port
    server.stop()


def mail(port: int, contact: Contact | Exception | None = ADA, user: str = "") -> Mail:
    """Mail over the server there."""
    server = SmtpServer.parse(f"smtp://{user}127.0.0.1:{port}")
    return Mail(server, SENDER, Known(contact), now=Clock())


def parts(message: EmailMessage) -> tuple[str, str]:
    """Plain text and HTML."""
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


async def test_a_notice_arrives_as_text_and_html(port: int, postmaster: Postmaster) -> None:
    """From us to the address of the directory, under the notice's key, in both forms."""
    await mail(port).send("order-A-1-reminded-seller-1", [reminder("order-A-1-reminded-seller-1")])

    ((readers, message),) = postmaster.mails
    plain, html = parts(message)
    assert ["ada@example.org"] == readers
    assert {
        "From": "Redress <no-reply@marketplace.example>",
        "To": "Ada Abara <ada@example.org>",
        "Subject": "Order A-1: Reminder: hand the parcel to the carrier",
        "Message-ID": "<order-A-1-reminded-seller-1@marketplace.example>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "en",
        "Date": "Mon, 02 Mar 2026 10:00:00 +0000",
    } == {name: message[name] for name in message if name in _SHOWN}
    assert "hand the parcel to the carrier by March 5, 2026, 10:00 AM UTC" in plain
    assert "hand the parcel to the carrier by March 5, 2026, 10:00 AM UTC" in html


_SHOWN = {"From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Language", "Date"}


async def test_a_chinese_reader_is_written_to_in_chinese(port: int, postmaster: Postmaster) -> None:
    """Every header and part survives the way in another script."""
    told = reminder("k").model_copy(update={"locale": "zh-CN", "time_zone": "Asia/Shanghai"})

    await mail(port, Contact(name="王芳", address="wang@example.org")).send("k", [told])

    ((_, message),) = postmaster.mails
    assert "订单 A-1：提醒：发货" == message["Subject"]  # noqa: RUF001 -- this is how Chinese is punctuated
    assert "王芳 <wang@example.org>" == message["To"]
    assert all("2026年3月5日 18:00 UTC+8" in part for part in parts(message))


@pytest.mark.parametrize(
    ("command", "answer", "expected"),
    [
        ("rcpt", "450 mailbox busy, ada@example.org", Unavailable("smtp_450")),
        ("rcpt", "550 no such user ada@example.org", Refused("smtp_550", "")),
        ("data", "451 try later", Unavailable("smtp_451")),
        ("data", "554 looks like spam", Refused("smtp_554", "")),
        ("data", "421 going down", Unavailable("smtp_421")),
    ],
)
async def test_what_the_server_answers_decides(
    port: int, postmaster: Postmaster, command: str, answer: str, expected: Exception
) -> None:
    """4xx is tried again, 5xx about the letter or its reader is final, and no answer's text is passed on."""
    setattr(postmaster, command, answer)

    with pytest.raises(type(expected)) as failure:
        await mail(port).send("k", [news()])

    assert vars(expected) | {"args": ()} == vars(failure.value) | {"args": ()}
    assert "ada" not in str(failure.value)
    assert [] == postmaster.mails


async def test_a_failed_goodbye_is_no_failure(port: int, postmaster: Postmaster) -> None:
    """What the server has taken is sent, whatever it says afterwards."""
    postmaster.quit = "421 gone already"

    await mail(port).send("k", [news()])

    assert 1 == len(postmaster.mails)


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    """Nobody listens: the connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match=r"^connection$"):
            await mail(taken.getsockname()[1]).send("k", [news()])


async def test_a_server_without_tls_gets_no_password(port: int, postmaster: Postmaster) -> None:
    """Where it must not travel in the clear, nothing is sent, and the reason says so."""
    for server in (Strict("127.0.0.1", port, False, "redress", "pass"), SmtpServer("127.0.0.1", port, True)):
        with pytest.raises(Unavailable, match=r"^tls$"):
            await Mail(server, SENDER, Known(ADA), now=Clock()).send("k", [news()])

    assert [] == postmaster.mails


class Strict(SmtpServer):
    """A server of which we think that it is another machine."""

    @property
    def start_tls(self) -> bool | None:
        return True


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_wrong_password_is_not_the_notices_fault(postmaster: Postmaster) -> None:
    """A server that does not let us in refuses us and not the letter: it is tried again once that is mended."""
    server = Listening(
        postmaster,
        auth_required=True,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=False, handled=False),
    )
    server.start()
    try:
        with pytest.raises(Unavailable, match=r"^smtp_535$"):
            await mail(server.port, user="redress:wrong@").send("k", [news()])
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        (None, "no_contact"),
        (Contact(name="Ada", address=""), "bad_address"),
        (Contact(name="Ada", address="ada"), "bad_address"),
        (Contact(name="Ada", address="ada@example.org\r\nBcc: all@example.org"), "bad_address"),
        (Contact(name="Ada", address="ada@example.org, all@example.org"), "bad_address"),
        (Contact(name="Ada", address="ada @example.org"), "bad_address"),
    ],
)
async def test_who_cannot_be_written_to_is_a_dead_letter(port: int, contact: Contact | None, expected: str) -> None:
    """Nobody, or no address: final, until the directory is put right and the letter sent again."""
    with pytest.raises(Refused) as refused:
        await mail(port, contact).send("k", [news()])

    assert expected == refused.value.code
    assert "ada" not in str(refused.value).lower()


async def test_a_directory_that_is_away_is_asked_again(port: int) -> None:
    """Its pause is passed on, its words are not."""
    with pytest.raises(Unavailable, match=r"^directory$") as away:
        await mail(port, Unavailable("no answer about ada@example.org", retry_after=70)).send("k", [news()])

    assert 70 == away.value.retry_after


async def test_no_name_and_no_fact_makes_a_header(port: int, postmaster: Postmaster) -> None:
    """Line breaks in what people wrote end up as spaces."""
    crafted = Contact(name="Ada\r\nBcc: all@example.org\r\n\r\nBuy", address="ada@example.org")
    told = news(kind="resolved", facts={"remedy": "x\r\nBcc: all@example.org", "amount": "\n\n<b>"})

    await mail(port, crafted).send("k\r\nBcc: all@example.org", [told])

    ((readers, message),) = postmaster.mails
    assert ["ada@example.org"] == readers
    assert message["Bcc"] is None
    assert "Order A-1: The decision: x Bcc: all[@]example[.]org" == message["Subject"]
    assert message["Message-ID"].endswith("@marketplace.example>")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 587, False, None, None)),
        ("smtps://mail.example", ("mail.example", 465, True, None, False)),
        ("smtp://redress:p%40ss@mail.example:2525", ("mail.example", 2525, False, "p@ss", True)),
        ("smtp://redress:pass@127.0.0.1:1025", ("127.0.0.1", 1025, False, "pass", None)),
        ("smtp://redress:pass@localhost:1025", ("localhost", 1025, False, "pass", None)),
        ("smtps://redress:pass@[2001:db8::1]:465", ("2001:db8::1", 465, True, "pass", False)),
    ],
)
def test_a_password_never_travels_in_the_clear(url: str, expected: tuple[object, ...]) -> None:
    """TLS from the start, or demanded where a password leaves this machine."""
    server = SmtpServer.parse(url)

    assert expected == (server.host, server.port, server.tls, server.password, server.start_tls)


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp:///p4ss", "smtp://u@h", "smtp://h/p", "smtp://u:p4/ss@h:x"]
)
def test_a_url_that_is_none_is_refused_without_showing_it(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011 -- what it says is asserted below
        SmtpServer.parse(url)

    assert "p4" not in str(refused.value)


def test_an_address_keeps_its_name() -> None:
    """A sender is written as mail programs show it."""
    assert "Ré Dress <no-reply@marketplace.example>" == str(address_of("Ré Dress", "no-reply@marketplace.example"))


async def test_reminders_come_in_one_mail(port: int, postmaster: Postmaster) -> None:
    """A digest has the text of each, and says in its subject how many."""
    told = [reminder("a"), reminder("b", action="answer_case", subject="case-A-2-1")]

    await mail(port).send("digest-a", told)

    ((_, message),) = postmaster.mails
    plain, html = parts(message)
    assert "Reminders: 2" == message["Subject"]
    assert all("Order A-1" in part and "Case A-2-1" in part for part in (plain, html))
