"""A message on its way: read, allowed, carried out once, answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from activities.routes import of_shipped
from domain.base import Model
from domain.messages import Complaint, Message, Reply, Shipped
from domain.preview import Intent
from gateway import bodies
from gateway.access import Caller, open_to
from gateway.addresses import CASES, ORDERS, Subjects
from gateway.idempotency import Attempt, IdempotencyKey
from gateway.keys import ApiKey
from gateway.messages import TO_CASES, TO_ORDERS, Door, check_speaker
from storefront.client import LARGEST, Redress, order_of
from storefront.errors import MessageRefused, NotAnswered

router = APIRouter()

GLANCE: Final = timedelta(seconds=0.5)
"""How long an order is asked beforehand: what may be decided meanwhile must not wait for a worker that is away."""


class Taken(Model):
    """A message that was left with its order or case, which gives no answer of its own."""

    subject: str
    message: str = Field(description="the message's name in the contract")
    seen: bool = Field(description="whether the order was asked beforehand, and would take it")
    text: str


async def carried_out(
    request: Request,
    key: ApiKey,
    idempotency_key: str | None,
    model: type[Any],
    act: Callable[[Any, Attempt], Awaitable[Response]],
) -> Response:
    """Read the body by its model, and let `act` answer it once."""
    body = await bodies.read(request, LARGEST)
    message = bodies.understood(model, body)
    answers = request.app.state.gateway.answers
    answer: Response = await answers.once(
        request, key.marketplace, idempotency_key, body, lambda attempt: act(message, attempt)
    )
    return answer


def replied(reply: Reply, *, status: int = 200, **headers: str) -> JSONResponse:
    """The answer of an order or case."""
    return JSONResponse(reply.model_dump(mode="json"), status, headers=headers)


async def _send(
    request: Request, key: ApiKey, door: Door, subject: str, idempotency_key: str | None, *, lenient: bool = False
) -> Response:
    async def act(message: Message, attempt: Attempt) -> Response:
        check_speaker(key, message)
        redress = (await request.app.state.gateway.owners.admit(key, subject)).as_of(attempt.at)
        if isinstance(message, Complaint):
            return await _complain(redress, subject, message, attempt, lenient=lenient)
        if isinstance(message, Shipped):
            gateway = request.app.state.gateway
            await asyncio.to_thread(gateway.routes.note, of_shipped(order_of(subject), message))
        if door.left:
            return await _leave(redress, door, subject, message, attempt)
        return replied(await getattr(redress, door.does)(subject, message, request_id=attempt.request_id))

    return await carried_out(request, key, idempotency_key, door.model, act)


async def _complain(
    redress: Redress, order_id: str, message: Complaint, attempt: Attempt, *, lenient: bool
) -> Response:
    reply = await redress.complain(order_id, message, request_id=attempt.request_id, lenient=lenient)
    if reply.case_id:
        return replied(reply, status=201, Location=f"/v1/cases/{reply.case_id}")
    return replied(reply, status=202)


async def _leave(redress: Redress, door: Door, subject: str, message: Message, attempt: Attempt) -> Response:
    """Leave a message, unless it would be refused, which the order is asked first: its refusal has no other caller."""
    # What was tried before may have been taken, and would now be refused for being told twice.
    seen = not attempt.again and await _would_be_taken(redress, door, subject, message)
    await getattr(redress, door.does)(subject, message, request_id=attempt.request_id)
    taken = Taken(
        subject=subject,
        message=door.left,
        seen=seen,
        text="Taken. What comes of it shows in the timeline."
        if seen
        else "Kept in order, and judged by the instant at which it was sent. What comes of it shows in the timeline.",
    )
    return JSONResponse(taken.model_dump(mode="json"), 202)


async def _would_be_taken(redress: Redress, door: Door, subject: str, message: Message) -> bool:
    """Whether the order says so; false if it has no opinion or no worker to ask. Raises MessageRefused."""
    if door.left in ("tracking", "chargeback", "disruption"):
        return False
    fields = message.model_dump(mode="json", exclude_none=True)
    try:
        preview = await redress.within(GLANCE).preview(subject, Intent(message=door.left, fields=fields))
    except NotAnswered:
        return False
    if preview.reply.refused:
        raise MessageRefused(preview.reply)
    return True


def _described(door: Door) -> dict[str, Any]:
    return {
        "summary": door.summary,
        "operation_id": door.does,
        "openapi_extra": bodies.described(door.model),
        "status_code": 202 if door.left else 200,
        "response_model": Taken if door.left else Reply,
    }


def _add(door: Door, of: Subjects) -> None:
    @open_to(*door.roles)
    async def send(
        request: Request, key: Caller, subject: str = of.id_of, idempotency_key: IdempotencyKey = None
    ) -> Response:
        return await _send(request, key, door, subject, idempotency_key)

    @open_to(*door.roles)
    async def complain(
        request: Request,
        key: Caller,
        subject: str = of.id_of,
        idempotency_key: IdempotencyKey = None,
        lenient: bool = False,
    ) -> Response:
        """With `lenient`, the complaint is only left with the order, also while no worker runs.

        What cannot be accepted is then answered with a notice.
        """
        return await _send(request, key, door, subject, idempotency_key, lenient=lenient)

    described = _described(door)
    if door.model is Complaint:
        described |= {"status_code": 201, "responses": {202: {"model": Reply, "description": "Left with the order"}}}
    if of is CASES and door in TO_ORDERS:
        described["operation_id"] += "_case"
    endpoint = complain if door.model is Complaint else send
    router.add_api_route(f"{of.path}/{door.path}", endpoint, methods=["POST"], tags=[of.tag], **described)


for _door in TO_ORDERS:
    _add(_door, ORDERS)
for _door in TO_CASES:
    _add(_door, CASES)
