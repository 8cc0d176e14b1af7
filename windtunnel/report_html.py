"""The report of a policy replay as one page that a policy owner can read: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

from windtunnel import report_show
from windtunnel.report import Failure, Figure, Report
from windtunnel.report_charts import FIRST, SECOND, curves, paired_bars, stacked_bars, week

_STYLE: Final = f"""
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }}
h1 {{ font-size: 1.6rem; line-height: 1.2; }}
h2 {{ font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid #ddd; }}
svg {{ width: 100%; height: auto; font: 12px system-ui, sans-serif; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
th, td {{ padding: .2rem .5rem; text-align: left; vertical-align: top; border-bottom: 1px solid #eee; }}
td.n, th.n {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
tr.clear td {{ font-weight: 600; }}
tr.section th {{ padding-top: 1rem; }}
.first {{ color: {FIRST}; font-weight: 600; }}
.second {{ color: {SECOND}; font-weight: 600; }}
.tiles {{ display: flex; flex-wrap: wrap; gap: 1rem; }}
.tile {{ border: 1px solid #ddd; border-radius: .4rem; padding: .6rem 1rem; flex: 1 1 12rem; }}
.tile p {{ margin: 0; font-size: .85rem; color: #555; }}
.failed {{ background: #fdecea; padding: .5rem 1rem; }}
code {{ font-size: .85rem; overflow-wrap: anywhere; }}
@media print {{ h2 {{ break-after: avoid; }} svg {{ break-inside: avoid; }} }}
"""

_TILES: Final = (
    "handed over by the policy's ship-by date",
    "reminders sent",
    "cancelled before shipping",
    "cases opened",
    "cases that came to support",
    "days to final money, median",
)
_PROMISES: Final = ("handed over by the policy's ship-by date", "delivered by the estimate")
_SHARED: Final = ("back to buyers", "to sellers", "to the platform", "tax", "to carriers for returns")


def page(found: Report) -> str:
    """The whole page, in HTML 5 and UTF-8."""
    title = f"{found.first} and {found.second}, compared"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"{''.join(_parts(found))}</body></html>\n"
    )


def _parts(found: Report) -> Iterator[str]:
    yield f"<h1>What <span class='second'>{escape(found.second)}</span> would have changed</h1>"
    yield f"<p>Compared with <span class='first'>{escape(found.first)}</span>. {escape(report_show.heading(found))}</p>"
    yield from _failures(found.failures)
    yield f"<div class='tiles'>{''.join(_tile(found.figure(name)) for name in _TILES)}</div>"
    yield "<h2>Promises kept</h2>"
    yield _bars("Share of orders that kept each promise", [found.figure(name) for name in _PROMISES])
    yield "<h2>How orders ended</h2>"
    yield _bars("Orders by their ending", _section(found, "How orders ended"))
    if cases := _section(found, "Cases by reason, and how they ended"):
        yield "<h2>Cases, by reason and how they ended</h2>"
        yield _bars("Cases by reason and ending", cases)
    yield "<h2>Where the money went</h2>"
    for currency in sorted({one.currency for one in found.figures if one.currency}):
        yield f"<p>{escape(currency)}</p>{_money(found, currency)}"
    yield "<h2>How soon money was final</h2>"
    yield "<p>Share of orders whose last money had moved, by days after the purchase.</p>"
    yield curves("Share of orders with final money by day", found.final_money.first, found.final_money.second)
    yield _legend(found)
    yield "<h2>When cases come to support</h2>"
    most = max(*found.load_first.by_hour, *found.load_second.by_hour)
    for name, load, colour in (
        (found.first, found.load_first, FIRST),
        (found.second, found.load_second, SECOND),
    ):
        total = sum(load.by_hour)
        yield f"<p>{escape(name)}: {total:,} cases, by hour of the week in {escape(load.zone)}.</p>"
        yield week(f"Cases that came to support under {name}, by hour of the week", load.by_hour, most, colour)
    yield "<h2>All figures</h2>"
    yield f"<p>{escape(report_show.method(found))} Rows in bold are those with *.</p>{_table(found)}"
    yield "<h2>What is assumed</h2>"
    yield from _assumed(found)
    yield "<h2>What was left out</h2>"
    lines = report_show.left_out(found) or ("Nothing.",)
    yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _section(found: Report, section: str) -> list[Figure]:
    return [one for one in found.figures if one.section == section]


def _tile(figure: Figure) -> str:
    bounds = report_show.interval(figure)
    difference = report_show.value(figure, figure.difference, signed=True)
    return (
        f"<div class='tile'><p>{escape(figure.name)}</p>"
        f"<span class='first'>{escape(report_show.value(figure, figure.first))}</span> → "
        f"<span class='second'>{escape(report_show.value(figure, figure.second))}</span>"
        f"<p>{escape(difference)}{escape(f' ({bounds})' if bounds else '')}</p></div>"
    )


def _bars(title: str, rows: Sequence[Figure]) -> str:
    return paired_bars(
        title,
        [
            (one.name, one.first, one.second, report_show.value(one, one.first), report_show.value(one, one.second))
            for one in rows
        ],
    )


def _money(found: Report, currency: str) -> str:
    rows = [one for name in _SHARED for one in found.figures if one.name == f"{name}, {currency}"]

    def parts(second: bool) -> list[tuple[str, float, str]]:
        values = [(one, one.second if second else one.first) for one in rows]
        return [(one.name.split(",")[0], value, report_show.value(one, value)) for one, value in values]

    return stacked_bars(f"Who got the money, {currency}", [(found.first, parts(False)), (found.second, parts(True))])


def _legend(found: Report) -> str:
    return (
        f"<p><span class='first'>■ {escape(found.first)}</span> "
        f"<span class='second'>■ {escape(found.second)}</span></p>"
    )


def _table(found: Report) -> str:
    head = "".join(
        f"<th class='n'>{escape(name)}</th>" for name in (found.first, found.second, "difference", "middle 95 %")
    )
    rows: list[str] = []
    for section, figures in groupby(found.figures, key=lambda one: one.section):
        rows.append(f"<tr class='section'><th colspan='5'>{escape(section)}</th></tr>")
        rows.extend(map(_row, figures))
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _row(figure: Figure) -> str:
    numbers = (
        report_show.value(figure, figure.first),
        report_show.value(figure, figure.second),
        report_show.value(figure, figure.difference, signed=True),
        report_show.interval(figure) + (" *" if figure.clear else ""),
    )
    cells = "".join(f"<td class='n'>{escape(number)}</td>" for number in numbers)
    return f"<tr{' class=clear' if figure.clear else ''}><td>{escape(figure.name)}</td>{cells}</tr>"


def _assumed(found: Report) -> Iterator[str]:
    yield f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in found.told_assumptions)}</ul>"
    if not found.behaviour:
        yield "<p>The model of how people react was switched off; only the desk's numbers apply.</p>"
    rows = "".join(
        f"<tr><td>{escape(one.means)}</td><td class='n'>{one.value:g}</td><td>{escape(one.source)}</td></tr>"
        for one in found.assumptions
    )
    head = "<tr><th>what</th><th class='n'>value</th><th>source</th></tr>"
    yield f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _failures(failures: Sequence[Failure]) -> Iterator[str]:
    for one in failures:
        yield (
            f"<p class='failed'>Order {escape(one.order_id)} failed under {escape(one.pack)}: {escape(one.why)}<br>"
            f"<code>{escape(one.command)}</code></p>"
        )
