"""Orders as storefronts write them: read, checked, pinned to a policy."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain import policy_packs
from storefront import documents
from storefront.draft import overdue, too_early
from storefront.errors import BadInput
from tests.storefront.orders import EXAMPLES, a_draft, document

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _file(folder: Path, text: str) -> str:
    path = folder / "orders.json"
    path.write_text(text, encoding="utf-8")
    return str(path)


def _problems(folder: Path, value: Any) -> tuple[str, ...]:
    """What is said of a document, without the name of its file."""
    file = _file(folder, json.dumps(value))
    with pytest.raises(BadInput) as caught:
        documents.drafts([file], NOW)
    return tuple(problem.removeprefix(f"{file}: ") for problem in caught.value.problems)


def _refused(folder: Path, text: str) -> str:
    """The message about a document that cannot be read, with FILE for its name."""
    file = _file(folder, text)
    with pytest.raises(BadInput) as caught:
        documents.drafts([file], NOW)
    return str(caught.value).replace(file, "FILE")


def test_pinned_policy_has_holidays_of_both_parties() -> None:
    """An order keeps the pack it names, with the holidays of buyer's and seller's countries."""
    draft = a_draft(NOW, buyer={"id": "b-1", "country": "DE"}, seller={"id": "s-1", "country": "FR"})

    order = draft.order()

    assert (("DE", "FR"), "resale-v1") == (tuple(order.policy.holidays), order.policy.pack)
    assert order.policy == policy_packs.pin(policy_packs.load("resale-v1"), placed_at=NOW, countries=("DE", "FR"))


def test_unknown_pack_is_refused_with_the_packs_there_are() -> None:
    """An unknown pack names the known ones."""
    with pytest.raises(BadInput) as caught:
        a_draft(NOW, pack="resale-v9").order()

    problem = "pack or country: There is no policy pack 'resale-v9', did you mean 'resale-v1'? There are: resale-v1."
    assert (problem,) == caught.value.problems


def test_country_without_known_holidays_is_refused() -> None:
    """Business time needs holidays, so a country without them cannot take part."""
    with pytest.raises(BadInput, match="no holidays known for 'QQ'"):
        a_draft(NOW, buyer={"id": "b-1", "country": "QQ"}).order()


def test_every_example_can_start() -> None:
    """The orders under examples/ are good; without `placed_at` they are placed now."""
    drafts = documents.drafts([str(path) for path in sorted(EXAMPLES.iterdir())], NOW)

    assert ["A-2", "A-1", "A-3", "A-4"] == [draft.order_id for draft in drafts]
    assert [None] * 4 == [overdue(draft.order(), NOW) for draft in drafts]


@pytest.mark.parametrize("form", ["array", "lines", "indented"])
def test_many_orders_in_one_document(tmp_path: Path, form: str) -> None:
    """An array, JSON lines and objects one after the other all hold many orders."""
    orders = [document(order_id="A-1"), document(order_id="A-2")]
    text = {
        "array": json.dumps(orders),
        "lines": "\n".join(map(json.dumps, orders)),
        "indented": "\ufeff" + "\n".join(json.dumps(order, indent=2) for order in orders),
    }[form]

    drafts = documents.drafts([_file(tmp_path, text)], NOW)

    assert ["A-1", "A-2"] == [draft.order_id for draft in drafts]


def test_malformed_json_is_told_by_line_and_column(tmp_path: Path) -> None:
    """Malformed JSON says where."""
    assert (
        "FILE is not JSON from line 2, column 16 on: Expecting ',' delimiter. "
        "Put it right there and try again; nothing was started."
    ) == _refused(tmp_path, '{"order_id": "A-1"}\n{"order_id": 1 "pack": 2}')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "FILE is empty. Give it an order in JSON; examples/orders has some."),
        ("[]", "FILE is empty. Give it an order in JSON; examples/orders has some."),
        ("[" * 100_000, "FILE is nested too deeply to be an order."),
    ],
)
def test_documents_without_an_order(tmp_path: Path, text: str, expected: str) -> None:
    """What holds no order is refused, not passed over."""
    assert expected == _refused(tmp_path, text)


def test_file_that_is_no_text(tmp_path: Path) -> None:
    """A file that is not UTF-8 is told so, with the byte."""
    path = tmp_path / "photo.json"
    path.write_bytes(b"{\xff")

    with pytest.raises(BadInput, match=r"photo\.json is not UTF-8 text \(byte 1\)\. Save it as UTF-8\."):
        documents.drafts([str(path)], NOW)


def test_missing_file() -> None:
    """A file that is not there is named."""
    with pytest.raises(BadInput) as caught:
        documents.drafts(["nowhere.json"], NOW)

    assert "nowhere.json cannot be read (No such file or directory). Check the path." == str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ship_bY": "2026-12-01T00:00:00Z"}, "ship_bY: there is no such field; check its spelling"),
        ({"payment_ref": None}, "payment_ref: Input should be a valid string"),
        ({"lines": []}, "lines: Tuple should have at least 1 item after validation, not 0"),
        ({"placed_at": "2026-11-24T09:00:00"}, "placed_at: needs a time zone, for example 2026-11-24T09:00:00Z"),
        (
            {"ship_by": "2026-11-23T09:00:00Z"},
            "order: ship_by is not after placed_at: a deadline cannot lie in the past of its own order",
        ),
        (
            {"ship_by": "2500-01-01T00:00:00Z"},
            "order: ship_by is more than 366 days after placed_at: correct the year",
        ),
        (
            {"estimate": "2500-01-01T00:00:00Z"},
            "order: estimate is more than 366 days after placed_at: correct the year",
        ),
        ({"placed_at": "2999-12-25T00:00:00Z"}, "order: placed_at lies after 2899: correct the year"),
        (
            {"order_id": "case-1"},
            "order: order_id begins with order- or case- or reopened-, which Redress itself puts before it",
        ),
    ],
)
def test_wrong_fields_are_named(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """Each mistake is a line with the path of its field."""
    assert (expected,) == _problems(tmp_path, document(**changes))


@pytest.mark.parametrize(
    ("tax", "expected"),
    [
        ({"minor": 1000, "currency": "EUR"}, "price: tax is in EUR, but items is in USD: use one currency"),
        ({"minor": -5, "currency": "USD"}, "price: tax is USD -0.05: an amount cannot be negative"),
        (
            {"minor": 10**30, "currency": "USD"},
            "price: tax is above 1,000,000,000,000,000 minor units: correct the amount",
        ),
        (
            {"minor": 1000, "currency": "EUX"},
            "price.tax.currency: 'EUX' is not an ISO 4217 currency; write three capital letters, for example USD",
        ),
        (
            {"minor": 10.5, "currency": "USD"},
            "price.tax.minor: Input should be a valid integer, got a number with a fractional part",
        ),
    ],
)
def test_wrong_money_is_refused(tmp_path: Path, tax: dict[str, Any], expected: str) -> None:
    """Another currency, a negative amount, an unknown currency and a broken cent are told apart."""
    order = document()
    order["price"]["tax"] = tax

    assert (expected,) == _problems(tmp_path, order)


def test_all_mistakes_are_told_at_once_and_values_never(tmp_path: Path) -> None:
    """Every order of a document is checked; what was written where an id belongs is not repeated."""
    first = document(buyer={"id": "Jane Doe, 12 High Street"})
    second = document()
    del second["price"]
    file = _file(tmp_path, json.dumps([first, second]))

    with pytest.raises(BadInput) as caught:
        documents.drafts([file], NOW)

    assert [f"{file}, order 1: buyer.id", f"{file}, order 2: price"] == [
        problem.rsplit(": ", 1)[0] for problem in caught.value.problems
    ]
    assert "Jane" not in str(caught.value)


def test_many_mistakes_are_cut_short(tmp_path: Path) -> None:
    """A hopeless document does not flood the terminal, nor do the names of its fields."""
    wrong = {f"\u001b[31m{number:04}{'x' * 100}": 1 for number in range(500)}

    problems = _problems(tmp_path, document(**wrong))

    assert (21, "and 480 more") == (len(problems), problems[-1])
    assert f"?[31m0000{'x' * 31}: there is no such field; check its spelling" == problems[0]


def test_purchase_in_the_future() -> None:
    """Clocks of two machines may differ by a day; a purchase beyond that was mistyped."""
    order = a_draft(NOW).order()

    assert None is too_early(order, NOW - timedelta(days=1))
    assert (
        "placed_at: the purchase on 2026-11-24 09:00 UTC lies in the future; correct placed_at or leave it out"
        == too_early(order, NOW - timedelta(days=1) - SECOND)
    )


def test_deadline_in_the_past() -> None:
    """An order whose ship-by has come is overdue, from that instant on."""
    order = a_draft(NOW).order()
    due = NOW + timedelta(days=7)

    told = overdue(order, due)

    assert overdue(order, due - SECOND) is None
    assert told == (
        "placed_at: with a purchase on 2026-11-24 09:00 UTC, the deadline to ship (resale-v1/shipping.soft) passed on "
        "2026-12-01 09:00 UTC; correct placed_at or ship_by, or say that the order is backdated (--backdated) to "
        "replay what happened"
    )
