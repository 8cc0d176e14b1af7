"""The three-way check: whether the provider has what the ledger and the history say, for each order that moved money.

It only reads. Started by hand for some orders, or by a schedule each day for all of the last weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from temporalio import workflow

from activities.notices import NoticeActivities
from activities.reconciliation import ReconciliationActivities
from domain.books import Checked
from domain.parties import Role
from domain.reconciliation_report import Batch, BatchChecked, Period, Reconcile, Report
from domain.requests import Posting
from domain.story import Notice
from workflows.options import COMPARE_BOOKS, KEEP, described

BATCH: Final = 100


@workflow.defn(name="ReconcileWorkflow")
class ReconcileWorkflow:
    """Compares the books of some orders, or of all whose money moved lately; a long one goes on in further runs."""

    @workflow.run
    async def run(self, ask: Reconcile) -> Report:
        """What differs; support is told of each difference."""
        report = ask.report
        if report.begun_at is None:
            report = report.model_copy(update={"begun_at": workflow.now()})
        orders, last = ask.orders, True
        if not orders:
            since = workflow.now() - timedelta(days=ask.days)
            page = await workflow.execute_activity_method(
                ReconciliationActivities.orders,
                Period(since=since, after=ask.after),
                **described(COMPARE_BOOKS, f"Find the orders whose money moved since {since:%Y-%m-%d}"),
            )
            orders, last = page.orders, page.last
        for start in range(0, len(orders), BATCH):
            found = await self._compare(orders[start : start + BATCH])
            report = report.with_batch(found)
            if ask.tell:
                await self._tell(found.checked)
        if not last:
            workflow.continue_as_new(ask.model_copy(update={"after": orders[-1], "report": report}))
        return report.model_copy(update={"ended_at": workflow.now()})

    async def _compare(self, orders: Sequence[str]) -> BatchChecked:
        return await workflow.execute_activity_method(
            ReconciliationActivities.check,
            Batch(orders=tuple(orders)),
            **described(COMPARE_BOOKS, f"Compare the books of {len(orders)} orders, from {orders[0]}"),
        )

    async def _tell(self, differing: Sequence[Checked]) -> None:
        notices = tuple(_notice(checked) for checked in differing)
        if notices:
            await workflow.execute_local_activity_method(
                NoticeActivities.post,
                Posting(notices=notices),
                **described(KEEP, f"Tell support of {len(notices)} orders whose books differ"),
            )


def _notice(checked: Checked) -> Notice:
    """One for an order and what differs about it: the same difference found again is not told again."""
    found = sorted(f"{difference.key}-{difference.what}" for difference in checked.differences)
    return Notice(
        key=f"books-{checked.order_id}-{'-'.join(found)}"[:1_000],
        subject=f"order-{checked.order_id}",
        to=Role.SUPPORT,
        party_id=Role.SUPPORT.value,
        kind="books_differ",
        at=workflow.now(),
        facts={
            "order": checked.order_id,
            "keys": ", ".join(difference.key for difference in checked.differences),
            "text": " ".join(dict.fromkeys(difference.advice for difference in checked.differences)),
        },
    )
