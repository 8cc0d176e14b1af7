"""The demo's storefront over HTTP raises what the storefront's own client raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.messages import Cancel, Complaint, Extend, Message, Shipped
from domain.parties import Role
from domain.policy import Reason
from fastmotion.over_http import HttpStorefront
from fastmotion.stories import Act, Scene
from gateway.keys import KeyRole
from storefront.draft import OrderDraft
from storefront.errors import BadInput, DuplicateOrder, MessageRefused, OrderClosed, UnknownOrder
from tests.server.gateway.doors import Doors
from tests.server.processes import eventually
from tests.storefront.orders import a_draft


@pytest.fixture
def storefront(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> HttpStorefront:
    """A storefront before the gateway of the other tests."""

    async def dispute(chargeback_id: str, at: datetime) -> None:
        raise AssertionError("no chargeback is told here")

    storefront = HttpStorefront("http://gateway", "", dispute=dispute)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {doors.key(*KeyRole)}"}
    monkeypatch.setattr(storefront, "_client", doors.bare(**headers))
    return storefront


def sold(order_id: str, **changes: Any) -> OrderDraft:
    """An order of now."""
    return a_draft(datetime.now(UTC).replace(microsecond=0), order_id=order_id, payment_ref=f"ch_{order_id}", **changes)


def scene(name: str, does: Act, subject: str, message: Message) -> Scene:
    """Something that is said now."""
    return Scene(name=name, at=datetime.now(UTC), who=Role.BUYER, does=does, subject=subject, message=message)


async def test_every_problem_is_the_error_that_it_stands_for(doors: Doors, storefront: HttpStorefront) -> None:
    """Accepted, left, refused by rule, closed, unknown, used before and malformed: as the client has them."""
    await storefront.sell(sold("H-1"))
    parcel = Shipped(carrier="ups", tracking_number="1Z999AA10123456784")
    left = await storefront.say(scene("h-1", Act.SHIP, "H-1", parcel))
    with pytest.raises(MessageRefused) as refused:
        await storefront.say(scene("h-2", Act.COMPLAIN, "H-1", Complaint(reason=Reason.DAMAGED)))
    cancelled = await storefront.say(scene("h-3", Act.CANCEL, "H-1", Cancel(by=Role.BUYER)))

    async def closed() -> bool:
        return (await doors.shop.get("/v1/orders/H-1/outcome")).status_code == 200

    await eventually(closed)
    with pytest.raises(OrderClosed) as ended:
        await storefront.say(scene("h-4", Act.EXTEND, "H-1", Extend(by=Role.SELLER)))
    with pytest.raises(UnknownOrder):
        await storefront.say(scene("h-5", Act.CANCEL, "H-none", Cancel(by=Role.BUYER)))
    await doors.sold("H-3")
    with pytest.raises(DuplicateOrder):
        await storefront.sell(sold("H-3"))
    with pytest.raises(BadInput):
        await storefront.sell(sold("H-2", marketplace="other"))

    assert left is None
    assert ("wait_for_delivery", True) == (refused.value.reply.code, refused.value.reply.refused)
    assert cancelled is not None
    assert "cancelled" in cancelled.text
    assert "cancelled_by_buyer" == ended.value.ending
