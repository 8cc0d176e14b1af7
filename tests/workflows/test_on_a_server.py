"""What the tunnel takes for granted of a server, on the one that skips time.

There somebody speaks while a local activity runs, so that the end of the workflow task is turned away; and an outage is
one: nobody knows how long it lasts, the timer has fired and the message has come when a worker takes the next task.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from domain.ledger import EntryKind
from domain.messages import Chargeback
from domain.story import Outcome
from tests.play import begin
from tests.server_world import a_server_world
from tests.world import ny
from workflows.order import OrderWorkflow

DELIVERED = ny(11, 2, 12)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("states", [["lost"], ["opened"], ["opened", "won"], ["opened", "lost"]])
async def test_what_comes_while_the_outcome_is_recorded_is_in_the_outcome_that_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: list[str]
) -> None:
    """A message during the recording undoes its workflow task; the store's latest revision is the workflow's result."""
    async with a_server_world(tmp_path) as world:
        loop, record, kept = asyncio.get_running_loop(), world.outcomes.record, list[Outcome]()
        play = await begin(world)

        def recording(outcome: Outcome) -> bool:
            kept.append(outcome)
            for state in states if len(kept) == 1 else []:
                message = Chargeback(chargeback_id="cb-1", state=state)
                signal = play.handle.signal(OrderWorkflow.chargeback, message)
                asyncio.run_coroutine_threadsafe(signal, loop).result()
            return record(outcome)

        monkeypatch.setattr(world.outcomes, "record", recording)
        await play.ships()
        await world.at(DELIVERED + HOUR)
        await play.delivered(DELIVERED)
        await play.accepts()
        outcome = await play.handle.result()

        assert world.outcomes.recall("A-1") == outcome
        assert kept[0].chargebacks == ()
        assert outcome.chargebacks == ("cb-1",)
        assert outcome.ledger.total(EntryKind.CHARGED_BACK) == (0 if "won" in states else 12_900)


@pytest.mark.parametrize(
    ("sent", "ending"), [(-MINUTE, "accepted"), (MINUTE, "window_closed")], ids=["in time", "late"]
)
async def test_what_was_sent_in_an_outage_counts_by_when_it_was_sent(
    tmp_path: Path, sent: timedelta, ending: str
) -> None:
    """An acceptance in time ends the order as accepted; a late one finds the window closed: see `test_outage.py`."""
    closes = DELIVERED + 72 * HOUR
    async with a_server_world(tmp_path, cached=0, speed=3_600) as world:
        play = await begin(world)
        await world.at(DELIVERED + 30 * MINUTE)
        await play.delivered(DELIVERED)
        await world.at(closes - HOUR)
        await world.worker_stops()
        await world.at(closes + 5 * MINUTE)
        await play.accepts(at=closes + sent)
        await world.at(closes + 10 * MINUTE)
        await world.worker_starts(cached=0)
        outcome = await play.ends()

    assert ending == outcome.decision.ending
