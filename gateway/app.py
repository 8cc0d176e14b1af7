"""The gateway's app: what it needs, and the routers that it is made of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import Depends, FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

import runtime
from activities.files import StoredFiles
from activities.ports import Routes
from activities.routes import SqlRoutes
from gateway import files, health, openapi, orders, problems, questions, sending, webhooks
from gateway.access import guard
from gateway.files import FileRoom
from gateway.idempotency import Answers
from gateway.keys import ApiKeys
from gateway.owners import Owners
from gateway.rates import Rates
from gateway.signing import Signer
from gateway.temporal import Temporal

PURGE_SECONDS: Final = 3_600.0
"""How often answers that are too old are forgotten."""

ROUTERS: Final = (orders.router, sending.router, questions.router, files.router, webhooks.router, health.router)


@dataclass(frozen=True, slots=True)
class Gateway:
    """What the routes share, as `request.app.state.gateway`."""

    settings: runtime.Settings
    temporal: Temporal
    store: Engine
    keys: ApiKeys
    rates: Rates
    answers: Answers
    owners: Owners
    files: FileRoom
    routes: Routes


def create_app(settings: runtime.Settings, temporal: Temporal, store: Engine) -> FastAPI:
    """The app over these; `store` is a database that `open_store` has opened once the app's modules were imported.

    A router's own lifespan runs with the app's, and finds the `Gateway` in `app.state.gateway`.
    """
    app = FastAPI(
        title="Redress",
        version="1",
        dependencies=[Depends(guard)],
        lifespan=_lifespan,
        # Both would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.state.gateway = Gateway(
        settings,
        temporal,
        store,
        keys=ApiKeys(store),
        rates=Rates(settings.gateway_rate),
        answers=Answers(store, timedelta(seconds=settings.gateway_patience_seconds)),
        owners=Owners(temporal, store),
        files=FileRoom(StoredFiles(settings.files_url), Signer.from_settings(settings), settings.largest_photo_bytes),
        routes=SqlRoutes(store),
    )
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    openapi.install(app)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    forgetting = asyncio.create_task(_forget_old_answers(app.state.gateway.answers))
    yield
    forgetting.cancel()


async def _forget_old_answers(answers: Answers) -> None:
    while True:
        with contextlib.suppress(SQLAlchemyError):  # while the database is away, requests say so
            await asyncio.to_thread(answers.purge, datetime.now(UTC))
        await asyncio.sleep(PURGE_SECONDS)
