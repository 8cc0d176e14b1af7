"""The OpenAPI 3.1 document: what FastAPI knows, and the bodies, problems and keys that it does not see.

`python -m gateway openapi docs/openapi.json` writes it.
"""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.access import roles_of
from gateway.bodies import MODELS
from gateway.examples import examples
from gateway.problems import KINDS, MEDIA_TYPE, ProblemDetails

_REF: Final = "#/components/schemas/{model}"
_ABOUT: Final = """Order protection over HTTP: sell, pass on what buyers and sellers say, and ask how things stand.

Errors are problem details (RFC 9457). A request with an `Idempotency-Key` is carried out once.
What the fields mean is in docs/contract.md, how to begin in docs/gateway.md.
"""


def install(app: FastAPI) -> None:
    """Let the app give this document at `/openapi.json`."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = described(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # as FastAPI's own documentation has it


def described(app: FastAPI) -> dict[str, Any]:
    """The document of this app."""
    found = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    schemas: dict[str, Any] = found["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _add_bodies(found, schemas)
    schemas |= _schemas([ProblemDetails], closed=False)
    found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    found["components"]["responses"] = {name: _problem(name) for name in sorted(_names())}
    for context in iter_route_contexts(app.routes):
        route = getattr(context, "original_route", context)
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _complete(found["paths"][route.path_format][method.lower()], route, method)
    return found


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    roles = roles_of(route.endpoint)
    answers: dict[str, Any] = operation["responses"]
    if answers.get("422", {}).get("content"):
        answers.pop("422")  # FastAPI's own, which nobody gets
    statuses = [int(status) for status, answer in answers.items() if not (answer.get("content") or status < "4")]
    if roles is not None:
        operation["security"] = [{"key": []}]
        operation["x-roles"] = sorted(roles)
        statuses += [401, 403, 404, 422, 429, 503] + ([409, 413] if method == "POST" else [])
    for status in statuses:
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    for answer in answers.values():
        _exemplify(answer)
    operation["responses"] = dict(sorted(answers.items()))


def _exemplify(said: dict[str, Any]) -> None:
    """Show the contract's example of what is sent or answered."""
    for content in said.get("content", {}).values():
        name = _model_of(content)
        if name in examples():
            content.setdefault("example", examples()[name])


def _names() -> set[str]:
    return {str(kind.status) for kind in KINDS.values()} - {"405", "500"}


def _problem(status: str) -> dict[str, Any]:
    kinds = {name: kind for name, kind in KINDS.items() if str(kind.status) == status}
    answer: dict[str, Any] = {
        "description": "; or ".join(kind.title for kind in kinds.values()),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=ProblemDetails.__name__)}}},
    }
    if status in ("429", "503"):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    return answer


def _add_bodies(found: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Add what requests send; where an answer has another model of the same name, under a name of its own."""
    ours = _schemas([MODELS[name] for name in sorted(MODELS)], closed=True)
    renamed = {name: f"{name}Input" for name, schema in ours.items() if schemas.get(name, schema) != schema}
    text = json.dumps(ours)
    for old, new in renamed.items():
        text = text.replace(f'"{_REF.format(model=old)}"', f'"{_REF.format(model=new)}"')
    for name, schema in json.loads(text).items():
        schemas[renamed.get(name, name)] = schema
    for path in found["paths"].values():
        for operation in path.values():
            body = operation.get("requestBody", {})
            _exemplify(body)
            for content in body.get("content", {}).values():
                if (name := _model_of(content)) in renamed:
                    content["schema"]["$ref"] = _REF.format(model=renamed[name])


def _model_of(content: dict[str, Any]) -> str:
    """The name of the model that this content has; empty for what has none."""
    name: str = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return name


def _schemas(models: list[Any], *, closed: bool) -> dict[str, Any]:
    mode: JsonSchemaMode = "validation" if closed else "serialization"
    _, found = models_json_schema([(model, mode) for model in models], ref_template=_REF)
    definitions: dict[str, Any] = found["$defs"]
    if closed:
        for schema in definitions.values():
            if "properties" in schema:
                schema["additionalProperties"] = False
    return definitions
