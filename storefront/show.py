"""What the command line shows people: tables and sentences. Machines get the models as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from domain import wording
from domain.duties import OpenDuty, Receipt
from domain.messages import Reply
from domain.story import Status, StoryEntry
from storefront.listing import Listed

_WIDE = 200
"""Columns for output that goes to a file or another program, where nothing should be cut."""


def console() -> Console:
    """Standard output. What people wrote is never taken for markup."""
    screen = Console(markup=False, highlight=False, emoji=False)
    return screen if screen.is_terminal else Console(markup=False, highlight=False, emoji=False, width=_WIDE)


def as_json(answer: BaseModel | Sequence[BaseModel]) -> str:
    """The answer as one JSON document, with the names of the models' fields."""
    plain = answer.model_dump(mode="json") if isinstance(answer, BaseModel) else [_plain(item) for item in answer]
    return json.dumps(plain, indent=2, ensure_ascii=False)


def _plain(model: BaseModel) -> object:
    return model.model_dump(mode="json")


def clean(text: str) -> str:
    """Text without control characters: what people wrote must not steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def status(screen: Console, answer: Status) -> None:
    """Where it stands, in a few lines."""
    lines = [f"{answer.subject}: {answer.state}{', money frozen by a chargeback' if answer.frozen else ''}"]
    if answer.next_action:
        due = wording.moment(answer.next_due) if answer.next_due else "no date: the clock stands still"
        lines += [f"  next        {answer.next_action}", f"  by          {due}", f"  on silence  {answer.on_silence}"]
    else:
        lines += ["  nothing is owed any more"]
    if answer.open_case:
        lines += [f"  open case   {answer.open_case}"]
    if answer.rejected:
        lines += [f"  refused     messages: {answer.rejected}; the timeline says why"]
    screen.print("\n".join(map(clean, lines)))


def receipt(screen: Console, answer: Receipt) -> None:
    """Every open duty, soonest first."""
    screen.print(f"{answer.subject}: {answer.state}, as of {wording.moment(answer.as_of)}")
    if not answer.duties:
        screen.print("  nothing is owed any more")
        return
    table = _table("Who", "Owes", "By", "In", "Counted in", "Reminders left", "On silence", "Rule")
    for duty in answer.duties:
        table.add_row(
            duty.owner,
            duty.action,
            _due(duty),
            _left(duty.due - answer.as_of) if duty.due else "",
            duty.calendar,
            "\n".join(f"{at:%Y-%m-%d %H:%M}" for at in duty.reminders_left),
            duty.consequence,
            duty.rule,
        )
    screen.print(table)


def story(screen: Console, entries: Iterable[StoryEntry], subject: str = "") -> None:
    """What happened, a line each; times are UTC."""
    for entry in entries:
        screen.print(line(entry, subject), soft_wrap=True)


def line(entry: StoryEntry, subject: str = "") -> str:
    """One event in one line."""
    before = f"{subject}  " if subject else ""
    return clean(f"{entry.at:%Y-%m-%d %H:%M}  {before}{wording.event(entry.what, entry.facts)}")


def listing(screen: Console, rows: Sequence[Listed], *, now: datetime) -> None:
    """Orders or cases, soonest deadline first."""
    table = _table("Next deadline", "Order or case", "State", "Queue", "Minor units", "Buyer", "Seller", "Policy")
    for row in rows:
        late = row.open and row.next_deadline is not None and row.next_deadline < now
        table.add_row(
            f"{wording.moment(row.next_deadline)}{' (past)' if late else ''}" if row.next_deadline else "-",
            row.subject,
            row.state if row.open else f"{row.state} (ended)",
            row.queue,
            f"{row.amount_minor:,}" if row.amount_minor is not None else "",
            row.buyer_id,
            row.seller_id,
            row.pack,
        )
    screen.print(table)
    screen.print(f"{len(rows)} found")


def reply(screen: Console, answer: Reply) -> None:
    """How a message was answered."""
    when = f" ({wording.moment(answer.instant)})" if answer.instant else ""
    case = f"\n  case  {answer.case_id}" if answer.case_id else ""
    rule = f"\n  rule  {answer.rule}" if answer.rule else ""
    screen.print(clean(f"{answer.verdict.capitalize()}: {answer.text.removesuffix('.')}{when}.") + case + rule)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column == "Minor units" else "left", overflow="fold")
    return table


def _due(duty: OpenDuty) -> str:
    if duty.due is None:
        return f"stands still ({', '.join(clean(shift.cause) for shift in duty.shifts)})"
    return wording.moment(duty.due)


def _left(length: timedelta) -> str:
    if length < timedelta():
        return "past"
    hours, seconds = divmod(length.seconds, 3600)
    if length.days:
        return f"{length.days} d {hours} h"
    return f"{hours} h {seconds // 60} min"
