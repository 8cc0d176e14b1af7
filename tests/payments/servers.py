"""Other people's stand-ins for Stripe, as processes on free ports of this machine.

Where one cannot be had, its tests are skipped with the reason; with STRIPE_SERVERS=required, as in `.ci/run`,
they fail instead.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
PATIENCE = 20.0


def _missing(reason: str) -> NoReturn:
    """Skip, or fail where everything must be there."""
    if os.environ.get("STRIPE_SERVERS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def a_stateful_mock() -> Iterator[str]:
    """The address of a fresh stripe-stateful-mock, which judges refunds and idempotency keys."""
    node = shutil.which("node")
    package = MODULES / "stripe-stateful-mock"
    if node is None or not package.exists():
        _missing("there is no stripe-stateful-mock: install Node.js, then run `make stripe-servers`")
    port = _free_port()
    with _running([node, str(HERE / "stateful.cjs"), str(port)], port) as base:
        yield base


@contextmanager
def a_stripe_mock() -> Iterator[str]:
    """The address of a stripe-mock, which checks every request against Stripe's OpenAPI and keeps nothing."""
    program = shutil.which("stripe-mock", path=f"{HERE / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        _missing("there is no stripe-mock: install Go, then run `make stripe-servers`")
    port = _free_port()
    words = [program, "-http-addr", f"127.0.0.1:{port}", "-https-addr", "127.0.0.1:0"]
    with _running(words, port) as base:
        yield base


@contextmanager
def _running(words: list[str], port: int) -> Iterator[str]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _await(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        if process.stderr:
            process.stderr.close()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"{process.args!r} ended: {process.stderr.read() if process.stderr else b''!r}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{process.args!r} does not listen")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
