"""What the command line shows people of comparing the books."""

from __future__ import annotations

from domain import wording
from domain.books import Book, Difference
from domain.reconciliation_report import Report
from storefront.books import Daily


def lines(report: Report) -> list[str]:
    """The report for people: each difference with what every book says, and what to do."""
    told = [line for difference in report.differences for line in _difference_lines(difference)]
    told += [f"{one.order_id}: not compared. {one.why}." for one in report.unread]
    if report.more:
        told.append(f"{report.more} more orders differ or could not be read; compare again when these are mended.")
    what = f"{_counted(report.orders, 'order')}, {_counted(report.movements, 'movement')} compared"
    differing = len({difference.order_id for difference in report.differences})
    results = [f"{_counted(differing, 'order')} with differences"] if differing or report.more else []
    results += [f"{_counted(len(report.unread), 'order')} not compared"] if report.unread else []
    return [*told, f"{what}: {', '.join(results) or 'provider, ledger and history agree'}."]


def _difference_lines(difference: Difference) -> list[str]:
    said = [f"  {book.value:<9} {difference.found.get(book) or '-'}" for book in Book]
    return [f"{difference.order_id}  {difference.key}  {difference.what}", *said, f"  to do     {difference.advice}"]


def daily_lines(daily: Daily) -> list[str]:
    """How the daily comparison stands, for people."""
    if not daily.on:
        return ["Nothing is compared by itself: starter.py reconcile-daily --at 03:00"]
    told = [
        f"The books are compared every day at {daily.at} UTC: orders whose money moved in the last {daily.days} days.",
        f"  next      {', '.join(wording.moment(at) for at in daily.next)}",
    ]
    if daily.report is None:
        return [*told, "  last      none has ended yet"]
    return [*told, f"  last      {daily.last_workflow}", *(f"  {line}" for line in lines(daily.report))]


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
