"""The sweeper: passes on what waits in the inbox, oldest first, again and again until it is dealt with.

The database is its memory. A gateway that is killed leaves its events to the others, or to itself after a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from gateway.forwarding import Away, Forwarder, Verdict
from gateway.inbox import Change, Inbox, State, Waiting
from gateway.webhooks_event import NoEvent
from gateway.webhooks_sources import SCHEMES

BATCH: Final = 100
LANES: Final = 8
"""How many parcels and disputes are worked on at once; the events of one are passed on one after the other."""

FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(hours=1)
MOST_ATTEMPTS: Final = 732
"""With an hour between them, a month: then a person must look."""

LOOK_AROUND: Final = timedelta(seconds=2)
"""How often to look for what other gateways have left, and, while it is away, for Temporal."""
_TIDY: Final = timedelta(hours=1)
_GATHER: Final = timedelta(milliseconds=100)
"""Between two sweeps, so that events which come close together are passed on together."""

log = logging.getLogger("redress.inbox")


class Sweeper:
    """Runs beside the routes of a gateway; `wake` it when an event has been stored. `now` gives real time (UTC)."""

    def __init__(
        self, inbox: Inbox, forwarder: Forwarder, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._inbox = inbox
        self._forwarder = forwarder
        self._now = now
        self._fresh = asyncio.Event()
        self._tidied_at: datetime | None = None
        self.away_since: datetime | None = None
        """Since when Temporal has not answered (UTC), as far as this gateway has tried."""

    def wake(self) -> None:
        """There is something new in the inbox."""
        self._fresh.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """With the sweeper at work. At the end it is stopped where it stands: what it has not written down waits."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_GATHER.total_seconds())
            self._fresh.clear()
            try:
                pause = timedelta() if await self.sweep() else await self._until_due()
            except SQLAlchemyError as error:
                log.warning("the inbox cannot be read: %s. It is tried again by itself.", type(error).__name__)
                pause = LOOK_AROUND
            except Exception:
                log.exception("the inbox was not swept; it is tried again by itself")
                pause = LOOK_AROUND
            await self._wait(pause)

    async def sweep(self) -> int:
        """Try what is due, once; how many events that was, and none if Temporal is away.

        Raises SQLAlchemyError if the database is away.
        """
        await self._tidy()
        batch = await asyncio.to_thread(self._inbox.claim, self._now(), BATCH)
        if not batch:
            return 0
        verdicts: dict[int, Verdict] = {}
        limit = asyncio.Semaphore(LANES)

        async def pass_on(lane: Sequence[Waiting]) -> None:
            async with limit:
                for waiting in lane:
                    verdicts[waiting.seq] = await self._tried(waiting)

        try:
            async with asyncio.TaskGroup() as lanes:
                for lane in _lanes(batch):
                    lanes.create_task(pass_on(lane))
        except* SQLAlchemyError as errors:
            raise errors.exceptions[0] from None
        except* Away:
            self._away(len(batch) - len(verdicts))
        else:
            self._back()
        finally:
            # In one transaction, and once: what is told again after a kill still counts once.
            changes = [self._change(waiting, verdicts.get(waiting.seq)) for waiting in batch]
            await asyncio.to_thread(self._inbox.record, changes)
        return 0 if self.away_since else len(batch)

    async def _tried(self, waiting: Waiting) -> Verdict:
        try:
            return await self._forwarder.forward(waiting)
        except (Away, SQLAlchemyError):
            raise
        except Exception as error:
            # One event that cannot be passed on must not hold up the others. The text of the error may be personal.
            log.exception("webhook %s of %s could not be passed on", waiting.event_id, waiting.source)
            return Verdict(State.WAITING, f"it could not be passed on ({type(error).__name__}); the log says why")

    def _change(self, waiting: Waiting, verdict: Verdict | None) -> Change:
        """How an event stands after this try, or without one, when it costs no attempt."""
        now = self._now()
        if verdict is None:
            return Change(waiting.seq, State.WAITING, now, waiting.attempts - 1, "Temporal or the database was away")
        state, due_at = verdict.state, now + pause_after(waiting.attempts, verdict.pause)
        if state is State.WAITING and waiting.attempts >= MOST_ATTEMPTS:
            log.error("webhook %s of %s is given up: %s", waiting.event_id, waiting.source, verdict.note)
            state = State.GIVEN_UP
        return Change(waiting.seq, state, due_at, waiting.attempts, verdict.note)

    async def _tidy(self) -> None:
        now = self._now()
        if self._tidied_at is None or now - self._tidied_at >= _TIDY:
            await asyncio.to_thread(self._inbox.forget_bodies, now)
            self._tidied_at = now

    async def _until_due(self) -> timedelta:
        if self.away_since is not None:
            return LOOK_AROUND
        due = await asyncio.to_thread(self._inbox.next_due)
        left = LOOK_AROUND if due is None else due - self._now()
        return min(max(left, timedelta()), LOOK_AROUND)

    async def _wait(self, pause: timedelta) -> None:
        if self.away_since is not None:
            await asyncio.sleep(pause.total_seconds())
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await self._fresh.wait()

    def _away(self, waiting: int) -> None:
        if self.away_since is None:
            self.away_since = self._now()
            log.warning("Temporal does not answer: %d events and all that come are kept until it does", waiting)

    def _back(self) -> None:
        if self.away_since is not None:
            log.info("Temporal answers again, after %s", self._now() - self.away_since)
            self.away_since = None


def _lanes(batch: Iterable[Waiting]) -> Iterable[Sequence[Waiting]]:
    """What is about one parcel or dispute stays together, in the order in which it came."""
    lanes: dict[str, list[Waiting]] = defaultdict(list)
    for waiting in batch:
        lanes[_lane(waiting)].append(waiting)
    return lanes.values()


def _lane(waiting: Waiting) -> str:
    with contextlib.suppress(NoEvent):
        if about := SCHEMES[waiting.source].read(waiting.body).about:
            return about.lane
    return f"event {waiting.seq}"


def pause_after(attempts: int, asked: timedelta | None = None) -> timedelta:
    """How long an event waits after so many attempts: about as long again as before, or as the provider asked."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, 20)
    return min(max(doubled, asked or timedelta()), LONGEST_PAUSE)
