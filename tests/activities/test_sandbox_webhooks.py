"""The sandbox's webhooks: real shapes, and senders that come again."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.payments import SandboxPayments
from activities.sandbox.webhooks import NotDelivered, SandboxWebhooks, dispute_event, tracker_event
from domain.messages import ChargebackState
from domain.parcel import Shipment, TrackingEvent, TrackingStatus
from domain.tracking_numbers import sandbox_number
from tests.world import usd

DATA = Path(os.environ.get("REDRESS_DATA", "../shared/data"))
AS_OF = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PARCEL = Shipment(carrier="sandbox", tracking_number=sandbox_number(1))
SCAN = TrackingEvent(status=TrackingStatus.DELIVERED, at=AS_OF)

recorded = pytest.mark.skipif(
    not (DATA / "easypost").exists() or not (DATA / "stripe").exists(),
    reason=f"{DATA} is missing: set REDRESS_DATA to the folder that has easypost and stripe",
)


def a_sender(server: HTTPServer, pauses: list[float] | None = None) -> SandboxWebhooks:
    """A sender that notes its pauses instead of making them."""
    return SandboxWebhooks(
        server.url_for(""),
        easypost_secret="easypost-secret-0123",
        stripe_secret="whsec_0123456789abc",
        sleep=(pauses if pauses is not None else []).append,
    )


@recorded
def test_tracker_events_look_like_easyposts() -> None:
    """Every field of a recorded `tracker.updated` event that the sandbox writes has the same type there."""
    lines = (DATA / "easypost" / "events.jsonl").read_text().splitlines()
    bodies = [json.loads(line)["body"] for line in lines]
    real = next(body for body in bodies if "user_id" in body and (body.get("result") or {}).get("object") == "Tracker")
    ours = tracker_event(PARCEL, (SCAN,), AS_OF, AS_OF)

    for mine, theirs in ((ours, real), (ours["result"], real["result"])):
        assert set(mine) <= set(theirs)
        differ = {name for name in mine if mine[name] and theirs[name] and type(mine[name]) is not type(theirs[name])}
        assert set() == differ


@recorded
def test_dispute_events_look_like_stripes() -> None:
    """Event and dispute have no field that Stripe's fixtures lack."""
    fixtures = json.loads((DATA / "stripe" / "stripe-mock-fixtures-subset.json").read_text())
    real = fixtures.get("resources", fixtures)
    ours = dispute_event("dp_1", "ch_1", ChargebackState.OPENED, {"amount": 1, "currency": "usd"}, AS_OF)

    assert set(ours) <= set(real["event"])
    assert set(ours["data"]["object"]) <= set(real["dispute"])


def test_the_carrier_tells_what_it_knows(httpserver: HTTPServer, tmp_path: Path) -> None:
    """The journey up to now, signed, to the address of its provider."""
    carrier = SandboxCarrier(tmp_path / "carrier.sqlite")
    carrier.script(PARCEL, (SCAN,))
    httpserver.expect_request("/webhooks/easypost", method="POST").respond_with_data(status=202)

    event_id = a_sender(httpserver).parcel(carrier, PARCEL, AS_OF)

    [(request, _)] = httpserver.log
    sent = json.loads(request.data)
    assert (event_id, "delivered") == (sent["id"], sent["result"]["status"])
    assert request.headers["X-Hmac-Signature"].startswith("hmac-sha256-hex=")


def test_the_provider_tells_how_a_dispute_stands(httpserver: HTTPServer, tmp_path: Path) -> None:
    """Opened, then decided by the bank."""
    bank = SandboxPayments(tmp_path / "payments.sqlite")
    bank.capture("ch_1", usd(12_900))
    httpserver.expect_request("/webhooks/stripe", method="POST").respond_with_data(status=202)
    sender = a_sender(httpserver)

    dispute_id = bank.open_dispute("ch_1")
    sender.dispute(bank, dispute_id, AS_OF)
    bank.close_dispute("ch_1", won=True)
    sender.dispute(bank, dispute_id, AS_OF)

    told = [json.loads(request.data) for request, _ in httpserver.log]
    assert ["charge.dispute.created", "charge.dispute.closed"] == [event["type"] for event in told]
    assert ["needs_response", "won"] == [event["data"]["object"]["status"] for event in told]


def test_a_sender_comes_again_with_the_same_event(httpserver: HTTPServer) -> None:
    """Until it is answered 2xx, with a pause between: a redelivery has the same id."""
    answers = iter([503, 500, 202])

    def answer(_request: Request) -> Response:
        return Response(status=next(answers))

    httpserver.expect_request("/webhooks/easypost").respond_with_handler(answer)
    pauses: list[float] = []

    event_id = a_sender(httpserver, pauses).post("easypost", tracker_event(PARCEL, (), None, AS_OF))

    assert {event_id} == {json.loads(request.data)["id"] for request, _ in httpserver.log}
    assert (3, 2) == (len(httpserver.log), len(pauses))


def test_a_sender_gives_up_and_says_so(httpserver: HTTPServer) -> None:
    """A gateway that never answers 2xx has not had the event."""
    httpserver.expect_request("/webhooks/easypost").respond_with_data(status=401)

    with pytest.raises(NotDelivered, match="401"):
        a_sender(httpserver).post("easypost", tracker_event(PARCEL, (), None, AS_OF))
