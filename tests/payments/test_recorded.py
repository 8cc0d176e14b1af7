"""Real answers of Stripe's, recorded by others, read by the adapter (../shared/data/stripe, with its sources)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from activities.ports import FailureReplayed, Refused, Unavailable
from activities.stripe.client import client
from activities.stripe.events import Topic, subject_of
from activities.stripe.payments import StripePayments
from domain.books import Kind
from domain.money import Money
from domain.requests import Paid
from tests.payments.conftest import Accounts, Files
from tests.payments.movements import clawback, refund, release, usd

DATA = Path(os.environ.get("REDRESS_DATA", "../shared/data")) / "stripe"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"there are no recorded answers in {DATA}")

Answer = tuple[int, Any, dict[str, str]]


class Recorded(stripe.HTTPClient):
    """Answers by method and path from what was recorded."""

    name = "recorded"

    def __init__(self, answers: dict[tuple[str, str], Answer]) -> None:
        super().__init__()
        self.answers = answers

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> Any:
        """The recorded answer."""
        status, body, answered = self.answers[method.upper(), urlsplit(url).path]
        return (body if isinstance(body, str) else json.dumps(body)), status, answered


def interactions() -> list[dict[str, Any]]:
    """All that was recorded."""
    if not DATA.exists():
        return []
    return [json.loads(line) for line in (DATA / "recorded_interactions.jsonl").read_text().splitlines()]


def fixture(name: str) -> dict[str, Any]:
    """An object as Stripe's own mock shows it."""
    found: dict[str, Any] = json.loads((DATA / "stripe-mock-fixtures-subset.json").read_text())["resources"][name]
    return found


def over(**answers: Any) -> StripePayments:
    """The adapter over these answers, by `METHOD__path` with double underscores for slashes."""
    by_path: dict[tuple[str, str], Answer] = {}
    for name, body in answers.items():
        method, path = name.split("__", 1)
        by_path[method, f"/v1/{path.replace('__', '/')}"] = (200, body, {})
    return adapter_over(by_path)


def adapter_over(answers: dict[tuple[str, str], Answer]) -> StripePayments:
    """The adapter over recorded answers."""
    return StripePayments(client("sk_test_secret", http=Recorded(answers)), Accounts(), Files())


def listed(*made: Any) -> dict[str, Any]:
    """A list of one page, as Stripe shows it."""
    return {"object": "list", "data": list(made), "has_more": False, "url": "/v1/x"}


def the_refund() -> dict[str, Any]:
    """The one recorded interaction that refunds."""
    return next(one for one in interactions() if one["path"] == "/v1/refunds")


@pytest.mark.parametrize("one", interactions(), ids=lambda one: f"{one['method']} {urlsplit(one['path']).path[:40]}")
def test_every_recorded_answer_can_be_read(one: dict[str, Any]) -> None:
    """The library reads each body as the object that it is, whatever API version it comes from."""
    http = Recorded(
        {(one["method"], urlsplit(one["path"]).path): (one["status"], one["response"], one["response_headers"])}
    )
    got = client("sk_test_secret", http=http).raw_request(one["method"].lower(), one["path"])

    read = client("sk_test_secret").deserialize(got.data, api_mode="V1")
    assert one["response"] == got.data
    assert one["response"].get("id") == getattr(read, "id", None)
    if one["method"] == "POST":
        assert got.headers["Idempotency-Key"]


def test_a_recorded_refund_is_a_fact() -> None:
    """The answer to a real refund of a payment intent names its reference; our metadata is not on it."""
    recorded = the_refund()["response"]
    answers: dict[tuple[str, str], Answer] = {
        ("GET", f"/v1/payment_intents/{recorded['payment_intent']}"): (200, {"currency": "usd"}, {}),
        ("POST", "/v1/refunds"): (200, recorded, the_refund()["response_headers"]),
        ("GET", "/v1/refunds"): (200, listed(recorded), {}),
    }
    payments = adapter_over(answers)
    movement = refund(800, payment_ref=recorded["payment_intent"])

    assert Paid(reference=recorded["id"]) == payments.refund(movement, key=movement.key)
    assert payments.find(movement) is None


def test_a_recorded_refund_is_found_by_our_mark_on_it() -> None:
    """With the key as metadata the same real object is the movement, with its amount and instant."""
    marked = the_refund()["response"] | {"metadata": {"redress_key": "refund-A-1", "redress_order": "A"}}
    payments = over(GET__refunds=listed(marked), GET__transfers=listed())
    movement = refund(800, payment_ref=marked["payment_intent"])

    made = payments.movements(marked["payment_intent"], "A")
    assert Paid(reference=marked["id"]) == payments.find(movement)
    assert [("refund-A-1", Kind.REFUND, usd(800), 1_734_683_992)] == [
        (one.key, one.kind, one.amount, int(one.made_at.timestamp())) for one in made
    ]


def test_refunds_of_another_payment_are_not_this_orders() -> None:
    """A server that ignores the filter, or one of an older version, does not mix up orders."""
    payments = over(GET__refunds=listed(the_refund()["response"]), GET__transfers=listed())
    assert () == payments.movements("pi_other", "A")


def test_fixtures_of_transfers_and_reversals_are_read() -> None:
    """The objects of Stripe's own mock become movements of the order, parts with the payout they come from."""
    transfer, reversal = fixture("transfer"), fixture("transfer_reversal")
    marks = {"redress_order": "A"}
    reversal |= {"metadata": marks | {"redress_key": "clawback-A-1"}, "transfer": transfer["id"]}
    transfer |= {"metadata": marks | {"redress_key": "release-A-1"}, "amount_reversed": 1_100}
    transfer["reversals"] = transfer["reversals"] | {"data": [reversal]}
    payments = over(GET__refunds=listed(), GET__transfers=listed(transfer))

    assert Paid(reference=transfer["id"]) == payments.find(release(1_100))
    assert Paid(reference=reversal["id"]) == payments.find(clawback(1_100))
    assert ["", transfer["id"]] == [made.source for made in payments.movements("pi_A", "A")]


def test_the_fixture_of_a_dispute_is_an_inquiry() -> None:
    """Its status is a warning: the bank has taken nothing, so that there is nothing to tell the order."""
    dispute = fixture("dispute")
    found = adapter_over({("GET", "/v1/disputes/dp_1"): (200, dispute, {})}).dispute("dp_1")

    assert found is not None
    assert (None, "warning_needs_response", True, (dispute["charge"],)) == (
        found.report(),
        found.status,
        found.refundable,
        found.payment_refs,
    )
    assert Money(minor=1_000, currency="USD") == found.amount


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("needs_response", "opened"),
        ("under_review", "opened"),
        ("won", "won"),
        ("lost", "lost"),
        ("warning_needs_response", None),
        ("warning_under_review", None),
        ("warning_closed", None),
        ("prevented", None),
        ("appeal_under_review", None),
        ("a_status_of_next_year", None),
    ],
)
def test_the_truth_of_a_dispute_is_told_in_our_words(status: str, state: str | None) -> None:
    """Every status that Stripe has, and one that it does not have yet."""
    expanded = fixture("charge") | {"metadata": {"order_id": "A-9"}}
    dispute = fixture("dispute") | {"status": status, "charge": expanded, "payment_intent": "pi_A"}
    found = adapter_over({("GET", "/v1/disputes/dp_1"): (200, dispute, {})}).dispute("dp_1")

    assert found is not None
    told = found.report()
    assert (state, "A-9", ("pi_A", expanded["id"]), status) == (
        told.state if told else None,
        found.order_id,
        found.payment_refs,
        found.status,
    )


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (502, "<html>Bad gateway</html>", Unavailable),
        (200, "not JSON", Unavailable),
        (503, {"error": {"type": "api_error", "message": "down"}}, Unavailable),
        (403, {"error": {"type": "invalid_request_error", "message": "rk_live_secret may not"}}, Unavailable),
        (402, {"error": {"type": "card_error", "code": "expired_card", "message": "expired"}}, Refused),
        (400, {"error": {"type": "invalid_request_error", "message": "a new rule"}}, Refused),
        (400, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "slow"}}, Unavailable),
    ],
)
def test_odd_answers_are_failures_of_a_known_kind(status: int, body: Any, error: type[Exception]) -> None:
    """What is surely a no is refused, everything else is asked again; no key is in any text."""
    answers: dict[tuple[str, str], Answer] = {
        ("GET", "/v1/payment_intents/pi_A"): (200, {"currency": "usd"}, {}),
        ("POST", "/v1/refunds"): (status, body, {}),
    }
    with pytest.raises(error) as failure:
        adapter_over(answers).refund(refund(), key="k")
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("headers", "replayed"),
    [
        ({"Idempotent-Replayed": "true"}, True),
        ({"Original-Request": "req_1", "Request-Id": "req_2"}, True),
        ({"Original-Request": "req_1", "Request-Id": "req_1"}, False),
        ({}, False),
    ],
)
def test_a_stored_failure_is_told_from_a_fresh_one(headers: dict[str, str], replayed: bool) -> None:
    """By its header, or by the id of the request that it really answers, as on the recorded answers."""
    answers: dict[tuple[str, str], Answer] = {
        ("GET", "/v1/payment_intents/pi_A"): (200, {"currency": "usd"}, {}),
        ("POST", "/v1/refunds"): (500, {"error": {"type": "api_error", "message": "down"}}, headers),
    }
    with pytest.raises(Unavailable) as failure:
        adapter_over(answers).refund(refund(), key="k")
    assert replayed is isinstance(failure.value, FailureReplayed)


def events() -> list[str]:
    """The types of events that the Stripe CLI can trigger."""
    return sorted(file.stem for file in (DATA / "triggers").glob("*.json"))


@pytest.mark.parametrize("kind", events())
def test_every_event_that_stripe_can_send_has_a_subject(kind: str) -> None:
    """An event of each type, with the object that it is about: what it speaks of is known, or it is of no concern."""
    named = {"charge.dispute": "dispute", "charge.refund": "refund"}.get(
        kind.rpartition(".")[0], kind.partition(".")[0]
    )
    thing = fixture(named)
    subject = subject_of(fixture("event") | {"type": kind, "data": {"object": thing}})

    topics = {"dispute": Topic.DISPUTE, "refund": Topic.MOVEMENT, "transfer": Topic.MOVEMENT}
    expected = Topic.MOVEMENT if kind == "charge.refunded" else topics.get(named, Topic.OTHER)
    assert subject is not None
    assert (expected, kind, thing["id"]) == (subject.topic, subject.type, subject.reference)
    assert subject.chargeback_id == (thing["id"] if named == "dispute" else "")
    if named in ("charge", "payment_intent"):
        assert thing["id"] in subject.payment_refs
    if named in ("dispute", "refund"):
        assert thing["charge"] in subject.payment_refs
