"""EasyPost as its documentation and the recorded bodies show it: a stateful double over HTTP, for tests only.

It keeps shipments, trackers and claims in memory, answers as the real one does, and misbehaves when told to.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

KEY: Final = "EZTKdouble"
BEGUN: Final = datetime(2026, 11, 2, 9, tzinfo=UTC)

Body = dict[str, Any]

NOT_FOUND: Final = {"error": {"code": "NOT_FOUND", "message": "The requested resource could not be found."}}

RATES: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("USPS", "Priority", "11.01", "USD"),
    ("UPSDAP", "Ground", "6.57", "USD"),
    ("USPS", "GA", "6.07", "USD"),
)


@dataclass
class Fault:
    """What the next request whose method and path fit `path` meets: an answer instead of the work or `after` it."""

    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": {"code": "SERVICE_UNAVAILABLE", "message": "Ada Abara, 12 Elm Street", "errors": []}}'
    after: bool = False
    hang_up: bool = False
    path: str = ""
    meanwhile: Callable[[], object] = lambda: None


class Double:
    """The server at `url`; `requests` lists each method and path that came."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/v2")
        self.shipments: dict[str, Body] = {}
        self.trackers: dict[str, Body] = {}
        self.claims: dict[str, Body] = {}
        self.insured: set[str] = set()
        self.requests: list[str] = []
        self.bodies: list[Body] = []
        self.faults: list[Fault] = []
        self.decision = "submitted"
        self.verdict = "submitted"
        self.unindexed = 0
        self.rates = RATES
        self._clock = BEGUN
        server.expect_request(re.compile("^/v2/")).respond_with_handler(self._answer)

    def fail(self, *faults: Fault) -> None:
        """Meet the next requests with these, one each."""
        self.faults.extend(faults)

    def script(self, number: str, *scans: Body, carrier: str = "USPS", **changes: Any) -> None:
        """What trackers of this number will tell."""
        tracker = _tracker(f"trk_{number}", number, carrier, self._now())
        self.trackers[number] = tracker | {"tracking_details": list(scans)} | changes

    def labels(self, reference: str) -> list[Body]:
        """The shipments of a reference whose postage was paid and not asked back."""
        same = [one for one in self.shipments.values() if one["reference"] == reference]
        return [one for one in same if one["postage_label"] and not one["refund_status"]]

    def count(self, method: str, path: str) -> int:
        """How many requests of this method had a path that fits the pattern."""
        return sum(bool(re.fullmatch(f"{method} {path}", one)) for one in self.requests)

    def _now(self) -> str:
        self._clock += timedelta(seconds=1)
        return f"{self._clock:%Y-%m-%dT%H:%M:%SZ}"

    def _answer(self, request: Request) -> Response:
        path = request.path.removeprefix("/v2")
        self.requests.append(f"{request.method} {path}")
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _json(401, {"error": {"code": "UNAUTHORIZED", "message": "bad key", "errors": []}})
        fault = self._fault(self.requests[-1])
        if fault and not fault.after:
            return self._broken(fault, request)
        answer = self._route(request, path)
        return self._broken(fault, request) if fault else answer

    def _fault(self, asked: str) -> Fault | None:
        for number, fault in enumerate(self.faults):
            if re.search(fault.path, asked):
                return self.faults.pop(number)
        return None

    def _broken(self, fault: Fault, request: Request) -> Response:
        fault.meanwhile()
        if fault.hang_up:
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return Response(fault.body, fault.status, fault.headers, content_type="application/json")

    def _route(self, request: Request, path: str) -> Response:
        body: Body = (request.get_json(silent=True) if request.method == "POST" else None) or {}
        self.bodies.append(body)
        routes: dict[str, Callable[..., Response]] = {
            r"POST /shipments": lambda: self._create(body["shipment"]),
            r"GET /shipments": lambda: self._list(request),
            r"GET /shipments/([^/]+)": self._retrieve,
            r"POST /shipments/([^/]+)/buy": lambda one: self._buy(one, body),
            r"POST /shipments/([^/]+)/rerate": lambda one: _json(200, {"rates": self.shipments[one]["rates"]}),
            r"POST /shipments/([^/]+)/refund": self._refund,
            r"POST /trackers": lambda: self._track(body["tracker"]),
            r"GET /trackers/([^/]+)": self._tracker,
            r"POST /claims": lambda: self._claim(body),
            r"GET /claims": lambda: _json(200, {"claims": [*self.claims.values()][::-1], "has_more": False}),
            r"POST /claims/([^/]+)/cancel": self._cancel,
        }
        for pattern, act in routes.items():
            if match := re.fullmatch(pattern, f"{request.method} {path}"):
                return act(*map(unquote, match.groups()))
        return _json(404, NOT_FOUND)

    def _create(self, asked: Body) -> Response:
        now, shipment_id = self._now(), f"shp_{len(self.shipments) + 1:032x}"
        rates = [
            {"id": f"rate_{number}", "object": "Rate", "carrier": carrier, "service": service, "rate": rate}
            | {"currency": currency, "shipment_id": shipment_id}
            for number, (carrier, service, rate, currency) in enumerate(self.rates, 1)
        ]
        asked = asked | {"id": shipment_id, "object": "Shipment", "created_at": now, "rates": rates}
        empty = {"postage_label": None, "selected_rate": None, "tracking_code": None, "refund_status": None}
        self.shipments[shipment_id] = {"reference": None, "fees": [], "tracker": None, **empty, **asked}
        return _json(201, self.shipments[shipment_id])

    def _retrieve(self, name: str) -> Response:
        if name in self.shipments:
            return _json(200, self.shipments[name])
        if self.unindexed:
            self.unindexed -= 1
            return _json(404, NOT_FOUND)
        same = [one for one in self.shipments.values() if one["reference"] == name]
        return _json(200, same[-1]) if same else _json(404, NOT_FOUND)

    def _list(self, request: Request) -> Response:
        low, high = (datetime.fromisoformat(request.args[f"{end}_datetime"]) for end in ("start", "end"))
        sold = [one for one in self.shipments.values() if one["postage_label"]]
        inside = [one for one in sold if low <= datetime.fromisoformat(one["created_at"]) <= high][::-1]
        before = request.args.get("before_id")
        start = next((at + 1 for at, one in enumerate(inside) if one["id"] == before), 0)
        size = int(request.args["page_size"])
        return _json(200, {"shipments": inside[start : start + size], "has_more": len(inside) > start + size})

    def _buy(self, shipment_id: str, body: Body) -> Response:
        shipment = self.shipments[shipment_id]
        if shipment["postage_label"]:
            return _refusal("SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.")
        rate = next(one for one in shipment["rates"] if one["id"] == body["rate"]["id"])
        number, now = f"94001002083031{int(shipment_id[4:], 16):08d}", self._now()
        fees = [("LabelFee", "0.00000"), ("PostageFee", f"{rate['rate']}000")]
        shipment |= {
            "selected_rate": rate,
            "tracking_code": number,
            "postage_label": {
                "object": "PostageLabel",
                "created_at": now,
                "label_url": f"https://l.example/{number}.png",
            },
            "fees": [{"object": "Fee", "type": kind, "amount": amount, "charged": True} for kind, amount in fees],
            "tracker": _tracker(f"trk_{number}", number, rate["carrier"], now),
        }
        if "insurance" in body:
            shipment["insurance"] = body["insurance"]
            self.insured.add(number)
        self.trackers.setdefault(number, shipment["tracker"])
        return _json(200, shipment)

    def _refund(self, shipment_id: str) -> Response:
        shipment = self.shipments[shipment_id]
        if shipment["refund_status"] == "refunded":
            return _refusal("SHIPMENT.REFUND.UNAVAILABLE", "Refund request has already been made.")
        shipment["refund_status"] = self.decision
        return _json(200, shipment)

    def _track(self, asked: Body) -> Response:
        number = asked["tracking_code"]
        if number not in self.trackers:
            return _refusal("TRACKER.CREATE.ERROR", f"No carrier for {number}")
        return _json(201, self.trackers[number])

    def _tracker(self, tracker_id: str) -> Response:
        found = [one for one in self.trackers.values() if one["id"] == tracker_id]
        return _json(200, found[0]) if found else _json(404, NOT_FOUND)

    def _claim(self, asked: Body) -> Response:
        if asked["tracking_code"] not in self.insured:
            text = "No eligible insurance found with provided tracking code."
            return _json(404, {"error": NOT_FOUND["error"] | {"errors": [text]}})
        claim = asked | {"id": f"clm_{len(self.claims) + 1:032x}", "object": "Claim", "status": self.verdict}
        self.claims[claim["id"]] = claim | {"approved_amount": None, "requested_amount": asked["amount"]}
        return _json(200, self.claims[claim["id"]])

    def _cancel(self, claim_id: str) -> Response:
        self.claims[claim_id]["status"] = "cancelled"
        return _json(200, self.claims[claim_id])


def scan(status: str, at: str, detail: str | None = "status_update", message: str = "seen") -> Body:
    """A tracking detail in EasyPost's form."""
    place = {"object": "TrackingLocation", "city": "SPRINGFIELD", "zip": "62701"}
    told = {"object": "TrackingDetail", "message": message, "status": status, "status_detail": detail}
    return told | {"datetime": at, "tracking_location": place}


def _tracker(tracker_id: str, number: str, carrier: str, at: str) -> Body:
    names = {"id": tracker_id, "object": "Tracker", "tracking_code": number, "carrier": carrier}
    return names | {"status": "unknown", "status_detail": "unknown", "created_at": at, "tracking_details": []}


def _json(status: int, body: object) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def _refusal(code: str, message: str) -> Response:
    return _json(422, {"error": {"code": code, "message": message, "errors": []}})
