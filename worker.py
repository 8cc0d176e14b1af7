"""The worker: runs the workflows and activities of Redress. The only place where adapters are chosen.

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
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import runtime

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from temporalio.client import Client
    from temporalio.worker import Worker

    from activities.ports import (
        Carriers,
        Directory,
        FileContents,
        Files,
        Outbox,
        Outcomes,
        Provider,
        Routes,
    )

CARRIER_FILE: Final = "carrier.sqlite"
PAYMENTS_FILE: Final = "payments.sqlite"
EVIDENCE_FOLDER: Final = "evidence"

_SLACK_SECONDS: Final = 5.0
"""Beyond the graceful time, for what is left to do: telling Temporal, stopping the embedded server."""

log = logging.getLogger("redress.worker")


@dataclass(frozen=True)
class Adapters:
    """What stands behind each port."""

    carriers: Carriers
    payments: Provider
    outbox: Outbox
    outcomes: Outcomes
    directory: Directory
    files: Files
    routes: Routes

    @classmethod
    def from_settings(cls, settings: runtime.Settings) -> Self:
        """What the settings name, by default the sandbox in files shared with the demo, and our own store.

        Raises runtime.SettingsError.
        """
        from activities.files import FilesByScheme, StoredFiles
        from activities.notices import SqlOutbox
        from activities.outcomes import SqlOutcomes
        from activities.routes import SqlRoutes
        from activities.sandbox.carrier import SandboxCarrier
        from activities.sandbox.directory import SandboxDirectory
        from activities.sandbox.files import SandboxFiles

        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise runtime.SettingsError(
                f"REDRESS_DATA_DIR is wrong: {settings.data_dir} cannot be made ({error.strerror}). "
                "Write a folder that we may write to, for example var."
            ) from None
        store = open_database(settings.store_url)
        files = FilesByScheme(
            {"evidence": StoredFiles(settings.files_url)},
            otherwise=SandboxFiles(settings.data_dir / EVIDENCE_FOLDER),
        )
        return cls(
            carriers=SandboxCarrier(settings.data_dir / CARRIER_FILE),
            payments=_payments(settings, store, files),
            outbox=SqlOutbox(store),
            outcomes=SqlOutcomes(store),
            directory=SandboxDirectory(),
            files=files,
            routes=SqlRoutes(store),
        )

    def activities(self) -> list[Callable[..., Any]]:
        """Every activity, over these adapters."""
        from activities.carriers import CarrierActivities
        from activities.evidence import EvidenceActivities
        from activities.notices import NoticeActivities
        from activities.outcomes import OutcomeActivities
        from activities.payments import PaymentActivities
        from activities.reconciliation import ReconciliationActivities

        carriers = CarrierActivities(self.carriers, self.directory)
        payments = PaymentActivities(self.payments)
        outcomes = OutcomeActivities(self.outcomes)
        books = ReconciliationActivities(self.payments, self.outcomes)
        return [
            carriers.look_up,
            carriers.trace,
            carriers.buy_label,
            carriers.refund_label,
            EvidenceActivities(self.files).check,
            NoticeActivities(self.outbox, self.directory).post,
            outcomes.record,
            outcomes.histories,
            outcomes.recall,
            payments.refund,
            payments.release,
            payments.claw_back,
            payments.submit_evidence,
            payments.look,
            books.orders,
            books.check,
        ]


def _payments(settings: runtime.Settings, store: Engine, files: FileContents) -> Provider:
    """The payment provider that the settings name. Raises runtime.SettingsError."""
    if settings.payments == "sandbox":
        from activities.sandbox.payments import SandboxPayments

        return SandboxPayments(settings.data_dir / PAYMENTS_FILE)
    from activities.payout_accounts import SqlPayoutAccounts
    from activities.stripe.client import client
    from activities.stripe.payments import StripePayments

    return StripePayments(client(_stripe_key(settings), base=settings.stripe_api_base), SqlPayoutAccounts(store), files)


def _stripe_key(settings: runtime.Settings) -> str:
    """The key to Stripe, never in any message. A live key needs a word of its own: it moves real money."""
    advice = "Write a secret or restricted key of Stripe, for example sk_test_... ."
    if settings.stripe_api_key is None:
        raise runtime.SettingsError(f"REDRESS_STRIPE_API_KEY is missing: REDRESS_PAYMENTS=stripe needs it. {advice}")
    key = settings.stripe_api_key.get_secret_value()
    kind, _, mode = key.partition("_")
    mode = mode.partition("_")[0]
    if kind not in ("sk", "rk") or mode not in ("test", "live"):
        raise runtime.SettingsError(f"REDRESS_STRIPE_API_KEY is wrong: it is no secret key. {advice}")
    if mode == "live" and settings.stripe_api_base:
        raise runtime.SettingsError(
            "REDRESS_STRIPE_API_BASE is wrong: a live key is for Stripe alone. Leave it out, or use a test key."
        )
    if mode == "live" and not settings.stripe_live:
        raise runtime.SettingsError(
            "REDRESS_STRIPE_API_KEY is a live key, which moves real money. "
            "Set REDRESS_STRIPE_LIVE=true if that is meant, else write a test key."
        )
    if mode == "test" and settings.stripe_live:
        raise runtime.SettingsError(
            "REDRESS_STRIPE_LIVE is true, but REDRESS_STRIPE_API_KEY is a test key: no seller would be paid. "
            "Write the live key, or set it to false."
        )
    return key


def open_database(url: str) -> Engine:
    """The database at this URL, with its tables. Raises runtime.SettingsError, which says what to do."""
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    from activities import store

    try:
        return store.open_store(url)
    except (ArgumentError, ImportError, ValueError):
        raise runtime.SettingsError(
            "REDRESS_STORE_URL is wrong: no database driver here understands it. "
            "Write an SQLAlchemy URL, for example sqlite:///var/redress.sqlite."
        ) from None
    except store.StoreOutdated as error:
        raise runtime.SettingsError(f"The database of REDRESS_STORE_URL cannot be used. {error}") from None
    except SQLAlchemyError as error:
        # The cause alone: the whole text may show the URL, and in it a password.
        cause = getattr(error, "orig", None) or type(error).__name__
        raise runtime.SettingsError(
            f"The database of REDRESS_STORE_URL cannot be used: {cause}. Start it, or write another URL."
        ) from None


def build_worker(client: Client, settings: runtime.Settings, adapters: Adapters, pool: ThreadPoolExecutor) -> Worker:
    """A worker for every workflow of Redress, over these adapters.

    It is versioned only if the environment names a deployment: the tasks of a versioned worker wait until an operator
    has made its version the current one.
    """
    from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
    from temporalio.worker import Worker, WorkerDeploymentConfig

    from activities.route_notes import RouteNotes
    from workflows.registry import WORKFLOWS

    deployment = None
    if settings.deployment_name and settings.build_id:
        deployment = WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(settings.deployment_name, settings.build_id),
            use_worker_versioning=True,
            # An order lives for weeks: it moves to new code, which replay tests keep compatible.
            default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
        )
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=adapters.activities(),
        activity_executor=pool,
        interceptors=[RouteNotes(adapters.routes)],
        max_cached_workflows=settings.max_cached_workflows,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_seconds),
        max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
        max_concurrent_activities=settings.max_concurrent_activities,
        max_concurrent_local_activities=settings.max_concurrent_activities,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_seconds),
        deployment_config=deployment,
    )


async def serve(settings: runtime.Settings, arguments: argparse.Namespace) -> None:
    """Work until cancelled, then stop in good order."""
    adapters = Adapters.from_settings(settings)
    async with _temporal(settings, arguments) as (client, ui_url):
        await runtime.register_search_attributes(client)
        # Twice the activities, since local ones run in the same threads.
        with ThreadPoolExecutor(2 * settings.max_concurrent_activities, "activity") as pool:
            async with build_worker(client, settings, adapters, pool):
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
