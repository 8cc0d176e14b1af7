"""Reading recorded orders: the CSV form of docs/replay.md, and the tables of Olist."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.money import Money
from domain.parties import Party
from fastmotion.recorded import CSV_COLUMNS, RecordedOrder, Review, Withdrawn, csv_file, olist, olist_folder
from storefront.errors import BadInput

ROOT = Path(__file__).parents[2]

TABLES = {
    "orders": """\
order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,\
order_delivered_customer_date,order_estimated_delivery_date,sample_sources
o-1,c-1,delivered,2017-10-02 10:00:00,2017-10-02 11:00:00,2017-10-04 19:55:00,2017-10-10 21:25:13,2017-10-18 00:00:00,A
o-2,c-2,unavailable,2017-10-03 10:00:00,,,,2017-10-20 00:00:00,C
o-3,c-1,canceled,2018-01-05 10:00:00,,,,2018-01-20 00:00:00,CG
""",
    "customers": """\
customer_id,customer_unique_id
c-1,person-1
c-2,person-2
""",
    "order_items": """\
order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
o-1,1,p-1,s-1,2017-10-06 11:00:00,20.00,8.72
o-1,2,p-2,s-2,2017-10-09 11:00:00,99.9,10
o-3,1,p-1,s-1,2018-01-10 11:00:00,20.00,8.72
""",
    "order_reviews": """\
review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp
r-1,o-1,5,,"Now it works,
thank you",2017-10-11 00:00:00,2017-10-20 12:00:00
r-2,o-1,2,No,Broken,2017-10-11 00:00:00,2017-10-12 12:00:00
""",
}


def tables(folder: Path, **changed: str) -> Path:
    """A folder with made-up tables in the form of Olist's, some of them changed."""
    for name, text in (TABLES | changed).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def by_id(folder: Path) -> dict[str, RecordedOrder]:
    """All orders of the tables."""
    return {order.order_id: order for order in olist(folder)}


def test_olist_times_are_local_to_sao_paulo(tmp_path: Path) -> None:
    """The tables have no time zone; Brazil's summer time, which began on 15 October 2017, counts."""
    order = by_id(tables(tmp_path))["o-1"]

    assert datetime(2017, 10, 2, 13, tzinfo=UTC) == order.purchased_at
    assert datetime(2017, 10, 18, 2, tzinfo=UTC) == order.estimate


def test_an_order_with_several_sellers_belongs_to_that_of_its_dearest_item(tmp_path: Path) -> None:
    """All its items are paid, the dearest item names the seller, and the latest limit is the ship-by date."""
    order = by_id(tables(tmp_path))["o-1"]

    assert [(2_000, "p-1"), (9_990, "p-2")] == [(line.price.minor, line.listing_id) for line in order.lines]
    assert Money(minor=11_990, currency="BRL") == order.items
    assert Money(minor=1_872, currency="BRL") == order.shipping
    assert Party(id="s-2", locale="pt_BR", time_zone="America/Sao_Paulo", country="BR") == order.seller
    assert datetime(2017, 10, 9, 14, tzinfo=UTC) == order.ship_by


def test_a_buyer_is_the_person_not_the_order(tmp_path: Path) -> None:
    """Olist gives every order a customer of its own; `customer_unique_id` is who that is."""
    orders = by_id(tables(tmp_path))

    assert "person-1" == orders["o-1"].buyer.id == orders["o-3"].buyer.id


def test_the_first_answer_of_several_reviews_counts(tmp_path: Path) -> None:
    """What a buyer said first is what Redress would have heard; of the text only the length is kept."""
    order = by_id(tables(tmp_path))["o-1"]

    assert Review(score=2, at=datetime(2017, 10, 12, 15, tzinfo=UTC), length=8) == order.review


def test_what_is_not_on_record_is_none(tmp_path: Path) -> None:
    """An unavailable order often has no items, so neither seller nor ship-by date; it is a record all the same."""
    order = by_id(tables(tmp_path))["o-2"]

    assert (None, (), None, None) == (order.seller, order.lines, order.ship_by, order.handed_over_at)
    assert Withdrawn.UNAVAILABLE is order.withdrawn
    assert Withdrawn.CANCELLED is by_id(tmp_path)["o-3"].withdrawn


def test_orders_sampled_for_their_fate_carry_no_base_rates(tmp_path: Path) -> None:
    """Sample C holds every cancelled order and G only delivered ones; A, H and P are random."""
    orders = by_id(tables(tmp_path))

    assert [True, False, False] == [orders[order_id].base_rates for order_id in ("o-1", "o-2", "o-3")]


def test_without_sample_sources_every_order_counts(tmp_path: Path) -> None:
    """The data set as Olist publishes it is no sample."""
    lines = TABLES["orders"].splitlines()
    orders = "".join(f"{line.rpartition(',')[0]}\n" for line in lines)

    assert all(order.base_rates for order in olist(tables(tmp_path, orders=orders)))


def test_tables_may_be_gzipped(tmp_path: Path) -> None:
    """`orders.csv.gz` is read as well as `orders.csv`."""
    for name, text in TABLES.items():
        with gzip.open(tmp_path / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
            file.write(text)

    assert 3 == len(list(olist(tmp_path)))


@pytest.mark.parametrize(
    ("table", "old", "new", "told"),
    [
        ("orders", "2017-10-03 10", "2017-13-03 10", "orders.csv, line 3, column order_purchase_timestamp"),
        ("orders", "o-2,c-2", "o-2,c-9", "orders.csv, line 3, column customer_id"),
        ("orders", "order_status,", "status,", "orders.csv, line 1: the column order_status is missing"),
        ("order_items", "99.9", "99,9", "order_items.csv, line 3: has 8 cells, but the header has 7"),
        ("order_items", "99.9", "R$ 99", "order_items.csv, line 3, column price"),
        ("order_reviews", "r-2,o-1,2", "r-2,o-1,6", "order_reviews.csv, line 4, column review_score"),
    ],
)
def test_a_bad_cell_is_named_by_file_line_and_column(tmp_path: Path, table: str, old: str, new: str, told: str) -> None:
    """A line counts as in a text editor, also after a review that has several lines."""
    with pytest.raises(BadInput) as caught:
        list(olist(tables(tmp_path, **{table: TABLES[table].replace(old, new)})))

    assert told in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    """The tables only make sense together."""
    tables(tmp_path)
    (tmp_path / "order_items.csv").unlink()

    with pytest.raises(BadInput, match=r"There is no order_items\.csv\.gz"):
        list(olist(tmp_path))


def test_absent_data_is_a_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data never comes with Redress; the message says where it was sought and what to set."""
    monkeypatch.setenv("REDRESS_DATA", str(tmp_path / "nowhere"))

    with pytest.raises(BadInput, match=r"nowhere.*--data or REDRESS_DATA.*docs/replay\.md"):
        olist_folder()


def test_the_data_folder_may_be_the_one_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REDRESS_DATA names the folder of all data sets; the tables lie in its folder `olist`."""
    (tmp_path / "olist").mkdir()
    tables(tmp_path / "olist")
    monkeypatch.setenv("REDRESS_DATA", str(tmp_path))

    assert tmp_path / "olist" == olist_folder() == olist_folder(tmp_path / "olist")


HEADER = "order_id,buyer_id,seller_id,currency,items,purchased_at"
ROW = "R-1,b-1,s-1,USD,11000,2026-03-02T10:15:00-05:00"


def csv_of(folder: Path, *lines: str) -> Path:
    """A CSV file of these lines."""
    file = folder / "orders.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_the_shortest_csv_has_the_required_columns(tmp_path: Path) -> None:
    """All else is optional: no ship-by date leaves it to the policy, no hand-over means it never happened."""
    (order,) = csv_file(csv_of(tmp_path, HEADER, ROW))

    assert datetime(2026, 3, 2, 15, 15, tzinfo=UTC) == order.purchased_at
    assert Money(minor=11_000, currency="USD") == order.items
    assert (None, None, None, None) == (order.ship_by, order.handed_over_at, order.platform_fee, order.review)


def test_a_time_without_offset_is_local_to_the_row(tmp_path: Path) -> None:
    """`time_zone` is also where both parties live, unless a column of their own says otherwise."""
    (order,) = csv_file(
        csv_of(
            tmp_path,
            "order_id,buyer_id,seller_id,currency,items,purchased_at,time_zone,country,seller_time_zone,seller_country",
            "R-1,b-1,s-1,EUR,11000,2026-07-01 10:00:00,Europe/Paris,FR,Europe/Lisbon,PT",
        )
    )

    assert datetime(2026, 7, 1, 8, tzinfo=UTC) == order.purchased_at
    assert Party(id="b-1", time_zone="Europe/Paris", country="FR") == order.buyer
    assert Party(id="s-1", time_zone="Europe/Lisbon", country="PT") == order.seller


def test_the_example_can_be_read_and_its_columns_are_documented() -> None:
    """docs/replay.md names every column, in the words of `CSV_COLUMNS`, and its example is a real one."""
    example = ROOT / "examples" / "orders.csv"
    page = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")
    header = next(csv.reader(example.read_text(encoding="utf-8").splitlines()))

    orders = list(csv_file(example))

    assert ["R-1001", "R-1002", "R-1003"] == [order.order_id for order in orders]
    assert set(header) <= set(CSV_COLUMNS)
    assert [] == [name for name, meaning in CSV_COLUMNS.items() if f"| `{name}` | {meaning} |" not in page]
    assert example.read_text(encoding="utf-8") in page


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((HEADER, ROW, ROW), "line 3, column order_id: was used in line 2 before"),
        ((HEADER, ROW.replace("11000", "110.00")), "line 2, column items: '110.00' is not a whole number from 0"),
        ((HEADER, ROW.replace("USD", "usd")), "line 2, column currency: 'usd' will not do"),
        ((HEADER, ROW.replace("R-1", "order-1")), "line 2, column order_id: begins with order-"),
        ((HEADER, ROW.replace("2026-03-02T", "02.03.2026 ")), "line 2, column purchased_at"),
        ((HEADER, f"{ROW},5"), "line 2: has 7 cells, but the header has 6 columns"),
        ((f"{HEADER},reviewd_at", f"{ROW},"), "line 1, column reviewd_at: is not known; did you mean reviewed_at?"),
        ((f"{HEADER},items", f"{ROW},1"), "line 1, column items: is there twice"),
        ((f"{HEADER},review_score", f"{ROW},2"), "line 2, column reviewed_at: is empty, but there is a review_score"),
        ((f"{HEADER},withdrawn", f"{ROW},lost"), "line 2, column withdrawn: 'lost' will not do"),
        ((f"{HEADER},country", f"{ROW},usa"), "line 2, column country: 'usa' will not do"),
        ((f"{HEADER},time_zone", f"{ROW},Mars/Base"), "line 2, column time_zone: 'Mars/Base' will not do"),
        (("order_id,buyer_id",), "line 1: the column seller_id is missing"),
    ],
)
def test_a_csv_mistake_is_named_with_what_to_write(tmp_path: Path, lines: tuple[str, ...], told: str) -> None:
    """File, line, column and the remedy; nothing is guessed."""
    with pytest.raises(BadInput) as caught:
        list(csv_file(csv_of(tmp_path, *lines)))

    assert f"orders.csv, {told}" in str(caught.value)


def test_an_empty_file_and_one_that_is_no_text_are_refused(tmp_path: Path) -> None:
    """Each with its reason."""
    empty, binary = tmp_path / "empty.csv", tmp_path / "binary.csv"
    empty.write_bytes(b"")
    binary.write_bytes(b"\xff\xfe\x00")

    for file, told in ((empty, "empty.csv is empty"), (binary, "binary.csv is not UTF-8"), (tmp_path / "no", "no can")):
        with pytest.raises(BadInput, match=told):
            list(csv_file(file))


def test_the_open_olist_tables_read_to_the_end() -> None:
    """22,039 orders, of which 10,664 carry base rates: the figures of the data's own README and of docs/replay.md."""
    try:
        folder = olist_folder()
    except BadInput as absent:
        pytest.skip(str(absent))

    orders = list(olist(folder))

    assert 22_039 == len(orders)
    assert 10_664 == sum(order.base_rates for order in orders)
