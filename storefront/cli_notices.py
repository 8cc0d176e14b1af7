"""The commands about notices on their way out: what became of them, how they read, and sending one again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from storefront.options import Json, notice_work
from storefront.options import NoticeState as State

app = typer.Typer(
    help="Notices on their way by mail and webhook, in the store of REDRESS_STORE_URL.", no_args_is_help=True
)

Key = Annotated[str, typer.Argument(metavar="KEY", help="The notice's key, as `notices list` shows it.")]


@app.command(name="list")
def list_(
    state: Annotated[State | None, typer.Option(help="Only those that have come so far; dead: given up.")] = None,
    subject: Annotated[
        str, typer.Option("--of", metavar="ORDER|CASE", help="Only those about this order or case.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Read at most so many.")] = 1000,
    as_json: Json = False,
) -> None:
    """How far each notice has come on each channel, the newest first."""
    notice_work().list_(state, subject, limit, as_json)


@app.command()
def show(
    key: Key,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write its HTML there.")] = None,
    as_json: Json = False,
) -> None:
    """One notice as its reader gets it, but for the name, and what became of it."""
    notice_work().show(key, html, as_json)


@app.command()
def resend(
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY...]", help="Which; only those given up.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
    as_json: Json = False,
) -> None:
    """Let dead letters begin anew, under the same ids. A worker sends them."""
    notice_work().resend(keys or [], every, as_json)
