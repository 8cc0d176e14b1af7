"""Bodies: read up to a limit, and understood exactly.

The models of the contract are lenient, since a signal that does not decode would be lost. At this door somebody waits
for an answer, so that what a model would read over is refused: fields that it has not, numbers written as texts.
"""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Request
from pydantic import ValidationError

from domain.base import Model
from gateway.problems import Rejected, malformed

_Model = TypeVar("_Model", bound=Model)

MODELS: dict[str, type[Model]] = {}
"""Every model that some route takes as its body, for the OpenAPI document."""


async def read(request: Request, most: int) -> bytes:
    """The body of at most so many bytes. Raises Rejected for a longer one, before all of it has come."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        raise _too_large(most)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def understood(model: type[_Model], body: bytes) -> _Model:
    """The message in a body; an empty one stands for no fields. Raises Rejected, which names every wrong field."""
    try:
        return model.model_validate_json(body or b"{}", strict=True, extra="forbid")
    except ValidationError as error:
        raise malformed(error.errors(include_url=False, include_input=False, include_context=False)) from None


def described(model: type[Model]) -> dict[str, Any]:
    """How the OpenAPI document describes a body of this model; its example comes from the contract."""
    MODELS[model.__name__] = model
    content = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
    required = any(field.is_required() for field in model.model_fields.values())
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


def _too_large(most: int) -> Rejected:
    return Rejected("too_large", f"The body has more than {most:,} bytes.")
