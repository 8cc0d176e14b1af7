"""Processes of their own for tests, and waiting for what comes true in its own time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
"""Seconds after which a test gives up."""

Got = TypeVar("Got")


async def eventually(ask: Callable[[], Awaitable[Got]]) -> Got:
    """The first true answer."""
    async with asyncio.timeout(PATIENCE):
        while not (answer := await ask()):
            await asyncio.sleep(0.05)
        return answer


def environment(**variables: str) -> dict[str, str]:
    """This environment without the settings of whoever runs the tests, and with these."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("REDRESS_", "TEMPORAL_"))}
    return own | {"TEMPORAL_CONFIG_FILE": os.devnull} | variables


def _listen_to_ctrl_c() -> None:
    """A shell lets its background jobs ignore SIGINT, and so would everything that tests start from one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*words: str, **variables: str) -> subprocess.Popen[str]:
    """Python with these words and settings, from the root of the project."""
    return _started(words, variables, subprocess.PIPE)


def _started(words: Sequence[str], variables: Mapping[str, str], errors: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        preexec_fn=_listen_to_ctrl_c,  # noqa: PLW1509 -- it sets one signal, before anything of ours runs
    )


async def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error, once the process has ended."""
    output, errors = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
    return process.returncode, output, errors


async def run(*words: str, **variables: str) -> tuple[int, str, str]:
    """What Python answers to these words and settings."""
    return await ended(start(*words, **variables))


async def says(process: subprocess.Popen[str], text: str) -> str:
    """The next line of standard output, which must hold `text`."""
    assert process.stdout is not None
    line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), PATIENCE)
    if text not in line:
        process.kill()
        raise AssertionError(f"said {line!r}; {(process.communicate()[1] or '')[-2_000:]}")
    return line


@asynccontextmanager
async def a_worker(*words: str, data_dir: Path, **variables: str) -> AsyncIterator[subprocess.Popen[str]]:
    """A worker that is ready; one that the test has not ended is killed."""
    worker = start("worker.py", *words, REDRESS_DATA_DIR=str(data_dir), **variables)
    try:
        await says(worker, "ready")
        yield worker
    finally:
        worker.kill()
        worker.communicate()


@asynccontextmanager
async def a_lasting_worker(*, data_dir: Path, **variables: str) -> AsyncIterator[None]:
    """A worker that is ready, for many tests: its log goes to a file, since a pipe that nobody reads would stop it."""
    with _log(data_dir / "worker.log") as log:
        worker = _started(("worker.py",), {"REDRESS_DATA_DIR": str(data_dir)} | variables, log)
    try:
        await says(worker, "ready")
        yield
    finally:
        worker.kill()
        worker.communicate()


@contextmanager
def _log(file: Path) -> Iterator[int]:
    with file.open("ab") as log:
        yield log.fileno()


@asynccontextmanager
async def a_gateway(*, data_dir: Path, **variables: str) -> AsyncIterator[str]:
    """The address of a gateway in a process of its own, that is ready; it ends with the test."""
    settings = {"REDRESS_DATA_DIR": str(data_dir), "REDRESS_GATEWAY_ADDRESS": "127.0.0.1:0"} | variables
    with _log(data_dir / "gateway.log") as log:
        gateway = _started(("-m", "gateway"), settings, log)
    try:
        line = await says(gateway, "Redress gateway is ready: ")
        yield line.rpartition(" ")[2].strip()
    finally:
        gateway.kill()
        gateway.communicate()
