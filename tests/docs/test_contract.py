"""docs/contract.md says what the code does: its examples, names, attributes and kinds are checked against it."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow

from domain import wording
from domain.cases.case import CaseFile
from domain.duties import DutyKind
from domain.messages import Finding
from domain.order import Order
from domain.policy import CaseState, EvidenceKind
from storefront.draft import OrderDraft
from storefront.schema import ANSWERED, SENT
from workflows import search_attributes
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow
from workflows.reopened import ReopenedOrderWorkflow

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
MODELS = {model.__name__: model for model in (*SENT, *ANSWERED)} | {OrderDraft.__name__: OrderDraft}
EXAMPLES = [(name, text) for name, text in re.findall(r"^```json (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]


def section(heading: str) -> str:
    """The part of the page under a heading, up to the next one of the same rank or a higher one."""
    rank = len(heading.split(" ", 1)[0])
    return re.split(rf"^#{{1,{rank}}} ", PAGE.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


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


@pytest.mark.parametrize(
    ("headings", "definition"),
    [
        (("## Orders", "### To the order"), OrderWorkflow),
        (("## Cases", "### To the case"), CaseWorkflow),
        (("## Orders taken up again", "### To the order"), ReopenedOrderWorkflow),
    ],
)
def test_handlers_are_those_of_the_workflow(headings: tuple[str, ...], definition: type[object]) -> None:
    """The page lists exactly the signals, updates and queries that the workflow has, with their models."""
    page = "\n".join(map(section, headings))
    listed = re.findall(r"^\| (signal|update|query) \| `(\w+)` \| (`\w+`)? ?\|", page, re.MULTILINE)

    assert sorted(handlers(definition)) == sorted(listed)


def test_states_of_a_case_are_those_of_the_model() -> None:
    """The page says of every state who must act."""
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ", section("### States"), re.MULTILINE)

    assert sorted(CaseState) == sorted(state for row in rows for state in re.findall(r"`(\w+)`", row))


@pytest.mark.parametrize(
    ("heading", "intro", "kinds"),
    [("### Evidence", "`kind` is one of ", EvidenceKind), ("### Returns", "`finding` is ", Finding)],
)
def test_choices_are_those_of_the_models(heading: str, intro: str, kinds: type[StrEnum]) -> None:
    """Kinds of evidence and findings of an inspection are all named, and no others."""
    sentence = section(heading).split(intro, 1)[1].split(";" if kinds is EvidenceKind else "\n", 1)[0]

    assert set(kinds) == set(re.findall(r"`(\w+)`", sentence)) - {"deduction"}


def test_search_attributes_are_those_of_the_registry() -> None:
    """The page lists exactly the registered search attributes, with their types."""
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", section("## Search attributes"), re.MULTILINE))
    types = {key.name: key.indexed_value_type.name.capitalize() for key in search_attributes.ALL}

    assert types == listed


def test_kinds_of_notices_are_those_of_the_wording() -> None:
    """Every event with a text is either a notice on the page or named as one of the timeline alone."""
    told = section("## Notices").split("Told to both sides", 1)[1]

    assert set(wording.codes("events")) == set(re.findall(r"`(\w+)`", told))


def test_every_notice_has_a_title() -> None:
    """What is told to somebody has a title for its letter; what is in the timeline alone has none."""
    timeline_only = set(re.findall(r"`(\w+)`", section("## Notices").split("Only in the timeline:", 1)[1]))

    assert set(wording.codes("events")) - timeline_only == set(wording.codes("titles"))


def test_clocks_of_a_disruption_are_the_kinds_of_duties() -> None:
    """The page names exactly the clocks that a disruption can move."""
    named = section("### Signals").split("`clocks` are kinds of duties:", 1)[1].split("\nWithout `until`", 1)[0]

    assert set(DutyKind) == set(re.findall(r"`(\w+)`", named))
