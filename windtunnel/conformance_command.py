"""The command `conformance`: what real marketplaces have published, against the real workflow."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import runtime
from storefront import show
from windtunnel import overrides
from windtunnel.conformance import Result, check
from windtunnel.rulebook import Book, Published, books, sources


def conformance(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="MARKETPLACE", help="Only these, for example mercari.")
    ] = None,
    show_pack: Annotated[
        bool, typer.Option("--show-pack", help="Check nothing, print the whole pack of one marketplace as TOML.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list of the rules checked.")] = False,
) -> None:
    """Check each rule that real marketplaces have published, at its instant and one second before.

    Exit code 1 if one is not reproduced exactly. Rules that no policy can express are listed below the table.
    """
    chosen = _chosen(names or [])
    screen = show.console()
    if show_pack:
        if len(chosen) != 1:
            raise typer.BadParameter("name one marketplace whose pack to print", param_hint="--show-pack")
        screen.print(overrides.written_out(overrides.known(chosen[0].pack)), markup=False, soft_wrap=True)
        return
    results = [result for book in chosen for result in check(book)]
    if as_json:
        screen.print(_as_json(results), markup=False, soft_wrap=True)
    else:
        _print(screen, chosen, results)
    if not all(result.ok for result in results):
        raise typer.Exit(runtime.Exit.FAILED)


def _chosen(names: list[str]) -> list[Book]:
    known = {book.pack: book for book in books()}
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f", did you mean {close[0]}?" if close else ";"
            raise typer.BadParameter(f"no rules of {name!r} are known{hint} There are: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names or known)]


def _as_json(results: Iterable[Result]) -> str:
    told = [
        {
            "marketplace": result.marketplace,
            "rule": result.rule.rule,
            "value": result.rule.value,
            "source": _cited(result.rule),
            "ok": result.ok,
            "findings": result.findings,
        }
        for result in results
    ]
    return json.dumps(told, indent=2, ensure_ascii=False)


def _cited(published: Published) -> str:
    """The sources in full: key, grade and page of each."""
    return "; ".join(f"{key} ({sources()[key].grade}) {sources()[key].page}" for key in published.source)


def _print(screen: Console, chosen: list[Book], results: list[Result]) -> None:
    table = _table("result")
    for result in results:
        said = "ok" if result.ok else f"FAILED: {'; '.join(result.findings)}"
        table.add_row(*_row(result.marketplace, result.rule), said)
    screen.print(table)
    cannot = _table("why no policy can express it")
    for book in chosen:
        for one in book.not_expressible:
            cannot.add_row(*_row(book.marketplace, one), one.why)
    screen.print("\nNot expressible", style="bold")
    screen.print(cannot)
    cited = sorted({key for book in chosen for one in (*book.rules, *book.not_expressible) for key in one.source})
    screen.print("\nSources. P: the platform's own page; R: code that was read; S: somebody else's copy or guide")
    for key in cited:
        screen.print(f"{key:<5}{sources()[key].grade}  {sources()[key].page}", soft_wrap=True, highlight=False)
    good = sum(result.ok for result in results)
    screen.print(f"\n{good} of {len(results)} rules reproduced exactly")


def _table(last: str) -> Table:
    table = Table("marketplace", "rule", "value", "source", last, box=None, pad_edge=False)
    for column in (2, 3):
        table.columns[column].no_wrap = True
    return table


def _row(marketplace: str, published: Published) -> tuple[str, ...]:
    keys = ", ".join(f"{key} ({sources()[key].grade})" for key in published.source)
    return marketplace, published.rule, published.value, keys
