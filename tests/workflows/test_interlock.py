"""A case beside what else happens to its order: chargebacks, and endings that overtake it."""

from __future__ import annotations

import pytest

from domain.duties import DutyKind
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import Remedy
from tests.play import a_photo, begin, scan
from tests.workflows.scenes import (
    DAY,
    HOUR,
    MINUTE,
    REFUNDED,
    RELEASED,
    REPORTED,
    codes,
    contested,
    divided,
    to_be_returned,
)
from tests.world import World, ny, usd


async def test_a_chargeback_stops_a_case_and_its_bundle_is_handed_in(world: World) -> None:
    """While the bank decides, no clock of the case runs and nobody rules; the bank gets what the case has."""
    play = await contested(world)
    await play.says(Role.SELLER, "The tag is inside")
    await world.at(REPORTED + HOUR)
    await play.bank_says("opened")
    await world.at(REPORTED + 2 * HOUR)
    status, duties = await play.case_status(), await play.case_duties()
    refused = await play.ruled(Remedy.RELEASE)
    await play.says(Role.BUYER, "I have asked my bank")
    submission = world.payments.submission("cb_1")

    assert ("frozen", True) == (status.state, status.frozen)
    assert {True} == {duty.paused for duty in duties.values()}
    assert "case_frozen" == refused.code
    assert submission is not None
    assert ("A-1", "ch_A-1") == (submission.order_id, submission.payment_ref)
    assert "The tag is inside" in submission.texts["uncategorized_text"]
    assert ["case_frozen"] == await codes(play, Role.BUYER, "case_frozen", "case_unfrozen")
    assert ["The tag is inside", "I have asked my bank"] == [
        message.text for message in (await play.conversation()).messages
    ]


async def test_a_case_goes_on_with_the_time_left_when_the_bank_finds_for_the_seller(world: World) -> None:
    """A chargeback that is won gives every clock of the case what it had left: the desk its open hours, others time."""
    play = await contested(world)
    before = {kind: duty.due for kind, duty in (await play.case_duties()).items()}
    await world.at(ny(11, 3, 13))
    await play.bank_says("opened")
    await world.at(ny(11, 23, 13))
    await play.bank_says("won")
    await world.at(ny(11, 23, 13, 1))
    status = await play.case_status()
    after = {kind: duty.due for kind, duty in (await play.case_duties()).items()}
    await play.ruled(Remedy.RELEASE)
    outcome = await play.ends()

    assert ("with_support", False) == (status.state, status.frozen)
    assert before.keys() == after.keys()
    # The desk had used one of its 8, and of its 24, open hours. It comes back from lunch at 13:30; 26 is a holiday.
    expected = {
        DutyKind.LAST_RESORT: (before[DutyKind.LAST_RESORT] or REPORTED) + 20 * DAY,
        DutyKind.FIRST_ANSWER: ny(11, 24, 11, 30),
        DutyKind.DECIDE_CASE: ny(11, 27, 11, 30),
    }
    assert {} == {kind: due for kind, due in expected.items() if abs((after[kind] or REPORTED) - due) > MINUTE}
    assert RELEASED == divided(outcome)


async def test_two_reasons_to_wait_stop_a_clock_once(world: World) -> None:
    """A chargeback while the sides negotiate: what both stopped is given back once, not twice."""
    play = await contested(world)
    await play.offers(Role.SELLER, Remedy.RELEASE)
    await world.at(REPORTED + HOUR)
    await play.bank_says("opened")
    await world.at(REPORTED + HOUR + 10 * DAY)
    await play.bank_says("won")
    await world.at(REPORTED + 2 * HOUR + 10 * DAY)
    await play.answers_offer(Role.BUYER, accept=False)
    await world.at(REPORTED + 2 * HOUR + 10 * DAY + MINUTE)
    after = (await play.case_duties())[DutyKind.DECIDE_CASE].due

    # From Friday, 13 November, 13:30 the desk has its 24 open hours still whole.
    assert after
    assert abs(after - ny(11, 18, 12, 30)) < MINUTE


async def test_a_lost_chargeback_closes_the_case(world: World) -> None:
    """The bank has given the buyer everything: nothing is left to decide, and nothing is paid on top."""
    play = await contested(world)
    await play.bank_says("opened")
    await world.at(ny(11, 20, 12))
    await play.bank_says("lost")
    outcome = await play.ends()

    assert ("charged_back", None) == (outcome.decision.ending, outcome.cases[0].remedy)
    assert ({}, REFUNDED) == (play.paid(), divided(outcome))
    assert ["case_frozen", "case_unfrozen", "overtaken"] == await codes(
        play, Role.SELLER, "case_frozen", "case_unfrozen", "overtaken"
    )


async def test_a_chargeback_that_takes_a_part_leaves_the_rest_to_the_case(world: World) -> None:
    """The bank has given the buyer USD 50 of 129: a ruling for everything pays the other USD 79, and no more."""
    play = await contested(world)
    await play.charged_back("opened", usd(5_000))
    await play.charged_back("lost", usd(5_000))
    await world.at(REPORTED + HOUR)
    status = await play.case_status()
    await play.ruled(Remedy.REFUND_AND_KEEP)
    outcome = await play.ends()

    assert "with_support" == status.state
    assert {"refunds": [7_900]} == play.paid()
    assert REFUNDED == divided(outcome)


async def test_a_chargeback_before_the_money_moves_holds_it(world: World) -> None:
    """A ruling in its undo window takes effect only when the bank is done, and then pays once."""
    play = await contested(world)
    await play.ruled(Remedy.REFUND_AND_KEEP)
    await play.bank_says("opened")
    await world.at(ny(11, 10, 12))
    held = play.paid()
    await play.bank_says("won")
    outcome = await play.ends()

    assert ({}, {"refunds": [12_900]}) == (held, play.paid())
    assert REFUNDED == divided(outcome)


async def test_a_chargeback_after_the_refund_is_answered_with_it(world: World) -> None:
    """A refund that was paid already is submitted to the bank, and never paid again."""
    play = await contested(world)
    await play.ruled(Remedy.REFUND_AND_KEEP)
    await world.at(REPORTED + 2 * HOUR)
    await play.charged_back("opened")
    await world.at(REPORTED + 3 * HOUR)
    submission = world.payments.submission("cb_1")
    await play.charged_back("won")
    outcome = await play.ends()

    assert submission is not None
    assert "must not be paid a second time" in submission.texts["refund_refusal_explanation"]
    assert {"refunds": [12_900]} == play.paid()
    assert REFUNDED == divided(outcome)


async def test_a_return_is_followed_while_the_bank_decides(world: World) -> None:
    """What the carrier says of the goods is noted in a frozen case, and acted on as far as no money moves."""
    play = await to_be_returned(world)
    await world.at(ny(11, 5, 12))
    await play.sent_back(scan(ny(11, 5, 9)))
    await play.bank_says("opened")
    await world.at(ny(11, 9, 12))
    await play.sent_back(scan(ny(11, 9, 11), TrackingStatus.DELIVERED))
    await world.at(ny(11, 16, 12))
    inspect, paid = (await play.case_duties())[DutyKind.INSPECT], play.paid()
    await play.bank_says("won")
    await world.at(ny(11, 17, 12))
    resumed = (await play.case_duties())[DutyKind.INSPECT].due
    outcome = await play.ends()

    assert (True, {}) == (inspect.paused, paid)
    assert resumed
    assert abs(resumed - ny(11, 18, 12)) < HOUR, "48 hours from when the bank was done, not from the arrival"
    assert {"refunds": [12_900]} == play.paid()
    assert 12_900 == outcome.cases[0].amount.minor


async def test_a_parcel_that_returns_to_its_sender_overtakes_the_case(world: World) -> None:
    """The order has ended by itself: the case says so to both sides and is over, with the order's refund alone."""
    play = await begin(world, estimate=ny(11, 1, 10))
    await world.at(ny(11, 2, 11))
    await play.scanned(scan(ny(11, 1, 9)))
    await play.complains("late")
    await play.answers(accept=False)
    await world.at(ny(11, 6, 11))
    await play.scanned(scan(ny(11, 5, 9), TrackingStatus.RETURNING), scan(ny(11, 6, 9), TrackingStatus.RETURNED))
    outcome = await play.ends()

    assert ("returned_to_sender", None) == (outcome.decision.ending, outcome.cases[0].remedy)
    assert {"refunds": [12_900]} == play.paid()
    for side in (Role.BUYER, Role.SELLER):
        assert ["overtaken"] == await codes(play, side, "overtaken", "resolved", "final")
    assert "case_overtaken" in await play.notices(Role.BUYER)


@pytest.mark.parametrize("carrier_down", [False, True])
async def test_an_overtaken_return_gives_its_label_back(world: World, carrier_down: bool) -> None:
    """A lost chargeback ends the case before the goods were sent: the label's price comes back to the platform."""
    play = await to_be_returned(world)
    await world.at(ny(11, 4, 12))
    world.carrier.set_faults(unavailable=float(carrier_down))
    await play.bank_says("opened")
    await play.bank_says("lost")
    await world.at(ny(11, 6, 12))
    world.carrier.set_faults()
    outcome = await play.ends()

    assert "charged_back" == outcome.decision.ending
    assert REFUNDED == divided(outcome)
    assert carrier_down == ("label_refund_stuck" in await play.case_notices(Role.SUPPORT))


async def test_evidence_that_the_store_cannot_give_is_still_named_to_the_bank(world: World) -> None:
    """A file that was not read yet goes into the bundle by its address and hash."""
    play = await contested(world)
    world.files.set_faults(unavailable=1)
    item = a_photo(world, "receipt")
    await play.bank_says("opened")
    await play.shows(Role.SELLER, item)
    await world.at(ny(11, 4, 12))

    assert world.payments.submission("cb_1") is not None
    assert "frozen" == (await play.case_status()).state
