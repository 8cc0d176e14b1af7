"""Decisions of a case: what is decided when and by whom, when the money moves, and when nothing can change any more.

`Play.ends` audits each: the ledger agrees with the provider's books, and nobody is paid twice.
"""

from __future__ import annotations

import pytest

from domain.cases.record import StandingRule
from domain.duties import DutyKind
from domain.messages import Finding, Verdict
from domain.parties import Role
from domain.policy import Remedy
from tests.play import a_photo, a_statement, scan
from tests.workflows.scenes import (
    ARRIVED,
    COSTLY,
    DAY,
    FOUR_PHOTOS,
    HOUR,
    MINUTE,
    REFUNDED,
    RELEASED,
    REPORTED,
    codes,
    contested,
    delivered,
    divided,
    photos,
)
from tests.world import World, ny, usd


async def test_a_clear_case_is_approved_at_once_and_refunded_after_the_return(world: World) -> None:
    """Small amount, complete evidence, a buyer in good standing: no person is needed but the seller who inspects."""
    play = await delivered(world)
    await play.complains("not_as_described", evidence=photos(world))
    await world.at(ny(11, 5, 9))
    before = await play.case_status()
    await play.sent_back(scan(ny(11, 5, 8)))
    await world.at(ny(11, 9, 11, 30))
    await play.came_back(ny(11, 9, 11))
    unpaid = play.paid()
    reply = await play.inspects(Finding.AS_SENT)
    outcome = await play.ends()

    assert ("awaiting_return", {}) == (before.state, unpaid)
    assert Verdict.ACCEPTED == reply.verdict
    decision = outcome.cases[0]
    assert (Remedy.RETURN_FOR_REFUND, True, usd(12_900)) == (decision.remedy, decision.automatic, decision.amount)
    assert "resale-v1/reasons.not_as_described.fast_track" == decision.rule
    # The platform bears the label; everything else is as if nothing had been bought.
    assert {"buyer": 0, "seller": 0, "platform": -990, "tax": 0} == divided(outcome)
    assert ny(11, 9, 11, 30) <= outcome.closed_at <= ny(11, 9, 11, 35), "nobody is left who could contest it"
    shared = ["resolved_by_rule", "return_label_pickup", "return_scanned", "return_delivered", "final"]
    assert shared == await codes(play, Role.BUYER, *shared)
    assert shared == await codes(play, Role.SELLER, *shared)


async def test_money_moves_at_effect_and_the_order_closes_when_all_is_final(world: World) -> None:
    """A ruling pays once its undo window is over; case and order stay open until the seller can appeal no more."""
    play = await contested(world)
    await world.at(ny(11, 4, 10))
    await play.ruled(Remedy.REFUND_AND_KEEP)
    await world.at(ny(11, 4, 10, 59))
    before = play.paid()
    await world.at(ny(11, 4, 11, 1))
    after, status, duties = play.paid(), await play.case_status(), await play.case_duties()
    order = await play.handle.query("status")
    outcome = await play.ends()

    assert ({}, {"refunds": [12_900]}) == (before, after)
    assert ("settled", "case-A-1-1") == (status.state, order["open_case"])
    assert {DutyKind.SELLER_MAY_APPEAL} == set(duties)
    assert ny(12, 4, 11) <= outcome.closed_at <= ny(12, 4, 11, 1)
    assert REFUNDED == divided(outcome)
    assert "final" == (await play.case_notices(Role.SELLER))[-1]


async def test_a_ruling_is_undone_before_money_moves(world: World) -> None:
    """Support takes a slip of the hand back: it never counted, nothing was paid, and the case is on the desk again."""
    play = await contested(world)
    await play.ruled(Remedy.REFUND_AND_KEEP)
    await world.at(REPORTED + 59 * MINUTE)
    undone = await play.undone()
    await world.at(REPORTED + 3 * HOUR)
    paid, status, told = play.paid(), await play.case_status(), await play.case_notices(Role.BUYER)
    too_late = await play.undone()
    await play.ruled(Remedy.RELEASE)
    outcome = await play.ends()

    assert (Verdict.ACCEPTED, Verdict.REFUSED) == (undone.verdict, too_late.verdict)
    assert ({}, "with_support") == (paid, status.state)
    assert "resolved" not in told, "the sides hear of a ruling only once it takes effect"
    assert (Remedy.RELEASE, 2) == (outcome.cases[0].remedy, outcome.cases[0].number)
    assert RELEASED == divided(outcome)


async def test_much_money_needs_a_second_pair_of_eyes(world: World) -> None:
    """Above the limit nobody confirms their own ruling; the other agent's word starts the undo window."""
    play = await contested(world, **COSTLY)
    ruled = await play.ruled(Remedy.REFUND_AND_KEEP)
    own = await play.confirmed("kim")
    party = await play.confirmed("s-4")
    await world.at(REPORTED + 2 * HOUR)
    waiting = play.paid()
    confirmed = await play.confirmed("lee")
    await world.at(REPORTED + 3 * HOUR + MINUTE)
    paid = play.paid()
    outcome = await play.ends()

    assert ["ruled_to_confirm", "another_agent", "agent_is_party", "ruling_confirmed"] == [
        reply.code for reply in (ruled, own, party, confirmed)
    ]
    assert ({}, {"refunds": [71_900]}) == (waiting, paid)
    assert ("kim", "lee") == (outcome.cases[0].agent, outcome.cases[0].confirmed_by)


async def test_a_ruling_that_is_not_confirmed_never_counted(world: World) -> None:
    """The second agent gives the case back, and another ruling decides it; a dear release needs two agents as well."""
    play = await contested(world, **COSTLY)
    await play.ruled(Remedy.REFUND_AND_KEEP)
    await play.confirmed("lee", agree=False)
    back = await play.case_status()
    await play.ruled(Remedy.RELEASE, agent="lee")
    await play.confirmed("max")
    outcome = await play.ends()

    assert "with_support" == back.state
    assert (Remedy.RELEASE, "lee", "max") == (
        outcome.cases[0].remedy,
        outcome.cases[0].agent,
        outcome.cases[0].confirmed_by,
    )


async def test_an_appeal_moves_the_money_back(world: World) -> None:
    """What the seller was paid is clawed back and given to the buyer, once; another agent decides."""
    play = await contested(world)
    await play.ruled(Remedy.RELEASE)
    await world.at(ny(11, 10, 10))
    first = play.paid()
    known = await play.appeals(Role.BUYER, *photos(world))
    heard = await play.appeals(Role.BUYER, a_statement("The maker says that it is a fake"))
    same = await play.ruled(Remedy.REFUND_AND_KEEP, agent="kim")
    other = await play.ruled(Remedy.REFUND_AND_KEEP, agent="lee")
    await world.at(ny(11, 10, 12))
    second = play.paid()
    again = await play.appeals(Role.BUYER, a_statement("And another thing"))
    sellers = await play.appeals(Role.SELLER, a_statement("Here is the receipt"))
    await play.ruled(Remedy.REFUND_AND_KEEP, agent="max")
    outcome = await play.ends()

    assert {"releases": [8_800]} == first
    assert ["appeal_needs_new_evidence", "appealed", "another_agent", "ruled"] == [
        reply.code for reply in (known, heard, same, other)
    ]
    assert {"releases": [8_800], "clawbacks": [8_800], "refunds": [12_900]} == second == play.paid()
    assert ("appealed_already", "appealed") == (again.code, sellers.code)
    assert (3, "max", Role.SELLER) == (outcome.cases[0].number, outcome.cases[0].agent, outcome.cases[0].on_appeal_of)
    assert REFUNDED == divided(outcome)


async def test_an_appeal_that_nobody_decides_leaves_the_decision(world: World) -> None:
    """At its last resort an appeal has failed: the same money, by a rule, and it is final."""
    play = await contested(world)
    await play.ruled(Remedy.RELEASE)
    await world.at(ny(11, 10, 10))
    await play.appeals(Role.BUYER, a_statement("The maker says that it is a fake"))
    outcome = await play.ends()

    assert ("resale-v1/appeals.last_resort", True) == (outcome.cases[0].rule, outcome.cases[0].automatic)
    assert RELEASED == divided(outcome)
    assert {"releases": [8_800]} == play.paid()


async def test_tracking_decides_for_the_seller_until_a_person_has_looked(world: World) -> None:
    """A delivery in time protects a silent seller by rule; the buyer may have that looked at by a person."""
    play = await delivered(world)
    await world.at(ARRIVED + 49 * HOUR)
    await play.complains("not_received")
    await world.at(ARRIVED + 49 * HOUR + 3 * DAY + HOUR)
    first, reasons = play.paid(), await play.reasons()
    await play.appeals(Role.BUYER, a_statement("The photo of the carrier shows another door"))
    await play.ruled(Remedy.CANCELLATION)
    outcome = await play.ends()

    assert {"releases": [8_800]} == first
    assert ("resale-v1/seller_protection.tracked_delivery", True) == (reasons[0].rule, reasons[0].automatic)
    assert {"delivered_by_tracking", "may_contest"} <= {sentence.code for sentence in reasons[0].sentences}
    assert REFUNDED == divided(outcome)


async def test_an_accepted_offer_settles_at_once_and_for_good(world: World) -> None:
    """Both wanted it: no undo window, no appeal; the part that was agreed is paid and the order closes."""
    play = await delivered(world)
    await play.complains("damaged")
    offered = await play.offers(Role.SELLER, Remedy.PARTIAL_REFUND, usd(2_000))
    own = await play.answers_offer(Role.SELLER, accept=True)
    countered = await play.offers(Role.BUYER, Remedy.PARTIAL_REFUND, usd(4_000))
    accepted = await play.answers_offer(Role.SELLER, accept=True)
    outcome = await play.ends()

    assert (Verdict.ASKED, REPORTED + 48 * HOUR) == (
        offered.verdict,
        offered.instant and offered.instant.replace(second=0, microsecond=0),
    )
    assert ["offer_not_yours", "offer_made", "offer_accepted"] == [reply.code for reply in (own, countered, accepted)]
    assert (True, usd(4_000)) == (outcome.cases[0].agreed, outcome.cases[0].amount)
    assert [4_000] == play.paid()["refunds"]
    assert outcome.closed_at <= REPORTED + HOUR


async def test_what_support_proposes_needs_the_word_of_both(world: World) -> None:
    """An agent's offer settles only once buyer and seller have taken it; the desk's clock stands still meanwhile."""
    play = await contested(world)
    await play.offers(Role.SUPPORT, Remedy.PARTIAL_REFUND, usd(3_000), author="kim")
    paused = (await play.case_duties())[DutyKind.DECIDE_CASE].paused
    half = await play.answers_offer(Role.SELLER, accept=True)
    owner = (await play.case_duties())[DutyKind.ANSWER_OFFER].owner
    await play.answers_offer(Role.BUYER, accept=True)
    outcome = await play.ends()

    assert (True, "offer_half_accepted", Role.BUYER) == (paused, half.code, owner)
    assert usd(3_000) == outcome.cases[0].amount


async def test_standing_rules_that_meet_settle_without_waiting(world: World) -> None:
    """The buyer keeps it from 20 % off, the seller gives up to 30 %: 30 % of the items, at once."""
    gives = StandingRule(by=Role.SELLER, percent=30)
    play = await delivered(world, standing=(gives,))
    await play.complains("damaged", standing=[StandingRule(by=Role.BUYER, percent=20)])
    outcome = await play.ends()

    assert (Remedy.PARTIAL_REFUND, True) == (outcome.cases[0].remedy, outcome.cases[0].agreed)
    assert outcome.closed_at <= REPORTED + HOUR
    assert [outcome.cases[0].amount.minor] == play.paid()["refunds"]
    assert outcome.cases[0].amount.minor in (2_200, 3_300)


async def test_a_seller_may_give_in_after_contesting(world: World) -> None:
    """As long as nothing is decided the seller may still accept, and needs no ruling for it."""
    play = await contested(world)
    reply = await play.answers(accept=True)
    outcome = await play.ends()

    assert "answer_accepted" == reply.code
    assert (Role.SELLER, True) == (outcome.cases[0].decided_by, outcome.cases[0].agreed)
    assert REFUNDED == divided(outcome)


async def test_the_desk_has_its_time_whole_after_every_wait(world: World) -> None:
    """Two evidence rounds stop the desk's clock twice: it runs on with the time left, both waits given back."""
    play = await contested(world)
    await world.at(ny(11, 4, 10))
    await play.asks_for_evidence(Role.BUYER)
    stopped = (await play.case_duties())[DutyKind.DECIDE_CASE].paused
    await world.at(ny(11, 4, 12))
    await play.shows(Role.BUYER, a_statement("Bought for my sister"))
    await world.at(ny(11, 4, 14))
    await play.asks_for_evidence(Role.SELLER)
    await world.at(ny(11, 4, 17))
    await play.shows(Role.SELLER, a_statement("Bought in the shop"))
    await world.at(ny(11, 4, 17, 1))
    moved = (await play.case_duties())[DutyKind.DECIDE_CASE].due

    assert stopped
    assert moved
    # Without them it were Friday, 11:30; five open hours later it is 17:30, since the desk has its lunch.
    assert abs(moved - ny(11, 6, 17, 30)) < MINUTE


async def test_a_file_that_is_not_what_was_sealed_counts_no_more(world: World) -> None:
    """A photo exchanged behind its address is shown as such, and nothing is approved automatically."""
    items = photos(world)
    world.files.tamper(items[0].uri, b"another photo")
    play = await delivered(world)
    await play.complains("not_as_described", evidence=items)
    await world.at(REPORTED + HOUR)

    assert "awaiting_seller" == (await play.case_status()).state
    assert ["evidence_differs"] == await codes(play, Role.BUYER, "evidence_differs")


@pytest.mark.parametrize("fault", ["histories", "files", "no such file"])
async def test_what_cannot_be_looked_up_is_left_to_people(
    world: World, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without histories or readable files nothing is automatic; the case goes on with the seller's answer."""
    items = photos(world)
    if fault == "histories":

        def down(*_: object, **__: object) -> None:
            raise OSError("the database is down")

        monkeypatch.setattr(world.outcomes, "histories", down)
    elif fault == "files":
        world.files.set_faults(unavailable=1)
    else:
        items = [item.model_copy(update={"uri": f"{item.uri[:-5]}-gone.jpg"}) for item in items]
    play = await delivered(world)
    await play.complains("not_as_described", evidence=items)
    await world.at(REPORTED + HOUR)
    status = await play.case_status()
    await play.offers(Role.SELLER, Remedy.PARTIAL_REFUND, usd(1_000))
    await play.answers_offer(Role.BUYER, accept=True)
    outcome = await play.ends()

    assert "awaiting_seller" == status.state
    assert not outcome.cases[0].automatic


async def test_the_last_photo_brings_the_approval(world: World) -> None:
    """Evidence that completes the checklist is weighed when it comes, not only when the case is opened."""
    play = await delivered(world)
    await play.complains("not_as_described", evidence=photos(world)[:-1])
    await world.at(REPORTED + HOUR)
    before = await play.case_status()
    await play.shows(Role.BUYER, a_photo(world, FOUR_PHOTOS[-1]))
    await world.at(REPORTED + 2 * HOUR)

    assert "awaiting_seller" == before.state
    assert "awaiting_return" == (await play.case_status()).state


async def test_who_must_answer_is_seen_by_everybody(world: World) -> None:
    """The conversation is in order, with its channels, without support's notes, and says who is waited for."""
    play = await contested(world)
    await play.says(Role.SUPPORT, "Which shop?", author="kim")
    await play.says(Role.SUPPORT, "The seller is new", author="kim", internal=True)
    await play.says(Role.SELLER, "The one at the corner", channel="phone")
    await world.at(REPORTED + HOUR)
    said = await play.conversation()
    notes = await play.case.query("notes")

    assert ["Which shop?", "The one at the corner"] == [message.text for message in said.messages]
    assert ["chat", "phone"] == [message.channel for message in said.messages]
    assert Role.SUPPORT in {awaited.owner for awaited in said.awaited if awaited.duty is DutyKind.NEXT_ANSWER}
    assert ["The seller is new"] == [note["text"] for note in notes]
