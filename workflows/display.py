"""What ops see of a workflow: search attributes for lists, current details for the Web UI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from domain import details
from domain.duties import Receipt
from domain.story import StoryEntry
from workflows.search_attributes import NEXT_DEADLINE

Attributes: TypeAlias = Mapping[SearchAttributeKey[Any], Any]


class Display:
    """Keeps lists and case text in step with the workflow; attributes are written only on change, since each costs."""

    def __init__(self) -> None:
        self._shown: dict[str, Any] = {pair.key.name: pair.value for pair in workflow.info().typed_search_attributes}

    def show(
        self,
        receipt: Receipt,
        attributes: Attributes,
        facts: Sequence[tuple[str, str]],
        story: Sequence[StoryEntry],
    ) -> None:
        """Show a receipt, the attributes of its subject, some facts in bold, and the story."""
        duty = details.next_duty(receipt.duties)
        wanted = {**attributes, NEXT_DEADLINE: duty.due if duty else None}
        changed = [(key, value) for key, value in wanted.items() if self._shown.get(key.name) != value]
        if changed:
            self._shown |= {key.name: value for key, value in changed}
            workflow.upsert_search_attributes(
                [key.value_unset() if value is None else key.value_set(value) for key, value in changed]
            )
        workflow.set_current_details(details.markdown(receipt, facts, story))
