"""The OpenAPI document in docs, and that what it says of bodies is what is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.messages import Interlock, Message, Overtaken
from gateway import serving
from gateway.bodies import MODELS, understood
from gateway.messages import TO_CASES, TO_ORDERS
from gateway.problems import KINDS, Rejected
from storefront.schema import SENT

PUBLISHED = Path(__file__).parents[2] / "docs" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(PUBLISHED.read_text(encoding="utf-8"))
OPERATIONS = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def test_published_document_is_fresh() -> None:
    """After a change of the gateway or a model, run `make schema`."""
    assert PUBLISHED.read_text(encoding="utf-8") == serving.document()


def test_it_is_openapi_31_and_every_operation_has_a_name_of_its_own() -> None:
    """Generated clients get a method for each operation, with a sentence on what it does."""
    names = [operation["operationId"] for _, _, operation in OPERATIONS]

    assert "3.1.0" == DOCUMENT["openapi"]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for _, _, operation in OPERATIONS)


def test_every_body_has_an_example_that_is_taken() -> None:
    """What the document shows can be sent as it stands."""
    shown = 0
    for _, path, operation in OPERATIONS:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None or path.startswith("/webhooks/"):
            continue
        name = content["schema"]["$ref"].rpartition("/")[2]
        understood(MODELS[name.removesuffix("Input")], json.dumps(content["example"]).encode())
        shown += 1

    assert len(MODELS) <= shown


def test_every_message_of_the_contract_has_a_door() -> None:
    """All that comes from outside can be sent by HTTP; what an order and its case tell each other cannot."""
    sent = {model for model in SENT if issubclass(model, Message)} - {Interlock, Overtaken}

    assert sent == {door.model for door in (*TO_ORDERS, *TO_CASES)}


def test_every_kind_of_problem_has_a_page_line() -> None:
    """docs/gateway.md names each kind of problem with its status."""
    page = (PUBLISHED.parent / "gateway.md").read_text(encoding="utf-8")

    assert [] == [name for name, kind in KINDS.items() if f"| `{name}` | {kind.status} |" not in page]


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (b'{"by": "buyer", "txet": "x"}', "txet", "extra_forbidden"),
        (b'{"by": "nobody"}', "by", "enum"),
        (b"{}", "by", "missing"),
        (b'{"by": "buyer", "text": 5}', "text", "string_type"),
        (b'{"by": "buyer", "submitted_at": 1700000000}', "submitted_at", "datetime_type"),
        (b'{"by": "buyer", "submitted_at": "2026-11-24T09:00:00"}', "submitted_at", "value_error"),
        (b"[]", "body", "model_type"),
        (b"{", "body", "json_invalid"),
        (b"\xff", "body", "json_invalid"),
    ],
)
def test_what_is_wrong_is_named_with_its_rule_and_what_to_do(body: bytes, field: str, rule: str) -> None:
    """Every wrong field is named with the rule that it breaks and a remedy, and its value is not repeated."""
    with pytest.raises(Rejected) as caught:
        understood(MODELS["Cancel"], body)

    (problem,) = caught.value.errors
    assert (field, rule) == (problem.field, problem.rule)
    assert problem.remedy
    assert "1700000000" not in f"{problem}"
