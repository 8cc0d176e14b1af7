"""What the commands of `storefront/cli_notices.py` do, on the store itself: Temporal need not be there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console

import runtime
from activities.dispatch.letters import Letter, letter
from activities.dispatch.overview import Overview
from activities.dispatch.records import UNDER_WAY, Dispatch, State
from adapters.database import open_existing
from domain import wording
from domain.base import Model
from storefront import show as screens
from storefront.client import subject_of
from storefront.commands import run_work
from storefront.errors import BadInput, NotDead, UnknownNotice


class Shown(Model):
    """One notice as its reader gets it, and what became of it."""

    key: str
    subject: str
    text: str
    html: str
    dispatches: tuple[Dispatch, ...]


def list_(state: str | None, subject: str, limit: int, as_json: bool) -> NoReturn:
    """Dispatches, newest first."""

    async def work() -> None:
        about = subject_of(subject) if subject else ""
        rows = _overview().listed(State(state) if state else None, about, limit)
        if as_json:
            typer.echo(screens.as_json(rows))
        else:
            _list(screens.console(), rows)

    run_work(work, as_json)


def show(key: str, html: Path | None, as_json: bool) -> NoReturn:
    """One notice."""

    async def work() -> None:
        overview = _overview()
        notice = overview.notice(key)
        if notice is None:
            raise UnknownNotice([key])
        content, dispatches = letter([notice]), overview.of(key)
        if html:
            _write(html, content.html)
        if as_json:
            read = Shown(key=key, subject=content.subject, text=content.text, html=content.html, dispatches=dispatches)
            typer.echo(screens.as_json(read))
        else:
            _show(screens.console(), content, dispatches)

    run_work(work, as_json)


def resend(keys: Sequence[str], every: bool, as_json: bool) -> NoReturn:
    """Dead letters begin anew; those that can do, and the exit code tells of the others."""

    async def work() -> None:
        if bool(keys) == every:
            raise BadInput("Say which: give keys, or --all for every dead letter; not both.")
        overview = _overview()
        again = overview.resend(None if every else keys, datetime.now(UTC))
        if as_json:
            typer.echo(json.dumps({"resent": again}))
        elif again:
            typer.echo(f"Sent again by the next worker that is free: {', '.join(again)}")
        elif every:
            typer.echo("There are no dead letters.")
        left = [key for key in dict.fromkeys(keys) if key not in again]
        if unknown := [key for key in left if not overview.of(key)]:
            raise UnknownNotice(unknown)
        if left:
            raise NotDead(left)

    run_work(work, as_json)


def _overview() -> Overview:
    return Overview(open_existing(runtime.load_settings().store_url))


def _write(file: Path, html: str) -> None:
    try:
        file.write_text(html, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file} cannot be written ({error.strerror}). Choose another file.") from None


def _list(screen: Console, rows: Sequence[Dispatch]) -> None:
    table = screens.columns("Posted", "Notice", "Channel", "State", "Why", "Attempts", "Next", "In")
    for row in rows:
        table.add_row(
            wording.moment(row.posted_at),
            row.key,
            row.channel,
            row.state,
            screens.clean(row.reason),
            str(row.attempts),
            wording.moment(row.next_attempt) if row.state in UNDER_WAY else "",
            row.bundle if row.bundle.startswith("digest-") else "",
        )
    screen.print(table)
    screen.print(f"{len(rows)} found")


def _show(screen: Console, content: Letter, dispatches: Sequence[Dispatch]) -> None:
    screen.print(screens.clean(content.subject), soft_wrap=True)
    screen.print()
    for line in content.text.splitlines():
        screen.print(screens.clean(line), soft_wrap=True)
    if not dispatches:
        screen.print("It is in the outbox only: delivery was off when it was posted.")
    for row in dispatches:
        why = f", {row.reason}" if row.reason else ""
        screen.print(f"{row.channel}: {row.state}{why}, attempts: {row.attempts}", soft_wrap=True)
