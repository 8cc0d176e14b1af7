"""Parcels are followed by trackers, made once and then read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from temporalio.testing import ActivityEnvironment

from activities.carriers import CarrierActivities
from activities.easypost.carrier import EasyPostCarriers
from activities.ports import Refused
from domain import wording
from domain.parcel import Shipment
from domain.requests import LookUp
from tests.activities.easypost.adapter import NOW, SHIPMENT, Street
from tests.activities.easypost.double import Double, scan
from tests.activities.test_rhythm import RHYTHM


def test_a_tracker_is_made_once_and_then_read(double: Double, carrier: EasyPostCarriers) -> None:
    """The first question makes the tracker and is answered by it; the next ones read it by its id."""
    double.script(SHIPMENT.tracking_number, est_delivery_date="2026-11-05T00:00:00Z")

    told = [carrier.news(SHIPMENT, NOW) for _ in range(3)]

    assert {datetime(2026, 11, 6, 12, tzinfo=UTC)} == {one.estimate for one in told}
    assert (1, 2) == (double.count("POST", "/trackers"), double.count("GET", "/trackers/.*"))
    assert {"tracking_code": SHIPMENT.tracking_number, "carrier": "USPS"} == double.bodies[0]["tracker"]


def test_a_tracker_that_is_gone_is_made_again(double: Double, carrier: EasyPostCarriers) -> None:
    """EasyPost forgets, for example when a tracker is deleted in the dashboard."""
    double.script(SHIPMENT.tracking_number)
    carrier.news(SHIPMENT, NOW)
    double.trackers[SHIPMENT.tracking_number]["id"] = "trk_2"

    carrier.news(SHIPMENT, NOW)

    assert 2 == double.count("POST", "/trackers")


def test_an_ambiguous_carrier_is_left_to_easypost(double: Double, carrier: EasyPostCarriers) -> None:
    """DHL is several carriers there, and an S10 number is any post's."""
    parcel = Shipment(carrier="dhl", tracking_number="1000000002")
    double.script(parcel.tracking_number, carrier="DHLExpress")

    carrier.news(parcel, NOW)

    assert {"tracking_code": "1000000002"} == double.bodies[0]["tracker"]


def test_a_look_up_shows_a_code_of_tomorrow(double: Double, carrier: EasyPostCarriers) -> None:
    """An unknown status is news like any other, under its own name, all the way through the activity."""
    double.script(SHIPMENT.tracking_number, scan("teleported", NOW.isoformat(), "by_magic", "It vanished"))
    ask = LookUp(order_id="A-1", shipment=SHIPMENT, rhythm=RHYTHM)

    news = ActivityEnvironment().run(CarrierActivities(carrier, Street()).look_up, ask)

    assert [("teleported", "It vanished (by_magic)")] == [(event.status, event.detail) for event in news.events]
    assert "teleported" in wording.event("tracking", {"status": str(news.events[0].status), "at": "now"})


def test_a_search_is_refused_in_words_that_say_who_can_search(carrier: EasyPostCarriers) -> None:
    """EasyPost has none, so the order tells support to ask the carrier."""
    with pytest.raises(Refused, match="by its own form") as refused:
        carrier.trace(SHIPMENT, "trace-order-A-1-1")

    assert "no_search" == refused.value.code
