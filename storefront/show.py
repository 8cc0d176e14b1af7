"""What the command line shows people: tables and sentences. Machines get the models as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from domain import wording
from domain.cases.conversation import Conversation
from domain.cases.exhibits import Exhibits
from domain.cases.record import Evidence, Said
from domain.cases.statements import Statement
from domain.duties import OpenDuty, Receipt
from domain.messages import Reply
from domain.preview import Preview
from domain.settlement import Division
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


def receipt(screen: Console, answer: Receipt, lang: str = "en") -> None:
    """Every open duty, soonest first."""
    screen.print(f"{answer.subject}: {wording.name(answer.state, lang)}, as of {wording.moment(answer.as_of)}")
    if not answer.duties:
        screen.print("  nothing is owed any more")
        return
    table = columns("Who", "Owes", "By", "In", "Counted in", "Reminders left", "On silence", "Rule")
    for duty in answer.duties:
        table.add_row(
            wording.name(duty.owner, lang),
            wording.action(duty.kind, lang),
            _due(duty),
            _left(duty.due - answer.as_of) if duty.due else "",
            duty.calendar,
            "\n".join(f"{at:%Y-%m-%d %H:%M}" for at in duty.reminders_left),
            wording.consequence(duty.on_silence, lang),
            duty.rule,
        )
    screen.print(table)


def story(screen: Console, entries: Iterable[StoryEntry], lang: str = "en") -> None:
    """What happened, a line each; times are UTC."""
    for entry in entries:
        screen.print(line(entry, lang=lang), soft_wrap=True)


def line(entry: StoryEntry, subject: str = "", lang: str = "en") -> str:
    """One event in one line."""
    before = f"{subject}  " if subject else ""
    return clean(f"{entry.at:%Y-%m-%d %H:%M}  {before}{wording.event(entry.what, entry.facts, lang)}")


def listing(screen: Console, rows: Sequence[Listed], *, now: datetime) -> None:
    """Orders or cases, soonest deadline first."""
    table = columns("Next deadline", "Order or case", "State", "Queue", "Minor units", "Buyer", "Seller", "Policy")
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


def reply(screen: Console, answer: Reply, lang: str = "en") -> None:
    """How a message was answered."""
    when = f" ({wording.moment(answer.instant)})" if answer.instant else ""
    case = f"\n  case  {answer.case_id}" if answer.case_id else ""
    rule = f"\n  rule  {answer.rule}" if answer.rule else ""
    text = wording.reply(answer.code, answer.facts, lang) if answer.code else answer.text
    screen.print(clean(f"{answer.verdict.capitalize()}: {text.removesuffix('.')}{when}.") + case + rule)


def preview(screen: Console, answer: Preview, lang: str = "en") -> None:
    """What would follow from a message."""
    screen.print("Nothing was done. It would be answered:")
    reply(screen, answer.reply, lang)
    if answer.refund is not None:
        screen.print(f"  refund  {answer.refund} in total")
    if answer.money is not None:
        screen.print(f"  money   {_division(answer.money)}")
    if answer.could_decide:
        screen.print(f"  could be decided at once under {answer.could_decide}")
    for duty in answer.opens:
        due = wording.moment(duty.due) if duty.due else "no date: the clock stands still"
        who, what = wording.name(duty.owner, lang), wording.action(duty.kind, lang)
        silence = wording.consequence(duty.on_silence, lang)
        screen.print(f"  opens   {who}: {what}, by {due}; on silence {silence} ({duty.rule})", soft_wrap=True)
    for kind in answer.closes:
        screen.print(f"  closes  {wording.action(kind, lang)}", soft_wrap=True)


def conversation(screen: Console, answer: Conversation, lang: str = "en") -> None:
    """What was said, and who must answer next."""
    for said in answer.messages:
        screen.print(_said(said, lang), soft_wrap=True)
    if not answer.messages:
        screen.print("nothing has been said yet")
    for awaited in answer.awaited:
        due = f"by {wording.moment(awaited.due)}" if awaited.due else "no date: the clock stands still"
        who, what = wording.name(awaited.owner, lang), wording.action(awaited.duty, lang)
        screen.print(f"  next  {who}: {what}, {due}", soft_wrap=True)


def exhibits(screen: Console, answer: Exhibits, lang: str = "en") -> None:
    """The evidence of both sides beside each other."""
    table = columns("Shows", "Buyer", "Seller", "Support")
    for exhibit in answer.exhibits:
        sides = ("\n".join(map(_item, items)) for items in (exhibit.buyer, exhibit.seller, exhibit.support))
        table.add_row(clean(wording.name(exhibit.kind, lang)), *sides)
    screen.print(table)
    if answer.missing:
        screen.print(f"  missing  {', '.join(wording.name(kind, lang) for kind in answer.missing)}")


def notes(screen: Console, answer: Iterable[Said]) -> None:
    """Support's own notes, a line each."""
    for said in answer:
        screen.print(_said(said, "en"), soft_wrap=True)


def reasons(screen: Console, answer: Iterable[Statement], lang: str = "en") -> None:
    """The statement of reasons of each decision, each sentence with what it rests on."""
    made = tuple(answer)
    if not made:
        screen.print("nothing is decided yet")
    for statement in made:
        screen.print(f"{statement.case_id}, {statement.number}: {wording.moment(statement.at)}")
        for sentence in statement.sentences:
            text = sentence.text.get(wording.catalogue_of(lang), sentence.code)
            screen.print(clean(f"  {text}  [{', '.join(sentence.basis)}]"), soft_wrap=True)


def _item(item: Evidence) -> str:
    found = {True: "", False: ": not the file that was sealed", None: ": not found yet" if item.checked else ""}
    return clean(f"{item.id} {item.uri or item.text}{found[item.matches]}")


def _said(said: Said, lang: str) -> str:
    who = f"{wording.name(said.by, lang)}{f' {said.author}' if said.author else ''}"
    return clean(f"{said.at:%Y-%m-%d %H:%M}  m{said.number}  {who}, {wording.name(said.channel, lang)}: {said.text}")


def _division(money: Division) -> str:
    return f"buyer {money.buyer}, seller {money.seller}, platform {money.platform}, tax {money.tax}"


def columns(*names: str) -> Table:
    """An empty table with these columns."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in names:
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
