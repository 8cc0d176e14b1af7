"""Recorded orders, played in fast motion through the real workflows on an embedded server.

Each order has its own clock, which starts with its purchase: the dates of the record stay the dates of its policy.
What it assumes where the record is silent, and how to read its tables: `docs/replay.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import random
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError, RPCStatusCode

from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.payments import SandboxPayments
from activities.store import open_store, outbox
from domain import policy_packs
from domain.clock import Clock
from domain.messages import Acceptance, Cancel, Complaint, Message, Reply, Response, Ruling, Shipped, Tracking
from domain.policy import Reason
from domain.policy_packs import Pack
from embedded import EmbeddedServer
from fastmotion import replay_show
from fastmotion.processes import WorkerProcess
from fastmotion.recorded import RecordedOrder, csv_file, olist, olist_folder
from fastmotion.reenactment import Fault, Script, fault, hearing, script, sent_at
from fastmotion.replay_report import Broken, Drawn, Played, Report, Result, Said, report
from storefront import show
from storefront.client import Redress
from storefront.errors import BadInput, MessageRefused, NotAnswered, OrderClosed, RedressError, UnknownOrder
from storefront.show import console

PACK: Final = "resale-v1"

SHORTEST_DAY: Final = 0.25
LONGEST_DAY: Final = 3600.0
"""Real seconds of a policy day. In a shorter one, the timers' floor of about a second would be weeks."""

DAY: Final = 1.0
"""By default: real seconds of a policy day. Measured, as the two below: docs/replay.md."""

FASTEST: Final = 4.0
"""Orders started in a second, at most."""

CALM: Final = timedelta(hours=3)
"""How far the workers may be behind, in policy time, before the next order waits: no deadline may hang on it."""

_PATIENCE: Final = timedelta(seconds=60)
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_TAIL: Final = timedelta(days=150)
"""The longest that an order of `resale-v1` goes on after the last thing anybody said, with room to spare."""

_SPARE_SECONDS: Final = 120.0
_RECENT_SECONDS: Final = 2.0
_ASK_SECONDS: Final = 0.2


# --- which orders ---


def draw(
    orders: Iterable[RecordedOrder], source: str, count: int, seed: int
) -> tuple[tuple[RecordedOrder, ...], Drawn]:
    """A random sample of the orders that can be played; the same seed draws the same orders.

    Orders that were sampled for their fate are left out, since shares mean nothing over them.
    Raises BadInput if there are too few.
    """
    faults: Counter[Fault] = Counter()
    playable: list[RecordedOrder] = []
    read = chosen_for_fate = 0
    for order in orders:
        read += 1
        if not order.base_rates:
            chosen_for_fate += 1
        elif found := fault(order):
            faults[found] += 1
        else:
            playable.append(order)
    if len(playable) < count:
        raise BadInput(f"There are {len(playable)} playable orders in {source}, fewer than {count}: ask for fewer")
    drawn = Drawn(
        source=source,
        read=read,
        without_base_rates=chosen_for_fate,
        unplayable={found.value: times for found, times in sorted(faults.items())},
        playable=len(playable),
    )
    return tuple(random.Random(seed).sample(playable, count)), drawn


# --- playing them ---


@dataclass(slots=True)
class Stage:
    """What all orders of a replay share. `cases` and `ended` count for the progress display.

    `lags` tells after how long, in policy time, a question to one of the open orders was answered: how far the
    workers are behind. How fast the server takes a message would say nothing of that.
    """

    redress: Redress
    pack: Pack
    day: float
    seed: int
    started: int = 0
    ended: int = 0
    cases: int = 0
    open: dict[str, None] = field(default_factory=dict)
    lags: list[timedelta] = field(default_factory=list)
    _recent: deque[tuple[float, timedelta]] = field(default_factory=lambda: deque(maxlen=20))
    _asked: float | None = None

    @property
    def behind(self) -> timedelta:
        """The mean lag of the last two seconds, or the age of an unanswered question if that is more."""
        now = time.monotonic()
        recent = [lag for at, lag in self._recent if at > now - _RECENT_SECONDS]
        waiting = self._policy_time(now - self._asked) if self._asked else timedelta()
        return max(sum(recent, timedelta()) / max(len(recent), 1), waiting)

    async def listen(self) -> None:
        """Ask an open order how it stands, again and again, each time the one that was not asked for longest."""
        while True:
            await asyncio.sleep(_ASK_SECONDS)
            if self.open:
                order_id = next(iter(self.open))
                self.open[order_id] = self.open.pop(order_id)
                self._asked = asked = time.monotonic()
                # An order that has just ended may not answer; that it took its time counts all the same.
                with contextlib.suppress(RedressError, TemporalError):
                    await self.redress.status(order_id)
                now, self._asked = time.monotonic(), None
                lag = self._policy_time(now - asked)
                self.lags.append(lag)
                self._recent.append((now, lag))

    def _policy_time(self, seconds: float) -> timedelta:
        return timedelta(days=seconds / self.day)


async def play_all(stage: Stage, scripts: Sequence[Script]) -> tuple[list[Played], list[Broken]]:
    """Play the scripts side by side, the longest first, as fast as the workers keep up."""
    playing: list[asyncio.Task[Played | Broken]] = []
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(stage.listen())
        for one in sorted(scripts, key=_expected_length, reverse=True):
            while stage.behind > CALM:  # noqa: ASYNC110 -- what ends it is time that passes, no event
                await asyncio.sleep(1 / FASTEST)
            playing.append(group.create_task(_safely(stage, one)))
            await asyncio.sleep(1 / FASTEST)
        await asyncio.wait(playing)
        listening.cancel()
    ends = [task.result() for task in playing]
    return [one for one in ends if isinstance(one, Played)], [one for one in ends if isinstance(one, Broken)]


def _expected_length(one: Script) -> timedelta:
    undelivered = bool(one.journey) and one.recorded.delivered_at is None
    return one.length + (timedelta(days=50) if undelivered else timedelta())


async def _safely(stage: Stage, one: Script) -> Played | Broken:
    """One order that goes wrong must not end the replay of the others: it is counted."""
    limit = (one.length + _TAIL) / timedelta(days=1) * stage.day + _SPARE_SECONDS
    order_id = one.draft.order_id
    try:
        async with asyncio.timeout(limit):
            return await _play(stage, one)
    except TimeoutError:
        return Broken(order_id, f"did not end within {limit:.0f} s")
    except (RedressError, TemporalError) as error:
        return Broken(order_id, str(error))
    finally:
        stage.ended += 1
        stage.open.pop(order_id, None)


async def _play(stage: Stage, one: Script) -> Played:
    clock = Clock(real_anchor=datetime.now(UTC), policy_anchor=one.draft.placed_at, speed=86_400 / stage.day)
    draft = one.draft.model_copy(update={"clock": clock})
    await stage.redress.start(draft, pack=stage.pack, backdated=True)
    stage.started += 1
    stage.open[draft.order_id] = None
    numbers = itertools.count()
    agenda = [(sent_at(message), next(numbers), draft.order_id, message) for message in one.messages]
    heapq.heapify(agenda)
    said: list[Said] = []
    while agenda:
        at, _, subject, message = heapq.heappop(agenda)
        await _until(clock.real_instant(at))
        try:
            reply = await _tell(stage.redress, subject, message)
        except OrderClosed:
            if subject == draft.order_id:
                said.append(Said(message, None))
                break
            continue
        if reply is None:
            continue
        said.append(Said(message, reply))
        if isinstance(message, Complaint) and reply.case_id and not reply.refused:
            stage.cases += 1
            policy = draft.order(stage.pack).policy
            answers = hearing(one.recorded, policy, Reason(message.reason), draft.price.total, at, stage.seed)
            for answer in answers:
                heapq.heappush(agenda, (sent_at(answer), next(numbers), reply.case_id, answer))
    return Played(one, await stage.redress.outcome(draft.order_id), tuple(said))


async def _until(instant: datetime) -> None:
    await asyncio.sleep((instant - datetime.now(UTC)).total_seconds())


async def _tell(redress: Redress, subject: str, message: Message) -> Reply | None:
    """Pass the message on, however busy the server is; a refusal is a reply too. Raises OrderClosed.

    The request id makes a repeated update harmless; signals are harmless when repeated.
    """
    request_id = f"{subject}-{type(message).__name__}-{sent_at(message):%Y%m%d%H%M%S}"
    for pause in _PAUSES:
        try:
            return await _send(redress, subject, message, request_id)
        except MessageRefused as refused:
            return refused.reply
        except (NotAnswered, UnknownOrder, RPCError) as error:
            if not _will_pass(error):
                raise
        await asyncio.sleep(pause)
    return await _send(redress, subject, message, request_id)


def _will_pass(error: NotAnswered | UnknownOrder | RPCError) -> bool:
    if isinstance(error, RPCError):
        # A busy server aborts an update with this status, and names no other way than to send it again.
        return error.status is RPCStatusCode.UNAVAILABLE
    # The order answers a complaint a moment before its case has started.
    return isinstance(error, NotAnswered) or error.subject.startswith("case-")


async def _send(redress: Redress, subject: str, message: Message, request_id: str) -> Reply | None:
    match message:
        case Shipped():
            await redress.ship(subject, message)
        case Tracking():
            await redress.tracking(subject, message)
        case Acceptance():
            await redress.accept(subject, message)
        case Complaint():
            # Support would hear it and decide; nobody of a record does.
            if not await redress.is_open(subject):
                raise OrderClosed(subject, None)
            return await redress.complain(subject, message, request_id=request_id)
        case Cancel():
            return await redress.cancel(subject, message, request_id=request_id)
        case Response():
            return await redress.respond(subject, message, request_id=request_id)
        case Ruling():
            return await redress.rule(subject, message, request_id=request_id)
    return None


# --- the embedded server and its workers ---


@contextlib.asynccontextmanager
async def a_temporal(folder: Path) -> AsyncIterator[EmbeddedServer]:
    """A server of our own with its worker, all data in `folder`, ended with the block."""
    settings = {"REDRESS_LOG_LEVEL": "WARNING", "REDRESS_MAX_CACHED_WORKFLOWS": "2000"}
    async with EmbeddedServer(folder, port=0, ui_port=0) as server, WorkerProcess(server, folder, **settings):
        yield server


class Files:
    """The sandbox files of a replay, shared with its workers."""

    def __init__(self, folder: Path) -> None:
        self.payments = SandboxPayments(folder / "payments.sqlite")
        self._carrier = SandboxCarrier(folder / "carrier.sqlite")
        self._store = open_store(f"sqlite:///{folder / 'redress.sqlite'}")

    def prepare(self, scripts: Iterable[Script]) -> None:
        """What lies outside Redress: every payment captured, every journey known to the carrier."""
        for one in scripts:
            self.payments.capture(one.draft.payment_ref, one.draft.price.total)
            if one.journey:
                self._carrier.script(one.shipment, one.journey)

    def notices(self) -> Counter[tuple[str, str, str]]:
        """How many notices were posted, by subject, role and kind."""
        columns = (outbox.c.subject, outbox.c.role, outbox.c.kind)
        with self._store.connect() as connection:
            rows = connection.execute(select(*columns, func.count()).group_by(*columns))
            return Counter({(subject, role, kind): times for subject, role, kind, times in rows})


# --- the command ---


async def replay(stage: Stage, files: Files, scripts: Sequence[Script]) -> Report:
    """Play the scripts and count what came of them. The stage needs a server with workers on the same files."""
    files.prepare(scripts)
    played, broken = await play_all(stage, scripts)
    told: dict[str, set[tuple[str, str]]] = {}
    kinds: Counter[str] = Counter()
    for (subject, role, kind), times in files.notices().items():
        told.setdefault(subject, set()).add((role, kind))
        kinds[f"{kind} to {role}"] += times
    return report(
        [replace(one, told=frozenset(told.get(f"order-{one.outcome.order_id}", ()))) for one in played],
        broken,
        notices=kinds,
        provider=files.payments.totals(),
        duplicates=files.payments.duplicates(),
        lags=stage.lags,
    )


async def main(
    *,
    orders: int,
    data: Path | None = None,
    day: float | None = None,
    seed: int = 0,
    as_json: bool = False,
    keep: bool = False,
) -> int:
    """Draw, play and report; gives 1 if a check over all orders failed, else 0.

    `data` is a CSV file or a folder of the Olist tables; `day` is real seconds for a policy day.
    `keep` leaves the server up for a look around until Ctrl-C. Raises BadInput for tables that cannot be used.
    """
    day = DAY if day is None else day
    if not SHORTEST_DAY <= day <= LONGEST_DAY:
        raise BadInput(f"A day of {day:g} s is too short or too long: write {SHORTEST_DAY:g} to {LONGEST_DAY:g}")
    progress = Console(stderr=True)
    progress.print("Reading orders")
    chosen, drawn = draw(*_recorded(data), orders, seed)
    pack = policy_packs.load(PACK)
    scripts = [script(order, number, pack=pack) for number, order in enumerate(chosen, 1)]
    folder = Path(tempfile.mkdtemp(prefix="redress-replay-"))
    began = time.monotonic()
    try:
        async with a_temporal(folder) as server:
            redress = Redress(await server.connect(), patience=_PATIENCE)
            stage = Stage(redress, pack, day, seed)
            progress.print(f"Web UI: {server.ui_url}")
            with _progress(progress, stage, orders):
                found = await replay(stage, Files(folder), scripts)
            seconds = round(time.monotonic() - began, 1)
            result = Result(drawn=drawn, pack=PACK, seed=seed, day=day, seconds=seconds, report=found)
            screen = console()
            if as_json:
                screen.print(show.as_json(result), soft_wrap=True)
            else:
                replay_show.result(screen, result)
            if keep:
                progress.print(f"Kept up for a look around: {server.ui_url} (data in {folder}). Ctrl-C ends it.")
                await asyncio.Event().wait()
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if found.sound else 1


def _recorded(data: Path | None) -> tuple[Iterator[RecordedOrder], str]:
    if data and data.is_file():
        return csv_file(data), data.name
    return olist(olist_folder(data)), "the Olist tables"


@contextlib.contextmanager
def _progress(screen: Console, stage: Stage, orders: int) -> Iterator[None]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=False) as progress:
        started = progress.add_task("started", total=orders)
        ended = progress.add_task("ended", total=orders)

        async def follow() -> None:
            while True:
                progress.update(started, completed=stage.started)
                progress.update(ended, completed=stage.ended, description=f"ended, {stage.cases} cases")
                await asyncio.sleep(0.5)

        following = asyncio.create_task(follow())
        try:
            yield
        finally:
            following.cancel()
            progress.update(started, completed=stage.started)
            progress.update(ended, completed=stage.ended)
