"""The processes of fast motion: a Temporal server, a worker and a gateway, which can be killed and come back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Self

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

import runtime
from embedded import HOST, EmbeddedServer

_ROOT: Final = Path(__file__).parent.parent
_UI_PORT: Final = 8233
_START_SECONDS: Final = 30.0


class ProgramFailed(runtime.Problem):
    """A program of the demo cannot be started; the message says where to look."""


class Program:
    """One of our programs as a process of its own, with its files and its log in `folder`."""

    def __init__(self, words: Sequence[str], server: EmbeddedServer, folder: Path, log: str, **settings: str) -> None:
        self._words = words
        self.log = folder / log
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("REDRESS_", "TEMPORAL_"))}
        own = {
            "REDRESS_DATA_DIR": str(folder),
            "REDRESS_GRACEFUL_SECONDS": "2",
            "REDRESS_UI_URL": server.ui_url,
            "TEMPORAL_ADDRESS": server.address,
            "TEMPORAL_NAMESPACE": server.namespace,
        }
        self._environment = mine | own | settings
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 our own program
                [sys.executable, *self._words],
                cwd=_ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        self._process.kill()
        self._process.wait()

    async def start(self) -> None:
        """Start another one in its place."""
        self._process = await asyncio.to_thread(self._started)

    async def until(self, ready: Callable[[], Awaitable[bool]]) -> None:
        """Return once it is ready. Raises ProgramFailed if it is not within half a minute."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                while self._process.poll() is None:
                    if await ready():
                        return
                    await asyncio.sleep(0.1)
        raise ProgramFailed(f"A program of the demo did not start. Its log, {self.log}, says why.")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        await asyncio.to_thread(self._process.wait)


class WorkerProcess(Program):
    """`worker.py`; `settings` are variables for it alone."""

    def __init__(self, server: EmbeddedServer, folder: Path, **settings: str) -> None:
        # By default a dead worker is waited for ten seconds, which here are more than a week.
        settings = {"REDRESS_STICKY_SECONDS": "1"} | settings
        super().__init__(["worker.py"], server, folder, "worker.log", **settings)

    async def ready(self, client: Client) -> None:
        """Return once the worker asks for work. Raises ProgramFailed if it does not within half a minute."""
        queue = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=runtime.TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )

        async def asks_for_work() -> bool:
            return bool((await client.workflow_service.describe_task_queue(queue)).pollers)

        await self.until(asks_for_work)


class GatewayProcess(Program):
    """`python -m gateway` on a free port, for orders that have clocks of their own.

    It takes webhooks under `easypost_secret` and `stripe_secret`.
    """

    def __init__(self, server: EmbeddedServer, folder: Path, **settings: str) -> None:
        with socket.create_server((HOST, 0)) as free:
            address = f"{HOST}:{free.getsockname()[1]}"
        self.url = f"http://{address}"
        self.easypost_secret, self.stripe_secret = secrets.token_urlsafe(), secrets.token_urlsafe()
        own = {
            "REDRESS_EASYPOST_WEBHOOK_SECRETS": self.easypost_secret,
            "REDRESS_STRIPE_WEBHOOK_SECRETS": self.stripe_secret,
            "REDRESS_GATEWAY_ADDRESS": address,
            "REDRESS_GATEWAY_SANDBOX": "true",
            # Fifteen stories at once are one marketplace, whose weeks take seconds.
            "REDRESS_GATEWAY_RATE": "100000/second",
            "REDRESS_GATEWAY_PATIENCE_SECONDS": "2",
        }
        super().__init__(["-m", "gateway"], server, folder, "gateway.log", **own | settings)

    async def ready(self) -> None:
        """Return once it listens. Raises ProgramFailed if it does not within half a minute."""
        port = int(self.url.rpartition(":")[2])

        async def listens() -> bool:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                return False
            writer.close()
            return True

        await self.until(listens)


@contextlib.asynccontextmanager
async def a_server(folder: Path) -> AsyncIterator[EmbeddedServer]:
    """A server on a free port, with its Web UI where people look for it, or else on a free port too.

    Raises ServerFailed, which says what to do.
    """
    async with EmbeddedServer(folder, port=0, ui_port=_UI_PORT if _is_free(_UI_PORT) else 0) as server:
        yield server


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
