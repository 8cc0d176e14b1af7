"""Stand-ins for Stripe, and the adapter over them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from activities.stripe.client import client
from activities.stripe.payments import StripePayments
from tests.payments.fake_stripe import FakeStripe, a_fake_stripe

ACCOUNTS = {"seller-1": "acct_seller1"}


class Accounts:
    """Knows the connected account of one seller."""

    def account(self, seller_id: str) -> str | None:
        """Where the seller is paid."""
        return ACCOUNTS.get(seller_id)


class Files:
    """Files in memory, by URI."""

    def __init__(self, **contents: bytes) -> None:
        self.contents = contents

    def read(self, uri: str, *, most: int) -> bytes | None:
        """What is there."""
        content = self.contents.get(uri)
        return content if content is not None and len(content) <= most else None


def adapter(base: str, files: Files | None = None) -> StripePayments:
    """The Stripe adapter against a stand-in at this address."""
    return StripePayments(client("sk_test_secret", base=base), Accounts(), files or Files())


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    """A stand-in with all features, that has captured USD 100.00 as pi_A."""
    with a_fake_stripe() as fake:
        fake.capture("pi_A", 10_000, redress_order="A")
        yield fake


@pytest.fixture
def stripe_payments(fake: FakeStripe) -> StripePayments:
    """The adapter over that stand-in."""
    return adapter(fake.base)
