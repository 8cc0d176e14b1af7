"""The commands for operations: comparing the books, and where sellers are paid out to."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated

import typer

from storefront.options import Json

app = typer.Typer()


def _operations() -> ModuleType:
    """What the commands do, imported by the one that runs, so that help appears at once."""
    from storefront import operations

    return operations


Days = Annotated[int, typer.Option(min=1, max=400, help="Orders whose money moved in so many days.")]


@app.command()
def reconcile(
    orders: Annotated[
        list[str] | None, typer.Argument(metavar="[ORDER...]", help="All of the last weeks if left out.")
    ] = None,
    days: Days = 40,
    tell: Annotated[bool, typer.Option(help="Also post a notice to support for each difference.")] = False,
    wait: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for the result.")] = 300,
    as_json: Json = False,
) -> None:
    """Compare provider, ledger and history; exit code 1 if they differ. Moves nothing."""
    _operations().reconcile(orders or (), days=days, tell=tell, wait=wait, as_json=as_json)


@app.command()
def reconcile_daily(
    at: Annotated[str | None, typer.Option(metavar="HH:MM", help="Every day at this time, in UTC.")] = None,
    days: Days = 40,
    off: Annotated[bool, typer.Option("--off", help="No more.")] = False,
    as_json: Json = False,
) -> None:
    """Have the books compared every day, and support told of differences; without options, show how it stands."""
    _operations().reconcile_daily(at, days=days, off=off, as_json=as_json)


@app.command()
def payout_account(
    seller: Annotated[str, typer.Argument(metavar="SELLER", help="The seller's id.")],
    account: Annotated[str, typer.Argument(metavar="[ACCOUNT]", help="As in acct_1PgafT; shown if left out.")] = "",
    as_json: Json = False,
) -> None:
    """Where a seller is paid out to at Stripe."""
    _operations().payout_account(seller, account, as_json=as_json)
