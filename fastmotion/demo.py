"""The demo: every story side by side in fast motion, while worker and server are killed and come back.

A Temporal server with its data in a file, a worker and a gateway are processes of their own, and the storefront speaks
HTTP to the gateway; the sandbox payment provider and the sandbox carrier keep theirs in files beside it, and report to
the gateway by webhooks. Each story has its own clock, and so its own dates.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from rich.console import Console
from rich.text import Text
from temporalio.service import RPCError

import runtime
from activities.sandbox.payments import Totals
from activities.sandbox.webhooks import SandboxWebhooks
from activities.store import open_store
from domain.base import Model
from domain.clock import Clock
from embedded import EmbeddedServer
from fastmotion import demo_screen
from fastmotion.demo_checks import Check, Told, checks
from fastmotion.demo_screen import Row, Screen
from fastmotion.over_http import HttpStorefront
from fastmotion.processes import GatewayProcess, WorkerProcess, a_server
from fastmotion.reporters import Reporters
from fastmotion.sandbox_world import SandboxWorld, Storefront
from fastmotion.services import SandboxServices
from fastmotion.stories import PURCHASE, Played, Scene, all_stories, play
from gateway.inbox import Inbox, Kept, State
from gateway.keys import ApiKeys, KeyRole
from storefront import show
from storefront.client import Redress
from storefront.errors import RedressError

DAY: Final = 1.2
"""Real seconds of a policy day by default. Timers have a floor of about a second, so much less blurs the stories."""

BEGINS: Final[Mapping[str, float]] = {
    "accepted": 0,
    "contested": 0,
    "lost": 0,
    "lost_and_found": 3,
    "late": 4,
    "extension": 5,
    "silence": 6,
    "chargeback_lost": 9,
    "never_shipped": 16,
    "no_scan": 17,
    "damaged": 18,
    "storm": 20,
    "returned": 21,
    "chargeback_won": 24,
    "cancelled": 26,
}
"""On which day of the demo each story begins.

While only the worker is away, messages wait in the server and anything may be due. While the server is away nothing
can be said, so no story may then have something to say that is due within days.
"""

WORKER_DIES: Final = 14.0
SERVER_DIES: Final = 34.0
LAST_DAY: Final = 49.0

_AWAY: Final = 1.5
"""Real seconds between a kill and the start that follows it."""

_PATIENCE: Final = timedelta(seconds=3)
_LOOK: Final = 0.5
_DRAW: Final = 0.2
_SPARE_SECONDS: Final = 45.0
_LISTS: Final = (
    ("All orders", 'WorkflowType = "OrderWorkflow"'),
    ("Refunded in full", 'OrderState = "refunded"'),
)
_SHOWN_CASES: Final = ("order-lost", "order-contested", "case-contested-1")


class Timings(Model):
    """Real seconds."""

    day: float
    stories: float
    worker_away: float
    server_away: float


class Report(Model):
    """What `demo-report.json` holds. `retried` are the messages that could not be delivered at once."""

    held: bool
    checks: tuple[Check, ...]
    stories: tuple[Told, ...]
    provider: dict[str, Totals]
    retried: tuple[str, ...]
    timings: Timings


async def main(*, leave: bool, day: float | None, report: Path) -> int:
    """Tell all stories, check what came of them, write the report; stay up until Ctrl-C unless `leave`.

    Gives `Exit.OK` if every check held. Raises ServerFailed if there is no server to be had.
    """
    screen = show.console()
    folder = _fresh_folder()
    _log_to(folder / "demo.log")
    screen.print("Starting a Temporal server, a worker and a gateway ...", style="dim")
    async with (
        a_server(folder) as server,
        WorkerProcess(server, folder) as worker,
        GatewayProcess(server, folder) as gateway,
    ):
        found = await Demo(server, worker, gateway, folder, day or DAY).tell(screen)
        _write(found, report)
        await _conclude(screen, server, found, report)
        if not leave:
            screen.print("\nEverything stays up for a look around. Ctrl-C ends it.", style="bold")
            screen.print(f"TEMPORAL_ADDRESS={server.address} python starter.py timeline lost", style="dim")
            key = _key(folder, KeyRole.STOREFRONT)
            screen.print(f'curl {gateway.url}/v1/orders/lost/outcome -H "Authorization: Bearer {key}"', style="dim")
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return runtime.Exit.OK if found.held else runtime.Exit.FAILED


def _log_to(file: Path) -> None:
    """That a server which was killed does not answer is no news to whoever watches the demo."""
    log = logging.getLogger("temporalio")
    log.addHandler(logging.FileHandler(file))
    log.propagate = False


def _write(found: Report, report: Path) -> None:
    report.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _key(folder: Path, *roles: KeyRole) -> str:
    """An API key for the marketplace of the stories."""
    return ApiKeys(open_store(f"sqlite:///{folder / 'redress.sqlite'}")).issue("demo", roles)[1]


def _fresh_folder() -> Path:
    folder = runtime.load_settings().data_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-", dir=folder))


class Demo:
    """One run over all stories."""

    def __init__(
        self, server: EmbeddedServer, worker: WorkerProcess, gateway: GatewayProcess, folder: Path, day: float
    ) -> None:
        self._server = server
        self._worker = worker
        self._gateway = gateway
        self._key = _key(folder, *KeyRole)
        self._day = day
        self._services = SandboxServices(folder)
        self._reporters = Reporters(
            SandboxWebhooks(gateway.url, easypost_secret=gateway.easypost_secret, stripe_secret=gateway.stripe_secret),
            self._services,
        )
        self._inbox = Inbox(open_store(f"sqlite:///{folder / 'redress.sqlite'}"))
        self._rows = [Row(all_stories()[name], name) for name in BEGINS]
        self._played: dict[str, Played] = {}
        self._retried: dict[str, None] = {}
        self._heard: dict[str, int] = {}

    async def tell(self, console: Console) -> Report:
        """Play every story, kill worker and server in the middle, and check what came of it."""
        redress = Redress(await self._server.connect(), patience=_PATIENCE)
        await self._worker.ready(redress.client)
        await self._gateway.ready()
        began = time.monotonic()
        begins = datetime.now(UTC)
        away = (0.0, 0.0)
        with Screen(console, self._rows) as screen:
            screen.announce(
                f"{len(self._rows)} stories; a day takes {self._day:g} s; each has its own calendar.", "cyan"
            )
            watching = (
                asyncio.create_task(self._draw(screen, begins)),
                asyncio.create_task(self._listen(screen, redress)),
            )
            try:
                async with (
                    asyncio.timeout(LAST_DAY * self._day + _SPARE_SECONDS),
                    HttpStorefront(self._gateway.url, self._key, dispute=self._reporters.dispute) as storefront,
                    asyncio.TaskGroup() as group,
                ):
                    accidents = group.create_task(self._accidents(screen, redress, begins))
                    for row in self._rows:
                        group.create_task(self._play(row, redress, storefront, begins))
                away = accidents.result()
            except TimeoutError:
                screen.announce("Not every story has ended in time.", "bold red")
            await asyncio.sleep(2 * _LOOK)
            for task in watching:
                task.cancel()
        timings = Timings(day=self._day, stories=time.monotonic() - began, worker_away=away[0], server_away=away[1])
        return self._report(timings)

    async def _play(self, row: Row, redress: Redress, storefront: Storefront, begins: datetime) -> None:
        real_anchor = begins + timedelta(seconds=BEGINS[row.order_id] * self._day)
        clock = Clock(
            real_anchor=real_anchor, policy_anchor=PURCHASE, speed=timedelta(days=1).total_seconds() / self._day
        )
        await _until(real_anchor)
        row.begun = True

        async def until(instant: datetime) -> None:
            await _until(clock.real_instant(instant))

        world = SandboxWorld(
            redress,
            self._services,
            until=until,
            pause=lambda: asyncio.sleep(_LOOK),
            lost=self._note_retry,
            storefront=storefront,
        )
        reporting = asyncio.create_task(self._reporters.follow(row.story.journeys(row.order_id), until))
        played = await play(row.story, world, row.order_id, clock)
        # What is scanned after the end of a story is no part of it.
        reporting.cancel()
        self._played[row.order_id] = played
        row.ending = played.outcome.decision.ending.replace("_", " ")

    def _note_retry(self, scene: Scene) -> None:
        self._retried[scene.name] = None

    # --- accidents ---

    async def _accidents(self, screen: Screen, redress: Redress, begins: datetime) -> tuple[float, float]:
        await _until(begins + timedelta(seconds=WORKER_DIES * self._day))
        self._worker.kill()
        screen.announce("The worker is killed (SIGKILL). Messages and deadlines wait in the server.", "bold red")
        worker_away = await self._away(screen, "worker", redress)
        screen.announce("A new worker takes over where the old one stopped.", "bold green")

        await _until(begins + timedelta(seconds=SERVER_DIES * self._day))
        self._server.kill()
        screen.announce("The server is killed (SIGKILL). Who has something to say tries again.", "bold red")
        server_away = await self._away(screen, "server", redress)
        screen.announce("The server is back, on the same file, and knows everything.", "bold green")
        return worker_away, server_away

    async def _away(self, screen: Screen, who: str, redress: Redress) -> float:
        """The real seconds until the one that was killed has been started and an order answers again."""
        began = time.monotonic()
        screen.weather = Text(f"{who} down", "bold red")
        await asyncio.sleep(_AWAY)
        screen.weather = Text(f"{who} starting", "yellow")
        await (self._worker.start() if who == "worker" else self._server.start())
        while True:
            with contextlib.suppress(RedressError, RPCError):
                await redress.status("lost")
                break
            await asyncio.sleep(0.1)
        screen.weather = Text()
        return time.monotonic() - began

    # --- watching ---

    async def _draw(self, screen: Screen, begins: datetime) -> None:
        while True:
            passed = (datetime.now(UTC) - begins).total_seconds()
            today = min(passed / self._day, LAST_DAY)
            screen.share, screen.day = today / LAST_DAY, f"day {today:2.0f} of {LAST_DAY:.0f}"
            screen.refresh()
            await asyncio.sleep(_DRAW)

    async def _listen(self, screen: Screen, redress: Redress) -> None:
        while True:
            live = (row for row in self._rows if row.begun and not row.told)
            await asyncio.gather(*(self._look(row, screen, redress) for row in live))
            await asyncio.sleep(_LOOK)

    async def _look(self, row: Row, screen: Screen, redress: Redress) -> None:
        ended = bool(row.ending)
        # While worker or server are away nobody answers, and the next look will tell.
        with contextlib.suppress(RedressError, RPCError):
            row.status = await redress.status(row.order_id)
            if case := row.status.open_case:
                row.cases[case] = None
            for subject in (row.order_id, *row.cases):
                await self._hear(subject, row.order_id, screen, redress)
            row.told = ended

    async def _hear(self, subject: str, order_id: str, screen: Screen, redress: Redress) -> None:
        story = await redress.timeline(subject)
        for entry in story[self._heard.get(subject, 0) :]:
            screen.tell(order_id, entry)
        self._heard[subject] = len(story)

    # --- what came of it ---

    def _reported(self) -> dict[str, str]:
        """What became of each webhook that the gateway has acknowledged, by its event."""
        notes = {event.event_id: event for event in self._inbox.listed(State, len(self._reporters.told) + 1)}
        return {told: _fate(notes.get(told)) for told in self._reporters.told}

    def _report(self, timings: Timings) -> Report:
        kept = {outcome.order_id: outcome for outcome in self._services.outcomes.outcomes()}
        told = []
        for row in self._rows:
            draft = row.story.draft(row.order_id)
            played = self._played.get(row.order_id)
            cases = [case.case_id for case in played.outcome.cases] if played else []
            told.append(
                Told(
                    story=row.story,
                    order_id=row.order_id,
                    played=played,
                    recorded=kept.get(row.order_id),
                    transfers=self._services.payments.transfers(draft.payment_ref),
                    notices=tuple(
                        notice
                        for subject in (f"order-{row.order_id}", *cases)
                        for notice in self._services.outbox.notices(subject)
                    ),
                )
            )
        provider = self._services.payments.totals()
        found = checks(told, provider, self._services.payments.duplicates(), self._reported())
        return Report(
            held=all(check.held for check in found),
            checks=found,
            stories=tuple(told),
            provider=provider,
            retried=tuple(self._retried),
            timings=timings,
        )


def _fate(event: Kept | None) -> str:
    if event is None:
        return "it was acknowledged, and is not in the inbox"
    return "" if event.state == State.DONE else f"{event.kind} is {event.state}: {event.note}"


async def _until(instant: datetime) -> None:
    await asyncio.sleep((instant - datetime.now(UTC)).total_seconds())


async def _conclude(console: Console, server: EmbeddedServer, found: Report, report: Path) -> None:
    demo_screen.outcomes(console, found.stories)
    console.print()
    demo_screen.totals(console, found.stories)
    away = found.timings
    console.print(
        f"Killed and back: the worker in {away.worker_away:.1f} s, the server in {away.server_away:.1f} s. "
        f"All of it took {away.stories:.0f} s, {away.day:g} s for a day."
    )
    console.print()
    demo_screen.findings(console, found.checks)
    console.print()
    links = await _links(server)
    demo_screen.look_at(console, links, report)


async def _links(server: EmbeddedServer) -> list[tuple[str, str]]:
    base = f"{server.ui_url}/namespaces/{server.namespace}/workflows"
    client = await server.connect()
    links = [(name, f"{base}?query={quote(query)}") for name, query in _LISTS]
    for subject in _SHOWN_CASES:
        with contextlib.suppress(RPCError):
            described = await client.get_workflow_handle(subject).describe()
            links.append((subject, f"{base}/{subject}/{described.run_id}/user-metadata"))
    return links
