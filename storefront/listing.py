"""Lists of orders and cases, as Temporal's visibility knows them: a second behind, and never to decide on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Self

from temporalio.client import WorkflowExecution
from temporalio.common import SearchAttributeKey

from domain.base import Instant, Model
from workflows.search_attributes import (
    AMOUNT_MINOR,
    BUYER_ID,
    CASE_STATE,
    NEXT_DEADLINE,
    ORDER_ID,
    ORDER_STATE,
    POLICY_PACK,
    QUEUE,
    SELLER_ID,
)

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Listed(Model):
    """One line of a list. Empty where visibility knows nothing; `next_deadline` is none for what waits for nobody."""

    subject: str
    order_id: str = ""
    state: str = ""
    queue: str = ""
    next_deadline: Instant | None = None
    amount_minor: int | None = None
    buyer_id: str = ""
    seller_id: str = ""
    pack: str = ""
    open: bool = True
    started_at: Instant | None = None

    @classmethod
    def of(cls, execution: WorkflowExecution) -> Self:
        """What visibility tells of one workflow."""
        known = execution.typed_search_attributes

        def text(key: SearchAttributeKey[Any]) -> str:
            return str(known.get(key) or "")

        return cls(
            subject=execution.id,
            order_id=text(ORDER_ID),
            state=text(CASE_STATE if execution.id.startswith("case-") else ORDER_STATE),
            queue=text(QUEUE),
            next_deadline=known.get(NEXT_DEADLINE),
            amount_minor=known.get(AMOUNT_MINOR),
            buyer_id=text(BUYER_ID),
            seller_id=text(SELLER_ID),
            pack=text(POLICY_PACK),
            open=execution.close_time is None,
            started_at=execution.start_time,
        )

    @property
    def urgency(self) -> tuple[bool, datetime, str]:
        """Sorts what is open before what has ended, the soonest deadline first."""
        return not self.open, self.next_deadline or _NEVER, self.subject


def query_of(query: str, *, cases: bool, closed: bool) -> str:
    """The visibility query for orders (also reopened ones) or cases that also fit `query`."""
    kinds = "'CaseWorkflow'" if cases else "'OrderWorkflow', 'ReopenedOrderWorkflow'"
    parts = [f"WorkflowType IN ({kinds})"]
    if not closed:
        parts.append("ExecutionStatus = 'Running'")
    if query.strip():
        parts.append(f"({query})")
    return " AND ".join(parts)
