"""A storefront that speaks HTTP: what the stories say, told to the gateway and to nobody else.

A chargeback is not the storefront's to tell: the payment provider reports it, by webhook.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, Self

import httpx

from domain.messages import Chargeback, Message, Reply, Verdict
from fastmotion.stories import Scene
from gateway.messages import TO_CASES, TO_ORDERS
from storefront.draft import OrderDraft
from storefront.errors import BadInput, DuplicateOrder, MessageRefused, NotAnswered, OrderClosed, UnknownOrder

_ORDERS: Final = {door.does: f"/v1/orders/{{}}/{door.path}" for door in TO_ORDERS}
_CASES: Final = {door.does: f"/v1/cases/{{}}/{door.path}" for door in TO_CASES}

_TIMEOUT: Final = 30.0


class HttpStorefront:
    """Sells and says by HTTP, each thing once for its name; raises the errors of the storefront's client.

    `dispute` has the payment provider report how the dispute of an id stands at an instant (UTC, policy time).
    Use it as an async context manager.
    """

    def __init__(self, url: str, key: str, *, dispute: Callable[[str, datetime], Awaitable[None]]) -> None:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._dispute = dispute
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT)

    async def sell(self, draft: OrderDraft) -> None:
        """Start the order, whatever its deadlines."""
        await self._post("/v1/orders?backdated=true", draft, f"sell-{draft.order_id}", draft.order_id)

    async def say(self, scene: Scene) -> Reply | None:
        """What was answered; none for what was left without an answer."""
        if isinstance(scene.message, Chargeback):
            await self._dispute(scene.message.chargeback_id, scene.at)
            return None
        paths = _CASES if scene.subject.startswith("case-") else _ORDERS
        told = await self._post(paths[scene.does].format(scene.subject), scene.message, scene.name, scene.subject)
        return Reply.model_validate(told) if "verdict" in told else None

    async def _post(self, path: str, model: OrderDraft | Message, name: str, subject: str) -> dict[str, Any]:
        body = model.model_dump_json(exclude_none=True)
        try:
            answer = await self._client.post(path, content=body, headers={"Idempotency-Key": name})
        except httpx.TransportError as error:
            raise NotAnswered(subject, _TIMEOUT, name) from error
        told: dict[str, Any] = answer.json()
        if answer.is_success:
            return told
        raise _error(told, subject, name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()


def _error(problem: dict[str, Any], subject: str, name: str) -> Exception:
    """The error of the storefront's client that this problem stands for."""
    match problem["type"].rpartition("/")[2]:
        case "refused":
            facts = {field: problem.get(field) for field in ("code", "rule", "instant", "facts", "case_id")}
            given = {field: value for field, value in facts.items() if value}
            return MessageRefused(Reply(verdict=Verdict.REFUSED, text=problem["detail"], **given))
        case "closed":
            return OrderClosed(subject, problem.get("ending"))
        case "duplicate_order":
            return DuplicateOrder(subject)
        case "not_found":
            return UnknownOrder(subject)
        case "busy" | "too_many_requests" | "unavailable":
            return NotAnswered(subject, _TIMEOUT, name)
        case _:
            return BadInput(f"{problem['title']}: {problem['detail']}")
