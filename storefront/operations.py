"""What the commands of `storefront/cli_operations.py` do. Each ends the process through `runtime.run`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final, NoReturn

import pydantic
import typer

import runtime
from activities.payout_accounts import SqlPayoutAccounts
from domain.parties import Id
from domain.reconciliation_report import Reconcile, Report
from storefront import books, show, show_books
from storefront.commands import run
from storefront.errors import BadInput
from worker import open_database

_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def reconcile(orders: Sequence[str], *, days: int, tell: bool, wait: float, as_json: bool) -> NoReturn:
    """Compare now. The exit code is 0 if all agree, 5 if no book knows an order, and 1 for anything else."""

    async def work() -> int:
        ask = _asked(orders, days, tell=tell)
        queue = runtime.load_settings().task_queue
        report = await books.compare(await runtime.connect(), ask, wait, task_queue=queue)
        typer.echo(show.as_json(report) if as_json else "\n".join(show_books.lines(report)))
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
            await books.end_schedule(client)
        elif at is not None:
            await books.set_schedule(client, at, days, task_queue=runtime.load_settings().task_queue)
        daily = await books.standing(client)
        typer.echo(show.as_json(daily) if as_json else "\n".join(show_books.daily_lines(daily)))

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


def _asked(orders: Sequence[str], days: int, *, tell: bool) -> Reconcile:
    names = tuple(dict.fromkeys(order.removeprefix("order-") for order in orders))
    try:
        return Reconcile(orders=names, days=days, tell=tell)
    except pydantic.ValidationError as error:
        wrong = [f"{names[int(one['loc'][1])]!r} is no order id" for one in error.errors() if len(one["loc"]) > 1]
        raise BadInput("The orders cannot be compared", wrong or ["at most 10,000 at a time"]) from None


def _code(report: Report) -> int:
    if report.agrees:
        return runtime.Exit.OK
    if report.unread and not report.differences and not any(one.known for one in report.unread):
        return runtime.Exit.NOT_FOUND
    return runtime.Exit.FAILED
