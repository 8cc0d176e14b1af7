"""No route shows or changes anything of another marketplace."""

from __future__ import annotations

from typing import Any

from gateway.keys import KeyRole
from tests.server.gateway.doors import Doors


async def test_no_route_reaches_into_another_marketplace(doors: Doors) -> None:
    """Every route about an order or case, with every role and a good body, is 404 to a key of another marketplace."""
    case = await doors.complained("M-1")
    before = (await doors.shop.get("/v1/orders/M-1/timeline")).text, (await doors.shop.get(f"/v1/cases/{case}")).text
    stranger = doors.as_(*KeyRole, marketplace="other")
    document = (await doors.bare().get("/openapi.json")).json()
    tried, wrong = 0, []
    for path, operations in document["paths"].items():
        if "{order_id}" not in path and "{case_id}" not in path:
            continue
        for method, operation in operations.items():
            address = path.format(order_id="M-1", case_id=case)
            answer = await stranger.request(method, address, json=body_of(operation))
            tried += 1
            if answer.status_code != 404:
                wrong.append((method, address, answer.status_code, answer.text))

    assert [] == wrong
    assert 30 < tried
    assert before == (
        (await doors.shop.get("/v1/orders/M-1/timeline")).text,
        (await doors.shop.get(f"/v1/cases/{case}")).text,
    )


def body_of(operation: dict[str, Any]) -> Any:
    """The example of what this operation takes."""
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
