"""The report of a policy replay as tables for people."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.table import Table

from domain.money import Money
from windtunnel.report import Figure, Report, Unit


def report(screen: Console, found: Report) -> None:
    """Everything but the charts."""
    screen.print(heading(found))
    for line in left_out(found):
        screen.print(line)
    screen.print()
    screen.print(_figures(found))
    screen.print(method(found))
    screen.print("\nWhat is assumed", style="bold")
    for text in found.told_assumptions:
        screen.print(f"- {text}")
    screen.print(_assumptions(found))
    for failure in found.failures:
        screen.print(f"FAILED  {failure.order_id} under {failure.pack}: {failure.why}\n        {failure.command}")
    if found.sound:
        screen.print("ok      every order ended, and every ledger conserves its money and agrees with the provider")


def heading(found: Report) -> str:
    """What was replayed, in a sentence."""
    drawn = f"drawn with seed {found.seed} from" if found.source.sampled else f"with seed {found.seed}, from"
    people = "with" if found.behaviour else "without"
    return (
        f"{found.orders:,} orders under {found.first} and {found.second}, {drawn} {found.source.name} "
        f"({found.source.read:,} read), {people} a model of how people react."
    )


def left_out(found: Report) -> tuple[str, ...]:
    """What was left out on the way, a sentence each."""
    source = found.source
    fate = f"Left out because they were recorded for their fate: {source.without_base_rates:,}."
    faults = (
        f"Left out because they cannot be played: {times:,}, {fault}." for fault, times in source.unplayable.items()
    )
    return ((fate,) if source.without_base_rates else ()) + tuple(faults)


def method(found: Report) -> str:
    """How to read a difference."""
    return (
        f"Difference: {found.second} less {found.first}, over the same orders and the same chance. "
        f"In brackets the middle 95 % of {found.resamples} draws of the orders anew (bootstrap); "
        "* where they leave no doubt about the direction. They do not cover errors in what is assumed."
    )


def value(figure: Figure, number: float, *, signed: bool = False) -> str:
    """A number in the figure's own unit; `signed` for a difference."""
    shown = round(number * 100 if figure.unit is Unit.SHARE else number, 1) or 0.0  # never "-0.0"
    sign = "+" if signed and shown > 0 else ""
    match figure.unit:
        case Unit.SHARE:
            return f"{sign}{shown:.1f}{' pp' if signed else ' %'}"
        case Unit.DAYS:
            return f"{sign}{shown:.1f} d"
        case Unit.MONEY:
            return f"{sign}{Money(minor=round(number), currency=figure.currency)}"
        case _:
            return f"{sign}{round(number):,}"


def interval(figure: Figure) -> str:
    """The interval of the difference; empty if there is none."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{value(figure, figure.low, signed=True)} to {value(figure, figure.high, signed=True)}"


def _figures(found: Report) -> Table:
    table = Table("", found.first, found.second, "difference", "95 %", "", box=None, pad_edge=False)
    for column in table.columns[1:5]:
        column.justify = "right"
    for section, figures in groupby(found.figures, key=lambda figure: figure.section):
        table.add_row(section, style="bold")
        for one in figures:
            bounds = interval(one)
            table.add_row(
                f"  {one.name}",
                value(one, one.first),
                value(one, one.second),
                value(one, one.difference, signed=True),
                f"({bounds})" if bounds else "",
                "*" if one.clear else "",
            )
        table.add_section()
    return table


def _assumptions(found: Report) -> Table:
    table = Table("number", "value", "what it means", "source", box=None, pad_edge=False)
    for one in found.assumptions:
        table.add_row(one.name.replace("_", " "), f"{one.value:g}", one.means, one.source)
    return table
