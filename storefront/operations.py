"""What the commands of `storefront/cli_operations.py` do. Each ends the process through `runtime.run`."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NoReturn

import pydantic
import typer
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
from activities.payout_accounts import SqlPayoutAccounts
from domain import wording
from domain.base import Instant, Model
from domain.parties import Id
from domain.reconciliation import Book, Difference
from domain.reconciliation_report import Reconcile, Report
from storefront import show
from storefront.commands import run
from storefront.errors import BadInput, RedressError
from worker import open_database

SCHEDULE: Final = "reconcile-daily"
"""The id of the schedule; the workflows it starts are named after it and their time."""

_LONGEST: Final = timedelta(hours=24)
_CATCH_UP: Final = timedelta(hours=20)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


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


def reconcile(orders: Sequence[str], *, days: int, tell: bool, wait: float, as_json: bool) -> NoReturn:
    """Compare now. The exit code is 0 if all agree, 5 if no book knows an order, and 1 for anything else."""

    async def work() -> int:
        ask = _asked(orders, days, tell=tell)
        queue = runtime.load_settings().task_queue
        report = await compare(await runtime.connect(), ask, wait, task_queue=queue)
        typer.echo(show.as_json(report) if as_json else "\n".join(lines(report)))
        return _code(report)

    run(work, as_json)


def reconcile_daily(at: str | None, *, days: int, off: bool, as_json: bool) -> NoReturn:
    """Set, end or show the schedule."""

    async def work() -> None:
        if off and at:
            raise BadInput("--at and --off: give one of them")
        if at is not None and not _TIME.fullmatch(at):
            raise BadInput(f"--at: write a time of day in UTC, as in 03:00, not {at!r}")
        client = await runtime.connect()
        if off:
            await end_schedule(client)
        elif at is not None:
            await set_schedule(client, at, days, task_queue=runtime.load_settings().task_queue)
        daily = await standing(client)
        typer.echo(show.as_json(daily) if as_json else "\n".join(_daily_lines(daily)))

    run(work, as_json)


def payout_account(seller: str, account: str, *, as_json: bool) -> NoReturn:
    """Keep the account of a seller, or show it."""

    async def work() -> int:
        try:
            seller_id = pydantic.TypeAdapter(Id).validate_python(seller)
        except pydantic.ValidationError:
            raise BadInput(f"{seller!r} is no id of a seller: letters, digits, dots, hyphens and underscores") from None
        accounts = SqlPayoutAccounts(open_database(runtime.load_settings().store_url))
        if account:
            try:
                accounts.keep(seller_id, account)
            except ValueError as error:
                raise BadInput(f"ACCOUNT: {error}") from None
        kept = accounts.account(seller_id)
        text = f"{seller_id} is paid out to {kept}." if kept else f"{seller_id} has no account yet."
        typer.echo(json.dumps({"seller_id": seller_id, "account": kept}) if as_json else text)
        return runtime.Exit.OK if kept else runtime.Exit.NOT_FOUND

    run(work, as_json)


# --- Temporal ---


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


def _asked(orders: Sequence[str], days: int, *, tell: bool) -> Reconcile:
    names = tuple(dict.fromkeys(order.removeprefix("order-") for order in orders))
    try:
        return Reconcile(orders=names, days=days, tell=tell)
    except pydantic.ValidationError as error:
        wrong = [f"{names[int(one['loc'][1])]!r} is no order id" for one in error.errors() if len(one["loc"]) > 1]
        raise BadInput("The orders cannot be compared", wrong or ["at most 10,000 at a time"]) from None


# --- what people see ---


def _code(report: Report) -> int:
    if report.agrees:
        return runtime.Exit.OK
    if report.unread and not report.differences and not any(one.known for one in report.unread):
        return runtime.Exit.NOT_FOUND
    return runtime.Exit.FAILED


def lines(report: Report) -> list[str]:
    """The report for people: each difference with what every book says, and what to do."""
    told = [line for difference in report.differences for line in _difference_lines(difference)]
    told += [f"{one.order_id}: not compared. {one.why}." for one in report.unread]
    if report.more:
        told.append(f"{report.more} more orders differ or could not be read; compare again when these are mended.")
    what = f"{_counted(report.orders, 'order')}, {_counted(report.movements, 'movement')} compared"
    differing = len({difference.order_id for difference in report.differences})
    result = f"{_counted(differing, 'order')} with differences" if told else "provider, ledger and history agree"
    return [*told, f"{what}: {result}."]


def _difference_lines(difference: Difference) -> list[str]:
    said = [f"  {book.value:<9} {difference.found.get(book) or '-'}" for book in Book]
    return [f"{difference.order_id}  {difference.key}  {difference.what}", *said, f"  to do     {difference.advice}"]


def _daily_lines(daily: Daily) -> list[str]:
    if not daily.on:
        return ["Nothing is compared by itself: starter.py reconcile-daily --at 03:00"]
    told = [
        f"The books are compared every day at {daily.at} UTC: orders whose money moved in the last {daily.days} days.",
        f"  next      {', '.join(wording.moment(at) for at in daily.next)}",
    ]
    if daily.report is None:
        return [*told, "  last      none has ended yet"]
    return [*told, f"  last      {daily.last_workflow}", *(f"  {line}" for line in lines(daily.report))]


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
