"""`python -m gateway inbox`: what waits, what was given up, and trying it again. Needs the database alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

import runtime
from adapters.database import open_existing
from gateway.inbox import BODIES_KEPT, Count, Inbox, Kept, State
from storefront.errors import BadInput

app = typer.Typer(help="The inbox of webhooks: list, retry.", no_args_is_help=True)

_OPEN: Final = (State.WAITING, State.GIVEN_UP)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@app.command(name="list")
def list_(
    state: Annotated[
        list[State] | None, typer.Option(help="Events in this state; repeatable. waiting and given_up, if left out.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """How many events of each kind there are, and those that still need something."""

    async def work() -> None:
        inbox = _inbox()
        counts, events = inbox.counts(), inbox.listed(state or _OPEN, limit)
        typer.echo(_document(counts, events) if as_json else _text(counts, events))

    runtime.run(work())


@app.command()
def retry(
    event_ids: Annotated[list[str] | None, typer.Argument(metavar="EVENT...", help="Ids of events.")] = None,
    state: Annotated[list[State] | None, typer.Option(help="All events in this state; repeatable.")] = None,
) -> None:
    """Try events again at once, and give them their month to wait anew. A repetition changes nothing in an order."""

    async def work() -> None:
        if not event_ids and not state:
            raise BadInput("Name events, or give a --state such as given_up.")
        tried = _inbox().retry(datetime.now(UTC), event_ids=event_ids or (), states=state or ())
        if not tried:
            raise runtime.NotFound(
                "No such event can be tried again: `inbox list` has their ids, "
                f"and bodies are erased after {BODIES_KEPT.days} days."
            )
        typer.echo(f"{tried} to be tried again by the gateway, within seconds if it runs.")

    runtime.run(work())


def _inbox() -> Inbox:
    return Inbox(open_existing(runtime.load_settings().store_url))


def _document(counts: tuple[Count, ...], events: tuple[Kept, ...]) -> str:
    found = {
        "counts": [count.model_dump(mode="json") for count in counts],
        "events": [event.model_dump(mode="json") for event in events],
    }
    return json.dumps(found, indent=2)


def _text(counts: tuple[Count, ...], events: tuple[Kept, ...]) -> str:
    if not counts:
        return "No webhook has come yet."
    lines = [f"{count.events:>7,}  {count.state:<9} {count.source} {count.kind}" for count in counts]
    return "\n".join([*lines, *([""] if events else []), *map(_line, events)])


def _line(event: Kept) -> str:
    how = f"{event.state}, try {event.attempts}" if event.attempts else event.state
    return (
        f"{event.received_at:%Y-%m-%d %H:%M:%S}  {event.source} {event.event_id}  {event.kind}  {how}: "
        f"{event.note or 'not tried yet'}"
    )
