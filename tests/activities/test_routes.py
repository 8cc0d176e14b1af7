"""Which order or case a parcel or a payment belongs to, and how a worker comes to know it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from temporalio import activity
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.ports import Route, RouteKind
from activities.route_notes import RouteNotes, told_by
from activities.routes import SqlRoutes, of_parcel, of_payment, of_purchase, of_shipped
from activities.store import open_store
from domain import policy_packs
from domain.messages import Shipped
from domain.parcel import Shipment
from domain.requests import Label, LookUp, Movement
from tests.world import an_order, usd

PLACED_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
UPS = Shipment(carrier="ups", tracking_number="1Z999AA10123456784")
LOOK_UP = LookUp(
    order_id="A-1",
    shipment=UPS,
    rhythm=policy_packs.load("resale-v1").policy.lookup,
)


@pytest.fixture
def known(tmp_path: Path) -> SqlRoutes:
    """Routes in a database of their own."""
    return SqlRoutes(open_store(f"sqlite:///{tmp_path / 'redress.sqlite'}"))


def test_numbers_are_found_however_they_are_written(known: SqlRoutes) -> None:
    """A seller types hyphens, a carrier does not."""
    known.note(of_shipped("order-A-1", Shipped(carrier="ups", tracking_number="1z999-aa1 0123456784")))

    [route] = known.find(RouteKind.PARCEL, [UPS.tracking_number])

    assert ("order-A-1", "ups") == (route.subject, route.carrier)


def test_what_cannot_name_a_parcel_leads_nowhere() -> None:
    """A number that no order would take is not kept either."""
    assert () == of_shipped("order-A-1", Shipped(carrier="ups", tracking_number="x" * 65))


def test_one_parcel_may_lead_to_several_and_each_is_kept_once(known: SqlRoutes) -> None:
    """Two orders in one parcel; what is noted twice is one route."""
    both = [of_parcel("order-A-1", UPS), of_parcel("order-A-2", UPS)]
    known.note(both)
    known.note(both)

    found = known.find(RouteKind.PARCEL, [UPS.tracking_number])

    assert ["order-A-1", "order-A-2"] == [route.subject for route in found]


def test_parcels_and_payments_do_not_meet(known: SqlRoutes) -> None:
    """The same text may be a tracking number and a payment."""
    known.note([of_payment("A-1", UPS.tracking_number)])

    assert () == known.find(RouteKind.PARCEL, [UPS.tracking_number])
    assert () == known.find(RouteKind.PAYMENT, [])


@pytest.mark.parametrize(
    ("value", "routes"),
    [
        (LOOK_UP, (of_parcel("case-A-1-1", UPS),)),
        (Label(reference="label-A-1-1", shipment=UPS, cost=usd(900)), (of_parcel("case-A-1-1", UPS),)),
        (
            Movement(key="refund-A-1-1", order_id="A-1", payment_ref="ch_1", payee="b-17", amount=usd(1)),
            (of_payment("A-1", "ch_1"),),
        ),
        ("nothing", ()),
        (None, ()),
    ],
    ids=["look-up", "label", "movement", "text", "none"],
)
def test_activities_tell_whose_a_parcel_and_a_payment_is(value: object, routes: tuple[Route, ...]) -> None:
    """A look-up and a bought label belong to the workflow that asked, money to its order."""
    assert routes == told_by("case-A-1-1", value)


def test_a_purchase_tells_of_its_payment_and_of_the_platforms_label() -> None:
    """Before anything has happened, both are known from the order."""
    order = an_order(PLACED_AT, shipment=UPS)

    assert (of_payment("A-1", "ch_1"), of_parcel("order-A-1", UPS)) == of_purchase(order)


class _Next(ActivityInboundInterceptor):
    def __init__(self, result: Any) -> None:
        self._result = result

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 theirs
        return self._result


class _Broken:
    def __init__(self) -> None:
        self.calls = 0

    def note(self, known: Any) -> None:
        self.calls += 1
        raise OperationalError("", {}, Exception())

    def find(self, kind: RouteKind, references: Any) -> tuple[Route, ...]:
        return ()


async def _executed(notes: RouteNotes, argument: object, result: object) -> object:
    listener = notes.intercept_activity(_Next(result))
    environment = ActivityEnvironment()
    given = ExecuteActivityInput(fn=activity.info, args=[argument], executor=None, headers={})
    return await environment.run(listener.execute_activity, given)


async def test_the_worker_notes_what_goes_in_and_comes_out(known: SqlRoutes) -> None:
    """The shipment of a look-up, and that of a label which has just been bought."""
    other = Shipment(carrier="usps", tracking_number="9400100208303109500645")
    label = Label(reference="label-A-1-1", shipment=other, cost=usd(900))

    result = await _executed(RouteNotes(known), LOOK_UP, label)

    numbers = [UPS.tracking_number, other.tracking_number]
    assert label == result
    assert sorted(numbers) == sorted(route.reference for route in known.find(RouteKind.PARCEL, numbers))


async def test_a_database_that_is_away_fails_no_activity() -> None:
    """Money must move and parcels be asked about; the next activity says the same again."""
    broken = _Broken()
    notes = RouteNotes(broken)

    results = [await _executed(notes, LOOK_UP, "done") for _ in range(2)]

    assert (["done", "done"], 2) == (results, broken.calls)


async def test_what_is_known_is_not_written_again(known: SqlRoutes) -> None:
    """A look-up is repeated for weeks."""
    written: list[Any] = []

    class Counting(SqlRoutes):
        def note(self, known: Any) -> None:
            written.append(known)

    notes = RouteNotes(Counting(known._engine))
    await asyncio.gather(_executed(notes, LOOK_UP, None))
    await _executed(notes, LOOK_UP, None)

    assert 1 == len(written)
