"""Finality: who may still contest a decision, whether the order goes on after it, and when nothing can change."""

from __future__ import annotations

from domain.cases import clocks
from domain.cases.case import CaseFile, CaseRecord, Matter
from domain.cases.record import Resolution
from domain.cases.step import SIDES, Step
from domain.parties import Role
from domain.policy import Anchor, CaseState, Policy, Remedy


def contestable(file: CaseFile, record: CaseRecord, decision: Resolution, side: Role) -> bool:
    """Whether a side may appeal: once, if the decision went against it and not by its own consent.

    What no agent has decided can always be contested; otherwise the reason's policy says whether.
    """
    if decision.agreed or goes_on(file.policy, decision) or any(appeal.by is side for appeal in record.appeals):
        return False
    by_an_agent = decision.decided_by is Role.SUPPORT
    if by_an_agent and not file.policy.reasons[file.reason].appealable:
        return False
    if side is Role.SELLER:
        return decision.amount.minor > 0 and decision.decided_by is not Role.SELLER
    return decision.amount < file.at_stake


def goes_on(policy: Policy, decision: Resolution) -> bool:
    """Whether the order goes on after this decision: a refused complaint about a parcel that is still on its way."""
    on_its_way = policy.reasons[decision.reason].anchor is not Anchor.DELIVERED
    return decision.remedy is None or (decision.remedy is Remedy.RELEASE and on_its_way and not decision.late)


def took_effect(matter: Matter, number: int) -> Step:
    """The order has been told of the decision with this number."""
    step = Step(matter)
    step.change(effective=number)
    conclude(step)
    return step


def conclude(step: Step) -> None:
    """The case ends once its decision has taken effect and nobody can appeal any more."""
    record = step.record
    told = record.decision is not None and record.effective >= record.decision.number
    if record.state is CaseState.SETTLED and told and not set(clocks.APPEALS.values()) & set(step.duties):
        step.change(state=CaseState.RESOLVED)
        step.note("final", *SIDES)
