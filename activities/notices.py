"""Telling the parties: notices go to an outbox, from which they are delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Engine, select
from temporalio import activity

from activities.dispatch.queue import enrol
from activities.dispatch.records import Channel
from activities.ports import Contact, Directory, Outbox, Unavailable
from activities.store import add_new, outbox
from domain import wording
from domain.requests import Posting
from domain.story import Notice


class Delivery(StrEnum):
    """How far a notice in the outbox has come."""

    WAITING = "waiting"
    NO_CONTACT = "no_contact"


class NoticeActivities:
    """Posts notices, with the contacts that the directory knows."""

    def __init__(self, outbox: Outbox, directory: Directory) -> None:
        self._outbox = outbox
        self._directory = directory

    @activity.defn(name="notices.post")
    def post(self, posting: Posting) -> None:
        """Put each notice in the outbox, once for its key, however often this runs.

        A notice to somebody whom the directory does not know, or cannot look up now, is kept all the same.
        """
        parties = {notice.party_id for notice in posting.notices}
        known = {party_id: self._contact(party_id) for party_id in parties}
        contacts = {party_id: contact for party_id, contact in known.items() if contact is not None}
        self._outbox.post(posting, contacts)

    def _contact(self, party_id: str) -> Contact | None:
        try:
            return self._directory.contact(party_id)
        except Unavailable:
            activity.logger.warning("The directory did not answer; a notice is kept without its contact")
            return None


class SqlOutbox:
    """The outbox in a database that `open_store` has opened.

    Beside its code and facts stands the text of each notice in the language of its reader.
    Contacts are personal data, and stay in a column of their own.
    Each notice is to be delivered on each of the `channels`; without any, the outbox is the end of the line.
    """

    def __init__(
        self,
        engine: Engine,
        channels: Iterable[Channel] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._channels = tuple(channels)
        self._now = now

    def post(self, posting: Posting, contacts: Mapping[str, Contact]) -> None:
        """Keep each notice, once for its key; one whose party is not in `contacts` as `no_contact`."""
        rows = [_row(notice, contacts.get(notice.party_id)) for notice in posting.notices]
        with self._engine.begin() as connection:
            add_new(connection, outbox, rows)
            enrol(connection, posting, self._channels, self._now())

    def notices(self, subject: str) -> tuple[Notice, ...]:
        """All notices about an order or case, oldest first."""
        rows = select(outbox.c.payload).where(outbox.c.subject == subject).order_by(outbox.c.at, outbox.c.key)
        with self._engine.connect() as connection:
            return tuple(Notice.model_validate(payload) for payload in connection.scalars(rows))


def _row(notice: Notice, contact: Contact | None) -> dict[str, object]:
    return {
        "key": notice.key,
        "subject": notice.subject,
        "role": notice.to.value,
        "party_id": notice.party_id,
        "kind": notice.kind,
        "at": notice.at,
        "payload": notice.model_dump(mode="json"),
        "text": wording.notice(notice),
        "contact": contact.model_dump(mode="json") if contact else None,
        "state": Delivery.WAITING if contact else Delivery.NO_CONTACT,
    }
