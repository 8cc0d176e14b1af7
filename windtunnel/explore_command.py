"""The command `explore`: whether any order can get stuck, and a counter-example played again."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError
from rich.console import Console

import runtime
from storefront import show
from windtunnel.explore import Bounds, Explored, Explorer
from windtunnel.explore_laws import KEPT, promised
from windtunnel.explore_moves import MOVES
from windtunnel.explore_orders import ORDERS
from windtunnel.explore_play import BROKEN, CounterExample, lawful, replayed, shortened, silent_to_the_end

FOUND: Final = Path("var/counter-example.json")


def explore(
    states: Annotated[int, typer.Option(min=1, help="Stop after so many distinct states.")] = 10_000,
    depth: Annotated[int, typer.Option(min=1, help="The most moves in a row.")] = 60,
    seconds: Annotated[float, typer.Option(min=0, help="Stop after so long.")] = 600,
    seed: Annotated[int, typer.Option(help="In which order moves are tried.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, max=len(ORDERS), help="Processes to share the work.")] = 1,
    found: Annotated[Path, typer.Option(metavar="FILE", help="Where to write a counter-example.")] = FOUND,
    play: Annotated[Path | None, typer.Option(metavar="FILE", help="Play a counter-example again instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Walk every interleaving of messages, clocks and failures within bounds, and check that no order gets stuck."""
    screen = show.console()
    if play:
        _play(screen, play)
        return
    bounds = Bounds(states=-(-states // len(ORDERS)), depth=depth, seconds=seconds)
    walked = tuple(_walked(bounds, seed, jobs))
    told = json.dumps([_as_data(one) for one in walked], indent=2) if as_json else _table(walked)
    screen.print(told, soft_wrap=True, highlight=False)
    broken = next((one.broken for one in walked if one.broken), None)
    if broken is None:
        return
    shortest = shortened(broken)
    found.parent.mkdir(parents=True, exist_ok=True)
    found.write_text(shortest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    aside = Console(stderr=True, highlight=False)
    aside.print(f"A law is broken: {shortest.law}", soft_wrap=True)
    aside.print(f"by {len(shortest.moves)} moves: {', '.join(_counted(shortest.moves))}", soft_wrap=True)
    aside.print(f"Again: python -m windtunnel explore --play {found}", soft_wrap=True)
    raise typer.Exit(runtime.Exit.FAILED)


def _walked(bounds: Bounds, seed: int, jobs: int) -> Iterator[Explored]:
    """One exploration for each kind of order: their states are apart, so they can be walked side by side."""
    walk = partial(_walk, bounds, seed)
    if jobs == 1:
        yield from map(walk, ORDERS)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(walk, ORDERS)


def _walk(bounds: Bounds, seed: int, order: str) -> Explored:
    # What workflows warn of is what an exploration provokes.
    logging.getLogger("temporalio").setLevel(logging.ERROR)
    return Explorer(seed, bounds, orders=(order,)).run()


def _as_data(one: Explored) -> dict[str, object]:
    return asdict(one) | {
        "moves": sorted(one.moves),
        "silences": sorted(one.silences),
        "longest_silence": one.longest_silence.days,
        "broken": one.broken and one.broken.model_dump(mode="json"),
    }


def _table(walked: Sequence[Explored]) -> str:
    """In words, so that a reader needs no legend."""
    states = sum(one.states for one in walked)
    left = sum(one.untried for one in walked)
    broken = sum(one.broken is not None for one in walked)
    lines = [f"{', '.join(one.orders):<10}{one.states:>9,} states  {one.seconds:>7.1f} s" for one in walked]
    checked, deepest = sum(one.transitions for one in walked), max(one.deepest for one in walked)
    moves, silences = set().union(*(one.moves for one in walked)), set().union(*(one.silences for one in walked))
    ends = sum(one.ends for one in walked)
    waits, silence = max(one.most_waits for one in walked), max(one.longest_silence for one in walked)
    lines += [
        f"{states:,} distinct states, {checked:,} transitions checked, up to {deepest} moves deep",
        f"{sum(one.promises for one in walked):,} promises of receipts kept at their instant",
        f"{ends:,} times silence led to the end: {waits} events and {silence.days} days at most",
        f"{len(moves)} of {len(MOVES)} moves were made, {len(silences)} of {len(KEPT)} defaults of silence happened",
        f"{left:,} moves from known states are left out by the bounds",
        f"{broken} laws broken" if broken else "every law held",
    ]
    return "\n".join(lines)


def _counted(moves: Sequence[str]) -> list[str]:
    """Repeated moves once, with their number."""
    runs = [(move, len(tuple(run))) for move, run in groupby(moves)]
    return [move if times == 1 else f"{move} ({times} times)" for move, times in runs]


def _play(screen: Console, file: Path) -> None:
    try:
        example = CounterExample.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}", param_hint="--play") from None
    except ValidationError:
        raise typer.BadParameter(f"{file} is no counter-example of `explore`", param_hint="--play") from None
    if unknown := [move for move in example.moves if move not in MOVES] or example.order not in ORDERS:
        raise typer.BadParameter(f"{file} was written by another version: {unknown}", param_hint="--play")
    with replayed(example.order, ()) as position:
        for move in example.moves:
            try:
                lawful(position, move)
            except BROKEN as failure:
                screen.print(f"{position.now:%Y-%m-%d %H:%M:%S}  {move}: {failure}", soft_wrap=True, highlight=False)
                raise typer.Exit(runtime.Exit.FAILED) from None
            owed = promised(position)
            then = f"  next: {owed.duty.owner}, {owed.duty.kind} by {owed.due:%Y-%m-%d %H:%M:%S}" if owed else ""
            screen.print(f"{position.now:%Y-%m-%d %H:%M:%S}  {move:<40}{then}", soft_wrap=True, highlight=False)
        try:
            silent_to_the_end(position)
        except BROKEN as failure:
            screen.print(f"then silence: {failure}", soft_wrap=True, highlight=False)
            raise typer.Exit(runtime.Exit.FAILED) from None
    screen.print("then silence: every law held", soft_wrap=True, highlight=False)
