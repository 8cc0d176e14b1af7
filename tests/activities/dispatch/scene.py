"""What the tests of delivery share: a store, a clock that is set by hand, notices, and a sender that records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from activities.dispatch.deliverer import Deliverer
from activities.dispatch.overview import Overview
from activities.dispatch.queue import SqlDispatches
from activities.dispatch.records import Channel, Dispatch
from activities.notices import SqlOutbox
from activities.store import open_store
from domain import wording
from domain.courtesy import Manner
from domain.duties import DutyKind, Owed
from domain.parties import Role
from domain.policy import Courtesy
from domain.requests import Posting
from domain.spans import Span
from domain.story import Notice

MORNING = datetime(2026, 3, 2, 10, tzinfo=UTC)
DUE = MORNING + timedelta(days=3)
AT_ONCE = Manner()
NIGHT = Manner(courtesy=Courtesy(quiet_from="21:00", quiet_until="08:00", digest_at=("09:00",), margin=Span(12, "h")))


class Clock:
    """Real time, as the test wants it."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Let so much time pass."""
        self.now += timedelta(**by)


class Recorder:
    """A sender that takes everything, or raises what it is told to for the next attempts."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.sent: list[tuple[str, tuple[str, ...]]] = []
        self.tries = 0

    async def send(self, message_id: str, notices: Sequence[Notice]) -> None:
        """Fail as told, or keep id and keys."""
        self.tries += 1
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.sent.append((message_id, tuple(notice.key for notice in notices)))


class Scene:
    """A store with its queue, and deliverers that send to one recorder."""

    def __init__(self, folder: Path, *channels: Channel, url: str = "") -> None:
        self.channels = channels or (Channel.MAIL,)
        self.store: Engine = open_store(url or f"sqlite:///{folder / 'store.sqlite'}")
        self.queue = SqlDispatches(self.store)
        self.overview = Overview(self.store)
        self.clock = Clock()
        self.outbox = SqlOutbox(self.store, self.channels, now=self.clock)
        self.posted = 0

    def post(self, *notices: Notice, manner: Manner = AT_ONCE, owed: Sequence[Owed] | None = None) -> None:
        """Have a workflow post these, of one subject, now."""
        self.posted += len(notices)
        standing = None if owed is None else tuple(owed)
        self.outbox.post(Posting(notices=notices, number=self.posted, owed=standing, manner=manner), {})

    def deliverer(self, sender: Recorder) -> Deliverer:
        """Another worker's deliverer."""
        return Deliverer(self.queue, dict.fromkeys(self.channels, sender), now=self.clock)

    def of(self, key: str) -> Dispatch:
        """The dispatch of a notice on the first channel."""
        return next(found for found in self.overview.of(key) if found.channel is self.channels[0])


def news(key: str = "n-1", *, subject: str = "order-A-1", **fields: object) -> Notice:
    """Something has happened, and the seller is told."""
    made = Notice(key=key, subject=subject, to=Role.SELLER, party_id="s-1", kind="returned", at=MORNING)
    return made.model_copy(update=fields)


def reminder(
    key: str, *, action: str = "ship", due: datetime = DUE, subject: str = "order-A-1", at: datetime = MORNING
) -> Notice:
    """The seller is reminded of what is owed."""
    facts = {"owner": "seller", "action": action, "due": wording.moment(due), "consequence": "buyer_may_cancel"}
    return news(key, subject=subject, kind="reminded", at=at, facts=facts)


SHIP = Owed(kind=DutyKind.SHIP, due=DUE)
