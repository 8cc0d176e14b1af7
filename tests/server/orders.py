"""Orders on a real server, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle

from activities.sandbox.payments import SandboxPayments
from adapters.payments import PAYMENTS_FILE
from domain.clock import Clock
from domain.story import Outcome
from runtime import TASK_QUEUE
from tests.world import an_order
from workflows.order import OrderWorkflow

PLACED_AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""When orders in fast motion are placed: a Monday morning in New York."""

Handle = WorkflowHandle[OrderWorkflow, Outcome]


def fast(speed: float) -> Clock:
    """Fast motion from now on, beginning with the purchase."""
    return Clock(real_anchor=datetime.now(UTC), policy_anchor=PLACED_AT, speed=speed)


def payments(data_dir: Path) -> SandboxPayments:
    """The sandbox provider of a worker with this folder."""
    return SandboxPayments(data_dir / PAYMENTS_FILE)


async def start(
    client: Client, provider: SandboxPayments, order_id: str, *, task_queue: str = TASK_QUEUE, **changes: Any
) -> Handle:
    """Capture the payment of an order and start it."""
    order = an_order(**({"placed_at": datetime.now(UTC)} | changes), order_id=order_id, payment_ref=f"ch_{order_id}")
    provider.capture(order.payment_ref, order.price.total)
    return await client.start_workflow(OrderWorkflow.run, order, id=f"order-{order_id}", task_queue=task_queue)
