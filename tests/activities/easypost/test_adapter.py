"""The adapter through EasyPost's own client library, against a double over HTTP: failures, crashes, races, privacy."""

from __future__ import annotations

import json
import socket
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.carriers import CarrierActivities
from activities.easypost import client, labels
from activities.easypost.bodies import Postage
from activities.easypost.carrier import EasyPostCarriers
from activities.easypost.client import EasyPost
from activities.easypost.labels import Wishes
from activities.ports import Contact, PostalAddress, Refused, Unavailable
from domain import wording
from domain.claims import ClaimKind, ClaimRequest
from domain.money import Money
from domain.parcel import Shipment, TrackingStatus
from domain.requests import Label, LabelRefund, LabelRequest, LookUp
from tests.activities.easypost.double import KEY, Double, Fault, scan
from tests.activities.test_rhythm import RHYTHM

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
SHIPMENT = Shipment(carrier="usps", tracking_number="9400100208303109500645")
REQUEST = LabelRequest(
    reference="label-case-A-1-1-1",
    order_id="A-1",
    case_id="case-A-1-1",
    sender="b-1",
    receiver="s-1",
    pickup=False,
    currency="USD",
    value=Money(minor=12_900, currency="USD"),
)
SECRETS = ("Ada", "Abara", "Elm", "Springfield", "62701", "555-0100", KEY)
BROKEN = Fault(502, body="<html>Bad Gateway</html>")


def a_contact(street: str = "12 Elm Street") -> Contact:
    """Somebody with an address."""
    home = PostalAddress(street1=street, city="Springfield", state="IL", zip="62701", country="US", phone="555-0100")
    return Contact(name="Ada Abara", address="ada@example.org", postal=home)


class Street:
    """A directory in which everybody lives in the same house."""

    def contact(self, party_id: str) -> Contact | None:
        return a_contact()


@pytest.fixture
def double(httpserver: HTTPServer) -> Double:
    """A new EasyPost."""
    return Double(httpserver)


@pytest.fixture
def carrier(double: Double) -> EasyPostCarriers:
    """The adapter on it."""
    return an_adapter(double)


def an_adapter(double: Double, wishes: Wishes | None = None, key: str = KEY) -> EasyPostCarriers:
    """The adapter of a new process."""
    return EasyPostCarriers(EasyPost(SecretStr(key), double.url), wishes, "claims@example.org")


def buy(carrier: EasyPostCarriers, **changes: Any) -> Label:
    """Buy the ordinary label."""
    return carrier.buy_label(REQUEST.model_copy(update=changes), a_contact("1 Oak Road"), a_contact(), NOW)


def refund_of(label: Label) -> LabelRefund:
    """The request to take it back."""
    return LabelRefund(reference=label.reference, shipment=label.shipment)


# --- failures ---


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        (Fault(429, {"Retry-After": "17"}), 17),
        (Fault(503, {"Retry-After": "120"}), 120),
        (Fault(500), None),
        (Fault(504, body="<html>"), None),
        (Fault(429, {"Retry-After": "soon"}), None),
        (Fault(404, body="<html>no such page</html>"), None),
        (Fault(200, body="<html>welcome</html>"), None),
        (Fault(200, body='{"object": "Tracker", "tracking_details": "none"}'), None),
        (Fault(hang_up=True), None),
    ],
)
def test_what_may_come_is_asked_again_by_the_providers_hint(
    double: Double, carrier: EasyPostCarriers, fault: Fault, hint: float | None
) -> None:
    """Overload, outage and nonsense are no answer, and the pause is the one that EasyPost names; one request is one."""
    double.fail(fault)

    with pytest.raises(Unavailable) as failed:
        carrier.news(SHIPMENT, NOW)

    assert hint == failed.value.retry_after
    assert 1 == len(double.requests)


def test_a_look_up_of_a_known_tracker_is_not_repeated_by_the_library(double: Double, carrier: EasyPostCarriers) -> None:
    """The library would sleep through Retry-After in our thread, three times; Temporal knows better when to ask."""
    double.script(SHIPMENT.tracking_number)
    carrier.news(SHIPMENT, NOW)
    double.fail(Fault(429, {"Retry-After": "60"}))

    with pytest.raises(Unavailable):
        carrier.news(SHIPMENT, NOW)

    assert ["POST /trackers", f"GET /trackers/trk_{SHIPMENT.tracking_number}"] == double.requests


def test_a_provider_that_falls_silent_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the question and never answers costs the time of one request, and is asked again."""
    monkeypatch.setattr(client, "PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = EasyPost(SecretStr(KEY), f"http://127.0.0.1:{silent.getsockname()[1]}/v2")

        with pytest.raises(Unavailable, match="no answer within") as failed:
            EasyPostCarriers(api).news(SHIPMENT, NOW)

    assert failed.value.retry_after is None


def test_every_thread_hears_its_own_hint(double: Double, carrier: EasyPostCarriers) -> None:
    """Answers that come at the same time are not mixed up, although the library keeps their headers to itself."""
    references = [f"label-{number}-end" for number in range(16)]
    double.fail(*(Fault(429, {"Retry-After": str(at)}, path=name) for at, name in enumerate(references)))

    def hint(reference: str) -> float | None:
        with pytest.raises(Unavailable) as failed:
            buy(carrier, reference=reference)
        return failed.value.retry_after

    with ThreadPoolExecutor(8) as pool:
        assert list(range(16)) == list(pool.map(hint, references))


def test_a_pause_until_an_instant_is_understood(double: Double, carrier: EasyPostCarriers) -> None:
    """Retry-After may be a date (RFC 9110); one that has passed means now."""
    for minutes, low, high in ((10, 500, 601), (-10, 0, 0)):
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        double.fail(Fault(503, {"Retry-After": format_datetime(until, usegmt=True)}))
        with pytest.raises(Unavailable) as failed:
            carrier.news(SHIPMENT, NOW)
        assert failed.value.retry_after is not None
        assert low <= failed.value.retry_after <= high


@pytest.mark.parametrize(
    ("status", "code"), [(402, "payment_required"), (403, "forbidden"), (422, "PARAMETER.REQUIRED")]
)
def test_a_refusal_has_a_code_and_says_what_to_do(
    double: Double, carrier: EasyPostCarriers, status: int, code: str
) -> None:
    """What EasyPost understood and will not do is refused, with its code, the fields and its request number."""
    error = {
        "code": "PARAMETER.REQUIRED",
        "message": "Ada Abara, 12 Elm Street is wrong",
        "errors": [
            {"code": "E.ADDRESS.NOT_FOUND", "field": "street1", "message": "12 Elm Street"},
            {"field": "12 Elm Street", "message": "x"},
            "12 Elm Street",
        ],
    }
    double.fail(Fault(status, {"x-ep-request-uuid": "ab12-34cd-56"}, json.dumps({"error": error})))

    with pytest.raises(Refused, match="request ab12-34cd-56") as refused:
        buy(carrier)

    assert code == refused.value.code
    assert status != 422 or "street1 E.ADDRESS.NOT_FOUND" in str(refused.value)
    assert not [word for word in SECRETS if word in str(refused.value)]


def test_a_wrong_key_is_named_by_its_setting(double: Double) -> None:
    """Ops read which variable to set, and not what it holds."""
    with pytest.raises(Refused, match="REDRESS_EASYPOST_API_KEY") as refused:
        an_adapter(double, key="EZAKwrong").news(SHIPMENT, NOW)

    assert "unauthorised" == refused.value.code
    assert "EZAKwrong" not in str(refused.value)


@pytest.mark.parametrize("fault", [Fault(422), Fault(500), Fault(hang_up=True)])
def test_no_failure_takes_an_address_into_the_history(double: Double, carrier: EasyPostCarriers, fault: Fault) -> None:
    """What Temporal keeps of a failed purchase, causes and stack traces included, names no person and no key."""
    body = {"error": {"code": "X", "message": "Ada Abara, 12 Elm Street, Springfield", "errors": ["62701 555-0100"]}}
    double.fail(replace(fault, body=json.dumps(body), path="POST /shipments$"))
    activities = CarrierActivities(carrier, Street())

    with pytest.raises(ApplicationError) as failed:
        ActivityEnvironment().run(activities.buy_label, REQUEST)

    failure, converter = Failure(), DataConverter.default
    converter.failure_converter.to_failure(failed.value, converter.payload_converter, failure)
    text = str(failure) + "".join(traceback.format_exception(failed.value))
    assert "shipment" in text
    assert not [word for word in ("Ada Abara", "Elm Street", "555-0100", KEY) if word in text]


def test_an_unserved_number_is_unknown_and_may_be_known_later(double: Double, carrier: EasyPostCarriers) -> None:
    """No carrier knows a number in its first hours; that is no fault of the account, and no secret in the text."""
    with pytest.raises(Refused) as refused:
        carrier.news(SHIPMENT, NOW)
    double.script(SHIPMENT.tracking_number, scan("in_transit", NOW.isoformat()))

    assert "unknown_number" == refused.value.code
    assert SHIPMENT.tracking_number not in str(refused.value)
    assert TrackingStatus.IN_TRANSIT == carrier.news(SHIPMENT, NOW).events[0].status


# --- trackers ---


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


# --- labels ---


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
    shipment_id = _bought(double, carrier)
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
    shipment_id = _bought(double, carrier)
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


# --- labels given back ---


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


# --- claims ---


def test_a_claim_is_what_easypost_asks_for(double: Double) -> None:
    """Kind, parcel, amount, words, documents and the marketplace's own address: no party is named."""
    carrier = an_adapter(double, Wishes(insure=True))
    ask = _claim(buy(carrier))

    carrier.file_claim(ask, (b"photo",))

    assert {
        "type": "damage",
        "tracking_code": ask.shipment.tracking_number,
        "amount": "1290.00",
        "description": "the box was torn",
        "contact_email": "claims@example.org",
        "payment_method": "easypost_wallet",
        "supporting_documentation_attachments": ["cGhvdG8="],
    } == double.bodies[-1]


def test_a_lost_answer_makes_no_second_claim(double: Double) -> None:
    """EasyPost takes no reference with a claim: it is found again by its parcel and kind."""
    carrier = an_adapter(double, Wishes(insure=True))
    ask = _claim(buy(carrier))
    double.fail(replace(BROKEN, path="POST /claims$", after=True))
    with pytest.raises(Unavailable):
        carrier.file_claim(ask, (b"photo",))

    carrier.file_claim(ask, (b"photo",))
    carrier.file_claim(ask, (b"photo",))

    assert 1 == len(double.claims)


@pytest.mark.parametrize(
    ("status", "approved", "decided"),
    [("in_review", None, False), ("approved_partial", "100.50", True), ("rejected", None, True), ("new", None, False)],
)
def test_a_claim_tells_how_far_it_is(double: Double, status: str, approved: str | None, decided: bool) -> None:
    """Every documented state, and one of tomorrow, is read with what the insurer pays."""
    carrier = an_adapter(double, Wishes(insure=True))
    ask = _claim(buy(carrier))
    claim = carrier.file_claim(ask, (b"photo",))
    double.claims[claim.claim_id] |= {"status": status, "approved_amount": approved}

    found = carrier.find_claim(ask)

    assert found
    assert (status, decided) == (str(found.state), found.decided)
    assert (Money(minor=10_050, currency="USD") if approved else None) == found.approved


def test_claims_need_an_address_and_dollars(double: Double) -> None:
    """What is missing is named by its setting; EasyPost insures in US dollars only."""
    carrier = EasyPostCarriers(EasyPost(SecretStr(KEY), double.url))
    ask = _claim(buy(carrier))
    euros = ask.model_copy(update={"amount": Money(minor=1, currency="EUR")})

    for adapter, asked, code in ((carrier, ask, "no_contact"), (an_adapter(double), euros, "currency_not_served")):
        with pytest.raises(Refused) as refused:
            adapter.file_claim(asked, (b"photo",))
        assert code == refused.value.code


def _bought(double: Double, carrier: EasyPostCarriers) -> str:
    buy(carrier)
    return next(iter(double.shipments))


def _claim(label: Label) -> ClaimRequest:
    return ClaimRequest(
        order_id="A-1",
        shipment=label.shipment,
        kind=ClaimKind.DAMAGE,
        amount=Money(minor=129_000, currency="USD"),
        description="the box was torn",
    )
