"""Goods on their way back: lost, late, unclaimed, never sent, looked at or not; and labels that cannot be had."""

from __future__ import annotations

import pytest

from activities.sandbox.labels import LabelState
from domain.duties import DutyKind
from domain.ledger import EntryKind
from domain.messages import Disruption, Finding, Verdict
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import Remedy
from tests.play import a_photo, a_statement, scan
from tests.workflows.scenes import (
    DAY,
    HOUR,
    LABEL,
    MINUTE,
    RELEASED,
    back_with_the_seller,
    codes,
    delivered,
    divided,
    to_be_returned,
)
from tests.world import World, ny, usd

REFUNDED_AND_LABEL_PAID = {"buyer": 0, "seller": 0, "platform": -LABEL, "tax": 0}


async def test_a_return_that_is_lost_is_refunded_at_the_cost_of_the_platform(world: World) -> None:
    """The buyer did their part: after 30 days of silence they are refunded, and the seller is paid by the platform."""
    play = await to_be_returned(world)
    await world.at(ny(11, 5, 12))
    await play.sent_back(scan(ny(11, 5, 9)))
    outcome = await play.ends()

    assert {"buyer": 0, "seller": 8_800, "platform": -8_800 - LABEL, "tax": 0} == divided(outcome)
    both = ["return_scanned", "return_stalled", "return_late", "return_lost", "return_lost_refunded", "final"]
    assert both == await codes(play, Role.BUYER, *both) == await codes(play, Role.SELLER, *both)
    assert Role.PLATFORM is outcome.cases[0].borne_by


async def test_a_late_return_still_counts(world: World) -> None:
    """A return that the carrier holds up is told as late, and refunded once it is there and looked at."""
    play = await to_be_returned(world)
    await world.at(ny(11, 5, 12))
    await play.sent_back(scan(ny(11, 5, 9)))
    await world.at(ny(11, 20, 12))
    await play.sent_back(scan(ny(11, 20, 11), TrackingStatus.DELIVERED))
    await play.inspects(Finding.AS_SENT)
    outcome = await play.ends()

    assert ["return_late"] == await codes(play, Role.SELLER, "return_late", "return_lost")
    assert REFUNDED_AND_LABEL_PAID == divided(outcome)


async def test_a_return_that_the_seller_does_not_take_in_is_refunded(world: World) -> None:
    """It went back to the buyer, who did what was asked: the seller pays."""
    play = await to_be_returned(world)
    await world.at(ny(11, 9, 12))
    await play.sent_back(scan(ny(11, 5, 9)), scan(ny(11, 9, 9), TrackingStatus.ATTEMPT_FAILED))
    await world.at(ny(11, 21, 12))
    await play.sent_back(scan(ny(11, 20, 9), TrackingStatus.RETURNING))
    await world.at(ny(11, 24, 12))
    await play.sent_back(scan(ny(11, 24, 9), TrackingStatus.RETURNED))
    outcome = await play.ends()

    told = ["return_attempt_failed", "return_not_collected", "return_returning", "return_unclaimed_refunded"]
    assert told == await codes(play, Role.SELLER, *told)
    assert (Role.SELLER, REFUNDED_AND_LABEL_PAID) == (outcome.cases[0].borne_by, divided(outcome))


async def test_goods_that_are_never_sent_back_are_paid_for(world: World) -> None:
    """Chased after five days, closed after fifteen: the seller is paid, and the unused label is given back once."""
    play = await to_be_returned(world)
    outcome = await play.ends()

    assert ["return_chased"] == await codes(play, Role.BUYER, "return_chased")
    assert ("resale-v1/returns.close", Remedy.RELEASE) == (outcome.decision.rule, outcome.cases[0].remedy)
    assert RELEASED == divided(outcome)
    assert (LABEL, LABEL) == tuple(outcome.ledger.total(kind) for kind in (EntryKind.LABEL, EntryKind.LABEL_REFUNDED))
    (sold,) = world.carrier.labels("case-A-1-1")
    assert LabelState.REFUNDED == sold.state
    assert (False, usd(12_900)) == (sold.request.signature, sold.request.value)


async def test_a_last_look_finds_a_return_that_was_handed_over_in_time(world: World) -> None:
    """Before a return is taken off, the carrier is asked once more; its word saves the buyer's refund."""
    play = await to_be_returned(world)
    world.carrier.set_faults(unavailable=1)
    world.carrier.script(play.return_shipment(), (scan(ny(11, 17, 9)), scan(ny(11, 20, 9), TrackingStatus.DELIVERED)))
    await world.at(ny(11, 18, 11, 29))
    world.carrier.set_faults()
    outcome = await play.ends()

    assert REFUNDED_AND_LABEL_PAID == divided(outcome)
    assert "silence:seller" in outcome.cases[0].grounds[-1].basis, "nobody has inspected it, which refunds"


async def test_the_carrier_is_followed_without_webhooks(world: World) -> None:
    """The carrier is asked about a return as about a parcel on its way out."""
    play = await delivered(world)
    world.carrier.script(
        play.return_shipment(),
        (scan(ny(11, 5, 9)), scan(ny(11, 7, 9), TrackingStatus.IN_TRANSIT), scan(ny(11, 9, 9), "delivered")),
    )
    await play.complains("damaged")
    await play.answers(accept=True)
    outcome = await play.ends()

    assert ["return_scanned", "return_delivered"] == await codes(
        play, Role.SELLER, "return_scanned", "return_delivered"
    )
    assert REFUNDED_AND_LABEL_PAID == divided(outcome)
    # Delivered on Monday at 6:00 in Los Angeles; silence for 48 hours refunds.
    assert ny(11, 11, 9) <= outcome.closed_at <= ny(11, 11, 9, 5)


async def test_a_seller_who_hears_late_of_a_return_has_the_whole_time_to_inspect_it(world: World) -> None:
    """Delivered on Friday, told on Monday: the 48 hours count from Monday, since nobody was asked before."""
    play = await to_be_returned(world)
    await world.at(ny(11, 9, 12))
    await play.came_back(ny(11, 6, 12))
    await world.at(ny(11, 9, 13))
    due = (await play.case_duties())[DutyKind.INSPECT].due

    assert due
    assert abs(due - ny(11, 11, 12)) < MINUTE


async def test_worse_than_sent_is_deducted_within_policy(world: World) -> None:
    """Half of it at the most, with evidence; the buyer may contest it, and the seller may not."""
    play = await back_with_the_seller(world)
    replies = [
        await play.inspects(Finding.WORSE, usd(3_000)),
        await play.inspects(Finding.WORSE, usd(6_451), [a_photo(world, "photo_defect")]),
        await play.inspects(Finding.WORSE, None, [a_photo(world, "photo_defect")]),
        await play.inspects("haunted", None, [a_photo(world, "photo_defect")]),
        await play.inspects(Finding.WORSE, usd(6_450), [a_photo(world, "photo_defect")]),
    ]
    await world.at(ny(11, 6, 13))
    duties, paid = await play.case_duties(), play.paid()
    outcome = await play.ends()

    refusals = ["finding_needs_evidence", "deduction_beyond", "deduction_missing", "unknown_finding"]
    assert [*refusals, "deducted"] == [reply.code for reply in replies]
    assert (6_450, [6_450]) == (12_900 - outcome.cases[0].amount.minor, paid["refunds"])
    assert {DutyKind.BUYER_MAY_APPEAL} == set(duties)


async def test_another_item_came_back(world: World) -> None:
    """A counter-claim with evidence goes to support, and only a ruling moves the money."""
    play = await back_with_the_seller(world)
    reply = await play.inspects(Finding.ANOTHER_ITEM, evidence=[a_photo(world, "unboxing")])
    await world.at(ny(11, 9, 12))
    status, paid = await play.case_status(), play.paid()
    await play.ruled(Remedy.RELEASE)
    outcome = await play.ends()

    assert ("return_contested", "with_support", {}) == (reply.code, status.state, paid)
    assert {"buyer": -12_900, "seller": 8_800, "platform": 3_100 - LABEL, "tax": 1_000} == divided(outcome)


async def test_an_inspection_that_comes_too_late(world: World) -> None:
    """After 48 hours of silence the buyer is refunded; what the seller then says is answered, not heard."""
    play = await back_with_the_seller(world)
    await world.at(ny(11, 8, 12, 1))
    paid = play.paid()
    outcome = await play.ends()

    assert {"refunds": [12_900]} == paid
    assert "not_inspected" in {ground.code for ground in outcome.cases[0].grounds}


async def test_an_appeal_stops_the_clocks_of_the_return(world: World) -> None:
    """While the seller's appeal is heard nobody must send or inspect; then the return goes on with the time left."""
    play = await delivered(world)
    await play.complains("damaged")
    await play.answers(accept=False)
    await play.ruled(Remedy.RETURN_FOR_REFUND)
    await world.at(ny(11, 4, 12, 30))
    before = (await play.case_duties())[DutyKind.SEND_BACK].due
    await play.appeals(Role.SELLER, a_statement("The box was whole"))
    stopped = (await play.case_duties())[DutyKind.SEND_BACK].due
    await world.at(ny(11, 5, 12, 30))
    await play.ruled(Remedy.RETURN_FOR_REFUND, agent="lee")
    await world.at(ny(11, 5, 14))
    after = (await play.case_duties())[DutyKind.SEND_BACK].due
    labels = world.carrier.labels("case-A-1-1")

    assert before
    assert stopped is None
    assert after
    assert DAY <= after - before <= DAY + HOUR + MINUTE
    assert 1 == len(labels)


async def test_a_storm_moves_the_way_back(world: World) -> None:
    """Operations move the clocks of a return by name, in the case itself; both sides are told."""
    play = await to_be_returned(world)
    before = {kind: duty.due for kind, duty in (await play.case_duties()).items()}
    storm = Disruption(
        disruption_id="storm", clocks=("send_back", "send_back_final"), since=ny(11, 4, 0), until=ny(11, 6, 0)
    )
    await play.case.signal("disruption", storm)
    await world.at(ny(11, 3, 12))
    after = {kind: duty.due for kind, duty in (await play.case_duties()).items()}

    moved = {kind for kind in before if after[kind] != before[kind]}
    assert {DutyKind.SEND_BACK, DutyKind.SEND_BACK_FINAL} == moved
    assert {2 * DAY} == {(after[kind] or storm.since) - (before[kind] or storm.since) for kind in moved}
    assert ["disrupted"] == await codes(play, Role.BUYER, "disrupted")


async def test_no_label_can_be_had_for_days(world: World) -> None:
    """A person is told, it is tried again each working day, and the buyer's time starts with the label."""
    world.carrier.set_faults(unavailable=1)
    play = await to_be_returned(world)
    await world.at(ny(11, 6, 12))
    told, before = await codes(play, Role.SUPPORT, "label_stuck"), await play.case_duties()
    world.carrier.set_faults()
    await world.at(ny(11, 9, 12))
    duties = await play.case_duties()

    assert len(told) >= 2
    assert {DutyKind.RECONCILE} == set(before)
    assert DutyKind.SEND_BACK in duties
    assert duties[DutyKind.SEND_BACK].since > ny(11, 6, 12)
    assert 1 == len(world.carrier.labels("case-A-1-1"))


async def test_an_unused_label_is_offered_until_the_carrier_answers(world: World) -> None:
    """The carrier is down when the buyer gives up the return: the label is given back later, and the books agree.

    The seller does not wait for it: the report window has run on since the withdrawal.
    """
    play = await to_be_returned(world)
    await world.at(ny(11, 4, 12))
    world.carrier.set_faults(unavailable=1)
    await play.withdraws()
    await world.at(ny(11, 6, 12))
    waiting, report = await codes(play, Role.SUPPORT, "label_refund_stuck"), await play.duty(DutyKind.REPORT)
    world.carrier.set_faults()
    outcome = await play.ends()

    assert waiting
    assert not report.paused
    assert RELEASED == divided(outcome)
    assert LABEL == outcome.ledger.total(EntryKind.LABEL_REFUNDED)


@pytest.mark.parametrize("reason", ["changed_mind", "damaged"])
async def test_who_pays_the_label(world: World, reason: str) -> None:
    """The policy of the reason says who bears the label: here the buyer for a change of mind, else the platform."""
    play = await delivered(world)
    await play.complains(reason)
    await play.answers(accept=True)
    await world.at(ny(11, 6, 12, 30))
    await play.came_back(ny(11, 6, 12))
    reply = await play.inspects(Finding.AS_SENT)
    outcome = await play.ends()

    borne = {"changed_mind": ("buyer", 12_900 - LABEL), "damaged": ("platform", 12_900)}[reason]
    assert Verdict.ACCEPTED == reply.verdict
    assert borne[1] == outcome.cases[0].amount.minor
    assert {"buyer": 0, "seller": 0, "platform": 0, "tax": 0} | {borne[0]: -LABEL} == divided(outcome)
