"""The gateway's app: what it needs, and the routers that it is made of."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from fastapi import Depends, FastAPI
from sqlalchemy import Engine

import runtime
from gateway import health, problems, webhooks
from gateway.access import guard
from gateway.keys import ApiKeys
from gateway.rates import Rates
from gateway.temporal import Temporal
from storefront.client import LARGEST

LARGEST_BODY: Final = LARGEST
"""Bytes of a body, but for photos: what goes into one order or message."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What the routes share, as `request.app.state.gateway`."""

    settings: runtime.Settings
    temporal: Temporal
    store: Engine
    keys: ApiKeys
    rates: Rates


def create_app(settings: runtime.Settings, temporal: Temporal, store: Engine) -> FastAPI:
    """The app over these; `store` is a database that `open_store` has opened once the app's modules were imported.

    A router's own lifespan runs with the app's, and finds the `Gateway` in `app.state.gateway`.
    """
    app = FastAPI(
        title="Redress",
        version="1",
        dependencies=[Depends(guard)],
        lifespan=_lifespan,
        max_body_size=LARGEST_BODY,
        # Both would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.state.gateway = Gateway(settings, temporal, store, ApiKeys(store), Rates(settings.gateway_rate))
    problems.install(app)
    for router in (health.router, webhooks.router):
        app.include_router(router)
    return app


@contextlib.asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield
