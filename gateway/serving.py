"""The process of the gateway: one app over uvicorn, from the first request to the last."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Final

import uvicorn
from pydantic import SecretStr

import runtime
from activities import store as database
from adapters.database import open_database
from gateway import openapi
from gateway.app import create_app
from gateway.keys import ApiKeys
from gateway.temporal import Temporal
from gateway.webhooks import doors_of

_KEEP_ALIVE_SECONDS: Final = 65
"""Longer than the usual proxy keeps a connection: otherwise it may send a request into one that we just closed."""

log = logging.getLogger("redress.gateway")


def document() -> str:
    """The OpenAPI document, as it is committed."""
    settings = runtime.Settings(gateway_secret=SecretStr("of no use: this app only describes itself"))
    app = create_app(settings, Temporal.from_settings(settings), database.open_store("sqlite://"))
    return json.dumps(openapi.described(app), indent=2, ensure_ascii=False) + "\n"


async def serve() -> int:
    """Serve until SIGTERM or SIGINT; a second one ends the process at once. Raises runtime.SettingsError."""
    settings = runtime.load_settings()
    runtime.configure_logging(settings)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    store = open_database(settings.store_url)
    listening = _listen(settings.gateway_address)
    settings = _reachable(settings, listening)
    if not ApiKeys(store).known():
        log.warning(
            "there is no API key yet: python -m gateway keys issue --marketplace demo --role storefront makes one"
        )
    app = create_app(settings, Temporal.from_settings(settings), store)
    # What their settings lack is said here, in words; within uvicorn it would end in a traceback.
    doors_of(app)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.graceful_seconds),
    )
    server = _Server(config, ready=f"Redress gateway is ready: {settings.gateway_url}\n")
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if server.should_exit:
            runtime.leave(runtime.Exit.INTERRUPTED)
        log.info("stopping; once more to stop at once")
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await server.serve(sockets=[listening])
    return runtime.Exit.OK if server.started else runtime.Exit.FAILED


class _Server(uvicorn.Server):
    """Says on standard output when it is ready, and leaves the signals to us.

    By itself it would end the process by them, and no exit code would tell of success.
    """

    def __init__(self, config: uvicorn.Config, *, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(self._ready)
            sys.stdout.flush()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    try:
        return socket.create_server((host, int(port)), backlog=2048)
    except (OSError, OverflowError) as error:
        raise runtime.SettingsError(
            f"REDRESS_GATEWAY_ADDRESS is wrong: {address} cannot be used ({error}). "
            "Write a free address and port, for example 127.0.0.1:8080; port 0 takes a free one."
        ) from None


def _reachable(settings: runtime.Settings, listening: socket.socket) -> runtime.Settings:
    """The settings with the port that was taken, where clients are not told of another way to us."""
    host, port = listening.getsockname()[:2]
    return settings.model_copy(update={"gateway_url": settings.gateway_url or f"http://{host}:{port}"})
