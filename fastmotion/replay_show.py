"""The result of a replay as tables for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from domain.money import Money
from fastmotion.replay_report import Report, Result


def result(screen: Console, found: Result) -> None:
    """Everything, the assumptions aside: those are in docs/replay.md."""
    report, drawn = found.report, found.drawn
    screen.print(
        f"{report.orders} orders under {found.pack}, drawn with seed {found.seed} from {drawn.playable:,} playable "
        f"of the {drawn.read:,} in {drawn.source}; a day took {found.day:g} s, all {found.seconds:g} s."
    )
    if drawn.without_base_rates:
        screen.print(f"Left out because they were sampled for their fate: {drawn.without_base_rates:,}.")
    for fault, times in drawn.unplayable.items():
        screen.print(f"Left out because they cannot be played: {times:,}, {fault}.")
    screen.print()
    screen.print(_facts(report))
    screen.print(_confusion(report))
    screen.print(_money(report))
    screen.print(_counted("Notices sent (reminders are 'reminded')", report.notices))
    if lag := report.lag_hours:
        spread = ", ".join(f"{name} {hours:g} h" for name, hours in lag.items())
        screen.print(f"How far the workers were behind, in policy time: {spread}\n")
    if report.overtaken:
        screen.print(
            f"{report.overtaken} orders ended although a message sent earlier was on its way: "
            "too fast for this machine as it is now. Take a longer --day.\n"
        )
    for check in report.checks:
        screen.print(f"{'ok    ' if check.holds else 'FAILED'}  {check.law}{check.detail and f': {check.detail}'}")


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _facts(report: Report) -> Table:
    table = _table("What happened, and what Redress did", "", "orders")
    for section, counts in report.facts.items():
        table.add_row(section, "", style="bold")
        for name, number in counts.items():
            table.add_row(f"  {name}", f"{number:,}")
        table.add_section()
    return table


def _confusion(report: Report) -> Table:
    endings = sorted({ending for row in report.table.values() for ending in row})
    table = _table("Really (rows), and how Redress ended (columns)", "", *endings, "all")
    for name, row in report.table.items():
        table.add_row(name, *(str(row.get(ending, "")) for ending in endings), str(sum(row.values())))
    return table


def _money(report: Report) -> Table:
    table = _table("Money", "", *report.money)
    for name in dict.fromkeys(name for sums in report.money.values() for name in sums):
        table.add_row(name, *_amounts(report, name))
    return table


def _amounts(report: Report, name: str) -> Iterator[str]:
    for currency, sums in report.money.items():
        yield str(Money(minor=sums.get(name, 0), currency=currency))


def _counted(title: str, counts: dict[str, int]) -> Table:
    table = _table(title, "", "notices")
    for name, number in counts.items():
        table.add_row(name, f"{number:,}")
    return table
