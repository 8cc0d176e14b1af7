"""Every request that the adapter can make is one that Stripe's OpenAPI allows, as stripe-mock judges it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from PIL import Image

from activities.ports import Refused
from activities.stripe.client import SECONDS, client
from activities.stripe.payments import StripePayments
from domain.requests import Submission
from tests.payments.conftest import Accounts, Files
from tests.payments.movements import clawback, refund, release
from tests.payments.servers import a_stripe_mock

DOCUMENTED = Path(__file__).parents[2] / "docs" / "payments.md"
_IDS = re.compile(r"/(?:re|tr|trr|ch|pi|dp|file)_\w+")


class Witness(stripe.RequestsClient):
    """Sends requests and remembers what was called, with which idempotency key."""

    def __init__(self) -> None:
        super().__init__(timeout=SECONDS)
        self.calls: list[tuple[str, str, str]] = []

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **more: Any) -> Any:
        """Note the call and make it."""
        path = _IDS.sub("/{id}", urlsplit(url).path)
        self.calls.append((method.upper(), path, dict(headers).get("Idempotency-Key", "")))
        return super().request(method, url, headers, post_data, **more)


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    """A stripe-mock, which keeps no state."""
    with a_stripe_mock() as base:
        yield base


@pytest.fixture
def witness() -> Witness:
    """What the adapter has called."""
    return Witness()


@pytest.fixture
def payments(mock: str, witness: Witness) -> StripePayments:
    """The adapter over stripe-mock."""
    picture = BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "JPEG")
    files = Files(**{"s3://f/1": picture.getvalue()})
    return StripePayments(client("sk_test_secret", base=mock, http=witness), Accounts(), files)


def call_everything(payments: StripePayments) -> None:
    """Each method of the port once, and both ways to name a payment."""
    payments.refund(refund(), key="refund-A-1")
    payments.refund(refund(payment_ref="ch_1"), key="refund-A-1")
    payments.release(release(), key="release-A-1")
    payments.claw_back(clawback(100), key="clawback-A-1")
    for movement in (refund(), refund(payment_ref="ch_1"), release(), clawback()):
        payments.find(movement)
    payments.movements("pi_A", "A")
    payments.moved_since(datetime(2026, 11, 1, tzinfo=UTC))
    payments.dispute("dp_1")
    payments.find_evidence("dp_1")
    files = {"receipt": f"s3://f/1 {'0' * 64}"}
    texts = {"uncategorized_text": "Order A", "shipping_tracking_number": "1Z", "shipping_date": "2026-11-03"}
    payments.submit_evidence(
        Submission(order_id="A", payment_ref="pi_A", chargeback_id="dp_1", texts=texts, files=files)
    )


def test_stripe_allows_every_request(payments: StripePayments, witness: Witness) -> None:
    """No parameter is unknown, missing or of a wrong type, and the page on payments names exactly these calls."""
    call_everything(payments)

    page = DOCUMENTED.read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(GET|POST) (/v1/[^`]+)` \|", page, re.MULTILINE))
    assert documented == {(method, path) for method, path, _ in witness.calls} | {
        # Called only for a transfer with more reversals than Stripe shows with it.
        ("GET", "/v1/transfers/{id}/reversals")
    }


def test_every_change_carries_a_key_of_the_business(payments: StripePayments, witness: Witness) -> None:
    """No request that changes something goes out under a key that the library has drawn, and none is sent twice."""
    call_everything(payments)

    keys = [key for method, _, key in witness.calls if method == "POST"]
    known = re.compile(r"(refund|release|clawback)-A-1(:tr_\w+)?|(file|evidence)-dp_1-(receipt-)?[0-9a-f]{32}")
    assert [] == [key for key in keys if not known.fullmatch(key)]
    assert 6 == len(keys)


def test_the_judge_is_not_blind(mock: str) -> None:
    """The negative control: a parameter that Stripe does not have is refused by stripe-mock."""
    params: Any = {"charge": "ch_1", "reason_in_words": "cracked"}
    with pytest.raises(stripe.InvalidRequestError, match="additional properties are not allowed"):
        client("sk_test_secret", base=mock).v1.refunds.create(params)


def test_the_list_of_reversals_is_asked_for_rightly(mock: str) -> None:
    """Of a transfer with very many reversals the rest is listed: the request is allowed, too."""
    params: Any = {"limit": 100}
    found = client("sk_test_secret", base=mock).v1.transfers.reversals.list("tr_1", params)
    assert "transfer_reversal" == found.data[0].object


def test_a_seller_without_an_account_is_refused_before_anything_is_sent(
    payments: StripePayments, witness: Witness
) -> None:
    """Nobody's money goes to nowhere."""
    with pytest.raises(Refused, match=r"starter\.py payout-account seller-2") as refusal:
        payments.release(release().model_copy(update={"payee": "seller-2"}), key="k")
    assert ("no_payout_account", []) == (refusal.value.code, witness.calls)
