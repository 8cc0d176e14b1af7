"""The interlock with chargebacks: while the bank decides, the case stands still; its result resumes or ends it."""

from __future__ import annotations

from domain.cases.case import Freeze, Matter
from domain.cases.no_remedy import overtake
from domain.cases.step import SIDES, Step
from domain.messages import ChargebackState, Interlock, Overtaken
from domain.parties import Role


def chargeback(matter: Matter, message: Interlock) -> Step:
    """The order has heard of a chargeback or of its result."""
    step = Step(matter)
    if step.record.over:
        return step
    known = step.record.freeze
    if message.state is ChargebackState.OPENED:
        if known is None:
            step.change(freeze=_freeze(step, message))
            step.note("case_frozen", *SIDES, Role.SUPPORT, chargeback=message.chargeback_id)
        return step
    if known is not None and known.chargeback_id == message.chargeback_id:
        step.change(freeze=None)
        step.note("case_unfrozen", *SIDES, Role.SUPPORT, chargeback=message.chargeback_id, result=message.state)
    if message.state is ChargebackState.LOST and not message.left:
        overtake(step, step.file.rule("chargebacks"), "charged_back")
    return step


def _freeze(step: Step, message: Interlock) -> Freeze:
    return Freeze(chargeback_id=message.chargeback_id, at=step.now, amount=message.amount, facts=message.facts)


def overtaken(matter: Matter, message: Overtaken) -> Step:
    """The order has ended otherwise, or the parcel has arrived; what was decided before stands."""
    step = Step(matter)
    if not step.record.over:
        overtake(step, step.file.rule(f"reasons.{step.file.reason}"), message.ending)
    return step


def handed_over(matter: Matter, *, taken: bool) -> Step:
    """The evidence bundle is with the payment provider, or a person has to see to it."""
    step = Step(matter)
    if step.record.freeze is not None:
        step.change(freeze=step.record.freeze.model_copy(update={"handed_over": True}))
        what = "bundle_handed_over" if taken else "bundle_stuck"
        step.note(what, Role.SUPPORT, chargeback=step.record.freeze.chargeback_id)
    return step
