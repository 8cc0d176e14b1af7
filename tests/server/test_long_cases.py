"""Cases that grow long on a real server: what is said just as a run ends is kept, and histories stay within limits.

The server that skips time loses tasks around a new run. Here an hour passes in a second.
All else about such cases: `tests/workflows/test_long_cases.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from domain.messages import Confirmation, Reply, Ruling
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import Remedy
from domain.story import Outcome
from runtime import plugin
from storefront.client import Redress
from storefront.errors import NotAnswered
from tests.play import Play, a_photo, begin, scan
from tests.server import orders
from tests.server.processes import eventually
from tests.server_world import ServerWorld
from tests.workflows.scenes import COSTLY, REFUNDED, codes, divided, photos, policy_with
from tests.world import BEGINNING
from workflows.registry import WORKFLOWS

SPEED = 3_600
MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture
async def world(client: Client, tmp_path: Path) -> AsyncIterator[ServerWorld]:
    """A world in fast motion on the shared server."""
    clock = orders.fast(SPEED).model_copy(update={"policy_anchor": BEGINNING})
    world = ServerWorld(WorkflowEnvironment.from_client(client), tmp_path, clock)
    async with world.at_work():
        yield world


async def _contested(world: ServerWorld, order_id: str, **order: object) -> Play:
    play = await begin(world, order_id, **order)
    await play.scanned(scan(BEGINNING), scan(BEGINNING, TrackingStatus.DELIVERED))
    await _complains(play, "counterfeit", evidence=photos(world))
    await play.answers(accept=False)
    return play


async def _complains(play: Play, reason: str, **more: Any) -> None:
    """The buyer reports a problem, and the case can be spoken to."""
    await play.complains(reason, **more)

    async def begun() -> bool:
        with contextlib.suppress(RPCError):
            return bool(await play.case.describe())
        return False

    await eventually(begun)


async def _histories_of(client: Client, workflow_id: str) -> list[WorkflowHistory]:
    """The history of every run of a workflow that went on in new ones, oldest first."""
    histories: list[WorkflowHistory] = []
    run_id: str | None = None
    while run_id != "":
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        histories.insert(0, history)
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return histories


async def _ends(play: Play) -> Outcome:
    """Wait until the order has ended; its books must balance, and every run must replay."""
    outcome = await asyncio.wait_for(play.ends(), 30)
    replayer = Replayer(workflows=WORKFLOWS, plugins=[plugin()])
    for workflow_id in (play.handle.id, *(case.case_id for case in outcome.cases)):
        for history in await _histories_of(play.world.client, workflow_id):
            await replayer.replay_workflow(history)
    return outcome


async def _runs(play: Play) -> list[int]:
    """How many events each run of the first case has."""
    return [len(history.events) for history in await _histories_of(play.world.client, play.case.id)]


async def _answered(send: Callable[[], Awaitable[Reply]]) -> Reply:
    """Send until it is answered: a new run may turn a message away, and the client says that nothing came of it."""
    while True:
        with contextlib.suppress(NotAnswered):
            return await send()


async def _heard(play: Play, count: int) -> None:
    async def all_heard() -> bool:
        return len((await play.conversation()).messages) == count

    await eventually(all_heard)


@pytest.mark.timeout(120)
async def test_what_is_said_at_the_moment_of_a_new_run_is_kept(world: ServerWorld) -> None:
    """Bursts of messages, rulings and questions meet the end of a run again and again: each is kept, once."""
    play = await _contested(world, "long-2", policy=policy_with(limits={"history_events": 60}), **COSTLY)
    redress = Redress(world.client)

    async def asks() -> None:
        while True:
            await play.case_status()

    asking = asyncio.create_task(asks())
    sent: list[str] = []
    for burst in range(15):
        texts = [f"{burst}.{number}" for number in range(12)]
        ruling = Ruling(agent="kim", remedy=Remedy.REFUND_AND_KEEP, reason="as the photos show")
        rule = partial(redress.rule, play.case.id, ruling, request_id=f"rule-{burst}")
        await asyncio.gather(*(play.says(Role.BUYER, text) for text in texts), _answered(rule))
        refusal = Confirmation(agent="lee", agree=False)
        await _answered(partial(redress.confirm, play.case.id, refusal, request_id=f"confirm-{burst}"))
        sent += texts
    await _heard(play, len(sent))
    asking.cancel()
    await play.answers(accept=True)
    outcome = await _ends(play)

    conversation = await play.conversation()
    assert Counter(sent) == Counter(message.text for message in conversation.messages)
    assert list(range(1, len(sent) + 1)) == [message.number for message in conversation.messages]
    lengths = await _runs(play)
    assert (True, True) == (len(lengths) >= 4, max(lengths) < 200), lengths
    assert len(sent) == (await codes(play, Role.SELLER, "message")).count("message")
    assert (16, True) == (outcome.cases[0].number, outcome.cases[0].agreed)


@pytest.mark.timeout(120)
async def test_500_messages_and_50_pieces_of_evidence(world: ServerWorld) -> None:
    """With the limits of resale-v1 a case of this size stays below Temporal's, and tells all of it in order."""
    play = await _contested(world, "long-3")
    for number in range(46):
        await play.shows((Role.BUYER, Role.SELLER)[number % 2], a_photo(world, "other", f"photo {number}"))
    said = [f"message {number}" for number in range(500)]
    for number, text in enumerate(said):
        await play.says((Role.BUYER, Role.SELLER)[number % 2], text)
    await _heard(play, 500)
    await play.answers(accept=True)
    outcome = await _ends(play)

    histories = await _histories_of(world.client, play.case.id)
    conversation = await play.conversation()
    sizes = [sum(event.ByteSize() for event in history.events) for history in histories]
    assert said == [message.text for message in conversation.messages]
    assert list(range(1, 501)) == [message.number for message in conversation.messages]
    assert max(len(history.events) for history in histories) < 10_240, "from here on Temporal warns"
    assert max(sizes) < 10_000_000, "from here on Temporal warns"
    assert REFUNDED == divided(outcome)
