"""Three books of one order's money: when they agree, and every way in which they can differ."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.books import KINDS, Asked, Book, Books, Kind, Made, Mismatch
from domain.ledger import Account, Entry, EntryKind, Ledger
from domain.money import Money
from domain.reconciliation import compare

NOW = datetime(2026, 11, 5, 18, tzinfo=UTC)
REFUND = "refund-A-1"


def usd(minor: int) -> Money:
    """An amount in cents."""
    return Money(minor=minor, currency="USD")


def made(key: str = REFUND, minor: int = 4_000, reference: str = "re_1", **changes: Any) -> Made:
    """One movement at the provider."""
    facts: dict[str, Any] = {"kind": Kind.REFUND, "made_at": NOW, "order_id": "A"}
    return Made(key=key, amount=usd(minor), reference=reference, **(facts | changes))


def fact(key: str = REFUND, minor: int = 4_000, reference: str = "re_1", kind: EntryKind = EntryKind.REFUNDED) -> Entry:
    """One entry of the ledger."""
    return Entry(
        key=key,
        kind=kind,
        source=Account.ESCROW,
        target=Account.BUYER,
        amount=usd(minor),
        at=NOW,
        reference=reference,
    )


def asked(key: str = REFUND, minor: int = 4_000, reference: str = "re_1", kind: Kind = Kind.REFUND) -> Asked:
    """One movement in the history."""
    return Asked(key=key, kind=kind, amount=usd(minor), reference=reference)


def books(**changes: Any) -> Books:
    """Three books that agree about one refund, with the changes that a test cares for."""
    facts: dict[str, Any] = {"made": (made(),), "ledger": Ledger(facts=(fact(),)), "history": (asked(),)}
    return Books(order_id="A", **(facts | changes))


def differing(**changes: Any) -> list[tuple[str, Mismatch]]:
    """Which keys differ, and how."""
    return [(found.key, found.what) for found in compare(books(**changes)).differences]


def test_books_that_agree_say_so() -> None:
    """One movement in all three is one movement compared, and no difference; a fee needs no provider."""
    fee = fact("fee-A-1", kind=EntryKind.FEE)
    checked = compare(books(ledger=Ledger(facts=(fact(), fee))))
    assert (1, (), ()) == (checked.movements, checked.missing, checked.differences)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"made": ()}, Mismatch.NOT_AT_PROVIDER),
        ({"ledger": Ledger()}, Mismatch.NOT_IN_LEDGER),
        ({"history": ()}, Mismatch.NOT_IN_HISTORY),
        ({"made": (made(minor=4_001),)}, Mismatch.AMOUNT),
        ({"made": (made(kind=Kind.RELEASE),)}, Mismatch.KIND),
        ({"made": (made(reference="re_2"),)}, Mismatch.REFERENCE),
        ({"made": (made(), made(reference="re_2"))}, Mismatch.TWICE),
        ({"made": (made(failed="expired_card"),)}, Mismatch.FAILED),
        ({"made": (made(), made(minor=1, kind=Kind.RELEASE))}, Mismatch.KIND),
        ({"ledger": Ledger(facts=(fact(minor=3_999),))}, Mismatch.AMOUNT),
        ({"ledger": Ledger(facts=(fact(reference="re_9"),))}, Mismatch.REFERENCE),
        ({"history": (asked(minor=1),)}, Mismatch.AMOUNT),
        ({"history": (asked(reference="re_9"),)}, Mismatch.REFERENCE),
        ({"history": (asked(kind=Kind.CLAWBACK),)}, Mismatch.KIND),
    ],
)
def test_every_difference_is_named_with_what_to_do(changes: dict[str, Any], what: Mismatch) -> None:
    """One movement that is not the same everywhere is one difference, with what each book says of it."""
    (found,) = compare(books(**changes)).differences
    assert (REFUND, what, Book.PROVIDER in found.found) == (found.key, found.what, True)
    assert found.advice


def test_what_others_have_moved_is_foreign() -> None:
    """A refund that somebody made in the Dashboard has no key of ours: it is named by its reference."""
    assert [("re_7", Mismatch.FOREIGN)] == differing(made=(made(), made("", 50, "re_7")))
    assert [] == differing(made=(made(), made("", 50, "re_7", failed="canceled")))


def test_a_refund_in_the_place_of_one_that_the_bank_sent_back_is_no_difference() -> None:
    """What failed counts as not made: the live one under the same key is the movement."""
    assert [] == differing(made=(made(reference="re_0", failed="expired_card"), made()))


def test_parts_of_a_clawback_are_one_movement() -> None:
    """Taken from two payouts it has two references and one amount."""
    key = "clawback-A-1"
    parts = (
        made(key, 3_000, "trr_1", kind=Kind.CLAWBACK, source="tr_1"),
        made(key, 1_000, "trr_2", kind=Kind.CLAWBACK, source="tr_2"),
    )
    ledger = Ledger(facts=(fact(key, reference="trr_2,trr_1", kind=EntryKind.CLAWED_BACK),))
    history = (asked(key, reference="trr_2,trr_1", kind=Kind.CLAWBACK),)
    assert [] == differing(made=parts, ledger=ledger, history=history)
    assert [(key, Mismatch.AMOUNT)] == differing(made=parts[:1], ledger=ledger, history=history)


def test_an_order_that_still_runs_may_be_ahead_of_its_ledger() -> None:
    """What is asked for and not answered yet is no difference; a fact without its money is one also then."""
    running: dict[str, Any] = {"closed": False, "ledger": None}
    assert [] == differing(**running)
    assert [] == differing(**running, made=(), history=(asked(reference=""),))
    assert [] == differing(**running, history=(asked(reference=""),))
    assert [] == differing(**running, made=(made(minor=1),), history=(asked(reference=""),))
    assert [(REFUND, Mismatch.NOT_AT_PROVIDER)] == differing(**running, made=())
    assert [(REFUND, Mismatch.NOT_IN_HISTORY)] == differing(**running, history=())
    assert (Book.LEDGER,) == compare(books(**running)).missing


def test_an_order_taken_up_again_may_be_ahead_of_its_earlier_ledger() -> None:
    """Its outcome is that of the first closing: a later movement is not missing in it yet."""
    both = {"made": (made(), made("refund-A-2", 1, "re_2")), "history": (asked(), asked("refund-A-2", 1, "re_2"))}
    assert [] == differing(closed=False, **both)
    assert [("refund-A-2", Mismatch.NOT_IN_LEDGER)] == differing(closed=True, **both)


def test_an_old_order_without_its_history_is_compared_with_two_books() -> None:
    """After the namespace's retention the ledger and the provider remain, and the report says what was not at hand."""
    checked = compare(books(history=None))
    assert ((Book.HISTORY,), ()) == (checked.missing, checked.differences)
    assert [(REFUND, Mismatch.NOT_AT_PROVIDER)] == differing(history=None, made=())


def test_a_refused_movement_is_no_difference_unless_it_was_made_all_the_same() -> None:
    """A dropped intent is in the history without a reference, and nowhere else."""
    dropped = (asked(), asked("refund-A-2", reference=""))
    assert [] == differing(history=dropped)
    late = (made(), made("refund-A-2", reference="re_2"))
    assert [("refund-A-2", Mismatch.NOT_IN_LEDGER)] == differing(history=dropped, made=late)


MOVEMENTS = st.lists(
    st.tuples(st.sampled_from([kind for kind in EntryKind if kind in KINDS]), st.integers(1, 10_000)), max_size=6
)


@given(MOVEMENTS, st.data())
def test_any_movement_altered_removed_or_doubled_at_the_provider_is_found(
    movements: list[tuple[EntryKind, int]], data: st.DataObject
) -> None:
    """The law: untouched books agree, and whichever movement is touched is the one that is named."""
    ledger, history, provider = [], [], []
    for number, (kind, minor) in enumerate(movements):
        key, reference = f"key-{number}", f"ref-{number}"
        ledger.append(fact(key, minor, reference, kind))
        history.append(asked(key, minor, reference, KINDS[kind]))
        provider.append(made(key, minor, reference, kind=KINDS[kind]))
    whole: dict[str, Any] = {"ledger": Ledger(facts=tuple(ledger)), "history": tuple(history)}
    assert [] == differing(made=tuple(provider), **whole)
    if not provider:
        return

    place = data.draw(st.integers(0, len(provider) - 1))
    touched = provider[place]
    more = touched.amount.minor + data.draw(st.integers(1, 100))
    becomes = data.draw(
        st.sampled_from(
            [
                (),
                (touched, touched.model_copy(update={"reference": "again"})),
                (touched.model_copy(update={"amount": usd(more)}),),
                (touched.model_copy(update={"reference": "other"}),),
                (touched.model_copy(update={"failed": "returned"}),),
            ]
        )
    )
    provider[place : place + 1] = becomes
    assert [touched.key] == [key for key, _ in differing(made=tuple(provider), **whole)]
