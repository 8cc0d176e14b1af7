"""What an undisturbed order may cost: exact numbers, so that a change of code or policy that costs more is noticed.

Counted in the history of a server, since that is what is billed.

Where a number falls, write the new one down; where it grows, the reason belongs in the commit.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench import lives
from bench.actions import actions
from bench.lives import Life
from runtime import TASK_QUEUE
from tests.server_world import a_server_world
from workflows.order import OrderWorkflow
from workflows.search_attributes import of_new_order

# For each life, what Temporal Cloud bills by kind, and the events of its history.
BUDGETS: dict[str, tuple[dict[str, int], int]] = {
    "platform label, webhooks, accepted": (
        {"start": 1, "signal": 5, "local activities": 4, "upsert": 3, "timer": 5, "activity": 1},
        49,
    ),
    "platform label, webhooks, silence": (
        {"start": 1, "signal": 4, "local activities": 5, "upsert": 3, "timer": 6, "activity": 1},
        54,
    ),
    "seller's label, webhooks, accepted": (
        {"start": 1, "signal": 6, "local activities": 5, "upsert": 4, "timer": 7, "activity": 2},
        68,
    ),
    "seller's label, webhooks, silence": (
        {"start": 1, "signal": 5, "local activities": 6, "upsert": 4, "timer": 8, "activity": 2},
        73,
    ),
    "seller's label, no webhooks, silence": (
        {"start": 1, "signal": 1, "local activities": 6, "upsert": 4, "timer": 11, "activity": 5, "retries": 9},
        90,
    ),
}


@pytest.mark.parametrize("life", lives.LIVES, ids=lambda life: life.name)
async def test_an_undisturbed_order_keeps_its_budget(life: Life, tmp_path: Path) -> None:
    """Actions by kind, and events, are exactly those written down."""
    async with a_server_world(tmp_path) as world:
        placed_at = await world.now()
        order = lives.order(life, 1, placed_at, world.clock)
        world.carrier.script(lives.shipment(1), life.journey(placed_at))
        world.payments.capture(order.payment_ref, order.price.total)
        handle = await world.client.start_workflow(
            OrderWorkflow.run,
            order,
            id=f"order-{order.order_id}",
            task_queue=TASK_QUEUE,
            search_attributes=of_new_order(order),
        )

        for instant, name, message in life.messages(placed_at, lives.shipment(1)):
            await world.at(instant)
            await handle.signal(name, message)
        await handle.result()

        history = await handle.fetch_history()
    spent: Counter[str] = Counter()
    for action in actions(history):
        spent[action.kind] += action.count
    assert BUDGETS[life.name] == (dict(spent), len(history.events))
