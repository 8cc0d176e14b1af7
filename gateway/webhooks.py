"""The doors for carriers and payment providers: verify, store, answer. Passing on is the sweeper's.

A sender has no key: its signature lets it in. What is answered 2xx is in the database, and reaches its order.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from gateway import bodies
from gateway.access import open_to_anyone
from gateway.inbox import Inbox
from gateway.inbox_sweeper import Sweeper
from gateway.problems import Rejected
from gateway.webhooks_event import Forged, NoEvent
from gateway.webhooks_parts import sweeper_of
from gateway.webhooks_sources import SCHEMES, secrets_of

LARGEST_EVENT: Final = 256 * 1024
"""Bytes of one event."""

_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The event was stored before"},
    **{status: {"$ref": f"#/components/responses/{status}"} for status in (400, 401, 404, 413, 503)},
}

_TRACKER: Final = {
    "object": "Event",
    "id": "evt_1",
    "description": "tracker.updated",
    "created_at": "2026-11-24T08:00:00Z",
    "result": {"object": "Tracker", "tracking_code": "1Z999AA10123456784", "carrier": "UPS", "status": "in_transit"},
}
_DISPUTE: Final = {
    "object": "event",
    "id": "evt_1",
    "type": "charge.dispute.created",
    "created": 1_795_507_200,
    "data": {"object": {"object": "dispute", "id": "dp_1", "charge": "ch_1", "status": "needs_response"}},
}


def _body(example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


class Stored(BaseModel):
    """What becomes of an event that is ours to deal with now."""

    event_id: str
    repeated: bool = Field(description="whether it was stored before")
    text: str = Field(description="what happens next, in English")


class Doors:
    """What the two routes share: the inbox, its sweeper, and the secrets."""

    def __init__(self, inbox: Inbox, sweeper: Sweeper, secrets: dict[str, tuple[str, ...]]) -> None:
        self._inbox = inbox
        self.sweeper = sweeper
        self._secrets = secrets

    async def take(self, source: str, request: Request) -> Stored:
        """Store an authentic event. Raises Rejected, and SQLAlchemyError if it could not be stored."""
        secrets, scheme = self._secrets[source], SCHEMES[source]
        if not secrets:
            remedy = f"Set REDRESS_{source.upper()}_WEBHOOK_SECRETS and start the gateway again."
            raise Rejected("not_found", f"Webhooks of {source} are not taken: there is no secret.", remedy=remedy)
        body = await bodies.read(request, LARGEST_EVENT)
        now = datetime.now(UTC)
        try:
            scheme.verify(secrets, request.headers, body, now)
            event = scheme.read(body)
        except Forged as error:
            raise Rejected("bad_signature", f"{error}.") from None
        except NoEvent as error:
            raise Rejected("no_event", f"{error}.") from None
        # Not in the threads of the sweeper, which may all wait for a slow carrier.
        fresh = await run_in_threadpool(self._inbox.keep, source, event, body, now)
        if not fresh:
            return Stored(event_id=event.event_id, repeated=True, text="Known already: it is dealt with once.")
        if event.about is None:
            text = f"Stored and counted; {event.kind} changes nothing here."
            return Stored(event_id=event.event_id, repeated=False, text=text)
        self.sweeper.wake()
        return Stored(event_id=event.event_id, repeated=False, text=self._what_next())

    def _what_next(self) -> str:
        if away := self.sweeper.away_since:
            return (
                f"Stored. Temporal has not answered since {away:%Y-%m-%d %H:%M:%S} UTC; "
                "the event is passed on by itself, in its order, when it does."
            )
        return "Stored, and passed on to its order by itself."


def doors_of(app: FastAPI) -> Doors:
    """The doors of this app, made once. They take events also where nothing runs beside the routes."""
    if not hasattr(app.state, "doors"):
        gateway = app.state.gateway
        inbox = Inbox(gateway.store)  # one for both: those who write take turns in it
        secrets = {name: secrets_of(gateway.settings, name) for name in SCHEMES}
        app.state.doors = Doors(inbox, sweeper_of(gateway, inbox), secrets)
    doors: Doors = app.state.doors
    return doors


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with doors_of(app).sweeper.running():
        yield


router = APIRouter(prefix="/webhooks", tags=["webhooks"], lifespan=_lifespan)


@router.post(
    "/easypost",
    status_code=202,
    summary="News of a parcel, signed with X-Hmac-Signature",
    responses=_ANSWERS,
    openapi_extra=_body(_TRACKER),
)
@open_to_anyone
async def easypost(request: Request, response: Response) -> Stored:
    """Stores an event of EasyPost for good, then answers 202; 200 if it was stored before."""
    return await _taken("easypost", request, response)


@router.post(
    "/stripe",
    status_code=202,
    summary="News of a dispute, signed with Stripe-Signature",
    responses=_ANSWERS,
    openapi_extra=_body(_DISPUTE),
)
@open_to_anyone
async def stripe(request: Request, response: Response) -> Stored:
    """Stores an event of Stripe for good, then answers 202; 200 if it was stored before."""
    return await _taken("stripe", request, response)


async def _taken(source: str, request: Request, response: Response) -> Stored:
    taken = await doors_of(request.app).take(source, request)
    response.status_code = 200 if taken.repeated else 202
    return taken
