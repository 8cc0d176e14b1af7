"""Cases that grow long go on in new runs: nothing is lost, nothing told twice, and no history grows without bound.

On a real server, since the one that skips time loses tasks around a new run. An hour passes in a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
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

from domain.duties import DutyKind
from domain.messages import Confirmation, Finding, Reply, Ruling
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import CaseState, Policy, Remedy
from domain.story import Outcome
from runtime import plugin
from storefront.client import Redress
from storefront.errors import NotAnswered
from tests.play import Play, a_photo, a_statement, begin, scan
from tests.server import orders
from tests.server.processes import eventually
from tests.server_world import ServerWorld
from tests.workflows.scenes import COSTLY, LABEL, REFUNDED, codes, divided, photos, policy_with
from tests.world import BEGINNING
from workflows.registry import WORKFLOWS

SPEED = 3_600
MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture
async def world(client: Client, tmp_path: Path) -> AsyncIterator[ServerWorld]:
    """A world in fast motion on the shared server."""
    async with _a_world(client, tmp_path, SPEED) as world:
        yield world


@asynccontextmanager
async def _a_world(client: Client, folder: Path, speed: float) -> AsyncIterator[ServerWorld]:
    clock = orders.fast(speed).model_copy(update={"policy_anchor": BEGINNING})
    world = ServerWorld(WorkflowEnvironment.from_client(client), folder, clock)
    async with world.at_work():
        yield world


def _short_runs(events: int = 100) -> Policy:
    return policy_with(limits={"history_events": events})


async def _delivered(world: ServerWorld, order_id: str, **order: object) -> Play:
    play = await begin(world, order_id, **order)
    await play.scanned(scan(BEGINNING), scan(BEGINNING, TrackingStatus.DELIVERED))
    return play


async def _contested(world: ServerWorld, order_id: str, **order: object) -> Play:
    play = await _delivered(world, order_id, **order)
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


async def _in_state(play: Play, state: CaseState) -> None:
    async def there() -> bool:
        return (await play.case_status()).state == state

    await eventually(there)


async def _answered(send: Callable[[], Awaitable[Reply]]) -> Reply:
    """Send until it is answered: a new run may turn a message away, and the client says that nothing came of it."""
    while True:
        with contextlib.suppress(NotAnswered):
            return await send()


async def _heard(play: Play, count: int) -> None:
    async def all_heard() -> bool:
        return len((await play.conversation()).messages) == count

    await eventually(all_heard)


class Talk:
    """Buyer and seller write in turns until the case has gone on in a new run; each text is kept to be compared."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self.said: list[str] = []
        self.runs = 1

    async def until_a_new_run(self) -> None:
        """Nothing that is owed may change by that."""
        play = self._play
        before = {kind: duty.due for kind, duty in (await play.case_duties()).items()}
        while (runs := len(await _runs(play))) == self.runs:
            for _ in range(10):
                self.said.append(f"message {len(self.said)}")
                await play.says((Role.BUYER, Role.SELLER)[len(self.said) % 2], self.said[-1])
            await _heard(play, len(self.said))
        self.runs = runs
        after = (await play.case_duties()).items()
        assert before | {kind: duty.due for kind, duty in after if kind in before} == before


@pytest.mark.timeout(120)
async def test_a_case_goes_on_in_new_runs_through_all_its_states(world: ServerWorld) -> None:
    """While the sides negotiate, with support, with a parcel on its way back, and while an appeal is open."""
    play = await _delivered(world, "long-1", policy=_short_runs())
    await _complains(play, "damaged")
    talk = Talk(play)
    await talk.until_a_new_run()
    await play.answers(accept=False)
    await play.shows(Role.BUYER, *photos(world), a_photo(world, "photo_defect"))
    await _in_state(play, CaseState.WITH_SUPPORT)
    await play.offers(Role.BUYER, Remedy.REFUND_AND_KEEP)
    await talk.until_a_new_run()
    await _in_state(play, CaseState.NEGOTIATING)
    await play.answers_offer(Role.SELLER, accept=False)
    await talk.until_a_new_run()
    await play.ruled(Remedy.RETURN_FOR_REFUND)
    await _in_state(play, CaseState.AWAITING_RETURN)
    await talk.until_a_new_run()
    await play.sent_back(scan(await world.now() - MINUTE))
    await _in_state(play, CaseState.RETURNING)
    await talk.until_a_new_run()
    await play.sent_back(scan(await world.now() - MINUTE, TrackingStatus.DELIVERED))
    await _in_state(play, CaseState.INSPECTING)
    await talk.until_a_new_run()
    await play.inspects(Finding.ANOTHER_ITEM, evidence=[a_photo(world, "unboxing")])
    await play.ruled(Remedy.REFUND_AND_KEEP, agent="lee")
    await _in_state(play, CaseState.SETTLED)
    await talk.until_a_new_run()
    await play.appeals(Role.SELLER, a_statement("Here is the serial number of what I sent"))
    await talk.until_a_new_run()
    await _in_state(play, CaseState.APPEALED)
    await play.ruled(Remedy.REFUND_AND_KEEP, agent="max")
    outcome = await _ends(play)

    lengths = await _runs(play)
    notices = world.outbox.notices(play.case.id)
    assert (True, True) == (len(lengths) >= 9, max(lengths) < 200), lengths
    assert talk.said == [message.text for message in (await play.conversation()).messages]
    assert {"buyer": 0, "seller": 0, "platform": -LABEL, "tax": 0} == divided(outcome)
    assert {"refunds": [12_900]} == play.paid()
    # Each message is told to the other side once.
    told = Counter(notice.to for notice in notices if notice.kind == "message")
    assert len(talk.said) == told[Role.BUYER] + told[Role.SELLER]
    once = ("asked_seller", "seller_contested", "return_label_pickup", "return_scanned", "return_delivered", "final")
    assert {1} == {(await codes(play, Role.BUYER, code)).count(code) for code in once if code != "asked_seller"}


@pytest.mark.timeout(120)
async def test_what_is_said_at_the_moment_of_a_new_run_is_kept(world: ServerWorld) -> None:
    """Bursts of messages, rulings and questions meet the end of a run again and again: each is kept, once."""
    play = await _contested(world, "long-2", policy=_short_runs(60), **COSTLY)
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
    assert len(await _runs(play)) >= 4
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


@pytest.mark.timeout(120)
async def test_the_bank_reaches_a_case_in_a_later_run(world: ServerWorld) -> None:
    """A chargeback freezes a case that has gone on in a new run, which goes on in another one, and is resumed there."""
    play = await _contested(world, "long-4", policy=_short_runs())
    talk = Talk(play)
    await talk.until_a_new_run()
    await play.bank_says("opened")
    await _in_state(play, CaseState.FROZEN)
    await talk.until_a_new_run()
    assert (await play.case_duties())[DutyKind.DECIDE_CASE].paused
    await play.bank_says("won")
    await _in_state(play, CaseState.WITH_SUPPORT)
    await play.answers(accept=True)
    outcome = await _ends(play)

    assert ["case_frozen", "case_unfrozen"] == await codes(play, Role.BUYER, "case_frozen", "case_unfrozen")
    assert world.payments.submission("cb_1")
    assert REFUNDED == divided(outcome)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("carrier_down", [False, True], ids=["parcel on its way", "no label to be had"])
async def test_what_was_under_way_is_begun_anew(client: Client, tmp_path: Path, carrier_down: bool) -> None:
    """A look-up, or an errand that waits for a person, is not forgotten with the run that began it."""
    async with _a_world(client, tmp_path, 10 * SPEED) as world:
        play = await _delivered(world, f"long-5-{carrier_down}", policy=_short_runs())
        await _complains(play, "damaged")
        world.carrier.set_faults(unavailable=float(carrier_down))
        await play.answers(accept=True)
        parcel = (scan(BEGINNING + 60 * MINUTE), scan(BEGINNING + 90 * MINUTE, TrackingStatus.DELIVERED))
        world.carrier.script(play.return_shipment(), parcel)
        await Talk(play).until_a_new_run()
        world.carrier.set_faults()
        await _in_state(play, CaseState.INSPECTING)
        await play.inspects(Finding.AS_SENT)
        outcome = await _ends(play)

    assert 1 == len(world.carrier.labels(play.case.id))
    assert ["return_delivered"] == await codes(play, Role.SELLER, "return_delivered")
    assert {"buyer": 0, "seller": 0, "platform": -LABEL, "tax": 0} == divided(outcome)
