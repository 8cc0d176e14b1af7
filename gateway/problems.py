"""Errors as RFC 9457 problem details: what is wrong, which field or rule says so, and what to do.

Every route raises, and the handlers here answer: the errors of the storefront's client, of Temporal and of the
database, malformed input, and `Rejected` for what is the gateway's own. Texts never repeat a value that was given: it
may be personal.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from pydantic_core import ErrorDetails
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from temporalio.service import RPCError

import runtime
from domain.base import Instant
from domain.messages import Reply
from gateway.temporal import AWAY
from storefront.errors import (
    BadInput,
    DuplicateOrder,
    MessageRefused,
    NotAnswered,
    OrderClosed,
    RedressError,
    TooLarge,
    UnknownOrder,
)

MEDIA_TYPE: Final = "application/problem+json"

RETRY_SECONDS: Final = 5
"""What `Retry-After` says while something that we need is away."""

_MOST_FIELDS: Final = 20
_LONGEST_PLACE: Final = 40

log = logging.getLogger("redress.gateway")


class Kind(NamedTuple):
    """A kind of problem: its status, its title, and what to do about it, which a single problem may say better."""

    status: int
    title: str
    remedy: str


KINDS: Final[dict[str, Kind]] = {
    "malformed": Kind(422, "The request cannot be read", "Correct the fields that are named and send it again."),
    "unauthenticated": Kind(401, "No valid API key", "Send `Authorization: Bearer <key>` with a key that is in force."),
    "bad_signature": Kind(
        401, "The signature does not hold", "Sign the raw body with the secret of this address, and check the clock."
    ),
    "no_event": Kind(400, "The body is no event", "Send one event of this provider, as it was signed."),
    "forbidden": Kind(403, "The key may not do this", "Use a key with the role that is named."),
    "not_found": Kind(404, "There is nothing here", "Check the address and the id; ids are those of your marketplace."),
    "method_not_allowed": Kind(405, "The address takes no such method", "Use a method that the Allow header names."),
    "refused": Kind(409, "The rules of the order say no", "Read `rule` and `instant`: they say when the door opens."),
    "closed": Kind(
        409, "The order or case has ended", "Nothing more is taken; the timeline shows how it came to that."
    ),
    "duplicate_order": Kind(409, "The order id was used before", "Give the order another id."),
    "busy": Kind(409, "The same Idempotency-Key is being worked on", "Wait as Retry-After says and send it again."),
    "too_large": Kind(413, "The body is too large", "Shorten it and send it again."),
    "unsupported_media_type": Kind(415, "The body is of no type that is taken here", "Send one of the types named."),
    "key_reused": Kind(422, "The Idempotency-Key was used for another request", "Give each request a key of its own."),
    "too_many_requests": Kind(429, "Too many requests", "Wait as Retry-After says and send it again."),
    "failed": Kind(500, "The gateway failed", "Send it again with the same Idempotency-Key; tell us if it persists."),
    "unavailable": Kind(
        503,
        "Something that the gateway needs is away",
        "Wait as Retry-After says and send it again with the same Idempotency-Key: it is carried out once.",
    ),
}
"""Every kind of problem, by the last part of its `type`."""

_OF_STATUS: Final = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "malformed",
    429: "too_many_requests",
    503: "unavailable",
}

_REMEDIES: Final = {
    "missing": "Add this field.",
    "extra_forbidden": "There is no such field: check its spelling, or leave it out.",
    "json_invalid": "Send one JSON document in UTF-8.",
    "model_type": "Send a JSON object.",
    "timezone_aware": "Give the instant a time zone, for example 2026-11-24T09:00:00Z.",
    "enum": "Use one of the values that are named.",
    "literal_error": "Use one of the values that are named.",
}


class FieldProblem(BaseModel):
    """One field that is wrong: where it is, the rule that it breaks, and what to do."""

    field: str = Field(description="where, as in `price.items.minor`; parts of the address begin with `path.`")
    rule: str = Field(description="the rule that is broken, as in `missing`")
    detail: str = Field(description="what the rule asks for")
    remedy: str = Field(description="what to do")


class ProblemDetails(BaseModel):
    """RFC 9457 problem details, with what a refusal by the rules of an order has besides."""

    type: str = Field(description="`/problems/` and the kind of problem, which stays the same")
    title: str
    status: int
    detail: str = Field(description="what happened, in English")
    remedy: str = Field(description="what to do, in English")
    errors: list[FieldProblem] = Field(default_factory=list)
    code: str = Field("", description="of a refusal: its code in the catalogues, as in `case_open`")
    facts: dict[str, str] = Field(default_factory=dict, description="of a refusal: what fills the text of its code")
    rule: str = Field("", description="of a refusal: the setting or ruling behind it")
    instant: Instant | None = Field(None, description="of a refusal: when the door opens or has closed (UTC)")
    case_id: str = Field("", description="of a refusal: the case that is open already")
    ending: str = Field("", description="of what has ended: how")


class Rejected(Exception):
    """Ends a request with a problem of this kind; `errors` name fields, `headers` go with the answer.

    `more` are fields of `ProblemDetails` that only some kinds have.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        remedy: str = "",
        errors: Iterable[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.remedy = remedy
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.more = dict(more or {})


def wrong_field(field: str, rule: str, detail: str, remedy: str) -> Rejected:
    """The rejection of a request for one field."""
    problem = FieldProblem(field=field, rule=rule, detail=detail, remedy=remedy)
    return Rejected("malformed", f"{field}: {detail}", errors=[problem])


def malformed(found: Iterable[ErrorDetails]) -> Rejected:
    """The rejection of input that its model does not take."""
    errors = [_field(one) for one in found]
    more = f" and {len(errors) - _MOST_FIELDS:,} more" if len(errors) > _MOST_FIELDS else ""
    named = ", ".join(dict.fromkeys(error.field for error in errors[:_MOST_FIELDS]))
    return Rejected("malformed", f"Wrong: {named}{more}.", errors=errors[:_MOST_FIELDS])


def retry_after(seconds: float = RETRY_SECONDS) -> dict[str, str]:
    """The header that says when to send it again: whole seconds, at least one."""
    return {"Retry-After": str(max(1, round(seconds + 0.5)))}


def install(app: FastAPI) -> None:
    """Answer every error of this app with problem details."""

    async def handle(_request: Request, error: Exception) -> JSONResponse:
        return answer(error)

    for kind in (Rejected, RequestValidationError, HTTPException, runtime.Problem, RPCError, SQLAlchemyError):
        app.add_exception_handler(kind, handle)
    app.add_exception_handler(Exception, handle)


def answer(error: Exception) -> JSONResponse:
    """The problem details for this error."""
    rejected = _rejected(error)
    kind = KINDS[rejected.kind]
    problem = ProblemDetails.model_validate(
        {
            "type": f"/problems/{rejected.kind}",
            "title": kind.title,
            "status": kind.status,
            "detail": rejected.detail,
            "remedy": rejected.remedy or kind.remedy,
            "errors": rejected.errors,
            **rejected.more,
        }
    )
    content = problem.model_dump(mode="json", exclude_defaults=True)
    return JSONResponse(content, kind.status, headers=rejected.headers, media_type=MEDIA_TYPE)


def _refusal(reply: Reply) -> Rejected:
    told = {"code": reply.code, "facts": reply.facts, "rule": reply.rule, "instant": reply.instant}
    return Rejected("refused", f"{reply.text.removesuffix('.')}.", more={**told, "case_id": reply.case_id})


def _rejected(error: Exception) -> Rejected:
    match error:
        case Rejected():
            return error
        case RequestValidationError():
            return malformed(error.errors())
        case HTTPException():
            ours = error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
            kind = _OF_STATUS.get(error.status_code, "failed" if ours else "malformed")
            return Rejected(kind, str(error.detail), headers=error.headers)
        case TooLarge():
            return Rejected("too_large", str(error))
        case BadInput():
            return Rejected("malformed", str(error), errors=[_told(problem) for problem in error.problems])
        case MessageRefused():
            return _refusal(error.reply)
        case DuplicateOrder():
            return Rejected("duplicate_order", str(error))
        case UnknownOrder():
            return Rejected("not_found", f"There is no {error.subject}.")
        case OrderClosed():
            detail = f"{error.subject} has ended ({error.ending or 'by operations'}) and accepts nothing more."
            return Rejected("closed", detail, more={"ending": error.ending or ""})
        case _:
            return _away(error)


def _away(error: Exception) -> Rejected:
    """What is answered when something that we need does not work; the reason is for our log alone."""
    if isinstance(error, NotAnswered):
        detail = f"No worker answered for {error.subject} in time; nothing came of it yet."
    elif isinstance(error, (runtime.Unreachable, runtime.AccessDenied)) or _passes(error):
        detail = "Temporal, which keeps the orders, does not answer. Nothing is lost."
    elif isinstance(error, SQLAlchemyError):
        detail = "The gateway's database does not answer. Nothing is lost."
    else:
        log.error("a request failed", exc_info=error)
        detail = str(error) if isinstance(error, RedressError) else "This was not foreseen; it is in our log."
        return Rejected("failed", detail)
    log.warning("answered 503: %s", error)
    return Rejected("unavailable", detail, headers=retry_after())


def _passes(error: Exception) -> bool:
    return isinstance(error, RPCError) and error.status in AWAY


def plain(name: str) -> str:
    """A name that a caller gave, short and without control characters."""
    return "".join(char if char.isprintable() else "?" for char in name[:_LONGEST_PLACE])


def _field(one: ErrorDetails) -> FieldProblem:
    field = ".".join(plain(str(part)) for part in one["loc"]) or "body"
    text = one["msg"].removeprefix("Value error, ")
    return FieldProblem(field=field, rule=one["type"], detail=text, remedy=_REMEDIES.get(one["type"], f"{text}."))


def _told(problem: str) -> FieldProblem:
    """A problem of the storefront's client, which begins with its field."""
    field, _, text = problem.partition(": ")
    return FieldProblem(field=field, rule="not_possible", detail=text, remedy=text)
