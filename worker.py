"""The worker: runs the workflows and activities of Redress, over the adapters that the settings name.

python worker.py              connect as the Temporal settings say (TEMPORAL_ADDRESS and so on)
python worker.py --embedded   start a Temporal server on this machine first
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import runtime
from adapters import Adapters

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.worker import Worker, WorkerDeploymentConfig


_SLACK_SECONDS: Final = 5.0
"""Beyond the graceful time, for what is left to do: telling Temporal, stopping the embedded server."""

_LAST_NOTICES_SECONDS: Final = 3.0
"""Within that slack, for the notices that are just being sent; one that is cut off is sent again."""

log = logging.getLogger("redress.worker")


def build_worker(client: Client, settings: runtime.Settings, adapters: Adapters, pool: ThreadPoolExecutor) -> Worker:
    """A worker for every workflow of Redress, over these adapters.

    It is versioned only if the environment names a deployment: the tasks of a versioned worker wait until an operator
    has made its version the current one.
    """
    from temporalio.worker import Worker

    from activities.route_notes import RouteNotes
    from carrier_queue import ToCarrierQueue
    from workflows.registry import WORKFLOWS

    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=adapters.activities(),
        activity_executor=pool,
        interceptors=[RouteNotes(adapters.routes), *([] if settings.carriers == "sandbox" else [ToCarrierQueue()])],
        max_cached_workflows=settings.max_cached_workflows,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_seconds),
        max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
        max_concurrent_activities=settings.max_concurrent_activities,
        max_concurrent_local_activities=settings.max_concurrent_activities,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_seconds),
        deployment_config=_deployment(settings),
    )


def build_carrier_worker(
    client: Client, settings: runtime.Settings, adapters: Adapters, pool: ThreadPoolExecutor
) -> Worker:
    """A worker for what is asked of real carriers, on a queue of its own whose pace holds for all workers together."""
    from temporalio.worker import Worker

    from activities.route_notes import RouteNotes
    from carrier_queue import carrier_queue

    return Worker(
        client,
        task_queue=carrier_queue(settings.task_queue),
        activities=adapters.activities(),
        activity_executor=pool,
        interceptors=[RouteNotes(adapters.routes)],
        max_concurrent_activities=settings.max_concurrent_activities,
        max_task_queue_activities_per_second=settings.carrier_activities_per_second,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_seconds),
        deployment_config=_deployment(settings),
    )


def build_workers(
    client: Client, settings: runtime.Settings, adapters: Adapters, pool: ThreadPoolExecutor
) -> list[Worker]:
    """All workers of one process: two where real carriers are asked, since their pace must not hold back the rest."""
    workers = [build_worker(client, settings, adapters, pool)]
    if settings.carriers != "sandbox":
        workers.append(build_carrier_worker(client, settings, adapters, pool))
    return workers


def _deployment(settings: runtime.Settings) -> WorkerDeploymentConfig | None:
    from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
    from temporalio.worker import WorkerDeploymentConfig

    if not settings.deployment_name or not settings.build_id:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment_name, settings.build_id),
        use_worker_versioning=True,
        # An order lives for weeks: it moves to new code, which replay tests keep compatible.
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def serve(settings: runtime.Settings, arguments: argparse.Namespace) -> None:
    """Work until cancelled, then stop in good order."""
    adapters = Adapters.from_settings(settings)
    async with _temporal(settings, arguments) as (client, ui_url):
        await runtime.register_search_attributes(client)
        # Thrice the activities, since local ones and those of carriers run in the same threads.
        with ThreadPoolExecutor(3 * settings.max_concurrent_activities, "activity") as pool:
            async with contextlib.AsyncExitStack() as running:
                for one in build_workers(client, settings, adapters, pool):
                    await running.enter_async_context(one)
                if adapters.deliverer:
                    await running.enter_async_context(adapters.deliverer.delivering(_LAST_NOTICES_SECONDS))
                _tell_ready(client, settings, ui_url)
                await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def _temporal(settings: runtime.Settings, arguments: argparse.Namespace) -> AsyncIterator[tuple[Client, str]]:
    if not arguments.embedded:
        yield await _connect(settings), settings.ui_url
        return
    from embedded import EmbeddedServer

    server = EmbeddedServer(settings.data_dir, port=arguments.port, ui_port=arguments.ui_port)
    async with server:
        yield await server.connect(metrics_address=settings.metrics_address), server.ui_url


async def _connect(settings: runtime.Settings) -> Client:
    """Temporal may start at the same time as we do: ask again for a while."""
    deadline = asyncio.get_running_loop().time() + settings.connect_seconds
    pause = 0.2
    while True:
        try:
            return await runtime.connect(metrics_address=settings.metrics_address)
        except runtime.Unreachable as unreachable:
            if asyncio.get_running_loop().time() + pause > deadline:
                raise
            log.warning("%s Trying again.", unreachable)
        await asyncio.sleep(pause)
        pause = min(2 * pause, 5.0)


def _tell_ready(client: Client, settings: runtime.Settings, ui_url: str) -> None:
    address = client.service_client.config.target_host
    sys.stdout.write(
        f"Redress worker is ready: Temporal at {address}, namespace {client.namespace}, "
        f"task queue {settings.task_queue}. Web UI: {ui_url}/namespaces/{client.namespace}/workflows\n"
    )
    sys.stdout.flush()


async def work(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; a second one, or work that does not end in time, ends the process at once."""
    settings = runtime.load_settings()
    runtime.configure_logging(settings)
    serving = asyncio.create_task(serve(settings, arguments))
    loop = asyncio.get_running_loop()

    def overdue() -> None:
        log.error(
            "work did not end within %s s; it is left, and done again by another worker", settings.graceful_seconds
        )
        runtime.leave(runtime.Exit.FAILED)

    def stop() -> None:
        if serving.cancelling():
            runtime.leave(runtime.Exit.INTERRUPTED)
        log.info("stopping; once more to stop at once")
        loop.call_later(settings.graceful_seconds + _SLACK_SECONDS, overdue)
        serving.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    return runtime.Exit.OK


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; a wrong one ends the process with exit code 2."""
    parser = argparse.ArgumentParser(prog="worker.py", description="Run the workflows and activities of Redress.")
    parser.add_argument("--embedded", action="store_true", help="start a Temporal server on this machine first")
    parser.add_argument(
        "--port", type=int, default=7233, help="port of the embedded server; 0: a free one (%(default)s)"
    )
    parser.add_argument("--ui-port", type=int, default=8233, help="port of its Web UI; 0: a free one (%(default)s)")
    return parser.parse_args(words)


if __name__ == "__main__":
    runtime.run(work(parse()))
