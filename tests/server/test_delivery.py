"""Notices as they really leave: a worker of its own, a mail server, and a storefront that verifies webhooks."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook as Verifier
from temporalio.client import Client

from domain.messages import Cancel
from domain.parties import Role
from domain.policy import Courtesy
from embedded import EmbeddedServer
from tests.activities.dispatch.mail_server import Listening, Postmaster
from tests.activities.dispatch.test_webhook import SECRET
from tests.server import orders
from tests.server.processes import a_worker, eventually
from tests.world import an_order
from workflows.order import OrderWorkflow


async def test_an_order_is_told_by_mail_and_webhook(
    server: EmbeddedServer, client: Client, tmp_path: Path, httpserver: HTTPServer
) -> None:
    """From the workflow to the reader and the storefront: each notice once on each channel, under its key."""
    httpserver.expect_request("/notices", "POST").respond_with_data("", 202)
    postmaster = Postmaster()
    mail = Listening(postmaster)
    mail.start()
    settings = {
        "TEMPORAL_ADDRESS": server.address,
        "REDRESS_TASK_QUEUE": "delivery",
        "REDRESS_NOTICES": "smtp",
        "REDRESS_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
        "REDRESS_MAIL_FROM": "Redress <no-reply@marketplace.example>",
        "REDRESS_WEBHOOK_URL": httpserver.url_for("/notices"),
        "REDRESS_WEBHOOK_SECRET": SECRET,
    }
    # At whatever hour this runs, nobody's night may hold it up.
    policy = an_order(placed_at=orders.PLACED_AT).policy.model_copy(update={"notices": Courtesy()})
    try:
        async with a_worker(data_dir=tmp_path, **settings):
            handle = await orders.start(client, orders.payments(tmp_path), "D-1", task_queue="delivery", policy=policy)
            await handle.execute_update(OrderWorkflow.cancel, Cancel(by=Role.BUYER))
            await handle.result()
            kinds = {(kind, role) for kind in ("opened", "refunded", "closed") for role in ("buyer", "seller")}
            keys = {f"order-D-1-{kind}-{role}-1" for kind, role in kinds}
            await eventually(lambda: _all_there(keys, postmaster, httpserver))
    finally:
        mail.stop()

    assert sorted(f"<{key}@marketplace.example>" for key in keys) == sorted(
        mail["Message-ID"] for _, mail in postmaster.mails
    )
    told = [Verifier(SECRET).verify(request.get_data(), dict(request.headers)) for request, _ in httpserver.log]
    assert sorted(keys) == sorted(one["data"]["key"] for one in told)


async def _all_there(keys: set[str], postmaster: Postmaster, storefront: HTTPServer) -> bool:
    posted = {json.loads(request.get_data())["data"]["key"] for request, _ in storefront.log}
    return len(postmaster.mails) >= len(keys) and keys <= posted
