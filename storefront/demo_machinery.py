"""The processes of the demo: an embedded Temporal server and a worker, which can be killed and come back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Self

from embedded import EmbeddedServer, ServerFailed

_PROGRAM: Final = Path(__file__).parent.parent / "worker.py"
_UI_PORT: Final = 8233


class WorkerProcess:
    """`worker.py` as a process of its own, with its files in `folder`."""

    def __init__(self, server: EmbeddedServer, folder: Path) -> None:
        self._folder = folder
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("REDRESS_", "TEMPORAL_"))}
        settings = {
            "REDRESS_DATA_DIR": str(folder),
            "REDRESS_GRACEFUL_SECONDS": "2",
            # By default a dead worker is waited for ten seconds, which here are more than a week.
            "REDRESS_STICKY_SECONDS": "1",
            "REDRESS_UI_URL": server.ui_url,
            "TEMPORAL_ADDRESS": server.address,
            "TEMPORAL_NAMESPACE": server.namespace,
        }
        self._environment = mine | settings
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
    server = EmbeddedServer(folder, port=0, ui_port=_UI_PORT)
    try:
        await server.start()
    except ServerFailed:
        server = EmbeddedServer(folder, port=0, ui_port=0)
        await server.start()
    try:
        yield server
    finally:
        await server.stop()
