"""The webhooks of the sandbox carrier and payment provider: real shapes and signatures, sent over HTTP.

Both stand for somebody else's systems, so they post to an address like any other sender, and try again when they are
not answered 2xx. Shapes are those of EasyPost's tracker events and of Stripe's dispute events.
"""

from __future__ import annotations

import hmac
import json
import time
import unicodedata
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.payments import SandboxPayments
from domain.messages import ChargebackState
from domain.parcel import Shipment, TrackingEvent, TrackingStatus

PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
"""Seconds between tries; real senders try for hours or days."""

_PATIENCE: Final = 7
"""Seconds for an answer, as EasyPost grants them."""

_WORDS: Final[Mapping[str, str]] = {
    TrackingStatus.LABEL_MADE: "pre_transit",
    TrackingStatus.ACCEPTED: "in_transit",
    TrackingStatus.IN_TRANSIT: "in_transit",
    TrackingStatus.OUT_FOR_DELIVERY: "out_for_delivery",
    TrackingStatus.ATTEMPT_FAILED: "failure",
    TrackingStatus.READY_FOR_PICKUP: "available_for_pickup",
    TrackingStatus.DELIVERED: "delivered",
    TrackingStatus.RETURNING: "return_to_sender",
    TrackingStatus.RETURNED: "return_to_sender",
    TrackingStatus.EXCEPTION: "error",
}

_STATES: Final[Mapping[ChargebackState, tuple[str, str]]] = {
    ChargebackState.OPENED: ("charge.dispute.created", "needs_response"),
    ChargebackState.WON: ("charge.dispute.closed", "won"),
    ChargebackState.LOST: ("charge.dispute.closed", "lost"),
}


class NotDelivered(Exception):
    """The receiver did not answer 2xx, however often it was tried."""


class SandboxWebhooks:
    """Sends to the gateway at `url`, such as http://127.0.0.1:8080, signed with the secrets that it knows too.

    `clock` gives Unix seconds and `sleep` takes seconds, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        easypost_secret: str,
        stripe_secret: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._easypost_secret = easypost_secret
        self._stripe_secret = stripe_secret
        self._clock = clock
        self._sleep = sleep

    def parcel(self, carrier: SandboxCarrier, shipment: Shipment, as_of: datetime) -> str:
        """Tell what the carrier knows of a parcel at `as_of` (UTC, policy time); the id of the event.

        Raises NotDelivered, and what `carrier.news` raises.
        """
        news = carrier.news(shipment, as_of)
        return self.post("easypost", tracker_event(shipment, news.events, news.estimate, as_of))

    def dispute(self, payments: SandboxPayments, dispute_id: str, as_of: datetime) -> str:
        """Tell how a dispute stands, at `as_of` (UTC, policy time); the id of the event.

        Raises NotDelivered, what `payments.dispute` raises, and LookupError for a dispute that there is not.
        """
        found = payments.dispute(dispute_id)
        if found is None or found.state is None:
            raise LookupError(dispute_id)
        amount = {"amount": found.amount.minor, "currency": found.amount.currency.lower()}
        return self.post("stripe", dispute_event(dispute_id, found.payment_refs[0], found.state, amount, as_of))

    def post(self, source: str, event: Mapping[str, Any]) -> str:
        """Send an event until it is answered 2xx; its id. Raises NotDelivered."""
        body = json.dumps(event).encode()
        answer = "nothing was tried"
        for pause in (*PAUSES, None):
            answer = self._try(source, body)
            if answer.startswith("2"):
                return str(event["id"])
            if pause is not None:
                self._sleep(pause)
        raise NotDelivered(f"{source} webhook {event['id']}: {answer}")

    def _try(self, source: str, body: bytes) -> str:
        if source == "easypost":
            headers = easypost_headers(self._easypost_secret, body)
        else:
            headers = stripe_headers(self._stripe_secret, body, int(self._clock()))
        request = urllib.request.Request(f"{self._url}/webhooks/{source}", body, headers, method="POST")  # noqa: S310 ours
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 the address is ours
                return str(answer.status)
        except urllib.error.HTTPError as error:
            return str(error.code)
        except OSError as error:
            return type(error).__name__


def easypost_headers(secret: str, body: bytes) -> dict[str, str]:
    """What EasyPost sends beside this body."""
    key = unicodedata.normalize("NFKD", secret).encode()
    signature = hmac.new(key, body, sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hmac-Signature": f"hmac-sha256-hex={signature}"}


def stripe_headers(secret: str, body: bytes, at: int) -> dict[str, str]:
    """What Stripe sends beside this body at the Unix second `at`."""
    signature = hmac.new(secret.encode(), f"{at}.".encode() + body, sha256).hexdigest()
    return {"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={signature}"}


def tracker_event(
    shipment: Shipment, events: tuple[TrackingEvent, ...], estimate: datetime | None, as_of: datetime
) -> dict[str, Any]:
    """A `tracker.updated` of EasyPost."""
    status = _WORDS.get(events[-1].status, "unknown") if events else "unknown"
    told = _iso(as_of)
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "Event",
        "mode": "test",
        "description": "tracker.updated",
        "created_at": told,
        "updated_at": told,
        "status": "pending",
        "pending_urls": [],
        "completed_urls": [],
        "previous_attributes": {"status": "unknown"},
        "user_id": "user_sandbox",
        "result": {
            "id": f"trk_{sha256(shipment.tracking_number.encode()).hexdigest()[:32]}",
            "object": "Tracker",
            "mode": "test",
            "tracking_code": shipment.tracking_number,
            "carrier": shipment.carrier,
            "status": status,
            "status_detail": "status_update",
            "created_at": told,
            "updated_at": told,
            "signed_by": None,
            "est_delivery_date": _iso(estimate) if estimate else None,
            "tracking_details": [_detail(event, shipment.carrier) for event in events],
        },
    }


def dispute_event(
    dispute_id: str, charge: str, state: ChargebackState, amount: Mapping[str, Any], as_of: datetime
) -> dict[str, Any]:
    """A `charge.dispute.created` or `.closed` of Stripe; `amount` has `amount` and `currency`."""
    kind, status = _STATES[state]
    created = int(as_of.timestamp())
    return {
        "id": f"evt_{uuid.uuid4().hex[:24]}",
        "object": "event",
        "api_version": None,
        "created": created,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        "data": {
            "object": {
                "id": dispute_id,
                "object": "dispute",
                **amount,
                "charge": charge,
                "payment_intent": None,
                "created": created,
                "livemode": False,
                "metadata": {},
                "reason": "general",
                "status": status,
            }
        },
    }


def _detail(event: TrackingEvent, carrier: str) -> dict[str, Any]:
    return {
        "object": "TrackingDetail",
        "message": event.detail or str(event.status),
        "status": _WORDS.get(event.status, "unknown"),
        "status_detail": "status_update",
        "datetime": _iso(event.at),
        "source": carrier,
        "tracking_location": {"object": "TrackingLocation", "city": None, "state": None, "country": None, "zip": None},
    }


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
