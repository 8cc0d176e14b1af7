"""The two servers of `bench.webhooks`: `python -m bench.webhooks_servers bare|gateway FOLDER SOCKET`."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn, Self

import uvicorn
from fastapi import FastAPI, Request
from sqlalchemy import Column, Integer, LargeBinary, Table, insert

import runtime
from activities.routes import SqlRoutes, of_parcel
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.webhooks import tracker_event
from activities.store import metadata, open_store
from adapters.carriers import CARRIER_FILE
from bench import lives
from domain.messages import Tracking
from domain.order import Order
from domain.parcel import Shipment, TrackingEvent, TrackingStatus
from domain.tracking_numbers import sandbox_number
from gateway.app import create_app
from gateway.temporal import Temporal

SECRET: Final = "a-secret-of-the-bench"  # noqa: S105 -- and of nothing else
PARCELS: Final = 50

rows = Table("bench_rows", metadata, Column("id", Integer, primary_key=True), Column("body", LargeBinary))


def parcel(number: int) -> Shipment:
    """One of the parcels that events are about."""
    return Shipment(carrier="sandbox", tracking_number=sandbox_number(1 + number % PARCELS))


def an_event(number: int, kind: str) -> dict[str, Any]:
    """An event about a tracker with a dozen scans, about 3 kB."""
    scan = TrackingEvent(status=TrackingStatus.IN_TRANSIT, at=datetime.now(UTC), detail="Left a sorting centre")
    return tracker_event(parcel(number), (scan,) * 12, None, datetime.now(UTC)) | {"description": kind}


def bare(folder: Path) -> FastAPI:
    """A handler that writes one row and answers."""
    store = open_store(f"sqlite:///{folder / 'bare.sqlite'}")
    app = FastAPI()

    def write(body: bytes) -> None:
        with store.begin() as connection:
            connection.execute(insert(rows), {"body": body})

    @app.post("/webhooks/easypost", status_code=202)
    async def take(request: Request) -> dict[str, bool]:
        await asyncio.to_thread(write, await request.body())
        return {"stored": True}

    return app


def gateway(folder: Path) -> FastAPI:
    """The gateway as it is, but for Temporal, which is somewhere else and answers at once."""
    url = f"sqlite:///{folder / 'redress.sqlite'}"
    settings = runtime.Settings.model_validate(
        {"data_dir": folder, "store_url": url, "easypost_webhook_secrets": SECRET, "files_url": str(folder / "files")}
    )
    store = open_store(url)
    carrier = SandboxCarrier(folder / CARRIER_FILE)
    for number in range(PARCELS):
        scan = TrackingEvent(status=TrackingStatus.ACCEPTED, at=datetime.now(UTC))
        carrier.script(parcel(number), (scan,))
        SqlRoutes(store).note([of_parcel(f"order-{number}", parcel(number))])
    return create_app(settings, _Answering(), store)


class _Answering(Temporal):
    def __init__(self) -> None:
        self._order: Order = lives.order(lives.LIVES[0], 1, datetime(2026, 1, 1, tzinfo=UTC))

    async def redress(self) -> Any:
        return self

    def as_of(self, _instant: datetime) -> Self:
        return self

    async def purchase(self, _order: str) -> Order:
        return self._order

    async def tracking(self, _order: str, _message: Tracking, *, request_id: str) -> None:
        """Keep it."""


def main() -> NoReturn:
    """Serve at the socket of this number, which we inherit, until killed."""
    which, folder, door = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    logging.disable(logging.INFO)
    app = {"bare": bare, "gateway": gateway}[which](folder)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    runtime.run(server.serve(sockets=[socket.socket(fileno=door)]))


if __name__ == "__main__":
    main()
