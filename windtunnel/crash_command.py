"""The command `crash`: every golden story with everything that at-least-once execution allows to go wrong."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import runtime
from fastmotion.stories import all_stories
from fastmotion.telling import named
from storefront import show
from storefront.errors import BadInput
from windtunnel.contract import Stuck
from windtunnel.crash import Accident, Crashed, crash


def crash_stories(
    story: Annotated[str, typer.Argument(help="One story; all if left out.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Crash each golden story at every step, repeat every activity, be a week late: the money must go the same way."""
    try:
        chosen = [named(story)] if story else list(all_stories().values())
    except BadInput as error:
        raise typer.BadParameter(str(error)) from None
    # What workflows warn of is told twice over here, and is no news: the stories mean it.
    logging.getLogger("temporalio").setLevel(logging.ERROR)
    try:
        crashed = [one for each in chosen for one in asyncio.run(crash(each))]
    except Stuck as failure:
        Console(stderr=True, markup=False, highlight=False).print(str(failure), soft_wrap=True)
        raise typer.Exit(runtime.Exit.FAILED) from None
    screen = show.console()
    if as_json:
        screen.print(json.dumps([asdict(one) for one in crashed], indent=2), soft_wrap=True, highlight=False)
    else:
        screen.print(_table(crashed))
        screen.print("\n".join(_totals(crashed)), soft_wrap=True, highlight=False)
    if any(one.differs for one in crashed):
        raise typer.Exit(runtime.Exit.FAILED)


def _table(crashed: list[Crashed]) -> Table:
    table = Table("story", *Accident, "overtaken", "came out otherwise", box=None, pad_edge=False)
    for name in dict.fromkeys(one.story for one in crashed):
        rows = {one.accident: one for one in crashed if one.story == name}
        # One timer late is one story told otherwise, however many of its sums are other ones.
        overtaken = {(one.accident, text.partition(":")[0]) for one in rows.values() for text in one.overtaken}
        differs = "; ".join(f"{one.accident}, {text}" for one in rows.values() for text in one.differs)
        times = (str(rows[accident].times) for accident in Accident)
        table.add_row(name, *times, str(len(overtaken) or ""), differs)
    return table


def _totals(crashed: list[Crashed]) -> list[str]:
    said = {
        Accident.REBUILT: "times an instance was thrown away and rebuilt, and wanted the same",
        Accident.TWICE: "activities were performed a second time",
        Accident.LATE: "timers rang a week late, one at a time",
        Accident.OUTAGE: "outages of a week began when a timer was due",
    }
    return [
        f"{sum(one.times for one in crashed if one.accident is accident):,} {text}" for accident, text in said.items()
    ]
