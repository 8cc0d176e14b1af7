"""Returns: the label, the way back, what the seller finds, and who pays for what goes wrong."""

from datetime import timedelta
from typing import Any

import pytest

from domain.cases import returns
from domain.duties import DutyKind
from domain.messages import Reply
from domain.parties import Role
from domain.policy import CaseState, EvidenceKind, Remedy
from domain.requests import Label
from domain.settlement import division
from tests.domain.cases.a_case import RETURN_SHIPMENT, Sitting, a_file, a_photo, a_policy, complete, owed, usd

SHOWN = complete()
NEW = (a_photo("unboxing"),)
PAYERS = [(Role.PLATFORM, 12_900, None), (Role.BUYER, 12_200, 700), (Role.SELLER, 12_900, 700)]
"""Who pays a label of USD 7.00, what the buyer of USD 129.00 has back then, and what the platform gets for it."""


def accepted(payer: Role = Role.PLATFORM, **settings: Any) -> Sitting:
    """The seller has accepted the complaint, and the goods are to come back."""
    policy = a_policy(rule={"label_paid_by": payer}, returns=settings)
    sitting = Sitting(a_file(evidence=SHOWN, policy=policy))
    assert not sitting.say("respond", accept=True).refused
    return sitting


def ruled(payer: Role = Role.PLATFORM) -> Sitting:
    """An agent has ruled a return, against which the seller may appeal, and the goods are under way."""
    file = a_file(evidence=SHOWN, policy=a_policy(rule={"label_paid_by": payer}))
    return Sitting(file).contested().decided(Remedy.RETURN_FOR_REFUND).sent_back()


def inspects(sitting: Sitting, finding: str, **fields: Any) -> Reply:
    """The seller says what came back."""
    return sitting.say("inspect", finding=finding, **fields)


def test_the_label_starts_the_buyers_clock() -> None:
    """The buyer is chased first; at the second date the return is off."""
    sitting = accepted()

    assert CaseState.AWAITING_RETURN is sitting.state
    assert {DutyKind.SEND_BACK, DutyKind.SEND_BACK_FINAL} == owed(sitting)
    sitting.until(DutyKind.SEND_BACK)
    assert "return_chased" in sitting.notes
    assert CaseState.AWAITING_RETURN is sitting.state


def test_goods_that_are_not_sent_leave_the_money_with_the_seller() -> None:
    """The case is decided for the seller by rule, the buyer may appeal, and the unused label is given back."""
    sitting = accepted().until(DutyKind.SEND_BACK_FINAL)

    assert (Remedy.RELEASE, 0, True) == (
        sitting.decision.remedy,
        sitting.decision.amount.minor,
        sitting.decision.automatic,
    )
    assert {DutyKind.BUYER_MAY_APPEAL} == owed(sitting)
    assert sitting.record.trip is not None
    assert sitting.record.trip.label_refunded is True


def test_a_late_case_does_not_take_back_what_the_buyer_had() -> None:
    """In a case about a closed order, goods that are not sent leave the buyer what they had back before."""
    sitting = Sitting(a_file(evidence=SHOWN, late=True, refunded_before=usd(2_000))).decided(Remedy.RETURN_FOR_REFUND)

    sitting.until(DutyKind.SEND_BACK_FINAL)

    assert (Remedy.RELEASE, usd(2_000)) == (sitting.decision.remedy, sitting.decision.amount)


def test_the_carriers_scan_ends_the_buyers_duty() -> None:
    """From the hand-over on the carrier has the goods."""
    sitting = accepted().sent_back()

    assert (CaseState.RETURNING, set()) == (sitting.state, owed(sitting))


def test_the_seller_inspects_from_the_delivery_on() -> None:
    """The seller's time counts from the carrier's own instant, not from when the case heard of it."""
    sitting = accepted().sent_back()
    arrived = sitting.now + timedelta(days=3)
    sitting.now = arrived + timedelta(hours=6)

    sitting.take(returns.came_back(sitting.matter, arrived))

    assert CaseState.INSPECTING is sitting.state
    assert arrived + timedelta(hours=48) == sitting.duties[DutyKind.INSPECT].due


@pytest.mark.parametrize(("payer", "refund", "costs"), PAYERS)
def test_goods_that_came_back_as_sent_bring_the_refund(payer: Role, refund: int, costs: int | None) -> None:
    """The buyer has all back, less a label that the policy has them pay."""
    sitting = accepted(payer).returned()

    assert not inspects(sitting, "as_sent").refused

    assert CaseState.RESOLVED is sitting.state
    (told,) = sitting.told
    assert (refund, costs) == (told.amount.minor, told.costs.minor if told.costs else None)
    parts = division(sitting.file.price, told.amount, told.costs)
    assert refund == parts.buyer.minor


@pytest.mark.parametrize(("payer", "refund", "costs"), PAYERS)
def test_a_silent_seller_has_seen_it_as_sent(payer: Role, refund: int, costs: int | None) -> None:
    """Who does not inspect in time has nothing against the refund."""
    sitting = accepted(payer).returned().until(DutyKind.INSPECT)

    (told,) = sitting.told
    assert (refund, costs) == (told.amount.minor, told.costs.minor if told.costs else None)
    assert "not_inspected" == told.grounds[-1].code


def test_confirming_what_came_back_gives_up_the_appeal() -> None:
    """Whoever finds the goods as sent has nothing left to contest."""
    sitting = ruled().wait(days=2).came_back()
    inspects(sitting, "as_sent")

    assert CaseState.RESOLVED is sitting.state


@pytest.mark.parametrize("what", ["lost", "unclaimed"])
@pytest.mark.parametrize(("payer", "refund", "costs"), PAYERS)
def test_a_return_that_does_not_arrive_is_refunded(what: str, payer: Role, refund: int, costs: int | None) -> None:
    """The buyer did their part: the policy says who bears a loss, and the seller bears what they did not take in."""
    sitting = accepted(payer).sent_back()

    sitting.take(getattr(returns, what)(sitting.matter))

    (told,) = sitting.told
    assert (refund, costs) == (told.amount.minor, told.costs.minor if told.costs else None)
    assert (Role.PLATFORM if what == "lost" else Role.SELLER) is told.borne_by
    assert CaseState.RESOLVED is sitting.state


def test_a_return_that_is_lost_during_an_appeal_is_not_asked_for_again() -> None:
    """When the appeal has left the decision standing, the buyer is refunded and the policy bears the loss."""
    sitting = ruled()
    sitting.say("appeal", by=Role.SELLER, evidence=NEW)
    sitting.take(returns.lost(sitting.matter))
    waiting = list(sitting.told)

    sitting.until(DutyKind.LAST_RESORT)

    assert [] == waiting
    (told,) = sitting.told
    assert (Remedy.RETURN_FOR_REFUND, usd(12_900), Role.PLATFORM, False) == (
        told.remedy,
        told.amount,
        told.borne_by,
        told.revised,
    )


def test_a_return_without_a_label_does_not_wait_for_ever() -> None:
    """After two working weeks an agent decides, and if nobody does, the buyer is refunded without the return."""
    sitting = Sitting(a_file(evidence=SHOWN), errands=False)
    sitting.say("respond", accept=True)
    for _ in range(returns.MOST_LABEL_TRIES):
        before = sitting.state
        sitting.take(returns.label_tried(sitting.matter))

    assert (CaseState.AWAITING_RETURN, CaseState.WITH_SUPPORT) == (before, sitting.state)
    assert Remedy.REFUND_AND_KEEP is sitting.until(DutyKind.LAST_RESORT).decision.remedy


@pytest.mark.parametrize(("differs", "state"), [(True, CaseState.WITH_SUPPORT), (False, CaseState.SETTLED)])
def test_a_deduction_rests_on_files_as_they_were_sealed(differs: bool, state: CaseState) -> None:
    """If none of them is what was sealed, nothing has moved yet, and an agent decides; silence refunds."""
    sitting = Sitting(matches={"photo_defect": not differs})
    sitting.say("respond", accept=True)
    shown = (a_photo(EvidenceKind.PHOTO_DEFECT),)
    sitting.returned()

    assert "deducted" == inspects(sitting, "worse", deduction=usd(2_000), evidence=shown).code
    assert state is sitting.state
    if differs:
        assert [] == sitting.told
        assert Remedy.REFUND_AND_KEEP is sitting.until(DutyKind.LAST_RESORT).decision.remedy


@pytest.mark.parametrize("finding", ["another_item", "incomplete", "empty"])
def test_a_counter_claim_goes_to_support(finding: str) -> None:
    """The seller shows what came back instead, and an agent decides."""
    sitting = accepted().returned()

    assert "return_contested" == inspects(sitting, finding, evidence=NEW).code

    assert CaseState.WITH_SUPPORT is sitting.state
    assert DutyKind.INSPECT not in sitting.duties
    assert [] == sitting.told


@pytest.mark.parametrize(("payer", "refund", "costs"), PAYERS)
def test_a_counter_claim_that_fails_costs_the_same_label(payer: Role, refund: int, costs: int | None) -> None:
    """A ruling for the return gives what an uncontested return gives: who pays the label stays the policy's."""
    sitting = accepted(payer).returned()
    inspects(sitting, "empty", evidence=NEW)

    sitting.decided(Remedy.RETURN_FOR_REFUND)

    (told,) = sitting.told
    assert (refund, costs) == (told.amount.minor, told.costs.minor if told.costs else None)


@pytest.mark.parametrize("finding", ["worse", "another_item", "incomplete", "empty"])
def test_findings_against_the_buyer_need_new_evidence(finding: str) -> None:
    """Nothing is claimed without showing it, and old photos show nothing new."""
    sitting = accepted().returned()
    deduction = usd(100)

    assert "finding_needs_evidence" == inspects(sitting, finding, deduction=deduction).code
    assert "finding_needs_evidence" == inspects(sitting, finding, deduction=deduction, evidence=SHOWN[:1]).code
    assert CaseState.INSPECTING is sitting.state


@pytest.mark.parametrize(
    ("minor", "code"),
    [(None, "deduction_missing"), (0, "deduction_missing"), (6_450, "deducted"), (6_451, "deduction_beyond")],
)
def test_a_deduction_stays_within_the_policy(minor: int | None, code: str) -> None:
    """Up to half of the refund may be kept for goods in a worse condition."""
    sitting = accepted().returned()
    before = sitting.record

    reply = inspects(sitting, "worse", deduction=None if minor is None else usd(minor), evidence=NEW)

    assert code == reply.code
    assert (code == "deducted") is not (before == sitting.record)


def test_the_share_of_a_deduction_is_exact() -> None:
    """No cent is lost to the arithmetic of fractions: 0.29 of USD 129.00 are USD 37.41."""
    sitting = accepted(deduction=0.29).returned()

    assert "deduction_beyond" == inspects(sitting, "worse", deduction=usd(3_742), evidence=NEW).code
    assert not inspects(sitting, "worse", deduction=usd(3_741), evidence=NEW).refused


@pytest.mark.parametrize(("payer", "refund", "costs"), [(Role.PLATFORM, 12_000, None), (Role.BUYER, 11_300, 700)])
def test_a_deduction_takes_effect_and_the_buyer_may_appeal(payer: Role, refund: int, costs: int | None) -> None:
    """The rest is refunded at once; no agent has decided it, so the buyer may contest it."""
    sitting = accepted(payer).returned()

    inspects(sitting, "worse", deduction=usd(900), evidence=NEW)

    (told,) = sitting.told
    assert (Remedy.PARTIAL_REFUND, refund) == (told.remedy, told.amount.minor)
    assert costs == (told.costs.minor if told.costs else None)
    assert {DutyKind.BUYER_MAY_APPEAL} == owed(sitting)


def test_an_inspection_has_its_time() -> None:
    """There must be something to inspect, a finding that is known, and time left."""
    sitting = accepted()
    early = inspects(sitting, "as_sent").code
    sitting.returned()
    unknown = inspects(sitting, "wet").code
    due = sitting.duties[DutyKind.INSPECT].due
    assert due is not None
    sitting.now = due

    assert ["nothing_to_inspect", "unknown_finding"] == [early, unknown]
    assert "answer_too_late" == inspects(sitting, "as_sent").code
    assert not inspects(sitting, "as_sent", submitted_at=due - timedelta(seconds=1)).refused


def test_a_return_that_is_called_off_and_still_arrives_is_told() -> None:
    """Goods that come back when nobody waits for them any more change no decision."""
    sitting = ruled()
    sitting.say("appeal", by=Role.SELLER, evidence=NEW)
    sitting.decided(Remedy.RELEASE, agent="lee")
    decision = sitting.decision

    sitting.came_back()

    assert "return_delivered_late" in sitting.notes
    assert decision == sitting.decision
    assert DutyKind.INSPECT not in sitting.duties


def test_a_label_that_comes_when_the_return_is_off_starts_no_clock() -> None:
    """The buyer has withdrawn while the label was bought: it is only kept to be given back."""
    sitting = accepted()
    sitting.say("withdraw")
    late = Label(reference="label-2", shipment=RETURN_SHIPMENT, cost=usd(700))

    sitting.take(returns.label_bought(sitting.matter, late))

    assert set() == owed(sitting)


def test_a_label_refund_is_not_awaited_for_ever() -> None:
    """After as many tries as a carrier may take days, the label counts as spent."""
    sitting = accepted()
    sitting._errands = False
    sitting.until(DutyKind.SEND_BACK_FINAL)
    tried = [sitting.take(returns.label_refund_tried(sitting.matter)).record.trip for _ in range(30)]

    assert [None, False] == [trip.label_refunded for trip in tried[-2:] if trip]
    assert "label_spent" in sitting.notes
