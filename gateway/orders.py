"""Selling: orders come in here."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from activities.routes import of_purchase
from domain.base import Model
from domain.clock import REAL_TIME
from domain.order import Purchase
from gateway import bodies
from gateway.access import Caller, open_to
from gateway.idempotency import Attempt, IdempotencyKey
from gateway.keys import KeyRole
from gateway.problems import wrong_field
from gateway.sending import carried_out
from storefront import sandbox
from storefront.client import Redress
from storefront.draft import OrderDraft
from storefront.errors import DuplicateOrder

router = APIRouter(tags=["orders"])


class Started(Model):
    """An order that runs from now on."""

    order_id: str
    subject: str = Field(description="the id of its workflow")
    pack: str = Field(description="the policy pack that it was bought under")


@router.post(
    "/v1/orders",
    summary="Start an order whose payment has been captured",
    operation_id="start_order",
    status_code=201,
    response_model=Started,
    openapi_extra=bodies.described(OrderDraft),
)
@open_to(KeyRole.STOREFRONT)
async def start(
    request: Request,
    key: Caller,
    idempotency_key: IdempotencyKey = None,
    backdated: bool = False,
) -> Response:
    """An order id is used once. `backdated` and `clock` are for gateways that are set up to try things out."""
    gateway = request.app.state.gateway

    async def act(draft: OrderDraft, attempt: Attempt) -> Response:
        if draft.marketplace != key.marketplace:
            detail = f"this key is for the marketplace {key.marketplace}"
            raise wrong_field("marketplace", "scope_of_key", detail, "Send the order with a key of its marketplace.")
        if not gateway.settings.gateway_sandbox and (backdated or draft.clock != REAL_TIME):
            field = "query.backdated" if backdated else "clock"
            raise wrong_field(field, "sandbox_only", "this gateway runs in real time only", "Leave it out.")
        if gateway.settings.gateway_sandbox:
            await asyncio.to_thread(sandbox.capture, draft, gateway.settings.data_dir)
        redress = (await gateway.temporal.redress()).as_of(attempt.at)
        # Before the start: news of its parcel or payment may be quicker than we are, and then waits for the order.
        await asyncio.to_thread(gateway.routes.note, of_purchase(draft))
        try:
            await redress.start(draft, backdated=backdated)
        except DuplicateOrder:
            if not (attempt.again and await _is_the_same(redress, draft)):
                raise
        started = Started(order_id=draft.order_id, subject=f"order-{draft.order_id}", pack=draft.pack)
        headers = {"Location": f"/v1/orders/{draft.order_id}"}
        return JSONResponse(started.model_dump(mode="json"), 201, headers=headers)

    return await carried_out(request, key, idempotency_key, OrderDraft, act)


async def _is_the_same(redress: Redress, draft: OrderDraft) -> bool:
    """Whether the order of this id was started from this draft: by a try before, whose answer was lost."""
    started = await redress.purchase(draft.order_id)
    return all(getattr(started, name) == getattr(draft, name) for name in Purchase.model_fields)
