"""Questions: how an order or case stands, what was said, and why it was decided so. Asking changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request

from activities.outcomes import SqlOutcomes
from domain.cases.conversation import Conversation
from domain.cases.exhibits import Exhibits
from domain.cases.record import Said
from domain.cases.statements import Statement
from domain.duties import Receipt
from domain.preview import Intent, Preview
from domain.story import Outcome, Status, StoryEntry
from gateway import bodies
from gateway.access import Caller, open_to
from gateway.addresses import CaseId, OrderId
from gateway.keys import ApiKey, KeyRole
from gateway.problems import Rejected
from storefront.client import LARGEST, Redress, case_of, order_of

router = APIRouter()

READERS: Final = (KeyRole.STOREFRONT, KeyRole.SUPPORT)


@dataclass(frozen=True, slots=True)
class Question:
    """One question: the last part of its address, what it gives, the client's method, and who may ask."""

    path: str
    gives: Any
    ask: Callable[[Redress, str], Awaitable[Any]]
    summary: str
    roles: tuple[KeyRole, ...] = READERS


OF_ORDERS: Final = (
    Question("", Status, Redress.status, "Where the order stands, in one line"),
    Question("/receipt", Receipt, Redress.receipt, "What each party owes, by when, and what silence means"),
    Question("/timeline", tuple[StoryEntry, ...], Redress.timeline, "What happened, oldest first"),
)
OF_CASES: Final = (
    Question("", Status, Redress.status, "Where the case stands, in one line"),
    Question("/receipt", Receipt, Redress.receipt, "What each party owes, by when, and what silence means"),
    Question("/timeline", tuple[StoryEntry, ...], Redress.timeline, "What happened, oldest first"),
    Question("/conversation", Conversation, Redress.conversation, "What was said, and who must answer next"),
    Question("/exhibits", Exhibits, Redress.exhibits, "The evidence of both sides beside each other"),
    Question("/reasons", tuple[Statement, ...], Redress.reasons, "Why each decision is as it is"),
    Question("/notes", tuple[Said, ...], Redress.notes, "Support's own notes: never for the sides", (KeyRole.SUPPORT,)),
)


async def _asked(request: Request, key: ApiKey, question: Question, subject: str) -> Any:
    redress = await request.app.state.gateway.owners.admit(key, subject)
    return await question.ask(redress, subject)


def _of_order(question: Question) -> None:
    @open_to(*question.roles)
    async def ask(request: Request, key: Caller, order_id: OrderId) -> Any:
        order_of(order_id)
        return await _asked(request, key, question, order_id)

    _add(ask, f"/v1/orders/{{order_id}}{question.path}", question, "orders")


def _of_case(question: Question) -> None:
    @open_to(*question.roles)
    async def ask(request: Request, key: Caller, case_id: CaseId) -> Any:
        case_of(case_id)
        return await _asked(request, key, question, case_id)

    _add(ask, f"/v1/cases/{{case_id}}{question.path}", question, "cases")


def _add(endpoint: Callable[..., Any], path: str, question: Question, tag: str) -> None:
    router.add_api_route(
        path,
        endpoint,
        response_model=question.gives,
        summary=question.summary,
        operation_id=f"{tag.removesuffix('s')}_{question.path.removeprefix('/') or 'status'}",
        tags=[tag],
    )


for _question in OF_ORDERS:
    _of_order(_question)
for _question in OF_CASES:
    _of_case(_question)


@router.get(
    "/v1/orders/{order_id}/outcome",
    summary="What became of an order that has closed",
    operation_id="order_outcome",
    tags=["orders"],
)
@open_to(*READERS)
async def order_outcome(request: Request, key: Caller, order_id: OrderId) -> Outcome:
    """The latest outcome, from the store: also long after Temporal has forgotten the order."""
    order_of(order_id)
    gateway = request.app.state.gateway
    await gateway.owners.admit(key, order_id)
    outcome = await asyncio.to_thread(SqlOutcomes(gateway.store).recall, order_id)
    if outcome is None:
        raise Rejected("not_found", f"Order {order_id} has no outcome yet.", remedy="Ask again once it has closed.")
    return outcome


@router.post(
    "/v1/orders/{order_id}/preview",
    summary="What a message to the order would do now, without doing it",
    operation_id="preview_order",
    tags=["orders"],
    openapi_extra=bodies.described(Intent),
)
@open_to(*READERS)
async def order_preview(request: Request, key: Caller, order_id: OrderId) -> Preview:
    """What would be refused has the refusal as its reply."""
    order_of(order_id)
    return await _preview(request, key, order_id)


@router.post(
    "/v1/cases/{case_id}/preview",
    summary="What a message to the case would do now, without doing it",
    operation_id="preview_case",
    tags=["cases"],
    openapi_extra=bodies.described(Intent),
)
@open_to(*READERS)
async def case_preview(request: Request, key: Caller, case_id: CaseId) -> Preview:
    """What would be refused has the refusal as its reply."""
    case_of(case_id)
    return await _preview(request, key, case_id)


async def _preview(request: Request, key: ApiKey, subject: str) -> Preview:
    intent = bodies.understood(Intent, await bodies.read(request, LARGEST))
    redress: Redress = await request.app.state.gateway.owners.admit(key, subject)
    return await redress.preview(subject, intent)
