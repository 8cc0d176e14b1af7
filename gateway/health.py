"""Whether the gateway lives, and whether it can serve."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

import runtime
from gateway.access import open_to_anyone
from gateway.temporal import Temporal

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The gateway lives."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """What the gateway needs, in words."""

    ready: bool
    temporal: str
    database: str


@router.get("/healthz", summary="The process lives", operation_id="healthz")
@open_to_anyone
async def healthz() -> Health:
    """Says that this process answers, whatever else is away."""
    return Health()


@router.get(
    "/readyz",
    summary="Temporal and the database answer",
    operation_id="readyz",
    responses={503: {"model": Readiness, "description": "One of them does not answer"}},
)
@open_to_anyone
async def readyz(request: Request, response: Response) -> Readiness:
    """200 if Temporal and the database answer, else 503 with which of them does not."""
    gateway = request.app.state.gateway
    temporal, database = await asyncio.gather(_temporal(gateway.temporal), asyncio.to_thread(_database, gateway.store))
    found = Readiness(ready=temporal == database == "ok", temporal=temporal, database=database)
    response.status_code = 200 if found.ready else 503
    return found


async def _temporal(temporal: Temporal) -> str:
    try:
        await temporal.check()
    except (runtime.Problem, RPCError):
        return "does not answer"
    return "ok"


def _database(store: Engine) -> str:
    try:
        with store.connect() as connection:
            connection.execute(select(1))
    except SQLAlchemyError:
        return "does not answer"
    return "ok"
