"""Returns: from the label to what the seller finds in the parcel, and what each way of going wrong means."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from domain.cases import clocks
from domain.cases.case import Matter, ReturnTrip
from domain.cases.decisions import amount_of, decide
from domain.cases.evidence import checked, seal
from domain.cases.execution import RETURN_LOST, less_label, settle
from domain.cases.record import Ground
from domain.cases.referral import hand_to_agents
from domain.cases.step import SIDES, Step, barred
from domain.clocks import to_answer
from domain.duties import DutyKind
from domain.messages import Finding, Inspection, Reply
from domain.money import exact
from domain.parties import Role
from domain.policy import CaseState, Remedy
from domain.requests import Label

MOST_LABEL_TRIES = 10
"""Two working weeks without a label: then somebody decides what becomes of the return."""
MOST_REFUND_TRIES = 30
"""Carriers decide on unused labels within weeks (EasyPost: 30 days); asked once a working day."""


def label_bought(matter: Matter, label: Label) -> Step:
    """The prepaid label is there: the buyer has the policy's time to hand the parcel over or have it picked up."""
    step = Step(matter)
    _trip(step, label=label, labelled_at=step.now)
    if step.record.trip is None or step.record.trip.over:
        return step
    soft, hard = clocks.send_back(step.file, step.now)
    step.open(soft, hard)
    step.note(
        "return_label_pickup" if label.pickup else "return_label",
        *SIDES,
        shipment=label.shipment,
        due=soft.agreed_due,
        final=hard.agreed_due,
        payer=step.policy.reasons[step.file.reason].label_paid_by,
    )
    return step


def label_tried(matter: Matter) -> Step:
    """No label could be bought; after many times the case is an agent's, so that nobody waits for ever."""
    step = Step(matter)
    trip = step.record.trip
    tries = trip.label_tries + 1 if trip else 0
    _trip(step, label_tries=tries)
    if tries >= MOST_LABEL_TRIES and step.record.state is CaseState.AWAITING_RETURN:
        hand_to_agents(step)
    return step


def sent_back(matter: Matter, at: datetime) -> Step:
    """The carrier has scanned the return parcel."""
    step = Step(matter)
    _trip(step, sent_at=at)
    step.close(DutyKind.SEND_BACK, DutyKind.SEND_BACK_FINAL)
    if step.record.state is CaseState.AWAITING_RETURN:
        step.change(state=CaseState.RETURNING)
    return step


def came_back(matter: Matter, at: datetime) -> Step:
    """The carrier has delivered the return to the seller, who now inspects it; told late, with the whole time."""
    step = Step(matter)
    _trip(step, back_at=at)
    trip = step.record.trip
    if trip is None or trip.over:
        step.note("return_delivered_late", *SIDES, Role.SUPPORT, at=at)
        return step
    step.close(DutyKind.SEND_BACK, DutyKind.SEND_BACK_FINAL)
    inspect = to_answer(partial(clocks.inspect, step.file), at, step.now)
    step.open(inspect)
    if step.record.open_appeal is None:
        step.change(state=CaseState.INSPECTING)
    step.note("return_delivered", *SIDES, at=at, due=inspect.agreed_due, consequence=inspect.on_silence)
    return step


def lost(matter: Matter) -> Step:
    """The return is lost: the buyer did their part and is refunded, the policy says who bears it."""
    return _end_trip(matter, RETURN_LOST, matter.file.policy.returns.loss_borne_by)


def unclaimed(matter: Matter) -> Step:
    """The seller did not take the return in, and it went back to the buyer, who is refunded all the same."""
    return _end_trip(matter, "return_unclaimed", Role.SELLER)


def _end_trip(matter: Matter, what: str, borne_by: Role) -> Step:
    step = Step(matter)
    _trip(step, over=True, finding=what)
    step.close(*clocks.OF_RETURN)
    step.note(f"{what}_refunded", *SIDES, borne_by=borne_by)
    if step.record.open_appeal is None:
        _refund(step, Ground(code=what, basis=("event:return",)), borne_by)
    return step


def not_sent(step: Step, rule: str) -> None:
    """The goods were never handed to the carrier: the case closes for the seller."""
    _trip(step, over=True)
    ground = Ground(code="not_sent_back", basis=(f"rule:{rule}", "silence:buyer"))
    decide(step, Remedy.RELEASE, amount_of(step.file, Remedy.RELEASE, None), Role.PLATFORM, rule, ground)


def inspection_lapsed(step: Step, rule: str) -> None:
    """The seller has not said what came back: it counts as sent."""
    _trip(step, over=True, finding="not_inspected")
    _refund(step, Ground(code="not_inspected", basis=(f"rule:{rule}", "silence:seller")), Role.SELLER)


def inspect(matter: Matter, message: Inspection) -> Step:
    """The seller says what came back: as sent, in worse condition with a deduction, or something else than was sent.

    A deduction within policy is made at once and the buyer may appeal; a counter-claim goes to support. Both need
    evidence.
    """
    step = Step(matter)
    rule = step.file.rule("returns.inspect")
    if refusal := barred(step, message.text):
        return step.refuse(refusal)
    duty = step.duties.get(DutyKind.INSPECT)
    if duty is None or step.record.state is not CaseState.INSPECTING:
        return step.refuse(Reply.no("nothing_to_inspect", rule))
    if duty.lapsed_at(step.sent_at(message)):
        return step.refuse(Reply.no("answer_too_late", rule, duty.due))
    if message.finding not in list(Finding):
        return step.refuse(Reply.no("unknown_finding", rule, findings=", ".join(Finding)))
    finding = Finding(message.finding)
    if finding is Finding.AS_SENT:
        # Whoever confirms what came back has nothing left to contest.
        step.close(DutyKind.INSPECT, clocks.APPEALS[Role.SELLER])
        step.keep(Role.SELLER, message.text)
        _trip(step, over=True, finding=finding)
        step.note("return_inspected", finding=finding)
        _refund(step, Ground(code="inspected", basis=("answer:seller", "event:return")), Role.SELLER)
        return step.answer("inspected", rule)
    shown, faults = seal(step, message.evidence, Role.SELLER)
    if not shown:
        return step.refuse(faults[0] if faults else Reply.no("finding_needs_evidence", rule))
    step.keep(Role.SELLER, message.text)
    if finding is Finding.WORSE:
        return _deduct(step, message, tuple(f"evidence:{item.id}" for item in shown))
    step.close(DutyKind.INSPECT)
    _trip(step, finding=finding)
    step.note("return_contested", *SIDES, finding=finding)
    hand_to_agents(step)
    return step.answer("return_contested", rule, step.duties[DutyKind.DECIDE_CASE].due)


def _deduct(step: Step, message: Inspection, basis: tuple[str, ...]) -> Step:
    rule = step.file.rule("returns.deduction")
    at_stake = step.file.at_stake
    most = at_stake.share(exact(step.policy.returns.deduction))
    deduction = message.deduction
    if deduction is None or deduction.currency != at_stake.currency or deduction.minor <= 0:
        return step.refuse(Reply.no("deduction_missing", rule, most=most))
    if most < deduction:
        return step.refuse(Reply.no("deduction_beyond", rule, most=most))
    step.close(DutyKind.INSPECT)
    _trip(step, over=True, finding=message.finding)
    step.note("return_inspected", finding=message.finding)
    facts = {"deduction": str(deduction), "most": str(most)}
    ground = Ground(code="deducted", facts=facts, basis=(f"rule:{rule}", *basis))
    refund, costs = less_label(step, at_stake - deduction)
    decide(step, Remedy.PARTIAL_REFUND, refund, Role.SELLER, rule, ground, costs=costs)
    return step.answer("deducted", rule, amount=refund)


def files_checked(matter: Matter, matches: dict[str, bool | None]) -> Step:
    """The files were looked at: a deduction that rests on none that is what was sealed falls, and an agent decides."""
    step = checked(matter, matches)
    decision, rule = step.record.decision, step.file.rule("returns.deduction")
    if decision is None or decision.rule != rule or step.record.effective >= decision.number:
        return step
    basis = {reference for ground in decision.grounds for reference in ground.basis}
    if any(item.usable for item in step.record.evidence if f"evidence:{item.id}" in basis):
        return step
    fallen = decision.model_copy(update={"undone_by": str(Role.PLATFORM)})
    step.record = step.record.with_resolution(fallen)
    step.close(*clocks.APPEALS.values())
    step.note("return_contested", *SIDES, finding=Finding.WORSE)
    hand_to_agents(step)
    return step


def _refund(step: Step, ground: Ground, borne_by: Role) -> None:
    """The return has ended well for the buyer: the decision takes effect, less a label that they must pay."""
    decision = step.record.standing_decision
    amount, costs = less_label(step, decision.amount)
    settle(step, amount=amount, costs=costs, borne_by=borne_by, grounds=(*decision.grounds, ground))


def _trip(step: Step, **fields: object) -> None:
    trip = step.record.trip or ReturnTrip(asked_at=step.now)
    step.change(trip=trip.model_copy(update=fields))


def label_refunded(matter: Matter, *, refunded: bool) -> Step:
    """The unused label was given back to the carrier, or could not be."""
    step = Step(matter)
    _trip(step, label_refunded=refunded)
    step.note("label_refunded" if refunded else "label_spent", Role.PLATFORM)
    return step


def label_refund_tried(matter: Matter) -> Step:
    """The carrier has not said whether it takes the unused label back; after many times it is counted as spent."""
    step = Step(matter)
    tries = step.record.trip.refund_tries + 1 if step.record.trip else 0
    _trip(step, refund_tries=tries)
    return label_refunded(step.matter, refunded=False) if tries >= MOST_REFUND_TRIES else step
