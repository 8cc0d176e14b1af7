"""Return labels: one for each reference whatever crashes, and given back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from activities.easypost import labels
from activities.easypost.bodies import Postage
from activities.easypost.carrier import EasyPostCarriers
from activities.easypost.labels import Wishes
from activities.ports import Refused, Unavailable
from domain.money import Money
from tests.activities.easypost.adapter import BROKEN, NOW, REQUEST, an_adapter, bought, buy, refund_of
from tests.activities.easypost.double import Double, Fault, scan


def test_a_label_is_the_cheapest_return(double: Double, carrier: EasyPostCarriers) -> None:
    """It is written like the parcel that it returns, since EasyPost exchanges the addresses of a return."""
    label = buy(carrier)

    sent = double.bodies[1]["shipment"]
    assert (Money(minor=607, currency="USD"), "usps") == (label.cost, label.shipment.carrier)
    assert (True, "label-case-A-1-1-1") == (sent["is_return"], sent["reference"])
    assert ("12 Elm Street", "1 Oak Road") == (sent["from_address"]["street1"], sent["to_address"]["street1"])
    assert ({"weight": 32.0}, {"currency": "USD"}) == (sent["parcel"], sent["options"])
    assert "email" not in sent["from_address"]


def test_signature_and_insurance_are_asked_for_only_when_wished(double: Double) -> None:
    """A dear parcel comes back against a signature, and insured if the marketplace insures its labels."""
    buy(an_adapter(double, Wishes(ounces=12.5, insure=True)), signature=True)

    shipment = next(iter(double.shipments.values()))
    assert "SIGNATURE" == shipment["options"]["delivery_confirmation"]
    assert "129.00" == shipment["insurance"]
    assert 12.5 == shipment["parcel"]["weight"]


def test_the_cost_has_all_that_was_taken(double: Double, carrier: EasyPostCarriers) -> None:
    """EasyPost's own fees go into the ledger with the postage, rounded to cents; what was not charged does not."""
    shipment_id = bought(double, carrier)
    fees = [("0.01500", True), ("6.07000", True), ("1.00000", False)]
    double.shipments[shipment_id]["fees"] = [{"amount": amount, "charged": charged} for amount, charged in fees]

    assert Money(minor=609, currency="USD") == buy(carrier).cost


def test_a_label_in_another_currency_costs_its_postage(double: Double, carrier: EasyPostCarriers) -> None:
    """Fees are in US dollars, and a ledger has one currency."""
    double.rates = (("DPD", "Classic", "5.45", "EUR"), ("DPD", "Express", "9.10", "EUR"))

    assert Money(minor=545, currency="EUR") == buy(carrier, currency="EUR").cost


def test_no_rates_are_told_with_the_shipment_to_look_at(double: Double, carrier: EasyPostCarriers) -> None:
    """A parcel that nobody carries: the reasons of the carriers are in the dashboard, since they quote addresses."""
    double.rates = ()

    with pytest.raises(Refused, match="shp_0") as refused:
        buy(carrier)

    assert "no_rates" == refused.value.code


def test_pick_ups_are_refused_with_what_to_set(double: Double, carrier: EasyPostCarriers) -> None:
    """A policy that promises a pick-up gets none here, and nothing is bought."""
    with pytest.raises(Refused, match=r"returns\.pickup = false") as refused:
        buy(carrier, pickup=True)

    assert "no_pickup" == refused.value.code
    assert {} == double.shipments


@pytest.mark.parametrize("path", ["POST /shipments$", "/buy$", "GET /shipments$"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("hang_up", [False, True])
def test_a_crash_at_any_step_buys_one_label(double: Double, path: str, after: bool, hang_up: bool) -> None:
    """Before or after any request of a purchase, with or without an answer: a new process ends with one label."""
    double.fail(replace(BROKEN, path=path, after=after, hang_up=hang_up))
    with pytest.raises(Unavailable):
        buy(an_adapter(double))

    label = buy(an_adapter(double))

    assert label == buy(an_adapter(double))
    assert [label.shipment.tracking_number] == [one["tracking_code"] for one in double.labels(REQUEST.reference)]
    assert 1 == len(double.shipments)


@pytest.mark.parametrize("code", ["SHIPMENT.POSTAGE.TIMED_OUT", "SHIPMENT.PURCHASE.IN_PROGRESS"])
def test_a_carrier_that_has_not_decided_is_asked_again(double: Double, carrier: EasyPostCarriers, code: str) -> None:
    """EasyPost refuses, but the label may have been sold: that is no final no."""
    double.fail(Fault(422, body=json.dumps({"error": {"code": code, "message": "", "errors": []}}), path="/buy$"))

    with pytest.raises(Unavailable, match=code):
        buy(carrier)

    assert buy(carrier).uri


def test_a_purchase_that_was_made_meanwhile_is_read(double: Double, carrier: EasyPostCarriers) -> None:
    """Two attempts at one shipment: the second is told that postage exists, and takes that label."""
    shipment_id = bought(double, carrier)
    shipment = double.shipments[shipment_id]
    label, paid = buy(carrier), shipment["postage_label"]
    shipment["postage_label"] = None
    retrieved = double._retrieve

    def only_now(name: str) -> Any:
        answer = retrieved(name)
        shipment["postage_label"] = paid
        return answer

    double._retrieve = only_now  # type: ignore[method-assign]

    assert label == buy(carrier)
    assert 2 == double.count("POST", "/shipments/.*/buy")


def test_two_labels_of_attempts_that_did_not_see_each_other_are_one(double: Double, carrier: EasyPostCarriers) -> None:
    """If EasyPost finds our reference late, a second label is sold: it is given back, and the first is kept."""
    first = buy(carrier)
    double.unindexed = 1

    second = buy(an_adapter(double))

    assert first == second == buy(carrier)
    assert 2 == len(double.shipments)
    assert 1 == double.count("POST", "/shipments/.*/refund")
    assert [first.shipment.tracking_number] == [one["tracking_code"] for one in double.labels(REQUEST.reference)]


def test_a_stale_attempt_does_not_void_the_label_that_counts(double: Double, carrier: EasyPostCarriers) -> None:
    """A worker that wakes after another one has bought pays for its own, older shipment, and gives that one back."""
    double.fail(replace(BROKEN, path="POST /shipments$", after=True))
    with pytest.raises(Unavailable):
        buy(carrier)
    stale = next(iter(double.shipments.values()))
    double.unindexed = 1
    counts = buy(an_adapter(double))

    attempt = carrier._labels
    again = attempt._only(attempt._pay(Postage.model_validate(stale), REQUEST), REQUEST.reference)

    assert counts.shipment.tracking_number == again.tracking_code
    assert [counts.shipment.tracking_number] == [one["tracking_code"] for one in double.labels(REQUEST.reference)]
    assert "submitted" == stale["refund_status"]


def test_doubles_are_found_beyond_the_first_page(
    double: Double, carrier: EasyPostCarriers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy account sells hundreds of labels in the minutes in which two attempts can overlap."""
    monkeypatch.setattr(labels, "_PAGE", 2)
    first = buy(carrier)
    for number in range(5):
        buy(carrier, reference=f"label-case-B-{number}-1-1")
    double.unindexed = 1

    assert first == buy(an_adapter(double))
    assert 1 == len(double.labels(REQUEST.reference))


def test_a_double_that_cannot_be_given_back_keeps_no_buyer_waiting(
    double: Double, carrier: EasyPostCarriers, caplog: pytest.LogCaptureFixture
) -> None:
    """The label that counts is told all the same, and the log says which shipment a person should look at."""
    first = buy(carrier)
    double.unindexed = 1
    refusal = {"error": {"code": "SHIPMENT.REFUND.UNAVAILABLE", "message": "no", "errors": []}}
    double.fail(Fault(422, body=json.dumps(refusal), path="/refund$"))

    assert first == buy(an_adapter(double))
    assert "a second label could not be given back: shipment shp_" in caplog.text


def test_a_label_given_back_is_undecided_for_weeks_and_then_one_or_the_other(
    double: Double, carrier: EasyPostCarriers
) -> None:
    """`submitted` is no answer yet, with a long pause; the request is made once, however often it is asked."""
    label = buy(carrier)
    shipment = next(iter(double.shipments.values()))
    for _ in range(2):
        with pytest.raises(Unavailable, match="not decided") as waiting:
            carrier.refund_label(refund_of(label), NOW)
        assert 12 * 3_600 == waiting.value.retry_after

    answers = []
    for decided in ("refunded", "not_applicable"):
        shipment["refund_status"] = decided
        answers.append(carrier.refund_label(refund_of(label), NOW))

    assert [True, False] == answers
    assert 1 == double.count("POST", "/shipments/.*/refund")


def test_a_rejected_refund_is_final_only_after_a_scan(double: Double, carrier: EasyPostCarriers) -> None:
    """A label too young for the carrier's books is submitted again; one that was scanned has been used."""
    label = buy(carrier)
    shipment = next(iter(double.shipments.values()))
    shipment["refund_status"] = "rejected"
    with pytest.raises(Unavailable):
        carrier.refund_label(refund_of(label), NOW)
    resubmitted = double.count("POST", "/shipments/.*/refund")

    shipment["refund_status"] = "rejected"
    shipment["tracker"]["tracking_details"] = [scan("in_transit", NOW.isoformat())]

    assert 1 == resubmitted
    assert carrier.refund_label(refund_of(label), NOW) is False


def test_a_label_is_given_back_also_when_its_reference_leads_to_a_double(
    double: Double, carrier: EasyPostCarriers
) -> None:
    """EasyPost may find the voided second shipment under our reference: the number says which label is meant."""
    label = buy(carrier)
    double.unindexed = 1
    buy(an_adapter(double))
    double.decision = "refunded"

    assert carrier.refund_label(refund_of(label), NOW) is True
    assert [] == double.labels(REQUEST.reference)
