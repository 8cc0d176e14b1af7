"""The processes of fast motion: an embedded Temporal server and a worker, which can be killed and come back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Self

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

import runtime
from embedded import HOST, EmbeddedServer

_PROGRAM: Final = Path(__file__).parent.parent / "worker.py"
_UI_PORT: Final = 8233
_START_SECONDS: Final = 30.0


class WorkerFailed(runtime.Problem):
    """The worker of the demo cannot be started; the message says where to look."""


class WorkerProcess:
    """`worker.py` as a process of its own, with its files in `folder`; `settings` are variables for it alone."""

    def __init__(self, server: EmbeddedServer, folder: Path, **settings: str) -> None:
        self._folder = folder
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("REDRESS_", "TEMPORAL_"))}
        own = {
            "REDRESS_DATA_DIR": str(folder),
            "REDRESS_GRACEFUL_SECONDS": "2",
            # By default a dead worker is waited for ten seconds, which here are more than a week.
            "REDRESS_STICKY_SECONDS": "1",
            "REDRESS_UI_URL": server.ui_url,
            "TEMPORAL_ADDRESS": server.address,
            "TEMPORAL_NAMESPACE": server.namespace,
        }
        self._environment = mine | own | settings
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with (self._folder / "worker.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 our own program
                [sys.executable, str(_PROGRAM)],
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

    async def ready(self, client: Client) -> None:
        """Return once the worker asks for work. Raises WorkerFailed if it does not within half a minute."""
        queue = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=runtime.TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                while self._process.poll() is None:
                    if (await client.workflow_service.describe_task_queue(queue)).pollers:
                        return
                    await asyncio.sleep(0.1)
        raise WorkerFailed(f"The worker did not start. Its log, {self._folder / 'worker.log'}, says why.")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        await asyncio.to_thread(self._process.wait)


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
