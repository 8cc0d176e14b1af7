"""`python -m bench`: measure on an embedded server of its own, print the figures, write bench/results.json."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from rich.console import Console

import runtime
from bench import counting, memory, replay, throughput
from bench.report import Figure, machine, save, show
from embedded import EmbeddedServer

RESULTS = Path(__file__).parent / "results.json"
PARTS = ("actions", "throughput", "memory", "replay")
PATIENCE = 300
"""Seconds for one part: an order that is stuck must not keep us for ever."""


def main() -> None:
    """Read the options and measure. A goal that is missed is shown and fails nothing: machines differ."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few orders and no rounds: only shows that it runs")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part; may be given again")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the figures go as JSON")
    options = parser.parse_args()
    runtime.run(_bench(options.only or PARTS, options.out, quick=options.quick))


async def _bench(parts: tuple[str, ...], out: Path, *, quick: bool) -> None:
    console = Console()
    figures: list[Figure] = []
    began = time.perf_counter()
    for part in parts:
        try:
            async with asyncio.timeout(PATIENCE):
                figures += await _measure(part, console, quick=quick)
        except TimeoutError:
            raise runtime.Problem(
                f"{part} took more than {PATIENCE} s: is an order stuck, or the machine busy?"
            ) from None
    show(console, figures)
    seconds = round(time.perf_counter() - began)
    save(figures, out, machine(seconds=seconds, quick=quick))
    console.print(f"Written to {out.name} after {seconds} s.", highlight=False)


async def _measure(part: str, console: Console, *, quick: bool) -> list[Figure]:
    # A fresh server for each part: one with thousands of orders in it is slower.
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedServer(Path(folder), port=0, ui_port=0) as server:
            client = await server.connect()
            match part:
                case "actions":
                    return await counting.measure(client, console, quick=quick)
                case "throughput":
                    return await throughput.measure(client, server.address, console, quick=quick)
                case "memory":
                    return await memory.measure(client, server.address, console, quick=quick)
                case _:
                    return await replay.measure(client, server.address, console, quick=quick)


if __name__ == "__main__":
    main()
