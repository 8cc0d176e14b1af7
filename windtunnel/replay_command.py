"""The command `replay`: recorded orders under two policies."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import runtime
from domain.policy_packs import Pack
from storefront import show
from storefront.errors import BadInput
from windtunnel import report_html, report_show
from windtunnel.behaviour import Behaviour
from windtunnel.replay import Pair, collect, reported
from windtunnel.replay_play import Rules, Theatre
from windtunnel.replay_records import Intake, Recording, of_path, of_store, only, playable, sample

DEFAULT: Final = "resale-v1"


def replay(
    orders_from: Annotated[
        Path | None,
        typer.Argument(metavar="[ORDERS]", help="A CSV file (docs/replay.md) or a folder of the Olist tables."),
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="URL", help="Our own outcomes instead, as REDRESS_STORE_URL names them.")
    ] = None,
    pack: Annotated[str, typer.Option(metavar="NAME|FILE", help="The policy as it is.")] = DEFAULT,
    against: Annotated[str, typer.Option(metavar="NAME|FILE", help="The policy to compare it with.")] = DEFAULT,
    orders: Annotated[int | None, typer.Option(min=1, help="A random sample of so many; all if left out.")] = None,
    seed: Annotated[int, typer.Option(help="For the sample, people's choices and the intervals.")] = 0,
    no_behaviour: Annotated[
        bool, typer.Option("--no-behaviour", help="Buyers and sellers do only what the record says.")
    ] = False,
    recorded_ship_by: Annotated[
        bool, typer.Option("--recorded-ship-by", help="Keep recorded ship-by dates instead of the policies'.")
    ] = False,
    every_order: Annotated[
        bool, typer.Option("--every-order", help="Also orders that were recorded because of their fate.")
    ] = False,
    order: Annotated[str, typer.Option(metavar="ID", help="Only this order, and tell its story.")] = "",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes to share the work.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a page with charts.")] = None,
) -> None:
    """Run recorded orders under two policies, and report side by side."""
    behaviour = None if no_behaviour else Behaviour()
    rules = Rules(seed=seed, behaviour=behaviour, recorded_ship_by=recorded_ship_by)
    flags = {"--no-behaviour": no_behaviour, "--recorded-ship-by": recorded_ship_by, "--every-order": every_order}
    where = ["--store", "URL"] if store else [str(orders_from)] if orders_from else []

    def again(order_id: str) -> str:
        words = [*where, "--order", order_id, "--pack", pack, "--against", against, "--seed", str(seed)]
        return shlex.join(["python", "-m", "windtunnel", "replay", *words, *(flag for flag, on in flags.items() if on)])

    with _leaving():
        if store and orders_from:
            raise BadInput("Orders come from a file or from --store, not from both: leave one out")
        pair = Pair(pack, against, rules)
        # A mistake in a pack is told before anything is read.
        packs = pair.packs
        source, name = (of_store(store), "the outcome store") if store else of_path(orders_from)
        intake = Intake(name)
        if order:
            _tell(packs, rules, next(filter(only(order), source), None), order)
            return
        chosen = sample(playable(source, intake, every_order=every_order), orders, seed)
        began = time.monotonic()
        with _progress() as progress:
            task = progress.add_task("orders, under both policies", total=orders)
            collected = collect(pair, chosen, jobs=jobs, played=lambda done: progress.advance(task, done))
        if not collected.orders and not collected.failed:
            raise BadInput(f"There is no order in {name} that can be played")
        found = reported(pair, collected, intake, sampled=orders is not None, again=again)
        seconds = time.monotonic() - began
        played = 2 * collected.orders
        Console(stderr=True).print(f"{played:,} orders played in {seconds:.1f} s, {played / seconds:,.0f} a second")
        if html:
            html.write_text(report_html.page(found), encoding="utf-8")
        screen = show.console()
        if as_json:
            screen.print(show.as_json(found), soft_wrap=True)
        else:
            report_show.report(screen, found)
        if not found.sound:
            raise typer.Exit(runtime.Exit.FAILED)


def _tell(packs: Sequence[Pack], rules: Rules, recording: Recording | None, order_id: str) -> None:
    """One order's story under both policies."""
    if recording is None:
        raise BadInput(f"There is no order {order_id} there: check its id")
    screen = show.console()
    for pack in packs:
        screen.print(f"{order_id} under {pack.policy.pack}", style="bold")
        played = Theatre(pack, rules).play(recording, stories=True)
        for subject, entries in played.stories.items():
            for entry in entries:
                screen.print(show.line(entry, subject), soft_wrap=True)
        screen.print()


@contextmanager
def _leaving() -> Iterator[None]:
    try:
        yield
    except runtime.Problem as problem:
        Console(stderr=True, markup=False, highlight=False).print(str(problem), soft_wrap=True)
        raise typer.Exit(problem.code) from None


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        yield progress
