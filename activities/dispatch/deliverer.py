"""The deliverer: takes what is due from the queue, sends it, and writes down what came of it.

Each worker runs one. A notice is held, dropped as moot or sent by what holds when its turn comes, not when it was
written. No failure ends the deliverer; what it cannot write down now is done again when the lease has run out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from activities.dispatch.queue import SqlDispatches
from activities.dispatch.records import Bundle, Channel, Item
from activities.dispatch.sending import ATTEMPT_SECONDS, Sender
from activities.ports import Refused, Unavailable
from domain.attempts import pause
from domain.courtesy import mailed_at
from domain.moot import Moot, asked, moot
from domain.story import Notice

BATCH: Final = 16
"""Bundles that one deliverer holds at a time."""

LONGEST_REASON: Final = 100

IDLE_SECONDS: Final = 2.0
LONGEST_IDLE_SECONDS: Final = 60.0

log = logging.getLogger("redress.notices")


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt failed, the pause in seconds that was asked for, and whether another one is useless."""

    reason: str
    hint: float | None = None
    for_good: bool = False


class Deliverer:
    """Delivers over these channels. `now` is real time in UTC."""

    def __init__(
        self,
        queue: SqlDispatches,
        senders: Mapping[Channel, Sender],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._queue = queue
        self._senders = senders
        self._now = now

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; a message on its way is finished first. No channel waits for another."""
        await asyncio.gather(*(self._run(channel, stop) for channel in self._senders))

    async def _run(self, channel: Channel, stop: asyncio.Event) -> None:
        idle = IDLE_SECONDS
        while not stop.is_set():
            try:
                if await self._round(channel):
                    continue
                idle = IDLE_SECONDS
            except SQLAlchemyError as error:
                log.warning("the outbox cannot be read or written (%s); trying again", type(error).__name__)
                idle = min(2 * idle, LONGEST_IDLE_SECONDS)
            except Exception as error:  # noqa: BLE001 -- a defect in one round must not end all delivery
                log.error("delivering notices failed (%s); trying again", _where(error))  # noqa: TRY400 -- it may name people
                idle = min(2 * idle, LONGEST_IDLE_SECONDS)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), idle)

    @contextlib.asynccontextmanager
    async def delivering(self, patience: float) -> AsyncIterator[None]:
        """Deliver beside the block; at its end, wait up to `patience` seconds for what is on its way."""
        stop = asyncio.Event()
        running = asyncio.create_task(self.run(stop))
        try:
            yield
        finally:
            stop.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running, patience)

    async def deliver_due(self) -> int:
        """One round on each channel: how many bundles were due and free."""
        return sum([await self._round(channel) for channel in self._senders])

    async def _round(self, channel: Channel) -> int:
        """Bundles to one reader go out one after the other, those to several side by side."""
        bundles = await asyncio.to_thread(self._queue.claim, channel, self._now(), BATCH)
        turns = [list(turn) for _, turn in groupby(sorted(bundles, key=_reader), _reader)]
        failures = await asyncio.gather(*map(self._in_turn, turns), return_exceptions=True)
        for failure in failures:
            if failure is not None:
                raise failure
        return len(bundles)

    async def _in_turn(self, bundles: Sequence[Bundle]) -> None:
        for bundle in bundles:
            await self._deliver(bundle)

    async def _deliver(self, bundle: Bundle) -> None:
        items = await asyncio.to_thread(self._ready, bundle)
        if not items:
            return
        keys = [item.notice.key for item in items]
        message_id = await asyncio.to_thread(self._queue.begin, bundle, keys, self._now())
        if message_id is None:
            return
        failure = await self._attempt(bundle.channel, message_id, items)
        now = self._now()
        told = {"notice": message_id, "channel": bundle.channel.value}
        if failure is None:
            await asyncio.to_thread(self._queue.sent, bundle, keys, now)
            log.info("notice sent", extra=told)
            return
        wait = None if failure.for_good else pause(max(item.attempts for item in items) + 1, failure.hint)
        await asyncio.to_thread(self._queue.failed, bundle, keys, failure.reason, now, now + wait if wait else None)
        if wait is None:
            log.error("notice given up (%s)", failure.reason, extra=told)
        else:
            log.warning("notice not taken (%s); trying again in %s", failure.reason, wait, extra=told)

    async def _attempt(self, channel: Channel, message_id: str, items: Sequence[Item]) -> _Failure | None:
        """What came of sending it now: none if it was taken."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await self._senders[channel].send(message_id, [item.notice for item in items])
        except Unavailable as error:
            return _Failure(str(error)[:LONGEST_REASON], hint=error.retry_after)
        except Refused as error:
            return _Failure(error.code, for_good=True)
        except TimeoutError:
            return _Failure("timeout")
        except Exception as error:  # noqa: BLE001 -- a notice that breaks its sender is kept and seen, and not in the way
            return _Failure(f"error_{type(error).__name__}")
        return None

    def _ready(self, bundle: Bundle) -> list[Item]:
        """What of a bundle is to be sent now; what is moot is dropped, and what is early is held."""
        ready = []
        for item in bundle.items:
            real_now = self._now()
            notice, courtesy, clock = item.notice, item.manner.courtesy, item.manner.clock
            now = clock.now(real_now)
            reason = self._moot(notice, now)
            until = mailed_at(notice, courtesy, now) if bundle.channel is Channel.MAIL else now
            if reason:
                self._queue.drop(bundle, notice.key, reason, real_now)
            elif until > now:
                self._queue.hold(bundle, [notice.key], clock.real_instant(until))
            else:
                ready.append(item)
        return ready

    def _moot(self, notice: Notice, now: datetime) -> Moot | None:
        if asked(notice) is None:
            return None  # news, for which nothing need be looked up
        return moot(notice, self._queue.standing(notice.subject), self._queue.newer(notice), now)


def _where(error: Exception) -> str:
    """What a defect is and where, without its text."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}, line {last.lineno}"


def _reader(bundle: Bundle) -> str:
    return bundle.items[0].notice.party_id
