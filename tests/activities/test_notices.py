"""Notices and outcomes: kept once, whoever repeats what, and there after a restart."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from activities.carriers import CarrierActivities
from activities.notices import Delivery, NoticeActivities, SqlOutbox
from activities.outcomes import OutcomeActivities, SqlOutcomes
from activities.ports import Contact, Unavailable
from activities.sandbox.directory import SandboxDirectory
from activities.store import open_store, outbox
from domain.ledger import Ledger
from domain.money import Money
from domain.parties import Role
from domain.requests import Posting
from domain.settlement import Decision, Ending
from domain.story import Notice, Outcome

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Unknown:
    """A directory that knows nobody."""

    def contact(self, party_id: str) -> Contact | None:
        return None


class Down:
    """A directory that does not answer."""

    def contact(self, party_id: str) -> Contact | None:
        raise Unavailable("directory is down")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a store that does not exist yet, in a folder that does not either."""
    return f"sqlite:///{tmp_path}/var/redress.db"


@pytest.fixture
def store(url: str) -> Engine:
    """An empty store."""
    return open_store(url)


def notice(key: str, *, subject: str = "order-1", hours: int = 0) -> Notice:
    """A notice to the seller."""
    return Notice(
        key=key,
        subject=subject,
        to=Role.SELLER,
        party_id="s-1",
        kind="ship_reminder",
        at=AT + timedelta(hours=hours),
        facts={"due": "2026-03-05"},
    )


def outcome(order_id: str, *, hours: int = 0) -> Outcome:
    """The outcome of an order that ended well."""
    at = AT + timedelta(hours=hours)
    refund = Money(minor=0, currency="EUR")
    return Outcome(
        order_id=order_id,
        marketplace="m-1",
        pack="resale-v1",
        buyer_id="b-1",
        seller_id="s-1",
        placed_at=AT - timedelta(days=9),
        closed_at=at,
        decision=Decision(ending=Ending.ACCEPTED, refund=refund, rule="resale-v1/protection.window", at=at),
        ledger=Ledger(),
    )


def post(activities: NoticeActivities, *notices: Notice) -> None:
    """Run the activity once."""
    ActivityEnvironment().run(activities.post, Posting(notices=notices))


def rows(store: Engine) -> list[tuple[str, str, dict[str, str] | None]]:
    """Key, state and contact of all that is in the outbox."""
    with store.connect() as connection:
        found = connection.execute(select(outbox.c.key, outbox.c.state, outbox.c.contact).order_by(outbox.c.key))
        return [(key, state, contact) for key, state, contact in found]


def test_names_of_activities() -> None:
    """The names under which workflows of any version ask for these activities do not change."""
    methods = (
        CarrierActivities.look_up,
        CarrierActivities.buy_label,
        CarrierActivities.refund_label,
        NoticeActivities.post,
        OutcomeActivities.record,
    )

    names = [activity._Definition.must_from_callable(method).name for method in methods]

    assert names == [
        "carrier.look_up",
        "carrier.buy_label",
        "carrier.refund_label",
        "notices.post",
        "outcomes.record",
    ]


def test_posting_twice_keeps_one_row(store: Engine) -> None:
    """A notice is kept once for its key, also when it comes again among new ones or twice in one posting."""
    activities = NoticeActivities(SqlOutbox(store), SandboxDirectory())

    post(activities, notice("a"))
    post(activities, notice("a"), notice("b"), notice("b"))

    assert [key for key, _, _ in rows(store)] == ["a", "b"]


def test_notices_of_a_subject_are_read_in_order(store: Engine) -> None:
    """Reading gives the notices of one subject as they were posted, oldest first."""
    activities = NoticeActivities(SqlOutbox(store), SandboxDirectory())

    post(activities, notice("z"), notice("a", hours=2), notice("k", hours=1), notice("x", subject="order-2"))

    assert SqlOutbox(store).notices("order-1") == (notice("z"), notice("k", hours=1), notice("a", hours=2))


def test_the_contact_stays_beside_the_notice(store: Engine) -> None:
    """The contact is looked up and kept in its own column, never in the notice."""
    contact = SandboxDirectory().contact("s-1")
    assert contact is not None

    post(NoticeActivities(SqlOutbox(store), SandboxDirectory()), notice("a"))

    assert rows(store) == [("a", Delivery.WAITING, {"name": contact.name, "address": contact.address})]
    assert contact.address not in SqlOutbox(store).notices("order-1")[0].model_dump_json()


def test_the_text_is_in_the_language_of_its_reader(store: Engine) -> None:
    """Beside a notice stands its text, rendered for the locale of its party."""
    found = notice("a").model_copy(update={"kind": "found", "locale": "zh-CN", "facts": {"at": "2026-03-05 09:00 UTC"}})

    post(NoticeActivities(SqlOutbox(store), SandboxDirectory()), found)

    with store.connect() as connection:
        assert ["曾视为丢失的包裹已于 2026-03-05 09:00 UTC 送达。"] == list(connection.scalars(select(outbox.c.text)))


@pytest.mark.parametrize("directory", [Unknown(), Down()])
def test_a_notice_without_a_contact_is_kept(store: Engine, directory: Unknown | Down) -> None:
    """A notice to somebody unknown, or looked up in vain, is kept and marked, not lost."""
    post(NoticeActivities(SqlOutbox(store), directory), notice("a"))

    assert rows(store) == [("a", Delivery.NO_CONTACT, None)]
    assert SqlOutbox(store).notices("order-1") == (notice("a"),)


def test_an_empty_posting_is_nothing(store: Engine) -> None:
    """No notices, no rows, no error."""
    post(NoticeActivities(SqlOutbox(store), SandboxDirectory()))

    assert rows(store) == []


def test_concurrent_posting_keeps_every_notice_once(store: Engine) -> None:
    """Threads that post the same and different notices at the same time lose and double none."""
    activities = NoticeActivities(SqlOutbox(store), SandboxDirectory())
    keys = [f"n-{number % 50:02}" for number in range(200)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: post(activities, notice(key)), keys))

    assert [key for key, _, _ in rows(store)] == sorted(set(keys))


def test_opening_from_many_threads_makes_the_tables_once(url: str) -> None:
    """Processes that start together may all open a new store."""
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: open_store(url), range(6)))

    counted = []
    for store in stores:
        with store.connect() as connection:
            counted.append(connection.scalar(select(func.count()).select_from(outbox)))
    assert counted == [0] * 6


def test_rows_outlive_a_restart(store: Engine, url: str) -> None:
    """Another process that opens the store finds what was kept."""
    post(NoticeActivities(SqlOutbox(store), SandboxDirectory()), notice("a"))
    SqlOutcomes(store).record(outcome("o-1"))
    store.dispose()

    reopened = open_store(url)

    assert SqlOutbox(reopened).notices("order-1") == (notice("a"),)
    assert tuple(SqlOutcomes(reopened).outcomes()) == (outcome("o-1"),)


def test_an_outcome_is_kept_once(store: Engine) -> None:
    """The first outcome of an order stands; outcomes are read by the instant of closing."""
    activities = OutcomeActivities(SqlOutcomes(store))

    for item in (outcome("o-1", hours=2), outcome("o-2", hours=1), outcome("o-1", hours=3)):
        ActivityEnvironment().run(activities.record, item)

    assert tuple(SqlOutcomes(store).outcomes()) == (outcome("o-2", hours=1), outcome("o-1", hours=2))


def test_the_sandbox_directory_is_steady() -> None:
    """Everybody has one made-up contact, not another's, and an empty id is nobody."""
    directory = SandboxDirectory()
    contacts = [directory.contact(f"b-{number}") for number in range(200)]

    assert contacts == [SandboxDirectory().contact(f"b-{number}") for number in range(200)]
    assert len({contact.address for contact in contacts if contact}) == 200
    assert all(contact.address.endswith("@example.org") for contact in contacts if contact)
    assert directory.contact("") is None
