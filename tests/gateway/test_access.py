"""Nobody comes in but by a key in force, with a role that the route names."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from starlette.routing import Route

from gateway.access import open_to_anyone, roles_of
from gateway.keys import KeyRole
from tests.gateway.closed import Closed

IDS = {
    "{order_id}": "A-1",
    "{case_id}": "case-A-1-1",
    "{sha256}": "0" * 64,
    "{marketplace}": "demo",
    "{name}": f"{'0' * 64}.jpg",
}
OPEN = {"/webhooks/easypost", "/webhooks/stripe", "/healthz", "/readyz", "/files/{marketplace}/{name}"}
"""Routes without a key: two that tell nothing, and those that ask for a signature."""


def address(path: str) -> str:
    """An address on this route."""
    for part, value in IDS.items():
        path = path.replace(part, value)
    return path


async def test_every_route_lets_in_its_roles_and_nobody_else(closed: Closed) -> None:
    """Every route against every role: 403 where the role is not named, and else an answer of the route itself."""
    clients = {role: closed.client(role) for role in KeyRole}
    wrong: list[tuple[str, str, KeyRole, int]] = []
    for route in closed.routes:
        roles = roles_of(route.endpoint)
        for method, (role, client) in product(route.methods or (), clients.items()):
            status = (await client.request(method, address(route.path), content=b"[]")).status_code
            if status == 401 or (status == 403) != (roles is not None and role not in roles):
                wrong.append((method, route.path, role, status))
    assert [] == wrong


async def test_no_route_lets_anybody_in_without_a_key(closed: Closed) -> None:
    """Every route that names roles answers 401, or 429 after too many tries."""
    nobody = closed.client()

    statuses = {
        (await nobody.request(method, address(route.path))).status_code
        for route in closed.routes
        for method in route.methods or ()
        if roles_of(route.endpoint) is not None
    }

    assert {401, 429} == statuses


async def test_only_these_routes_are_open(closed: Closed) -> None:
    """A route that is open to anyone has to be named here; so has a route that the guard does not stand before."""
    assert OPEN == {route.path for route in closed.routes if roles_of(route.endpoint) is None}
    assert {"/openapi.json"} == {route.path for route in closed.app.routes if type(route) is Route}


async def test_new_route_is_closed_until_it_says_whom_it_lets_in(closed: Closed) -> None:
    """A route that somebody forgot to open is open to no key at all."""

    async def forgotten() -> str:
        return "secret"

    @open_to_anyone
    async def opened() -> str:
        return "hello"

    closed.app.add_api_route("/forgotten", forgotten)
    closed.app.add_api_route("/opened", opened)

    assert 403 == (await closed.client(*KeyRole).get("/forgotten")).status_code
    assert 401 == (await closed.client().get("/forgotten")).status_code
    assert 200 == (await closed.client().get("/opened")).status_code


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer rk_short_x",
        "Bearer rk_aaaaaaaaaa_" + "x" * 43,
        "Basic dXNlcjpwYXNz",
        "Bearer rk_%s_" + "x" * 43,
        "Token %t",
        "Bearer %tx",
        "Bearer rk_aaaaaaaaaa_\0",
    ],
)
async def test_what_is_no_key_opens_nothing(closed: Closed, header: str) -> None:
    """A wrong scheme, a made-up secret for a known key, and nonsense are all 401, and say how to do it."""
    key, secret = closed.keys.issue("demo", [KeyRole.STOREFRONT])
    header = header.replace("%s", key.key_id).replace("%t", secret)

    answer = await closed.bare(Authorization=header).get("/v1/orders/A-1")

    assert (401, 'Bearer realm="redress"') == (answer.status_code, answer.headers["www-authenticate"])
    assert "Bearer <key>" in answer.json()["remedy"]


@pytest.mark.parametrize(
    ("path", "body", "roles", "field"),
    [
        ("/v1/cases/case-A-1-1/messages", {"by": "support", "text": "x"}, [KeyRole.STOREFRONT], "by"),
        ("/v1/cases/case-A-1-1/messages", {"by": "buyer", "text": "x"}, [KeyRole.SUPPORT], "by"),
        ("/v1/cases/case-A-1-1/messages", {"by": "platform", "text": "x"}, [*KeyRole], "by"),
        ("/v1/cases/case-A-1-1/evidence", {"by": "support", "items": []}, [KeyRole.STOREFRONT], "by"),
        (
            "/v1/cases/case-A-1-1/messages",
            {"by": "buyer", "text": "x", "internal": True},
            [KeyRole.STOREFRONT],
            "internal",
        ),
    ],
)
async def test_keys_speak_only_for_their_own(
    closed: Closed, path: str, body: dict[str, object], roles: list[KeyRole], field: str
) -> None:
    """A storefront speaks for buyers and sellers, a desk for support, and internal notes are the desk's."""
    answer = await closed.client(*roles).post(path, json=body)

    assert (403, field) == (answer.status_code, answer.json()["errors"][0]["field"])


async def test_rate_is_limited_for_each_key(tmp_path: Path) -> None:
    """The request after the last one is told how long to wait; another key is not held up by it."""
    closed = Closed(tmp_path, gateway_rate="3/hour")
    one, other = closed.client(KeyRole.STOREFRONT), closed.client(KeyRole.STOREFRONT)

    statuses = [(await one.get("/v1/orders/A-1")).status_code for _ in range(3)]
    refused = await one.get("/v1/orders/A-1")

    assert [503, 503, 503, 429] == [*statuses, refused.status_code]
    assert 3_500 < int(refused.headers["retry-after"]) <= 3_601
    assert 503 == (await other.get("/v1/orders/A-1")).status_code


async def test_guessing_keys_is_slowed_down(closed: Closed) -> None:
    """After thirty wrong keys in a minute the address is told to wait; a good key from there still opens."""
    good = closed.client(KeyRole.STOREFRONT)

    statuses = [(await closed.bare(Authorization="Bearer rk_x").get("/v1/orders/A-1")).status_code for _ in range(31)]

    assert [401] * 30 + [429] == statuses
    assert 503 == (await good.get("/v1/orders/A-1")).status_code
