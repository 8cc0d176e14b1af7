"""What EasyPost's failures mean, and that no address is in any of them."""

from __future__ import annotations

import json
import socket
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.carriers import CarrierActivities
from activities.easypost import client
from activities.easypost.carrier import EasyPostCarriers
from activities.easypost.client import EasyPost
from activities.ports import Refused, Unavailable
from domain.parcel import TrackingStatus
from tests.activities.easypost.adapter import NOW, REQUEST, SECRETS, SHIPMENT, Street, an_adapter, buy
from tests.activities.easypost.double import KEY, Double, Fault, scan


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
