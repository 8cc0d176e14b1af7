"""EasyPost's recorded shipments, refunds, claims, webhooks and errors, read as the adapter reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from activities.easypost.bodies import ClaimBody, Postage, Tracker
from activities.easypost.claims import as_claim
from activities.easypost.client import EasyPost
from activities.easypost.postage import cheapest, label
from activities.ports import Refused, Unavailable
from domain.claims import ClaimState
from domain.requests import LabelRequest
from domain.tracking_numbers import check_tracking_number
from tests.activities.easypost.double import KEY, Double, Fault
from tests.activities.easypost.test_mapping import EASYPOST, bodies, needs_data

pytestmark = needs_data

REQUEST = LabelRequest(
    reference="label-1", order_id="A-1", case_id="c-1", sender="b-1", receiver="s-1", pickup=False, currency="USD"
)


def test_every_recorded_shipment_with_a_label_is_one() -> None:
    """Each has a cost, a document and a number that is plausible for its carrier, and its cheapest rate is found."""
    shipments = [Postage.model_validate(body) for body in bodies("shipments_with_labels")]
    sold = [shipment for shipment in shipments if shipment.bought]
    # Three were bought by a call that we do not make, whose label is a picture in the answer.
    inline = [shipment for shipment in sold if shipment.postage_label and not shipment.postage_label.label_url]

    labels = [label(REQUEST, shipment) for shipment in sold if shipment not in inline]

    assert (35, 34, 3, 31) == (len(shipments), len(sold), len(inline), len(labels))
    for shipment in inline:
        with pytest.raises(Unavailable, match="not complete"):
            label(REQUEST, shipment)
    assert all(one.cost.minor > 0 and one.uri.startswith("https://") for one in labels)
    assert {"usps", "ups"} == {one.shipment.carrier for one in labels}
    # The examples of the documentation have the letter X for each digit.
    real = [one.shipment for one in labels if "XXXX" not in one.shipment.tracking_number]
    assert 29 == len(real)
    assert not [one for one in real if check_tracking_number(one.carrier, one.tracking_number)]
    assert all(cheapest(shipment, "USD").id for shipment in shipments if shipment.rates)


def test_every_recorded_refund_status_is_one_that_is_acted_on() -> None:
    """Refunds were recorded as submitted and as rejected, on shipments as in lists of refunds."""
    of_shipments = {body.get("refund_status") for body in bodies("shipments_with_labels")} - {None}
    of_refunds = {body["status"] for body in bodies("refunds")}

    assert {"submitted", "rejected"} == of_shipments | of_refunds


def test_every_recorded_claim_has_a_state_that_is_known() -> None:
    """Claims were recorded as submitted and as cancelled, none of them paid."""
    claims = [as_claim(ClaimBody.model_validate(body)) for body in bodies("claims")]

    assert 31 == len(claims)
    assert {ClaimState.SUBMITTED, ClaimState.CANCELLED} == {claim.state for claim in claims}
    assert {None} == {claim.approved for claim in claims}


def recorded_errors() -> list[dict[str, Any]]:
    """Every error that EasyPost itself answered."""
    if not EASYPOST.is_dir():
        return []
    rows = [json.loads(line) for line in (EASYPOST / "errors.jsonl").read_text("utf-8").splitlines()]
    return [row for row in rows if "easypost.com" in row["src"]["uri"]]


@pytest.mark.parametrize("row", recorded_errors(), ids=lambda row: str(row["body"]["error"]["code"]))
def test_every_recorded_error_is_refused_without_its_words(httpserver: HTTPServer, row: dict[str, Any]) -> None:
    """Code and fields are told; sentences, which may quote an address, are not."""
    double, error = Double(httpserver), row["body"]["error"]
    double.fail(Fault(row["src"]["http_status"], body=json.dumps(row["body"])))

    with pytest.raises(Refused) as refused:
        EasyPost(SecretStr(KEY), double.url).ask(Tracker, lambda api: api.tracker.retrieve("trk_1"))

    fields = [one["field"] for one in error["errors"] if isinstance(one, dict)]
    words = [error["message"], *(one["message"] for one in error["errors"] if isinstance(one, dict))]
    assert error["code"] in str(refused.value)
    assert not [field for field in fields if field not in str(refused.value)]
    assert not [text for text in words if text in str(refused.value)]
