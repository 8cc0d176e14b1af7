"""The hearing: the seller's answer, what silence means, and taking a complaint back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.cases.record import OfferState
from domain.duties import DutyKind, Silence
from domain.messages import Verdict
from domain.parties import Role
from domain.policy import CaseState, Reason, Remedy
from tests.domain.cases.a_case import OPENED, POLICY, Sitting, a_file, a_photo, a_policy, complete, owed, proposal, usd

SHOWN = complete()
DUE = OPENED + timedelta(hours=72)


def asked(reason: Reason = Reason.NOT_AS_DESCRIBED, silence: Silence | None = None) -> Sitting:
    """A case that waits for its seller, whose silence means what is given."""
    rule = {"reply": POLICY.reasons[reason].reply.model_copy(update={"on_silence": silence})} if silence else None
    return Sitting(a_file(reason=reason, evidence=SHOWN, policy=a_policy(reason, rule)))


@pytest.mark.parametrize(
    ("reason", "remedy", "state"),
    [
        (Reason.NOT_AS_DESCRIBED, Remedy.RETURN_FOR_REFUND, CaseState.AWAITING_RETURN),
        (Reason.COUNTERFEIT, Remedy.REFUND_AND_KEEP, CaseState.RESOLVED),
        (Reason.LOST, Remedy.CANCELLATION, CaseState.RESOLVED),
    ],
)
def test_accepting_gives_the_remedy_of_the_reason(reason: Reason, remedy: Remedy, state: CaseState) -> None:
    """The seller's yes is agreed by both sides, so nobody appeals: without goods to return, the case is over."""
    sitting = asked(reason)

    reply = sitting.say("respond", accept=True)

    assert Verdict.ACCEPTED is reply.verdict
    assert (remedy, Role.SELLER, True, usd(12_900)) == (
        sitting.decision.remedy,
        sitting.decision.decided_by,
        sitting.decision.agreed,
        sitting.decision.amount,
    )
    assert state is sitting.state


def test_contesting_brings_in_support() -> None:
    """Support gets the case with its clocks, and the seller's evidence with it."""
    sitting = asked()

    sitting.say("respond", accept=False, evidence=(a_photo("packing"),))

    assert CaseState.WITH_SUPPORT is sitting.state
    assert {DutyKind.DECIDE_CASE, DutyKind.FIRST_ANSWER, DutyKind.LAST_RESORT} == owed(sitting)
    assert Role.SELLER is sitting.record.evidence[-1].by


def test_a_contested_case_waits_for_evidence_that_is_owed() -> None:
    """The buyer's time to hand evidence in runs on when the seller has contested."""
    assert CaseState.AWAITING_EVIDENCE is Sitting().contested().state


def test_contesting_ends_an_offer_that_waits() -> None:
    """Once the seller has contested, the buyer's offer is over, and the buyer may make another one."""
    sitting = asked()
    sitting.say("offer", by=Role.BUYER, proposal=proposal(5_000))

    sitting.contested()

    assert [OfferState.OVERTAKEN] == [offer.state for offer in sitting.record.offers]
    assert "offer_made" == sitting.say("offer", by=Role.BUYER, proposal=proposal(4_000)).code


@pytest.mark.parametrize(
    ("silence", "state", "remedy"),
    [
        (Silence.ASK_SUPPORT, CaseState.WITH_SUPPORT, None),
        (Silence.REFUND, CaseState.AWAITING_RETURN, Remedy.RETURN_FOR_REFUND),
        (Silence.RELEASE, CaseState.SETTLED, Remedy.RELEASE),
    ],
)
def test_silence_means_what_the_policy_says(silence: Silence, state: CaseState, remedy: Remedy | None) -> None:
    """Each silence default of a reason has its consequence at the instant at which the answer was due."""
    sitting = asked(silence=silence).at(DUE)

    decision = sitting.record.decision
    assert (state, remedy) == (sitting.state, decision.remedy if decision else None)
    assert decision is None or decision.automatic


def test_an_answer_sent_in_time_counts() -> None:
    """A message is judged by when it was sent: a second before the due instant is in time, the instant itself late."""
    sitting = asked()
    sitting.now = DUE + timedelta(hours=5)

    assert "answer_too_late" == sitting.say("respond", accept=False, submitted_at=DUE).code
    assert not sitting.say("respond", accept=False, submitted_at=DUE - timedelta(seconds=1)).refused


def test_the_seller_may_give_in_while_support_has_the_case() -> None:
    """Accepting is possible until somebody has decided; contesting a second time is not."""
    sitting = asked().contested()

    assert "answer_too_late" == sitting.say("respond", accept=False).code
    assert not sitting.say("respond", accept=True).refused
    assert CaseState.AWAITING_RETURN is sitting.state


def test_the_seller_cannot_give_in_once_an_agent_has_ruled() -> None:
    """A ruling that waits is taken back by support alone."""
    sitting = asked().contested()
    sitting.ruled(Remedy.RELEASE)

    assert "answer_too_late" == sitting.say("respond", accept=True).code


def test_a_text_that_is_too_long_is_refused() -> None:
    """The policy's bound on texts holds for every action."""
    assert "text_too_long" == asked().say("respond", accept=False, text="x" * 4_001).code


@pytest.mark.parametrize(
    "begun",
    [
        asked,
        lambda: asked().contested(),
        lambda: asked(Reason.COUNTERFEIT).contested(),
        lambda: Sitting(a_file(evidence=SHOWN)).contested().decided(Remedy.RETURN_FOR_REFUND),
    ],
    ids=["asked", "with support", "counterfeit", "return not sent yet"],
)
def test_the_buyer_may_take_the_complaint_back(begun: Callable[[], Sitting]) -> None:
    """Without a remedy and without duties the case is over, and the order goes on."""
    heard = begun()

    assert not heard.say("withdraw").refused

    assert CaseState.WITHDRAWN is heard.state
    assert (None, 0, set()) == (heard.decision.remedy, heard.decision.amount.minor, owed(heard))


def test_what_was_sent_back_is_not_withdrawn() -> None:
    """Once the goods are under way or with the seller, the buyer cannot take the complaint back."""
    sitting = asked()
    sitting.say("respond", accept=True)
    sitting.sent_back()
    under_way = sitting.say("withdraw").code
    sitting.wait(days=2).came_back()
    sitting.say("inspect", finding="empty", evidence=(a_photo("unboxing"),))

    assert CaseState.WITH_SUPPORT is sitting.state
    assert ["withdraw_too_late", "withdraw_too_late"] == [under_way, sitting.say("withdraw").code]


def test_only_a_complaint_of_the_buyer_is_theirs_to_withdraw() -> None:
    """Who was refunded and has the parcel after all cannot close the case that is about it."""
    found, complained = Sitting(a_file(late=True, from_buyer=False)), Sitting(a_file(late=True))

    assert ["withdraw_not_yours", "withdrawn"] == [one.say("withdraw").code for one in (found, complained)]


def test_what_was_decided_is_not_withdrawn() -> None:
    """Neither a ruling that waits nor a decision that has moved money can be taken back by the buyer."""
    sitting = asked().contested()
    sitting.ruled(Remedy.PARTIAL_REFUND, 5_000)
    waiting = sitting.say("withdraw").code
    sitting.until(DutyKind.TAKE_EFFECT)

    assert ["withdraw_too_late", "withdraw_too_late"] == [waiting, sitting.say("withdraw").code]
