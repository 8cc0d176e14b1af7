"""Outcomes: kept once for each closing, counted for the history of both sides, recalled to take an order up again."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.outcomes import OutcomeActivities, SqlOutcomes
from activities.store import StoreOutdated, open_store
from adapters import Adapters
from domain import policy_packs
from domain.cases.record import Resolution
from domain.histories import BuyerHistory, Histories, SellerHistory
from domain.ledger import Ledger
from domain.money import Money
from domain.order import Line, Order, PriceSplit
from domain.parties import Party, Role
from domain.policy import Reason, Remedy
from domain.requests import HistoryQuery, RecallQuery
from domain.settlement import Decision, Ending
from domain.story import Outcome
from runtime import Settings, SettingsError

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOTHING = Money(minor=0, currency="USD")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a store that does not exist yet."""
    return f"sqlite:///{tmp_path}/redress.db"


@pytest.fixture
def store(url: str) -> Engine:
    """An empty store."""
    return open_store(url)


def a_case(remedy: Remedy | None, number: int = 1) -> Resolution:
    """A case that ended with a remedy, or was withdrawn."""
    return Resolution(
        case_id=f"case-o-1-{number}",
        reason=Reason.DAMAGED,
        remedy=remedy,
        amount=NOTHING,
        decided_by=Role.SUPPORT,
        rule="resale-v1/support",
        at=AT,
    )


def an_order() -> Order:
    """An order of USD 20.00 under resale-v1."""
    placed_at, price = AT - timedelta(days=9), Money(minor=2_000, currency="USD")
    return Order(
        order_id="o-1",
        marketplace="m-1",
        buyer=Party(id="b-1", time_zone="America/New_York", country="US"),
        seller=Party(id="s-1", time_zone="America/New_York", country="US"),
        lines=(Line(listing_id="L-1", price=price),),
        price=PriceSplit(items=price, shipping=NOTHING, tax=NOTHING, platform_fee=NOTHING),
        placed_at=placed_at,
        payment_ref="ch_1",
        policy=policy_packs.pin(policy_packs.load("resale-v1"), placed_at=placed_at, countries=("US",)),
    )


def an_outcome(order_id: str, *, hours: int = 0, **changes: Any) -> Outcome:
    """The outcome of an order between b-1 and s-1, with the changes that a test cares for."""
    at = AT + timedelta(hours=hours)
    facts: dict[str, Any] = {
        "order_id": order_id,
        "marketplace": "m-1",
        "pack": "resale-v1",
        "buyer_id": "b-1",
        "seller_id": "s-1",
        "placed_at": AT - timedelta(days=9),
        "closed_at": at,
        "decision": Decision(ending=Ending.ACCEPTED, refund=NOTHING, rule="resale-v1/protection.window", at=at),
        "ledger": Ledger(),
    }
    return Outcome(**(facts | changes))


def recorded(store: Engine, *kept: Outcome) -> OutcomeActivities:
    """The activities over a store in which these outcomes are kept."""
    activities = OutcomeActivities(SqlOutcomes(store))
    for outcome in kept:
        ActivityEnvironment().run(activities.record, outcome)
    return activities


def histories(activities: OutcomeActivities, *, order_id: str = "o-0", marketplace: str = "m-1") -> Histories:
    """What b-1 and s-1 have been like, as an order between them asks."""
    query = HistoryQuery(order_id=order_id, marketplace=marketplace, buyer_id="b-1", seller_id="s-1")
    found: Histories = ActivityEnvironment().run(activities.histories, query)
    return found


def test_names_of_activities() -> None:
    """The names under which workflows of any version ask for these activities do not change."""
    methods = (OutcomeActivities.record, OutcomeActivities.histories, OutcomeActivities.recall)

    names = [activity._Definition.must_from_callable(method).name for method in methods]

    assert ["outcomes.record", "outcomes.histories", "outcomes.recall"] == names


def test_a_worker_runs_all_of_them(tmp_path: Path) -> None:
    """A worker serves recording, histories and recalling."""
    settings = Settings(data_dir=tmp_path, store_url=f"sqlite:///{tmp_path}/redress.db")

    names = {activity._Definition.must_from_callable(run).name for run in Adapters.from_settings(settings).activities()}

    assert {"outcomes.record", "outcomes.histories", "outcomes.recall"} <= names


# --- revisions ---


def test_each_revision_is_kept_once(store: Engine) -> None:
    """The first record of an order's revision stands, whatever a repetition says."""
    first = an_outcome("o-1", hours=2)

    recorded(store, first, an_outcome("o-1", hours=3))

    assert (first,) == tuple(SqlOutcomes(store).outcomes())


def test_recording_tells_whether_the_outcome_is_the_one_kept(store: Engine) -> None:
    """True for the first record of a revision and its repetitions, also later ones; false for another outcome."""
    outcomes, first = SqlOutcomes(store), an_outcome("o-1", hours=2)
    later = first.model_copy(update={"closed_at": first.closed_at + timedelta(milliseconds=15)})
    other = first.model_copy(update={"cases_opened": 1})

    told = [outcomes.record(outcome) for outcome in (first, first, later, other)]

    assert [True, True, True, False] == told


def test_the_latest_revision_of_each_order_is_read_in_order_of_closing(store: Engine) -> None:
    """An order that closed twice appears once, by its last closing, in whichever order the records came."""
    twice, once = an_outcome("o-1", hours=5, revision=1), an_outcome("o-2", hours=4)

    recorded(store, twice, once, an_outcome("o-1", hours=1))

    assert (once, twice) == tuple(SqlOutcomes(store).outcomes())


def test_an_outcome_is_recalled_with_all_that_takes_its_order_up_again(store: Engine) -> None:
    """Recalling gives the latest revision whole, its order with the pinned policy included."""
    order = an_order()
    latest = an_outcome("o-1", hours=5, revision=1, order=order, cases_opened=2, cases=(a_case(None),))
    activities = recorded(store, an_outcome("o-1", order=order), latest, an_outcome("o-2", revision=7))

    recalled = ActivityEnvironment().run(activities.recall, RecallQuery(order_id="o-1"))

    assert latest == recalled


def test_an_order_that_has_not_closed_cannot_be_recalled_yet(store: Engine) -> None:
    """The error names the order and lets the workflow ask again: the order may be about to close."""
    activities = recorded(store, an_outcome("o-1"))

    with pytest.raises(ApplicationError, match="Order o-2 has no recorded outcome") as raised:
        ActivityEnvironment().run(activities.recall, RecallQuery(order_id="o-2"))

    assert ("UnknownOutcome", False) == (raised.value.type, raised.value.non_retryable)


# --- histories ---


def test_strangers_have_an_empty_history(store: Engine) -> None:
    """Whoever has no finished order has no history, not an error."""
    assert Histories() == histories(recorded(store))


def test_histories_count_orders_complaints_and_what_became_of_them(store: Engine) -> None:
    """A withdrawn case and one decided for the seller are complaints, but not upheld ones."""
    remedies = (None, Remedy.RELEASE, Remedy.PARTIAL_REFUND, Remedy.CANCELLATION)
    cases = tuple(a_case(remedy, number) for number, remedy in enumerate(remedies, start=1))
    activities = recorded(
        store,
        an_outcome("o-1"),
        an_outcome("o-2", cases=cases, chargebacks=("cb-1", "cb-2")),
        an_outcome("o-3", against_seller=True),
    )

    found = histories(activities)

    assert BuyerHistory(orders=3, complaints=4, upheld=2, chargebacks=2) == found.buyer
    assert SellerHistory(orders=3, complaints=4, upheld=2, against=1) == found.seller


def test_a_case_without_a_resolution_is_a_complaint(store: Engine) -> None:
    """A case that was overtaken, for example by a chargeback, was still complained about."""
    activities = recorded(store, an_outcome("o-1", cases=(a_case(Remedy.RELEASE),), cases_opened=3))

    assert 3 == histories(activities).buyer.complaints


def test_an_appeal_decides_the_same_case_again(store: Engine) -> None:
    """Two resolutions of one case are one complaint, and the later of them says whether it was upheld."""
    decided, turned = a_case(Remedy.REFUND_AND_KEEP), a_case(Remedy.RELEASE)

    found = histories(recorded(store, an_outcome("o-1", cases=(decided, turned))))

    assert BuyerHistory(orders=1, complaints=1) == found.buyer


def test_each_side_is_counted_by_itself(store: Engine) -> None:
    """A buyer's orders with other sellers count for the buyer alone, and the other way round."""
    activities = recorded(store, an_outcome("o-1", seller_id="s-2"), an_outcome("o-2", buyer_id="b-2"))
    recorded(store, an_outcome("o-3", buyer_id="b-2", cases=(a_case(Remedy.REFUND_AND_KEEP),)))

    found = histories(activities)

    assert BuyerHistory(orders=1) == found.buyer
    assert SellerHistory(orders=2, complaints=1, upheld=1) == found.seller


def test_only_other_orders_on_the_same_marketplace_count(store: Engine) -> None:
    """Ids belong to a marketplace, and an order taken up again is not judged by itself."""
    activities = recorded(store, an_outcome("o-1"), an_outcome("o-2"), an_outcome("o-3", marketplace="m-2"))

    assert 1 == histories(activities, order_id="o-1").buyer.orders
    assert 1 == histories(activities, marketplace="m-2").seller.orders


def test_only_the_latest_revision_counts(store: Engine) -> None:
    """An appeal that turned a case changes the history, and a reopened order is still one order."""
    before = an_outcome("o-1", cases=(a_case(Remedy.REFUND_AND_KEEP),))
    after = an_outcome("o-1", revision=1, cases=(a_case(Remedy.RELEASE),))

    found = histories(recorded(store, before, after))

    assert BuyerHistory(orders=1, complaints=1) == found.buyer


# --- the table ---


def test_a_store_of_an_earlier_version_is_refused_in_words(store: Engine, url: str, tmp_path: Path) -> None:
    """A table that lacks columns is named with them, to the operator who starts a worker too."""
    with store.begin() as connection:
        connection.execute(text("DROP TABLE outcomes"))
        connection.execute(text("CREATE TABLE outcomes (order_id VARCHAR PRIMARY KEY, payload JSON)"))

    with pytest.raises(StoreOutdated, match=r"table outcomes .* lacks revision, marketplace, .* a new database"):
        open_store(url)
    with pytest.raises(SettingsError, match=r"REDRESS_STORE_URL cannot be used.* earlier version"):
        Adapters.from_settings(Settings(data_dir=tmp_path, store_url=url))


def test_histories_use_the_indexes(store: Engine) -> None:
    """The orders of one party are found without reading everybody's."""
    asked: list[tuple[str, Any]] = []
    activities = recorded(store)
    event.listen(store, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))

    histories(activities)

    with store.connect() as connection:
        explained = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values) for sql, values in tuple(asked)]
        plans = [" ".join(step.detail for step in plan) for plan in explained]
    assert ["buyer_id", "seller_id"] == [re.findall(r"ix_outcomes_(\w+)", plan)[0] for plan in plans]
    assert not any("SCAN" in plan for plan in plans)
