"""A report adds up batches, and stays small enough for Temporal however much differs."""

from __future__ import annotations

from domain.books import Checked, Difference, Mismatch
from domain.reconciliation_report import MOST_SHOWN, BatchChecked, Report, Unread


def differing(number: int, differences: int = 1) -> Checked:
    """An order about which the books differ in so many movements."""
    order_id = f"A-{number}"
    found = (Difference(order_id=order_id, key=f"refund-{order_id}-1", what=Mismatch.AMOUNT),) * differences
    return Checked(order_id=order_id, movements=differences, differences=found)


def test_batches_add_up() -> None:
    """Orders and movements are counted, differences and what could not be read are kept in their order."""
    unread = Unread(order_id="A-9", why="gone", known=False)
    first = Report().with_batch(BatchChecked(orders=3, movements=4, checked=(differing(1),)))
    both = first.with_batch(BatchChecked(orders=2, movements=1, checked=(differing(2),), unread=(unread,)))
    assert (5, 5, ["A-1", "A-2"], (unread,)) == (
        both.orders,
        both.movements,
        [difference.order_id for difference in both.differences],
        both.unread,
    )


def test_only_a_report_without_any_finding_agrees() -> None:
    """What could not be read, and what is not shown, is no agreement."""
    unread = BatchChecked(orders=1, unread=(Unread(order_id="A-9", why="gone"),))
    assert Report().with_batch(BatchChecked(orders=1)).agrees
    assert not Report().with_batch(BatchChecked(orders=1, checked=(differing(1),))).agrees
    assert not Report().with_batch(unread).agrees
    assert not Report(more=1).agrees


def test_a_report_is_bounded_and_says_how_much_it_leaves_out() -> None:
    """A day on which everything differs still ends with a report that Temporal carries."""
    everything = BatchChecked(
        orders=2 * MOST_SHOWN,
        checked=tuple(differing(number) for number in range(MOST_SHOWN + 7)),
        unread=tuple(Unread(order_id=f"B-{number}", why="gone") for number in range(MOST_SHOWN + 5)),
    )
    report = Report().with_batch(everything)
    assert (MOST_SHOWN, MOST_SHOWN, 12) == (len(report.differences), len(report.unread), report.more)
    assert len(report.model_dump_json()) < 500_000
