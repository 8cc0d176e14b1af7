"""Comparing provider, ledger and history: `ReconcileWorkflow` started, scheduled, and its reports."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    RPCError,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    WorkflowFailureError,
)
from temporalio.service import RPCStatusCode

import runtime
from domain.base import Instant, Model
from domain.reconciliation_report import Reconcile, Report
from storefront.errors import RedressError

SCHEDULE: Final = "reconcile-daily"
"""The id of the schedule; the workflows it starts are named after it and their time."""

_LONGEST: Final = timedelta(hours=24)
_CATCH_UP: Final = timedelta(hours=20)


class NoReport(RedressError):
    """The comparison has not come to its end in time, or not at all."""

    code = runtime.Exit.UNREACHABLE


class Daily(Model):
    """How the daily comparison stands: its instants are UTC, and `report` is that of the last one that has ended."""

    on: bool
    at: str = ""
    days: int = 0
    next: tuple[Instant, ...] = ()
    last_workflow: str = ""
    report: Report | None = None


async def compare(client: Client, ask: Reconcile, wait: float, *, task_queue: str) -> Report:
    """Start a comparison and wait for its report, at most so many seconds. Raises NoReport."""
    name = f"reconcile-{uuid.uuid4().hex[:12]}"
    handle = await client.start_workflow(
        "ReconcileWorkflow",
        ask,
        id=name,
        task_queue=task_queue,
        result_type=Report,
        execution_timeout=_LONGEST,
        static_summary=f"Compare the books of {len(ask.orders) or 'all'} orders",
    )
    try:
        report: Report = await asyncio.wait_for(handle.result(), wait)
    except TimeoutError:
        raise NoReport(
            f"{name} has not ended within {wait:g} s: no worker runs (python worker.py), the payment provider does not "
            f"answer, or there are many orders. It goes on; the Web UI shows it, and its result once it is there."
        ) from None
    except WorkflowFailureError as error:
        raise NoReport(f"{name} has failed: {error.cause}. Look at it in the Web UI.") from error
    return report


async def set_schedule(client: Client, at: str, days: int, *, task_queue: str) -> None:
    """Compare every day at this time (UTC), from now on; replaces what was scheduled before."""
    hour, minute = at.split(":")
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            "ReconcileWorkflow",
            Reconcile(days=days),
            id=SCHEDULE,
            task_queue=task_queue,
            execution_timeout=_LONGEST,
        ),
        spec=ScheduleSpec(cron_expressions=[f"{int(minute)} {int(hour)} * * *"]),
        # One missed in an outage is made up for once; two are never under way at the same time.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
    )
    try:
        await client.create_schedule(SCHEDULE, schedule, memo={"at": at, "days": days})
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(SCHEDULE).delete()
        await client.create_schedule(SCHEDULE, schedule, memo={"at": at, "days": days})


async def end_schedule(client: Client) -> None:
    """No more comparisons by themselves; one that is under way goes on."""
    try:
        await client.get_schedule_handle(SCHEDULE).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def standing(client: Client) -> Daily:
    """How the schedule stands, with the report of its last run that has ended."""
    try:
        found = await client.get_schedule_handle(SCHEDULE).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return Daily(on=False)
        raise
    last, report = await _last(client, found)
    return Daily(
        on=True,
        at=await found.memo_value("at", "", type_hint=str),
        days=await found.memo_value("days", 0, type_hint=int),
        next=tuple(found.info.next_action_times[:3]),
        last_workflow=last,
        report=report,
    )


async def _last(client: Client, found: ScheduleDescription) -> tuple[str, Report | None]:
    for ran in reversed(found.info.recent_actions):
        action = ran.action
        workflow_id = getattr(action, "workflow_id", "")
        handle = client.get_workflow_handle(workflow_id, result_type=Report)
        try:
            return workflow_id, await asyncio.wait_for(handle.result(), 1)
        except (TimeoutError, WorkflowFailureError, RPCError):
            continue
    return "", None
