"""Who may do what: each route says whom it lets in, and a route that says nothing lets nobody in.

The guard stands before every route of the app. A route is opened by `open_to(roles)`, or by `open_to_anyone` where
something else stands guard: a signature, or that there is nothing to hide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request

from gateway.keys import ApiKey, ApiKeys, KeyRole
from gateway.problems import Rejected, plain, wrong_field
from gateway.rates import Rates

_OPEN: Final = "__redress_open_to__"
_BEARER: Final = "bearer "

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def open_to(*roles: KeyRole) -> Callable[[_Endpoint], _Endpoint]:
    """Let in whoever has a key with one of these roles."""
    return _marked(frozenset(roles))


def open_to_anyone(endpoint: _Endpoint) -> _Endpoint:
    """Let in whoever comes, without a key."""
    return _marked(None)(endpoint)


def _marked(roles: frozenset[KeyRole] | None) -> Callable[[_Endpoint], _Endpoint]:
    def mark(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _OPEN, roles)
        return endpoint

    return mark


def roles_of(endpoint: Callable[..., Any]) -> frozenset[KeyRole] | None:
    """The roles that a route lets in; none if it is open to anyone, and no roles at all if it says nothing."""
    roles: frozenset[KeyRole] | None = getattr(endpoint, _OPEN, frozenset())
    return roles


async def guard(request: Request) -> None:
    """Let the request in, or raise Rejected. Its key is then what `Caller` gives."""
    roles = roles_of(request.scope["route"].endpoint)
    if roles is None:
        return
    keys: ApiKeys = request.app.state.gateway.keys
    rates: Rates = request.app.state.gateway.rates
    scheme, secret = _presented(request)
    key = await asyncio.to_thread(keys.presented, secret) if scheme else None
    if key is None:
        rates.guess(request.client.host if request.client else "")
        raise Rejected(
            "unauthenticated",
            "The request has no API key that is in force.",
            headers={"WWW-Authenticate": 'Bearer realm="redress"'},
        )
    rates.take(key.key_id)
    if not roles & set(key.roles):
        raise Rejected("forbidden", f"This is for keys with one of the roles: {_named(roles)}.")
    _check_query(request)
    request.state.key = key


def _check_query(request: Request) -> None:
    """A parameter that no route has is most often one that is misspelt, and would silently count for nothing."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    for name in request.query_params:
        if name not in known:
            remedy = f"Leave it out; there are: {', '.join(sorted(known)) or 'none'}."
            raise wrong_field(f"query.{plain(name)}", "extra_forbidden", "there is no such parameter", remedy)


def _presented(request: Request) -> tuple[bool, str]:
    header = request.headers.get("authorization", "")
    return header[: len(_BEARER)].lower() == _BEARER, header[len(_BEARER) :].strip()


def _named(roles: Iterable[KeyRole]) -> str:
    return ", ".join(sorted(roles)) or "none; the route is closed"


async def _caller(request: Request) -> ApiKey:
    key: ApiKey = request.state.key
    return key


Caller = Annotated[ApiKey, Depends(_caller)]
"""The key of a request that the guard has let in."""
