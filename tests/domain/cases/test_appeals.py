"""Appeals: once a side, with new evidence, in time, decided by another agent."""

from datetime import timedelta
from typing import Any

import pytest

from domain.cases import returns
from domain.duties import DutyKind
from domain.messages import Reply
from domain.parties import Role
from domain.policy import CaseState, Remedy
from tests.domain.cases.a_case import Sitting, a_file, a_photo, a_policy, complete, dear, owed, usd, words

SHOWN = complete()
NEW = (words("The tailor says otherwise."),)
NEWER = (words("The tailor is my brother."),)


def ruled(remedy: Remedy = Remedy.PARTIAL_REFUND, minor: int | None = 5_000, **changes: Any) -> Sitting:
    """A ruling of agent Kim that has taken effect."""
    return Sitting(a_file(evidence=SHOWN, **changes)).contested().decided(remedy, minor)


def appeals(sitting: Sitting, by: Role = Role.BUYER, **fields: Any) -> Reply:
    """A side appeals, with new evidence unless something else is given."""
    return sitting.say("appeal", **({"by": by, "evidence": NEW} | fields))


def test_an_appeal_goes_to_the_desk() -> None:
    """It has its own clock and its own last resort, and no other appeal is possible meanwhile."""
    sitting = ruled()

    reply = appeals(sitting)

    assert "appealed" == reply.code
    assert CaseState.APPEALED is sitting.state
    assert {DutyKind.DECIDE_APPEAL, DutyKind.LAST_RESORT} == owed(sitting)
    assert sitting.duties[DutyKind.DECIDE_APPEAL].due == reply.instant
    assert "nothing_to_appeal" == appeals(sitting, Role.SELLER, evidence=NEWER).code


@pytest.mark.parametrize("evidence", [(), SHOWN[:2], (words(" "),), (a_photo("packing", size=0),)])
def test_an_appeal_needs_evidence_that_is_new(evidence: tuple[Any, ...]) -> None:
    """Nothing, known evidence or what cannot be sealed: refused, and nothing has changed."""
    sitting = ruled()
    record, duties = sitting.record, sitting.matter.duties

    assert appeals(sitting, evidence=evidence).refused
    assert (record, duties) == (sitting.record, sitting.duties)


@pytest.mark.parametrize(
    ("remedy", "minor", "may"),
    [
        (Remedy.PARTIAL_REFUND, 5_000, {Role.BUYER, Role.SELLER}),
        (Remedy.RELEASE, None, {Role.BUYER}),
        (Remedy.REFUND_AND_KEEP, None, {Role.SELLER}),
    ],
)
def test_whoever_lost_something_may_appeal(remedy: Remedy, minor: int | None, may: set[Role]) -> None:
    """A side that has got all it wanted has nothing to appeal against."""
    for side in (Role.BUYER, Role.SELLER):
        assert ("appealed" if side in may else "not_appealable") == appeals(ruled(remedy, minor), side).code


def test_nobody_else_appeals_and_not_before_a_decision() -> None:
    """Only the sides, and only against a decision."""
    assert "not_a_side" == appeals(ruled(), Role.SUPPORT).code
    assert "nothing_to_appeal" == appeals(Sitting(a_file(evidence=SHOWN))).code
    assert "text_too_long" == appeals(ruled(), text="x" * 4_001).code


def test_a_window_ends_at_its_instant() -> None:
    """An appeal sent a second before is in time, at the instant itself too late; also when it arrives later."""
    sitting = ruled()
    due = sitting.duties[DutyKind.BUYER_MAY_APPEAL].due
    assert due is not None
    sitting.now = due

    assert "appeal_too_late" == appeals(sitting).code
    assert "appeal_too_late" == appeals(sitting, submitted_at=due).code
    assert "appealed" == appeals(sitting, submitted_at=due - timedelta(seconds=1)).code


def test_when_the_windows_have_closed_the_case_is_over() -> None:
    """The windows are counted where each side lives, from when the decision was carried out."""
    sitting = ruled()
    assert sitting.duties[DutyKind.SELLER_MAY_APPEAL].agreed_due == sitting.now + timedelta(days=30)

    sitting.wait(days=29, hours=23)
    before = sitting.state
    sitting.wait(hours=1)

    assert (CaseState.SETTLED, CaseState.RESOLVED) == (before, sitting.state)


def test_another_agent_decides() -> None:
    """Neither who ruled nor who confirmed decides the appeal, nor confirms the new ruling."""
    sitting = Sitting(a_file(dear(), evidence=SHOWN)).contested().decided(Remedy.PARTIAL_REFUND, 60_000)
    appeals(sitting)

    assert "another_agent" == sitting.ruled(Remedy.REFUND_AND_KEEP).code
    assert "another_agent" == sitting.ruled(Remedy.REFUND_AND_KEEP, agent="kim-lead").code
    assert not sitting.ruled(Remedy.REFUND_AND_KEEP, agent="lee").refused
    assert "another_agent" == sitting.say("confirm", agent="kim").code
    assert "another_agent" == sitting.say("confirm", agent="lee").code
    assert not sitting.say("confirm", agent="mia").refused


def test_an_appeal_that_is_won_moves_money_anew() -> None:
    """The new decision replaces the one that has moved money, and says so."""
    sitting = ruled(Remedy.REFUND_AND_KEEP, None)
    appeals(sitting, Role.SELLER)

    sitting.decided(Remedy.RELEASE, agent="lee")

    assert [(1, 12_900, False), (2, 0, True)] == [(one.number, one.amount.minor, one.revised) for one in sitting.told]
    assert Role.SELLER is sitting.decision.on_appeal_of
    assert {DutyKind.BUYER_MAY_APPEAL} == owed(sitting)


def test_each_side_appeals_once() -> None:
    """After both have, the decision is final."""
    sitting = ruled()
    appeals(sitting)
    sitting.decided(Remedy.PARTIAL_REFUND, 6_000, agent="lee")

    assert "appealed_already" == appeals(sitting, evidence=NEWER).code
    assert "appealed" == appeals(sitting, Role.SELLER, evidence=NEWER).code
    sitting.decided(Remedy.PARTIAL_REFUND, 4_000, agent="mia")
    assert CaseState.RESOLVED is sitting.state


def test_what_was_revised_stays_revised() -> None:
    """Money that an early decision has moved is not forgotten while a later one waits for the goods."""
    sitting = ruled()
    appeals(sitting)
    sitting.decided(Remedy.RETURN_FOR_REFUND, agent="lee")

    sitting.until(DutyKind.SEND_BACK_FINAL)

    assert (Remedy.RELEASE, True) == (sitting.told[-1].remedy, sitting.told[-1].revised)


def test_an_appeal_that_nobody_decides_leaves_all_as_it_was() -> None:
    """The decision stands by silence: the same money, borne by the same, for the same label; nothing moves anew."""
    policy = a_policy(rule={"label_paid_by": Role.BUYER})
    sitting = Sitting(a_file(evidence=SHOWN, policy=policy)).contested().decided(Remedy.RETURN_FOR_REFUND).sent_back()
    sitting.take(returns.lost(sitting.matter))
    appeals(sitting, Role.SELLER)

    sitting.until(DutyKind.LAST_RESORT)

    first, again = sitting.told
    same = ("remedy", "amount", "costs", "borne_by", "revised")
    assert [getattr(first, name) for name in same] == [getattr(again, name) for name in same]
    assert (True, Role.SELLER) == (again.automatic, again.on_appeal_of)


def test_a_ruling_that_was_not_confirmed_is_not_upheld() -> None:
    """What stands is the decision that was appealed against, not a new one that waits for a second agent."""
    sitting = Sitting(a_file(dear(), evidence=SHOWN)).contested().decided(Remedy.PARTIAL_REFUND, 10_000)
    appeals(sitting)
    sitting.ruled(Remedy.REFUND_AND_KEEP, agent="lee")

    sitting.until(DutyKind.LAST_RESORT)

    assert usd(10_000) == sitting.decision.amount
    assert ["", "platform", ""] == [one.undone_by for one in sitting.record.resolutions]


def test_the_return_waits_while_an_appeal_is_heard() -> None:
    """Nobody has to send goods whose return is contested; afterwards the time runs on with what was left."""
    sitting = Sitting(a_file(evidence=SHOWN)).contested().decided(Remedy.RETURN_FOR_REFUND).wait(hours=10)
    before = sitting.duties[DutyKind.SEND_BACK].due

    appeals(sitting, Role.SELLER)
    paused = sitting.duties[DutyKind.SEND_BACK].due
    sitting.wait(hours=7)
    sitting.say("respond", accept=True)

    assert paused is None
    after = sitting.duties[DutyKind.SEND_BACK].due
    assert before is not None
    assert after is not None
    assert timedelta(hours=7) == after - before
    assert CaseState.AWAITING_RETURN is sitting.state


def test_goods_that_arrive_during_an_appeal_are_inspected_after_it() -> None:
    """The seller's time to inspect stands still until the appeal is decided."""
    sitting = Sitting(a_file(evidence=SHOWN)).contested().decided(Remedy.RETURN_FOR_REFUND).sent_back()
    appeals(sitting, Role.SELLER)

    sitting.wait(days=2).came_back()
    waiting = sitting.state, sitting.duties[DutyKind.INSPECT].due
    sitting.decided(Remedy.RETURN_FOR_REFUND, agent="lee")

    assert (CaseState.APPEALED, None) == waiting
    assert CaseState.INSPECTING is sitting.state
    assert sitting.now + timedelta(hours=48) == sitting.duties[DutyKind.INSPECT].due


def test_an_appeal_against_a_return_calls_it_off() -> None:
    """If the appeal is won, no goods have to come back any more."""
    sitting = Sitting(a_file(evidence=SHOWN)).contested().decided(Remedy.RETURN_FOR_REFUND)
    appeals(sitting, Role.SELLER)

    sitting.decided(Remedy.RELEASE, agent="lee")

    assert {DutyKind.BUYER_MAY_APPEAL} == owed(sitting)
    assert sitting.record.trip is not None
    assert (True, True) == (sitting.record.trip.over, sitting.record.trip.label_refunded)


def test_an_appeal_escalates_like_a_case() -> None:
    """The lead gets an appeal whose time is up."""
    sitting = ruled()
    appeals(sitting)

    sitting.until(DutyKind.DECIDE_APPEAL)

    assert CaseState.WITH_LEAD is sitting.state
    assert "another_agent" == sitting.ruled(Remedy.RELEASE).code
