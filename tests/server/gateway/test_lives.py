"""Orders and cases through the gateway, on a real server with a worker."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from domain.tracking_numbers import sandbox_number
from gateway.keys import KeyRole
from tests.server.gateway.doors import Doors
from tests.server.processes import eventually


async def test_order_is_sold_shipped_and_followed(doors: Doors) -> None:
    """What a storefront says reaches the order, and it tells how it stands."""
    order = doors.paid("G-1", datetime.now(UTC))

    started = await doors.shop.post("/v1/orders", json=order)
    shipped = await doors.shop.post(
        "/v1/orders/G-1/shipped", json={"carrier": "sandbox", "tracking_number": sandbox_number(7)}
    )
    status = await doors.shop.get("/v1/orders/G-1")
    receipt = await doors.shop.get("/v1/orders/G-1/receipt")
    timeline = await doors.shop.get("/v1/orders/G-1/timeline")

    assert (201, "/v1/orders/G-1") == (started.status_code, started.headers["location"])
    assert {"order_id": "G-1", "subject": "order-G-1", "pack": "resale-v1"} == started.json()
    assert (202, True) == (shipped.status_code, shipped.json()["seen"])
    assert ("order-G-1", "awaiting_scan") == (status.json()["subject"], status.json()["state"])
    assert "get_scanned" in {duty["kind"] for duty in receipt.json()["duties"]}
    assert ["opened", "marked_shipped"] == [entry["what"] for entry in timeline.json()]


async def test_case_is_heard_and_settled(doors: Doors) -> None:
    """A complaint becomes a case, in which both sides and an agent are heard until an offer is taken."""
    case = await doors.complained("G-2", text="The screen is cracked")

    contested = await doors.shop.post(f"/v1/cases/{case}/respond", json={"accept": False, "text": "It was whole"})
    said = await doors.shop.post(f"/v1/cases/{case}/messages", json={"by": "buyer", "text": "When?"})
    noted = await doors.desk.post(
        f"/v1/cases/{case}/messages", json={"by": "support", "author": "kim", "text": "Odd", "internal": True}
    )
    offered = await doors.desk.post(
        f"/v1/cases/{case}/offers",
        json={
            "by": "support",
            "author": "kim",
            "proposal": {"remedy": "partial_refund", "amount": {"minor": 2500, "currency": "USD"}},
        },
    )
    takes = [
        await doors.shop.post(f"/v1/cases/{case}/offers/answer", json={"by": side, "accept": True})
        for side in ("buyer", "seller")
    ]

    assert [200, 202, 202, 200, 200, 200] == [
        answer.status_code for answer in (contested, said, noted, offered, *takes)
    ], [answer.text for answer in (contested, said, noted, offered, *takes)]
    conversation = (await doors.shop.get(f"/v1/cases/{case}/conversation")).json()
    assert ["The screen is cracked", "It was whole", "When?"] == [one["text"] for one in conversation["messages"]][:3]
    assert ["Odd"] == [one["text"] for one in (await doors.desk.get(f"/v1/cases/{case}/notes")).json()]

    async def decided() -> bool:
        return bool((await doors.shop.get(f"/v1/cases/{case}/reasons")).json())

    await eventually(decided)
    assert "partial_refund" == (await doors.shop.get(f"/v1/cases/{case}/reasons")).json()[0]["remedy"]


async def test_preview_changes_nothing(doors: Doors) -> None:
    """What a message would do is told and not done."""
    await doors.sold("G-3")

    preview = await doors.shop.post("/v1/orders/G-3/preview", json={"message": "cancel", "fields": {"by": "buyer"}})

    assert (200, "accepted") == (preview.status_code, preview.json()["reply"]["verdict"])
    assert "awaiting_shipment" == (await doors.shop.get("/v1/orders/G-3")).json()["state"]


async def test_refusals_are_problems_with_their_rule(doors: Doors) -> None:
    """An update and a signal that the rules refuse are answered 409, with code and rule, and come to nothing."""
    await doors.sold("G-4")

    early = await doors.shop.post("/v1/orders/G-4/complaints", json={"reason": "damaged"})
    wrong = await doors.shop.post("/v1/orders/G-4/shipped", json={"carrier": "ups", "tracking_number": "1Z999"})

    assert [(409, "/problems/refused")] * 2 == [(one.status_code, one.json()["type"]) for one in (early, wrong)]
    assert "application/problem+json" == early.headers["content-type"]
    assert early.json()["rule"].startswith("resale-v1/")
    assert early.json()["code"]
    assert early.json()["remedy"]
    assert "1Z999 is no UPS number" in wrong.json()["detail"]
    assert 1 == (await doors.shop.get("/v1/orders/G-4")).json()["rejected"]


async def test_closed_order_says_how_it_ended(doors: Doors) -> None:
    """What has ended takes nothing more; its outcome is there."""
    await doors.sold("G-5")
    cancelled = await doors.shop.post("/v1/orders/G-5/cancel", json={"by": "buyer"})
    assert 200 == cancelled.status_code

    async def closed() -> bool:
        return (await doors.shop.get("/v1/orders/G-5/outcome")).status_code == 200

    await eventually(closed)

    late = await doors.shop.post("/v1/orders/G-5/extend", json={"by": "seller"})
    assert (409, "closed", "cancelled_by_buyer") == (
        late.status_code,
        late.json()["type"].rpartition("/")[2],
        late.json()["ending"],
    )
    outcome = (await doors.shop.get("/v1/orders/G-5/outcome")).json()
    assert "cancelled_by_buyer" == outcome["decision"]["ending"]


async def test_late_complaint_is_taken(doors: Doors) -> None:
    """A complaint about an order that has closed is left with it: 202."""
    await doors.sold("G-6")
    await doors.shop.post("/v1/orders/G-6/cancel", json={"by": "buyer"})

    async def closed() -> bool:
        return (await doors.shop.get("/v1/orders/G-6/outcome")).status_code == 200

    await eventually(closed)

    answer = await doors.shop.post("/v1/orders/G-6/complaints", json={"reason": "damaged"})

    assert (202, "complaint_late") == (answer.status_code, answer.json()["code"])


async def test_other_marketplace_sees_nothing(doors: Doors) -> None:
    """A key of another marketplace is answered as if there were no such order, in the very same words."""
    await doors.sold("G-7")
    stranger = doors.as_(KeyRole.STOREFRONT, marketplace="other")

    hidden = await stranger.get("/v1/orders/G-7")
    absent = await stranger.get("/v1/orders/G-none")
    sent = await stranger.post("/v1/orders/G-7/cancel", json={"by": "buyer"})
    sold = await stranger.post("/v1/orders", json=doors.paid("G-8", datetime.now(UTC)))

    assert [404, 404, 404] == [hidden.status_code, absent.status_code, sent.status_code]
    assert absent.text.replace("G-none", "G-7") == hidden.text
    assert (422, "marketplace") == (sold.status_code, sold.json()["errors"][0]["field"])


async def test_order_id_is_used_once(doors: Doors) -> None:
    """A second order of the same id is refused; the same request with its key is answered the same."""
    order = doors.paid("G-9", datetime.now(UTC))
    key = {"Idempotency-Key": "sell-G-9"}

    first, again = [await doors.shop.post("/v1/orders", json=order, headers=key) for _ in range(2)]
    second = await doors.shop.post("/v1/orders", json=order)

    assert (201, 201, 409) == (first.status_code, again.status_code, second.status_code)
    assert (first.text, "true") == (again.text, again.headers["idempotent-replayed"])
    assert "/problems/duplicate_order" == second.json()["type"]


async def test_many_repetitions_open_one_case(doors: Doors) -> None:
    """Twenty complaints at once under one Idempotency-Key open one case; who is not answered is told to wait."""
    await doors.delivered("G-10")
    key = {"Idempotency-Key": "complaint-1"}

    async def complain() -> tuple[int, str]:
        answer = await doors.shop.post("/v1/orders/G-10/complaints", json={"reason": "damaged"}, headers=key)
        told = answer.json()
        return answer.status_code, told.get("case_id") or told["type"]

    answers = set(await asyncio.gather(*(complain() for _ in range(20))))

    assert answers <= {(201, "case-G-10-1"), (409, "/problems/busy")}
    assert (201, "case-G-10-1") in answers
    assert (201, "case-G-10-1") == await complain()
