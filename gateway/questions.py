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
from gateway.addresses import CASES, ORDERS, Subjects
from gateway.keys import KeyRole
from gateway.problems import Rejected
from storefront.client import LARGEST, Redress

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


def _add(question: Question, of: Subjects) -> None:
    @open_to(*question.roles)
    async def ask(request: Request, key: Caller, subject: str = of.id_of) -> Any:
        redress = await request.app.state.gateway.owners.admit(key, subject)
        return await question.ask(redress, subject)

    router.add_api_route(
        f"{of.path}{question.path}",
        ask,
        response_model=question.gives,
        summary=question.summary,
        operation_id=f"{of.one}_{question.path.removeprefix('/') or 'status'}",
        tags=[of.tag],
    )


for _question in OF_ORDERS:
    _add(_question, ORDERS)
for _question in OF_CASES:
    _add(_question, CASES)


@router.get(
    f"{ORDERS.path}/outcome",
    summary="What became of an order that has closed",
    operation_id="order_outcome",
    tags=[ORDERS.tag],
)
@open_to(*READERS)
async def order_outcome(request: Request, key: Caller, order_id: str = ORDERS.id_of) -> Outcome:
    """The latest outcome, from the store: also long after Temporal has forgotten the order."""
    gateway = request.app.state.gateway
    await gateway.owners.admit(key, order_id)
    outcome = await asyncio.to_thread(SqlOutcomes(gateway.store).recall, order_id)
    if outcome is None:
        raise Rejected("not_found", f"Order {order_id} has no outcome yet.", remedy="Ask again once it has closed.")
    return outcome


def _add_preview(of: Subjects) -> None:
    @router.post(
        f"{of.path}/preview",
        summary=f"What a message to the {of.one} would do now, without doing it",
        operation_id=f"preview_{of.one}",
        tags=[of.tag],
        openapi_extra=bodies.described(Intent),
    )
    @open_to(*READERS)
    async def preview(request: Request, key: Caller, subject: str = of.id_of) -> Preview:
        """What would be refused has the refusal as its reply."""
        intent = bodies.understood(Intent, await bodies.read(request, LARGEST))
        redress: Redress = await request.app.state.gateway.owners.admit(key, subject)
        return await redress.preview(subject, intent)


_add_preview(ORDERS)
_add_preview(CASES)
