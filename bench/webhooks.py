"""`python -m bench.webhooks`: how long a sender waits for the answer to a webhook.

The gateway beside a bare FastAPI handler that writes one row: each a process of its own over an SQLite file, asked by
turns, a second each, at a steady pace, so that noise on the machine meets both. A latency counts from when its request
was due, so that no stall hides behind another. Behind the gateway's doors the sweeper passes the events on, to a
stand-in that answers at once for Temporal.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

import runtime
from activities.sandbox.webhooks import easypost_headers
from bench.report import Figure, Goal, machine, median, save, show
from bench.webhooks_servers import SECRET, an_event

RESULTS = Path(__file__).parent / "webhooks.json"
PACE = 50
"""Requests a second: more than a busy marketplace's carrier sends."""
CONNECTIONS = 8


PAUSE = 0.5
"""Seconds after each turn: what it has left to do must not fall into the next one."""
TOLD, KEPT = "tracker.updated", "batch.updated"


class Arm(NamedTuple):
    """A server, and the kind of events that it is sent."""

    name: str
    port: int
    kind: str


class Round(NamedTuple):
    """Latencies of one round of one arm, in milliseconds."""

    p50: float
    p99: float


def main() -> None:
    """Read the options and measure. A goal that is missed is shown and fails nothing: machines differ."""
    parser = argparse.ArgumentParser(prog="python -m bench.webhooks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: only shows that it runs")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the figures go as JSON")
    options = parser.parse_args()
    runtime.run(_bench(options.out, quick=options.quick))


async def _bench(out: Path, *, quick: bool) -> None:
    console = Console()
    rounds, turns = (1, 1) if quick else (4, 10)
    load = os.getloadavg()
    numbers = itertools.count()
    with (
        tempfile.TemporaryDirectory() as folder,
        _a_server("bare", Path(folder)) as bare_port,
        _a_server("gateway", Path(folder)) as our_port,
    ):
        arms = (
            Arm("a bare handler that writes a row", bare_port, TOLD),
            Arm("accepting a webhook that is passed on", our_port, TOLD),
            Arm("accepting one that is only kept", our_port, KEPT),
        )
        for arm in arms:
            await _asked(arm, numbers)
        found: dict[Arm, list[Round]] = {arm: [] for arm in arms}
        for number in range(rounds):
            latencies: dict[Arm, list[float]] = {arm: [] for arm in arms}
            for _ in range(turns):
                for arm in arms:
                    latencies[arm] += await _asked(arm, numbers)
                    await asyncio.sleep(PAUSE)
            for arm in arms:
                found[arm].append(_summed_up(latencies[arm]))
            told = ", ".join(f"{arm.name} {found[arm][-1].p99:.1f} ms" for arm in arms)
            console.print(f"round {number + 1}, p99: {told}", highlight=False)
    bare, *ours = arms
    figures = [figure for arm in ours for figure in _compared(arm, found[arm], found[bare])]
    figures.append(median(f"{bare.name}, p99", [one.p99 for one in found[bare]], "ms"))
    show(console, figures)
    save(figures, out, machine(load=load, quick=quick, requests_per_second=PACE, requests_per_round=turns * PACE))


def _compared(arm: Arm, ours: list[Round], bare: list[Round]) -> list[Figure]:
    pairs = list(zip(ours, bare, strict=True))
    return [
        median(f"{arm.name}, p99, against bare", [a.p99 / b.p99 for a, b in pairs], "x", Goal(2)),
        median(f"{arm.name}, p50, against bare", [a.p50 / b.p50 for a, b in pairs], "x"),
        median(f"{arm.name}, p99", [one.p99 for one in ours], "ms"),
    ]


async def _asked(arm: Arm, numbers: Iterator[int]) -> list[float]:
    """The latencies of a second's requests, sent at the pace over a few connections, in milliseconds."""
    due = asyncio.Queue[float]()
    began = time.perf_counter() + 0.05
    for number in range(PACE):
        due.put_nowait(began + number / PACE)
    latencies: list[float] = []
    await asyncio.gather(*(_sender(arm, due, numbers, latencies) for _ in range(CONNECTIONS)))
    return latencies


def _summed_up(latencies: list[float]) -> Round:
    latencies.sort()
    return Round(p50=latencies[len(latencies) // 2], p99=latencies[len(latencies) * 99 // 100])


async def _sender(arm: Arm, due: asyncio.Queue[float], numbers: Iterator[int], latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", arm.port)
    while not due.empty():
        at = due.get_nowait()
        body = json.dumps(an_event(next(numbers), arm.kind)).encode()
        headers = {"Host": "bench", "Content-Length": str(len(body)), **easypost_headers(SECRET, body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        writer.write(f"POST /webhooks/easypost HTTP/1.1\r\n{head}\r\n".encode() + body)
        status = await _answered(reader)
        if status != b"202":
            raise runtime.Problem(f"The server answered {status.decode()}: nothing can be measured.")
        latencies.append((time.perf_counter() - at) * 1_000)
    writer.close()


async def _answered(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return head[9:12]


@contextmanager
def _a_server(which: str, folder: Path) -> Iterator[int]:
    """One of the two servers in a process of its own, with its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        door = listening.fileno()
        words = [sys.executable, "-m", "bench.webhooks_servers", which, str(folder / which), str(door)]
        process = subprocess.Popen(words, pass_fds=[door])
        try:
            yield listening.getsockname()[1]
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
