"""A worker that pays through Stripe: whole orders against the stand-in, with kills and lost answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.client import Client

from activities.payout_accounts import SqlPayoutAccounts
from activities.store import open_store
from domain.ledger import EntryKind
from domain.messages import Acceptance, Cancel, Shipped, Tracking
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.reconciliation_report import Reconcile
from domain.story import Outcome
from domain.tracking_numbers import sandbox_number
from storefront import books
from storefront.client import Redress
from tests.payments.fake_stripe import FakeStripe, Fault, a_fake_stripe
from tests.server.processes import a_worker, run
from tests.storefront.orders import a_draft

QUEUE = "stripe-tests"


class Shop:
    """Sells orders whose payments the stand-in has captured."""

    def __init__(self, client: Client, stripe: FakeStripe) -> None:
        self.client = client
        self.redress = Redress(client, task_queue=QUEUE)
        self.stripe = stripe

    async def sold(self, order_id: str) -> None:
        """A paid order."""
        draft = a_draft(datetime.now(UTC), order_id=order_id, payment_ref=f"pi_{order_id}")
        self.stripe.capture(draft.payment_ref, draft.price.total.minor, redress_order=order_id)
        await self.redress.start(draft)

    async def cancelled(self, order_id: str) -> None:
        """The seller cancels: the buyer gets everything back."""
        await self.redress.cancel(order_id, Cancel(by=Role.SELLER, submitted_at=datetime.now(UTC)))

    async def reference(self, order_id: str, kind: EntryKind) -> str:
        """What Stripe calls the one movement of this kind in the ledger, once the order has closed."""
        outcome: Outcome = await self.redress.outcome(order_id)
        (entry,) = [entry for entry in outcome.ledger.facts if entry.kind is kind]
        return entry.reference


@asynccontextmanager
async def a_shop(client: Client, data_dir: Path) -> AsyncIterator[Shop]:
    """A stand-in and a worker that pays through it."""
    with a_fake_stripe() as stripe:
        settings = {
            "TEMPORAL_ADDRESS": client.service_client.config.target_host,
            "REDRESS_TASK_QUEUE": QUEUE,
            "REDRESS_PAYMENTS": "stripe",
            "REDRESS_STRIPE_API_KEY": "sk_test_secret",
            "REDRESS_STRIPE_API_BASE": stripe.base,
        }
        async with a_worker(data_dir=data_dir, **settings):
            yield Shop(client, stripe)


async def test_a_buyer_is_refunded_once_whatever_befalls_the_requests(client: Client, tmp_path: Path) -> None:
    """Lost answers, stored failures, conflicts and rate limits in one refund: one object, and three books agree."""
    async with a_shop(client, tmp_path) as shop:
        await shop.sold("ST-1")
        shop.stripe.faults += [Fault.CONFLICT, Fault.STORED_500, Fault.ANSWER_LOST]
        await shop.cancelled("ST-1")
        reference = await shop.reference("ST-1", EntryKind.REFUNDED)

        assert [(12_900, reference)] == [(made["amount"], made["id"]) for made in shop.stripe.refunds]
        assert {"redress_key": "refund-ST-1-1", "redress_order": "ST-1"} == shop.stripe.refunds[0]["metadata"]
        report = await books.compare(client, Reconcile(orders=("ST-1",)), 30, task_queue=QUEUE)
        assert (1, 1, True) == (report.orders, report.movements, report.agrees)

        shop.stripe.refunds.insert(0, shop.stripe.refunds[0] | {"id": "re_x", "metadata": {}})
        report = await books.compare(client, Reconcile(), 30, task_queue=QUEUE)
        assert [("ST-1", "re_x", "foreign")] == [(one.order_id, one.key, one.what) for one in report.differences]


async def test_a_seller_is_paid_to_their_account(client: Client, tmp_path: Path) -> None:
    """The share goes to the connected account that our store has for the seller, and Stripe is told of nobody else."""
    async with a_shop(client, tmp_path) as shop:
        await shop.sold("ST-2")
        seller = a_draft(datetime.now(UTC)).seller.id
        SqlPayoutAccounts(open_store(f"sqlite:///{tmp_path / 'redress.sqlite'}")).keep(seller, "acct_1S4")
        now = datetime.now(UTC)
        await shop.redress.ship("ST-2", Shipped(carrier="sandbox", tracking_number=sandbox_number(2)))
        scans = (TrackingStatus.ACCEPTED, TrackingStatus.DELIVERED)
        events = tuple(TrackingEvent(status=status, at=now) for status in scans)
        await shop.redress.tracking("ST-2", Tracking(events=events))
        await shop.redress.accept("ST-2", Acceptance())
        reference = await shop.reference("ST-2", EntryKind.RELEASED)

        (made,) = shop.stripe.transfers
        assert (reference, "acct_1S4", "redress-ST-2") == (made["id"], made["destination"], made["transfer_group"])


@pytest.mark.parametrize("setting", ["sk_live_1"])
async def test_a_worker_without_a_usable_key_does_not_start(tmp_path: Path, setting: str) -> None:
    """It says which setting is wrong and ends with code 2, before Temporal is asked."""
    variables = {"REDRESS_PAYMENTS": "stripe", "REDRESS_STRIPE_API_KEY": setting, "REDRESS_DATA_DIR": str(tmp_path)}
    code, output, errors = await run("worker.py", **variables)
    assert (2, "") == (code, output)
    assert errors.startswith("REDRESS_STRIPE_API_KEY is")
    assert "_1" not in errors
