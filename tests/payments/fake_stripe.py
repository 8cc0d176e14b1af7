"""A stand-in for Stripe on loopback that keeps state: what Stripe documents, as far as Redress uses it, with faults.

Refunds, transfers, reversals, disputes, files and idempotency in one server, which no other stand-in has. Rules:
docs.stripe.com/api/idempotent_requests, api/refunds, api/transfers, api/transfer_reversals, api/disputes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Object = dict[str, Any]
NOW = 1_772_442_000


class Fault(Enum):
    """What befalls the next request that would change something."""

    NEVER_ARRIVED = auto()
    """The connection breaks before anything is done."""
    ANSWER_LOST = auto()
    """The connection breaks after all is done."""
    STORED_500 = auto()
    """A server error that the key keeps; nothing is done."""
    STORED_500_DONE = auto()
    """The same, but the money moves."""
    CONFLICT = auto()
    """Another request with this key is in flight; not kept."""
    RATE_LIMIT = auto()
    """Too many requests, come back in 7 seconds; not kept."""
    UNAUTHORIZED = auto()
    """The key was revoked; not kept."""


class Wrong(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, *, code: str = "", param: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind or "invalid_request_error", "message": message}}
        if code:
            self.body["error"]["code"] = code
        if param:
            self.body["error"]["param"] = param


class Broken(Exception):
    """No answer at all."""


@dataclass
class FakeStripe:
    """The state of the stand-in, and what tests do to it."""

    charges: dict[str, Object] = field(default_factory=dict)
    intents: dict[str, Object] = field(default_factory=dict)
    refunds: list[Object] = field(default_factory=list)
    transfers: list[Object] = field(default_factory=list)
    disputes: dict[str, Object] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    only_after: int = 0
    """How many requests that change something go well before the faults begin."""
    blocked: set[str] = field(default_factory=set)
    """Transfers that nothing can be taken back from, since their account is empty."""
    posts: list[tuple[str, str]] = field(default_factory=list)
    """Path and idempotency key of every request that would change something."""
    base: str = ""
    _keys: dict[str, tuple[str, int, Object]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _lock: Lock = field(default_factory=Lock)

    # What others do

    def capture(self, payment_ref: str, minor: int, currency: str = "usd", **metadata: str) -> None:
        """The buyer has paid; a payment intent gets a charge of its own."""
        charge = payment_ref.replace("pi_", "ch_of_")
        made = {"id": charge, "object": "charge", "amount": minor, "amount_refunded": 0, "currency": currency}
        self.charges[charge] = made | {"dispute": None, "metadata": metadata, "payment_intent": None}
        if payment_ref.startswith("pi_"):
            self.charges[charge]["payment_intent"] = payment_ref
            made = {"id": payment_ref, "object": "payment_intent", "currency": currency, "latest_charge": charge}
            self.intents[payment_ref] = made | {"metadata": metadata}

    def open_dispute(self, payment_ref: str, chargeback_id: str, status: str = "needs_response") -> None:
        """The buyer's bank takes the money."""
        charge = self.charges[payment_ref.replace("pi_", "ch_of_")]
        charge["dispute"] = chargeback_id
        self.disputes[chargeback_id] = {
            "id": chargeback_id,
            "object": "dispute",
            "amount": charge["amount"] - charge["amount_refunded"],
            "currency": charge["currency"],
            "charge": charge["id"],
            "payment_intent": charge["payment_intent"],
            "status": status,
            "reason": "product_not_received",
            "is_charge_refundable": status.startswith("warning"),
            "evidence": {},
            "evidence_details": {"due_by": NOW + 86_400, "submission_count": 0, "past_due": False},
            "metadata": {},
        }

    def close_dispute(self, chargeback_id: str, *, won: bool) -> None:
        """The bank's word."""
        dispute = self.disputes[chargeback_id]
        dispute["status"] = "won" if won else "lost"
        if won:
            self.charges[dispute["charge"]]["dispute"] = None

    def forget_keys(self) -> None:
        """More than 24 hours have passed."""
        self._keys.clear()

    def send_back(self, refund_id: str) -> None:
        """The buyer's bank does not take the refund."""
        made = next(made for made in self.refunds if made["id"] == refund_id)
        made |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
        self.charges[made["charge"]]["amount_refunded"] -= made["amount"]

    # The server

    def answer(self, method: str, target: str, body: Object, key: str) -> tuple[int, Object, dict[str, str]]:
        """Status, body and headers."""
        with self._lock:
            path = urlsplit(target).path
            if method == "GET":
                return self._safely(lambda: self._get(path, dict(parse_qsl(urlsplit(target).query))))
            self.posts.append((path, key))
            return self._post(path, body, key)

    def _post(self, path: str, body: Object, key: str) -> tuple[int, Object, dict[str, str]]:
        fault = self.faults.pop(0) if self.faults and not self.only_after else None
        self.only_after = max(0, self.only_after - 1)
        if fault is Fault.NEVER_ARRIVED:
            raise Broken
        if fault is Fault.UNAUTHORIZED:
            return 401, Wrong(401, "Invalid API Key provided: sk_test_****cret").body, {}
        if fault is Fault.CONFLICT:
            return 409, Wrong(409, "in flight", code="idempotency_key_in_use").body, {}
        if fault is Fault.RATE_LIMIT:
            return 429, Wrong(429, "too many", code="rate_limit").body, {"Retry-After": "7"}
        request = f"{path} {json.dumps(body, sort_keys=True, default=repr)}"
        if key in self._keys:
            first, status, kept = self._keys[key]
            if first != request:
                return 400, Wrong(400, "other parameters", kind="idempotency_error").body, {}
            return status, kept, {"Idempotent-Replayed": "true"}
        if fault is Fault.STORED_500:
            status, made = 500, Wrong(500, "internal error", kind="api_error").body
        else:
            status, made, _ = self._safely(lambda: self._change(path, body))
            if fault is Fault.STORED_500_DONE:
                status, made = 500, Wrong(500, "internal error", kind="api_error").body
        # A copy: what was answered does not change with the object.
        made = json.loads(json.dumps(made))
        self._keys[key] = (request, status, made)
        if fault is Fault.ANSWER_LOST:
            raise Broken
        return status, made, {}

    def _safely(self, work: Callable[[], Object]) -> tuple[int, Object, dict[str, str]]:
        try:
            return 200, work(), {}
        except Wrong as wrong:
            return wrong.status, wrong.body, {}

    def _get(self, path: str, asked: dict[str, str]) -> Object:
        match path.strip("/").split("/")[1:]:
            case ["refunds"]:
                names = {"charge": asked.get("charge"), "payment_intent": asked.get("payment_intent")}
                wanted = {name: value for name, value in names.items() if value}
                return self._page([made for made in self.refunds if wanted.items() <= made.items()], asked, path)
            case ["transfers"]:
                group = asked.get("transfer_group")
                found = [made for made in self.transfers if group in (None, made["transfer_group"])]
                return self._page([self._shown(made) for made in found], asked, path)
            case ["transfers", transfer_id, "reversals"]:
                return self._page(self._transfer(transfer_id)["reversals"], asked, path)
            case ["charges", name]:
                return self._known(self.charges, name, "charge")
            case ["payment_intents", name]:
                return self._known(self.intents, name, "payment_intent")
            case ["disputes", name]:
                dispute = self._known(self.disputes, name, "dispute")
                intent = self.intents.get(dispute["payment_intent"] or "")
                return dispute | {"charge": self.charges[dispute["charge"]], "payment_intent": intent}
        raise Wrong(404, f"no such path {path}")

    def _change(self, path: str, body: Object) -> Object:
        match path.strip("/").split("/")[1:]:
            case ["refunds"]:
                return self._refund(body)
            case ["transfers"]:
                return self._pay_out(body)
            case ["transfers", transfer_id, "reversals"]:
                return self._reverse(self._transfer(transfer_id), body)
            case ["disputes", name]:
                return self._submit(self._known(self.disputes, name, "dispute"), body)
            case ["files"]:
                file_id = f"file_{next(self._numbers)}"
                self.files[file_id] = body["file"]
                return {"id": file_id, "object": "file", "purpose": body["purpose"], "size": len(body["file"])}
        raise Wrong(404, f"no such path {path}")

    def _refund(self, body: Object) -> Object:
        amount = _positive(body)
        name = (
            body.get("charge") or self._known(self.intents, body["payment_intent"], "payment_intent")["latest_charge"]
        )
        charge = self._known(self.charges, name, "charge")
        left = charge["amount"] - charge["amount_refunded"]
        if charge["dispute"] and not self.disputes[charge["dispute"]]["is_charge_refundable"]:
            raise Wrong(400, f"{name} has been charged back", code="charge_disputed")
        if not left:
            raise Wrong(400, f"{name} has already been refunded.", code="charge_already_refunded")
        if amount > left:
            text = f"Refund amount (${amount / 100}) is greater than unrefunded amount on charge (${left / 100})"
            raise Wrong(400, text, param="amount")
        charge["amount_refunded"] += amount
        made = self._made("re", body) | {"object": "refund", "currency": charge["currency"], "status": "succeeded"}
        made |= {"charge": name, "payment_intent": charge["payment_intent"]}
        self.refunds.insert(0, made)
        return made

    def _pay_out(self, body: Object) -> Object:
        _positive(body)
        if not body["destination"].startswith("acct_"):
            raise Wrong(400, "No such destination", code="resource_missing", param="destination")
        made = self._made("tr", body) | {"object": "transfer", "currency": body["currency"], "amount_reversed": 0}
        made |= {"destination": body["destination"], "transfer_group": body.get("transfer_group"), "reversals": []}
        self.transfers.insert(0, made)
        return self._shown(made)

    def _reverse(self, transfer: Object, body: Object) -> Object:
        if transfer["id"] in self.blocked:
            raise Wrong(400, "Insufficient funds in the account", code="balance_insufficient")
        if _positive(body) > transfer["amount"] - transfer["amount_reversed"]:
            raise Wrong(400, "Reversal amount is greater than unreversed amount", param="amount")
        made = self._made("trr", body) | {"object": "transfer_reversal", "currency": transfer["currency"]}
        made |= {"transfer": transfer["id"]}
        transfer["amount_reversed"] += made["amount"]
        transfer["reversals"].insert(0, made)
        return made

    def _submit(self, dispute: Object, body: Object) -> Object:
        details = dispute["evidence_details"]
        if details["submission_count"]:
            raise Wrong(400, "This dispute has been submitted.", code="dispute_evidence_already_submitted")
        if sum(len(text) for text in body["evidence"].values()) > 150_000:
            raise Wrong(400, "Evidence is limited to 150,000 characters", param="evidence")
        dispute["evidence"] |= body["evidence"]
        dispute["metadata"] |= body.get("metadata", {})
        if body.get("submit") == "true":
            details["submission_count"] = 1
            dispute["status"] = "under_review"
        return dispute

    def _made(self, prefix: str, body: Object) -> Object:
        metadata = body.get("metadata", {})
        return {
            "id": f"{prefix}_{next(self._numbers)}",
            "amount": int(body["amount"]),
            "created": NOW,
            "metadata": metadata,
        }

    def _shown(self, transfer: Object) -> Object:
        """With its ten newest reversals, as Stripe lists them."""
        kept = transfer["reversals"]
        url = f"/v1/transfers/{transfer['id']}/reversals"
        return transfer | {"reversals": {"object": "list", "data": kept[:10], "has_more": len(kept) > 10, "url": url}}

    def _transfer(self, transfer_id: str) -> Object:
        return self._known({made["id"]: made for made in self.transfers}, transfer_id, "transfer")

    def _known(self, kept: dict[str, Object], name: str, kind: str) -> Object:
        if name not in kept:
            raise Wrong(404, f"No such {kind}: '{name}'", code="resource_missing", param=kind)
        return kept[name]

    def _page(self, found: list[Object], asked: dict[str, str], path: str) -> Object:
        after = asked.get("starting_after")
        start = [made["id"] for made in found].index(after) + 1 if after else 0
        limit = int(asked.get("limit", "10"))
        shown = found[start : start + limit]
        return {"object": "list", "data": shown, "has_more": start + limit < len(found), "url": path}


def _positive(body: Object) -> int:
    amount = int(body["amount"])
    if amount < 1:
        raise Wrong(400, "Invalid positive integer", code="parameter_invalid_integer", param="amount")
    return amount


@contextmanager
def a_fake_stripe() -> Iterator[FakeStripe]:
    """The stand-in on a free port of this machine."""
    fake = FakeStripe()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = _body(raw, self.headers.get("Content-Type") or "")
            try:
                status, made, headers = fake.answer(
                    self.command, self.path, body, self.headers.get("Idempotency-Key") or ""
                )
            except Broken:
                self.close_connection = True
                self.connection.close()
                return
            content = json.dumps(made).encode()
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json", "Request-Id": "req_1"} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815 -- the names of http.server

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    fake.base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _body(raw: bytes, content_type: str) -> Object:
    if "boundary=" in content_type:
        return _parts(raw, content_type.split("boundary=")[1].encode())
    body: Object = {}
    for name, value in parse_qsl(raw.decode(), keep_blank_values=True):
        outer, _, inner = name.partition("[")
        if inner:
            body.setdefault(outer, {})[inner.removesuffix("]")] = value
        else:
            body[name] = value
    return body


def _parts(raw: bytes, boundary: bytes) -> Object:
    body: Object = {}
    for part in raw.split(b"--" + boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb' name="([^"]*)"', head)
        assert name is not None
        body[name[1].decode()] = content if b"filename" in head else content.decode()
    return body
