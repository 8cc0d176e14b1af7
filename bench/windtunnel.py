"""`python -m bench.windtunnel`: orders in the wind tunnel beside the same orders on the time-skipping test server.

Both live the same undisturbed orders with the same stand-ins, in one run, in alternating rounds. Where the Olist tables
are at hand, as many of their orders go through the policy replay under one policy, with people, cases and refunds.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import runtime
from bench import lives, stand_ins
from bench.report import Figure, Goal, machine, median, save, show
from domain import policy_packs
from domain.messages import Message
from domain.order import Order
from domain.story import Outcome
from fastmotion.virtual_world import a_test_server
from storefront.errors import BadInput
from windtunnel.activities import RealActivities
from windtunnel.engine import Tunnel
from windtunnel.order_tunnel import order_tunnel
from windtunnel.replay_play import Rules, Theatre
from windtunnel.replay_records import Intake, Recording, of_path, playable
from workflows.registry import WORKFLOWS
from workflows.search_attributes import of_new_order

RESULTS = Path(__file__).parent / "windtunnel.json"
BEGAN = datetime(2026, 6, 2, 16, tzinfo=UTC)

Living: TypeAlias = tuple[Order, list[tuple[datetime, str, Message]]]
"""An order, and the messages of its life: instant, name, message."""

_numbers = count()


def main() -> None:
    """Read the options and measure. A goal that is missed is shown and fails nothing: machines differ."""
    parser = argparse.ArgumentParser(prog="python -m bench.windtunnel", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few orders and one round: only shows that it runs")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the figures go as JSON")
    options = parser.parse_args()
    runtime.run(_bench(options.out, quick=options.quick))


async def _bench(out: Path, *, quick: bool) -> None:
    console = Console()
    in_tunnel, on_server, rounds = (10, 3, 1) if quick else (400, 20, 3)
    load = os.getloadavg()
    tunnel = a_tunnel()
    through(tunnel, _orders(10, BEGAN))
    gc.freeze()
    speeds, cores, activations, servers, olist = [], [], [], [], []
    recorded, theatre = recordings(in_tunnel * rounds), Theatre(policy_packs.load("resale-v1"), Rules())
    async with a_test_server() as environment:
        for number in range(rounds):
            orders, before = list(_orders(in_tunnel, BEGAN)), tunnel.activations
            began, used = time.perf_counter(), time.process_time()
            through(tunnel, orders)
            passed, cpu = time.perf_counter() - began, time.process_time() - used
            speeds.append(in_tunnel / passed)
            cores.append(in_tunnel / cpu)
            activations.append((tunnel.activations - before) / cpu)
            if several := recorded[number * in_tunnel : (number + 1) * in_tunnel]:
                used = time.process_time()
                for recording in several:
                    theatre.play(recording)
                olist.append(len(several) / (time.process_time() - used))
            servers.append(on_server / await on_test_server(environment, on_server))
            console.print(
                f"round {number + 1}: {speeds[-1]:.0f}/s in the tunnel ({cores[-1]:.0f} for a second of one core), "
                f"{servers[-1]:.1f}/s on the test server",
                highlight=False,
            )
    figures = [
        median("orders in the tunnel, per second of one core", cores, "/s", Goal(400, at_most=False)),
        median("activations, per second of one core", activations, "/s"),
        median("orders in the tunnel, per second", speeds, "/s"),
        median("orders on the time-skipping server, per second", servers, "/s"),
        median(
            "tunnel, against the time-skipping server",
            [ours / theirs for ours, theirs in zip(speeds, servers, strict=True)],
            "x",
            Goal(25, at_most=False),
        ),
        grown(tunnel, in_tunnel),
    ]
    if olist:
        figures.insert(1, median("Olist replay, orders per second of one core", olist, "/s", Goal(400, at_most=False)))
    show(console, figures)
    save(figures, out, machine(load=load, quick=quick))


def a_tunnel() -> Tunnel:
    """A tunnel for undisturbed orders."""
    return order_tunnel(RealActivities(stand_ins.activities()), began=BEGAN, by_reference=True)


def through(tunnel: Tunnel, orders: Iterable[Living]) -> None:
    """Have these orders live one after another."""
    for order, messages in orders:
        tunnel.now = order.placed_at
        name = f"order-{order.order_id}"
        tunnel.start("OrderWorkflow", order, name, attributes=of_new_order(order))
        for instant, signal, message in messages:
            tunnel.at(instant, partial(tunnel.signal, name, signal, message))
        tunnel.run()
        tunnel.result_of(name, Outcome)
        tunnel.forget(name)


def grown(tunnel: Tunnel, many: int) -> Figure:
    """What is left in memory after so many orders: objects, for one of them."""
    gc.collect()
    before = len(gc.get_objects())
    through(tunnel, _orders(many, BEGAN))
    gc.collect()
    return Figure("objects left, per order", (len(gc.get_objects()) - before) / many, "", Goal(0.5))


async def on_test_server(environment: WorkflowEnvironment, many: int) -> float:
    """Have so many orders live one after another; gives the seconds that it took.

    Side by side it would be quicker, but the server then loses a task now and then.
    """
    with ThreadPoolExecutor(4) as pool:
        worker = Worker(
            environment.client,
            task_queue=runtime.TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=stand_ins.activities(),
            activity_executor=pool,
        )
        async with worker:
            began = time.perf_counter()
            for _ in range(many):
                await _on_test_server(environment)
            return time.perf_counter() - began


async def _on_test_server(environment: WorkflowEnvironment) -> None:
    ((order, messages),) = _orders(1, await environment.get_current_time())
    handle = await environment.client.start_workflow(
        "OrderWorkflow",
        order,
        id=f"order-{order.order_id}",
        task_queue=runtime.TASK_QUEUE,
        search_attributes=of_new_order(order),
        result_type=Outcome,
    )
    for instant, name, message in messages:
        await environment.sleep(instant - await environment.get_current_time())
        await handle.signal(name, message)
    await handle.result()


def recordings(many: int) -> list[Recording]:
    """The first orders of the Olist tables; none if these are not here."""
    try:
        return list(islice(playable(of_path(None)[0], Intake("Olist"), every_order=True), many))
    except BadInput:
        return []


def _orders(many: int, placed_at: datetime) -> Iterator[Living]:
    life = lives.PLATFORM_ACCEPTED
    for _ in range(many):
        number = next(_numbers)
        order = lives.order(life, number, placed_at, run="tunnel-")
        yield order, list(life.messages(placed_at, lives.shipment(number)))


if __name__ == "__main__":
    main()
