"""docs/contract.md says what the code does: its examples, names, attributes and kinds are checked against it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow

from domain import wording
from domain.cases.case import CaseFile
from domain.duties import DutyKind
from domain.order import Order
from storefront.draft import OrderDraft
from storefront.schema import ANSWERED, SENT
from workflows import search_attributes
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
MODELS = {model.__name__: model for model in (*SENT, *ANSWERED)} | {OrderDraft.__name__: OrderDraft}
EXAMPLES = [(name, text) for name, text in re.findall(r"^```json (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]


def section(heading: str) -> str:
    """The part of the page under a heading, without the headings of the same rank after it."""
    rank = heading.split(" ", 1)[0]
    return PAGE.split(f"\n{heading}\n", 1)[1].split(f"\n{rank} ", 1)[0]


def handlers(definition: type[object]) -> set[tuple[str, str, str]]:
    """Kind, name and input model of every message that a workflow takes."""
    known = workflow._Definition.must_from_class(definition)
    kinds: tuple[tuple[str, dict[Any, Any]], ...] = (
        ("signal", dict(known.signals)),
        ("update", dict(known.updates)),
        ("query", dict(known.queries)),
    )
    return {
        (kind, name, "".join(f"`{model.__name__}`" for model in handler.arg_types or ()))
        for kind, of_kind in kinds
        for name, handler in of_kind.items()
    }


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_example_is_valid(name: str, text: str) -> None:
    """An example on the page can be sent as it stands, and has no field that its model does not know."""
    model = MODELS[name]

    example = model.model_validate_json(text, extra="forbid")

    assert type(example) is model


def test_every_model_on_the_wire_has_one_example() -> None:
    """Each model of docs/schema is shown once, an order as its draft; a case file, which only orders write, is not."""
    shown = sorted(name for name, _ in EXAMPLES)

    assert sorted(MODELS.keys() - {Order.__name__, CaseFile.__name__}) == shown


def test_every_json_block_names_its_model() -> None:
    """No example escapes validation by lacking the name of its model."""
    assert [] == re.findall(r"^```json\s*$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("heading", "definition"), [("## Orders", OrderWorkflow), ("## Cases", CaseWorkflow)])
def test_handlers_are_those_of_the_workflow(heading: str, definition: type[object]) -> None:
    """The page lists exactly the signals, updates and queries that the workflow has, with their models."""
    listed = re.findall(r"^\| (signal|update|query) \| `(\w+)` \| (`\w+`)? ?\|", section(heading), re.MULTILINE)

    assert handlers(definition) == set(listed)


def test_search_attributes_are_those_of_the_registry() -> None:
    """The page lists exactly the registered search attributes, with their types."""
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", section("## Search attributes"), re.MULTILINE))
    types = {key.name: key.indexed_value_type.name.capitalize() for key in search_attributes.ALL}

    assert types == listed


def test_kinds_of_notices_are_those_of_the_wording() -> None:
    """Every event with a text is either a notice on the page or named as one of the timeline alone."""
    told = section("## Notices").split("Told to both sides", 1)[1]

    assert set(wording.codes("events")) == set(re.findall(r"`(\w+)`", told))


def test_clocks_of_a_disruption_are_the_kinds_of_duties() -> None:
    """The page names exactly the clocks that a disruption can move."""
    named = section("### Signals").split("`clocks` are kinds of duties:", 1)[1].split("\nWithout `until`", 1)[0]

    assert set(DutyKind) == set(re.findall(r"`(\w+)`", named))
