"""Cases that grow long go on in new runs: nothing is lost, nothing told twice, nothing that is owed changes.

How long the histories are on a real server, and what is said just as a run ends: `tests/server/test_long_cases.py`.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from domain.duties import DutyKind
from domain.messages import Finding
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import CaseState, Remedy
from tests.play import Play, a_photo, a_statement, begin, scan
from tests.workflows.scenes import LABEL, REFUNDED, codes, divided, photos, policy_with
from tests.world import BEGINNING, TunnelWorld

MINUTE = timedelta(minutes=1)


async def _delivered(world: TunnelWorld) -> Play:
    play = await begin(world, policy=policy_with(limits={"history_events": 100}))
    await play.scanned(scan(BEGINNING), scan(BEGINNING, TrackingStatus.DELIVERED))
    return play


async def _comes_to(world: TunnelWorld, play: Play, state: CaseState) -> None:
    """Let time pass until the case stands there."""
    while (await play.case_status()).state != state:
        assert world.tunnel.step(), f"the case never comes to {state}"


async def _waits_for_a_person(world: TunnelWorld, play: Play) -> None:
    """Let time pass until the carrier has been asked often enough."""
    while DutyKind.RECONCILE not in await play.case_duties():
        assert world.tunnel.step(), "nobody is told"


class Talk:
    """Buyer and seller write in turns until the case has gone on in a new run; each text is kept to be compared."""

    def __init__(self, world: TunnelWorld, play: Play) -> None:
        self._world = world
        self._play = play
        self.said: list[str] = []
        self.runs = 1
        self.longest = 0

    async def until_a_new_run(self) -> None:
        """Nothing that is owed may change by that."""
        play, run = self._play, self._run()
        before = await play.case_duties()
        while self._run() == run:
            assert self.longest < 200, "the case goes on and on in one run"
            self.said.append(f"message {len(self.said)}")
            await play.says((Role.BUYER, Role.SELLER)[len(self.said) % 2], self.said[-1])
            self.longest = max(self.longest, self._world.tunnel.executions[play.case.id].history)
        self.runs += 1
        after = await play.case_duties()
        owed = {kind: duty.due for kind, duty in before.items()}
        assert owed == {kind: duty.due for kind, duty in after.items() if kind in before}

    def _run(self) -> str:
        return self._world.tunnel.executions[self._play.case.id].run_id


async def test_a_case_goes_on_in_new_runs_through_all_its_states(world: TunnelWorld) -> None:
    """While the sides negotiate, with support, with a parcel on its way back, and while an appeal is open."""
    play = await _delivered(world)
    await play.complains("damaged")
    talk = Talk(world, play)
    await talk.until_a_new_run()
    await play.answers(accept=False)
    await play.shows(Role.BUYER, *photos(world), a_photo(world, "photo_defect"))
    await _comes_to(world, play, CaseState.WITH_SUPPORT)
    await play.offers(Role.BUYER, Remedy.REFUND_AND_KEEP)
    await talk.until_a_new_run()
    await _comes_to(world, play, CaseState.NEGOTIATING)
    await play.answers_offer(Role.SELLER, accept=False)
    await talk.until_a_new_run()
    await play.ruled(Remedy.RETURN_FOR_REFUND)
    await _comes_to(world, play, CaseState.AWAITING_RETURN)
    await talk.until_a_new_run()
    await play.sent_back(scan(await world.now() - MINUTE))
    await _comes_to(world, play, CaseState.RETURNING)
    await talk.until_a_new_run()
    await play.sent_back(scan(await world.now() - MINUTE, TrackingStatus.DELIVERED))
    await _comes_to(world, play, CaseState.INSPECTING)
    await talk.until_a_new_run()
    await play.inspects(Finding.ANOTHER_ITEM, evidence=[a_photo(world, "unboxing")])
    await play.ruled(Remedy.REFUND_AND_KEEP, agent="lee")
    await _comes_to(world, play, CaseState.SETTLED)
    await talk.until_a_new_run()
    await play.appeals(Role.SELLER, a_statement("Here is the serial number of what I sent"))
    await talk.until_a_new_run()
    await _comes_to(world, play, CaseState.APPEALED)
    await play.ruled(Remedy.REFUND_AND_KEEP, agent="max")
    outcome = await play.ends()

    assert talk.runs >= 9
    assert talk.said == [message.text for message in (await play.conversation()).messages]
    assert {"buyer": 0, "seller": 0, "platform": -LABEL, "tax": 0} == divided(outcome)
    assert {"refunds": [12_900]} == play.paid()
    # Each message is told to the other side once.
    told = Counter(notice.to for notice in world.outbox.notices(play.case.id) if notice.kind == "message")
    assert len(talk.said) == told[Role.BUYER] + told[Role.SELLER]
    once = ("seller_contested", "return_label_pickup", "return_scanned", "return_delivered", "final")
    assert {1} == {(await codes(play, Role.BUYER, code)).count(code) for code in once}


async def test_the_bank_reaches_a_case_in_a_later_run(world: TunnelWorld) -> None:
    """A chargeback freezes a case that has gone on in a new run, which goes on in another one, and is resumed there."""
    play = await _delivered(world)
    await play.complains("counterfeit", evidence=photos(world))
    await play.answers(accept=False)
    talk = Talk(world, play)
    await talk.until_a_new_run()
    await play.bank_says("opened")
    assert CaseState.FROZEN == (await play.case_status()).state
    await talk.until_a_new_run()
    assert (await play.case_duties())[DutyKind.DECIDE_CASE].paused
    await play.bank_says("won")
    assert CaseState.WITH_SUPPORT == (await play.case_status()).state
    await play.answers(accept=True)
    outcome = await play.ends()

    assert ["case_frozen", "case_unfrozen"] == await codes(play, Role.BUYER, "case_frozen", "case_unfrozen")
    assert world.payments.submission("cb_1")
    assert REFUNDED == divided(outcome)


@pytest.mark.parametrize("carrier_down", [False, True], ids=["parcel on its way", "no label to be had"])
async def test_what_was_under_way_is_begun_anew(world: TunnelWorld, carrier_down: bool) -> None:
    """A look-up, or an errand that waits for a person, is not forgotten with the run that began it."""
    play = await _delivered(world)
    await play.complains("damaged")
    world.carrier.set_faults(unavailable=float(carrier_down))
    await play.answers(accept=True)
    parcel = (scan(BEGINNING + 60 * MINUTE), scan(BEGINNING + 90 * MINUTE, TrackingStatus.DELIVERED))
    world.carrier.script(play.return_shipment(), parcel)
    if carrier_down:
        await _waits_for_a_person(world, play)
    await Talk(world, play).until_a_new_run()
    world.carrier.set_faults()
    await _comes_to(world, play, CaseState.INSPECTING)
    await play.inspects(Finding.AS_SENT)
    outcome = await play.ends()

    assert 1 == len(world.carrier.labels(play.case.id))
    assert ["return_delivered"] == await codes(play, Role.SELLER, "return_delivered")
    assert {"buyer": 0, "seller": 0, "platform": -LABEL, "tax": 0} == divided(outcome)
