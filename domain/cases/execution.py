"""Carrying a decision out: goods come back first if they must, then the order is told and moves the money.

From then on a side may appeal while its window is open.
"""

from __future__ import annotations

from domain.cases import clocks
from domain.cases.case import ReturnTrip
from domain.cases.finality import contestable
from domain.cases.record import Resolution
from domain.cases.step import SIDES, Step
from domain.duties import DutyKind
from domain.money import Money
from domain.parties import Role
from domain.policy import CaseState, Remedy

RETURN_LOST = "return_lost"
"""The finding of a return that the carrier has lost."""


def execute(step: Step) -> None:
    """Carry the decision that stands out: tell both sides, have the goods back if they must come, then settle."""
    decision = step.record.standing_decision
    step.close(*clocks.OF_HEARING, DutyKind.LAST_RESORT, DutyKind.TAKE_EFFECT, *clocks.APPEALS.values())
    appeals = tuple(appeal.model_copy(update={"decided": True}) for appeal in step.record.appeals)
    step.change(appeals=appeals, escalated=False)
    told = {"remedy": decision.remedy, "amount": decision.amount, "rule": decision.rule}
    step.note("resolved_by_rule" if decision.automatic else "resolved", *SIDES, **told)
    for side in SIDES:
        if contestable(step.file, step.record, decision, side):
            duty = clocks.may_appeal(step.file, side, step.now)
            step.open(duty)
            step.note("may_appeal", side, side=side, due=duty.agreed_due)
    trip = step.record.trip
    if decision.remedy is not Remedy.RETURN_FOR_REFUND:
        call_off_return(step)
        settle(step)
    elif trip is None or (trip.over and not (step.record.goods_back or trip.finding)):
        step.change(state=CaseState.AWAITING_RETURN, trip=ReturnTrip(asked_at=step.now))
    elif trip.over or trip.finding:
        _settle_after_trip(step, decision, lost=trip.finding == RETURN_LOST)
    else:
        _back_to_trip(step, trip)


def _settle_after_trip(step: Step, decision: Resolution, *, lost: bool) -> None:
    # An upheld decision has its label already.
    amount, costs = (decision.amount, decision.costs) if decision.costs else less_label(step, decision.amount)
    borne_by = step.policy.returns.loss_borne_by if lost else decision.borne_by
    settle(step, amount=amount, costs=costs, borne_by=borne_by)


def less_label(step: Step, refund: Money) -> tuple[Money, Money | None]:
    """The refund without a label that the buyer bears, and what the platform gets for a label that a side bears."""
    payer = step.policy.reasons[step.file.reason].label_paid_by
    trip = step.record.trip
    if trip is None or trip.label is None or payer is Role.PLATFORM:
        return refund, None
    cost = min(trip.label.cost, refund)
    return (refund - cost if payer is Role.BUYER else refund), cost


def _back_to_trip(step: Step, trip: ReturnTrip) -> None:
    """The state that tells where the return is."""
    if trip.back_at:
        step.change(state=CaseState.INSPECTING)
    else:
        step.change(state=CaseState.RETURNING if trip.sent_at else CaseState.AWAITING_RETURN)


def call_off_return(step: Step) -> None:
    """No goods have to come back any more."""
    if step.record.trip and not step.record.trip.over:
        step.close(*clocks.OF_RETURN)
        step.change(trip=step.record.trip.model_copy(update={"over": True}))


def settle(step: Step, **amended: object) -> None:
    """The decision takes effect: its order is told next, and moves the money."""
    decision = step.record.standing_decision
    final = decision.model_copy(update={"effective_at": step.now, **amended})
    step.record = step.record.with_resolution(final)
    step.change(state=CaseState.SETTLED)
