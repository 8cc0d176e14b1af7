"""The support desk: who may rule and when, the second agent, undoing, and its clocks."""

from datetime import timedelta

import pytest

from domain.cases.record import OfferState
from domain.duties import DutyKind
from domain.parties import Role
from domain.policy import CaseState, EvidenceKind, Reason, Remedy
from tests.domain.cases.a_case import (
    OPENED,
    Sitting,
    a_file,
    a_photo,
    a_policy,
    complete,
    dear,
    owed,
    proposal,
    usd,
    words,
)

SHOWN = complete()


def contested(items: int = 0) -> Sitting:
    """A case that is with support; about something dear, if so many cents are given."""
    return Sitting(a_file(*([dear(items)] if items else []), evidence=SHOWN)).contested()


def to_confirm() -> Sitting:
    """A ruling above the amount of one agent, which waits for another."""
    sitting = contested(80_000)
    sitting.ruled(Remedy.REFUND_AND_KEEP)
    return sitting


def test_a_case_is_assigned_to_whoever_is_no_party() -> None:
    """Assignment shows in the record, also while a chargeback holds the case."""
    sitting = contested()

    assert "agent_is_party" == sitting.say("assign", agent="b-17").code
    assert not sitting.say("assign", agent="kim", by="lead").refused
    assert "kim" == sitting.record.assignee


def test_a_ruling_takes_effect_after_its_undo_window() -> None:
    """Nothing moves for an hour; then the order is told, and both sides may appeal."""
    sitting = contested()

    reply = sitting.ruled(Remedy.PARTIAL_REFUND, 5_000)

    assert (CaseState.DECIDED, {DutyKind.TAKE_EFFECT}, []) == (sitting.state, owed(sitting), sitting.told)
    assert sitting.now + timedelta(hours=1) == reply.instant
    sitting.until(DutyKind.TAKE_EFFECT)
    assert [usd(5_000)] == [one.amount for one in sitting.told]
    assert CaseState.SETTLED is sitting.state
    assert {DutyKind.BUYER_MAY_APPEAL, DutyKind.SELLER_MAY_APPEAL} == owed(sitting)
    assert (Role.SUPPORT, "kim", False) == (
        sitting.decision.decided_by,
        sitting.decision.agent,
        sitting.decision.automatic,
    )


def test_nobody_rules_where_they_are_a_party() -> None:
    """Neither the buyer nor the seller decides as an agent."""
    for party in ("b-17", "s-4"):
        assert "agent_is_party" == contested().ruled(Remedy.RELEASE, agent=party).code


@pytest.mark.parametrize(
    ("sitting", "code"),
    [
        (Sitting(), "seller_has_time"),
        (to_confirm(), "ruling_waits"),
        (contested().decided(Remedy.RELEASE), "not_with_support"),
    ],
)
def test_rulings_have_their_time(sitting: Sitting, code: str) -> None:
    """No ruling before the seller was heard, over another ruling, or after the decision."""
    assert code == sitting.ruled(Remedy.RELEASE).code


def test_a_ruling_that_can_be_undone_is_not_overruled() -> None:
    """It is undone first."""
    sitting = contested()
    sitting.ruled(Remedy.RELEASE)

    assert "ruling_made" == sitting.ruled(Remedy.REFUND_AND_KEEP, agent="lee").code


def test_no_ruling_while_the_sides_negotiate_alone() -> None:
    """An offer before support was brought in is for the sides; later, an agent may end the haggling."""
    alone = Sitting(a_file(evidence=SHOWN))
    alone.say("offer", by=Role.SELLER, proposal=proposal(5_000))
    beside = contested()
    beside.say("offer", by=Role.SELLER, proposal=proposal(5_000))

    assert "sides_negotiate" == alone.ruled(Remedy.RELEASE).code
    assert not beside.ruled(Remedy.RELEASE).refused
    assert [OfferState.OVERTAKEN] == [offer.state for offer in beside.record.offers]


@pytest.mark.parametrize(
    ("remedy", "minor", "code"),
    [
        (Remedy.PARTIAL_REFUND, None, "amount_missing"),
        (Remedy.PARTIAL_REFUND, 12_900, "amount_beyond"),
        (Remedy.PARTIAL_REFUND, 0, "amount_beyond"),
        (Remedy.CANCELLATION, None, "remedy_needs_no_delivery"),
    ],
)
def test_rulings_give_only_what_can_be_given(remedy: Remedy, minor: int | None, code: str) -> None:
    """The same bounds as for offers."""
    assert code == contested().ruled(remedy, minor).code


def test_a_ruling_rests_on_what_is_in_the_case() -> None:
    """Evidence and messages that are cited become grounds; unknown ones and internal notes are refused."""
    sitting = contested()
    sitting.say("message", by=Role.SUPPORT, author="kim", text="Odd.", internal=True)

    assert "unknown_reference" == sitting.ruled(Remedy.RELEASE, rests_on=("e99",)).code
    assert "unknown_reference" == sitting.ruled(Remedy.RELEASE, rests_on=("m2",)).code
    assert not sitting.ruled(Remedy.RELEASE, rests_on=("e1", "m1")).refused
    cited = [ground.basis for ground in sitting.decision.grounds if ground.code == "rests_on"]
    assert [("evidence:e1",), ("message:m1",)] == cited


def test_no_ruling_rests_on_a_file_that_is_another_one() -> None:
    """What is not what was sealed does not count, also for an agent."""
    sitting = Sitting(matches={EvidenceKind.PHOTO_FRONT: False})
    sitting.evidence(Role.BUYER, a_photo(EvidenceKind.PHOTO_FRONT))
    sitting.contested()

    assert "reference_differs" == sitting.ruled(Remedy.REFUND_AND_KEEP, rests_on=("e1",)).code


@pytest.mark.parametrize(("minor", "state"), [(50_000, CaseState.DECIDED), (50_001, CaseState.AWAITING_CONFIRMATION)])
def test_a_second_agent_looks_above_an_amount(minor: int, state: CaseState) -> None:
    """The policy's amount itself is one agent's to give."""
    sitting = contested(80_000)

    sitting.ruled(Remedy.PARTIAL_REFUND, minor)

    assert state is sitting.state


def test_another_agent_confirms() -> None:
    """Neither the same agent nor a party does; then the undo window opens."""
    sitting = to_confirm()

    assert "another_agent" == sitting.say("confirm", agent="kim").code
    assert "agent_is_party" == sitting.say("confirm", agent="s-4").code
    reply = sitting.say("confirm", agent="lee")
    assert sitting.now + timedelta(hours=1) == reply.instant
    assert ("lee", CaseState.DECIDED) == (sitting.decision.confirmed_by, sitting.state)
    assert {DutyKind.TAKE_EFFECT} == owed(sitting)


def test_another_agent_may_give_the_case_back() -> None:
    """The ruling never counted, and the case is on the desk with fresh clocks."""
    sitting = to_confirm()

    reply = sitting.say("confirm", agent="lee", agree=False)

    assert "ruling_not_confirmed" == reply.code
    assert CaseState.WITH_SUPPORT is sitting.state
    assert sitting.record.decision is None
    assert {DutyKind.DECIDE_CASE, DutyKind.LAST_RESORT} == owed(sitting)


def test_there_must_be_something_to_confirm_or_undo() -> None:
    """Without a ruling that waits, neither is possible."""
    sitting = contested()

    assert "nothing_to_confirm" == sitting.say("confirm", agent="lee").code
    assert "nothing_to_undo" == sitting.say("undo", agent="lee", text="No.").code
    sitting.decided(Remedy.RELEASE)
    assert "nothing_to_undo" == sitting.say("undo", agent="lee", text="No.").code


def test_a_ruling_is_undone_before_it_takes_effect() -> None:
    """The case is back on the desk; the ruling stays in the record, with who has undone it."""
    sitting = contested()
    sitting.ruled(Remedy.RELEASE)

    assert "agent_is_party" == sitting.say("undo", agent="s-4", text="No.").code
    assert not sitting.say("undo", agent="lee", text="The wrong case.").refused
    assert CaseState.WITH_SUPPORT is sitting.state
    assert ["lee"] == [one.undone_by for one in sitting.record.resolutions]
    sitting.decided(Remedy.REFUND_AND_KEEP)
    assert (2, False) == (sitting.decision.number, sitting.decision.revised)


def test_a_ruling_on_appeal_goes_back_to_the_appeal() -> None:
    """What is undone there leaves the decision that was appealed against, with fresh clocks of the appeal."""
    sitting = contested().decided(Remedy.PARTIAL_REFUND, 5_000)
    sitting.say("appeal", by=Role.BUYER, evidence=(words("New."),))
    sitting.ruled(Remedy.REFUND_AND_KEEP, agent="lee")

    sitting.say("undo", agent="lee", text="Too soon.")

    assert (CaseState.APPEALED, False) == (sitting.state, sitting.record.escalated)
    assert 1 == sitting.decision.number
    assert {DutyKind.DECIDE_APPEAL, DutyKind.LAST_RESORT} == owed(sitting)


def test_the_desk_is_warned_then_escalated_then_in_breach() -> None:
    """A quarter of the time before its end comes the warning, then the lead's queue, then the breach is on record."""
    sitting = contested()
    decide = sitting.duties[DutyKind.DECIDE_CASE]

    assert 1 == len(decide.reminders)
    assert decide.since < decide.reminders[0] < decide.agreed_due
    sitting.until(DutyKind.DECIDE_CASE)
    assert (CaseState.WITH_LEAD, True) == (sitting.state, sitting.record.escalated)
    sitting.until(DutyKind.LEAD_DECIDES)
    assert sitting.record.breached
    sitting.ruled(Remedy.RELEASE)
    assert sitting.decision.breached


def test_the_desks_time_runs_in_business_hours() -> None:
    """24 hours of the desk are three working days and an hour, from Wednesday 10:00 to Friday 18:00 and on Monday."""
    decide = contested().duties[DutyKind.DECIDE_CASE].due

    assert decide is not None
    assert OPENED + timedelta(days=2) < decide < OPENED + timedelta(days=6)


def test_nobody_answers_a_case_in_silence() -> None:
    """The end of the first answer's clock is a breach on record."""
    sitting = contested().until(DutyKind.FIRST_ANSWER)

    assert (True, CaseState.WITH_SUPPORT) == (sitting.record.breached, sitting.state)


def test_what_nobody_decides_refunds_the_buyer() -> None:
    """The last resort is the policy's, by silence of the desk."""
    sitting = contested().until(DutyKind.LAST_RESORT)

    assert (Remedy.RETURN_FOR_REFUND, True) == (sitting.decision.remedy, sitting.decision.automatic)
    assert ("silence:support" in sitting.decision.grounds[0].basis) is True
    assert OPENED + timedelta(days=60, hours=1) >= sitting.now


def test_a_ruling_that_nobody_confirms_never_counts() -> None:
    """The lead is told, and at the last resort the policy decides, not the ruling of one agent alone."""
    sitting = contested(80_000)
    sitting.ruled(Remedy.PARTIAL_REFUND, 60_000)
    sitting.until(DutyKind.CONFIRM_RULING)
    escalated = sitting.record.escalated, sitting.state

    sitting.until(DutyKind.LAST_RESORT)

    assert (True, CaseState.AWAITING_CONFIRMATION) == escalated
    assert ["platform", ""] == [one.undone_by for one in sitting.record.resolutions]
    assert (Role.PLATFORM, usd(81_900)) == (sitting.decision.decided_by, sitting.decision.amount)


def test_a_refused_complaint_about_a_parcel_on_its_way_ends_the_case() -> None:
    """The order goes on, so there is nothing to appeal against."""
    sitting = Sitting(a_file(reason=Reason.LATE)).contested().decided(Remedy.RELEASE)

    assert CaseState.RESOLVED is sitting.state


def test_a_reason_that_is_not_appealable_ends_with_its_ruling() -> None:
    """Where the policy grants no appeal, a ruling of a person is final."""
    policy = a_policy(rule={"appealable": False})
    sitting = Sitting(a_file(evidence=SHOWN, policy=policy)).contested().decided(Remedy.PARTIAL_REFUND, 100)

    assert CaseState.RESOLVED is sitting.state


def test_a_dear_release_needs_another_agent_too() -> None:
    """Either side may lose much by a ruling, so what the buyer does not get counts as what they do."""
    sitting = contested(80_000)

    assert "ruled_to_confirm" == sitting.ruled(Remedy.RELEASE).code


def test_an_agent_is_the_same_however_it_is_written_and_says_who_it_is() -> None:
    """Capital letters do not make a second agent, and nobody speaks for support without a name."""
    sitting = to_confirm()

    assert "another_agent" == sitting.say("confirm", agent="KIM").code
    assert "agent_unnamed" == sitting.say("message", by=Role.SUPPORT, text="We look into it").code
