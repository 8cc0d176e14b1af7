"""Referral: what the sides have not settled goes to support, unless a rule that protects the seller decides it."""

from __future__ import annotations

from domain.cases import clocks
from domain.cases.decisions import decide, overtake_offers
from domain.cases.protection import protection
from domain.cases.step import SIDES, Step
from domain.duties import DutyKind
from domain.parties import Role
from domain.policy import CaseState, Remedy


def to_support(step: Step) -> None:
    """The sides have not settled: a rule that protects the seller decides, or else an agent will."""
    step.close(DutyKind.ANSWER_CASE)
    overtake_offers(step)
    protected = protection(step.file)
    if protected and step.record.decision is None:
        rule, grounds = protected
        step.note("seller_protected", rule=rule)
        decide(step, Remedy.RELEASE, step.file.at_stake.zero, Role.PLATFORM, rule, *grounds)
        return
    hand_to_agents(step)


def hand_to_agents(step: Step) -> None:
    """Put the case in support's queue, with the clocks of the desk."""
    duty = clocks.decide_case(step.file, step.now)
    step.open(duty)
    if not step.record.answered:
        step.open(clocks.first_answer(step.file, step.now))
    if DutyKind.LAST_RESORT not in step.duties:
        step.open(clocks.last_resort(step.file, step.now))
    waiting = DutyKind.ADD_EVIDENCE in step.duties
    step.change(state=CaseState.AWAITING_EVIDENCE if waiting else CaseState.WITH_SUPPORT)
    step.note("with_support", Role.SUPPORT, *SIDES, due=duty.agreed_due)


def back_to_agents(step: Step) -> None:
    """What the agents waited for has come, or will not: their clocks run on, unless they wait for something else."""
    if step.record.state not in (CaseState.AWAITING_EVIDENCE, CaseState.NEGOTIATING) or not step.on_the_desk:
        return
    if DutyKind.ANSWER_OFFER in step.duties:
        step.change(state=CaseState.NEGOTIATING)
    elif DutyKind.ADD_EVIDENCE in step.duties:
        step.change(state=CaseState.AWAITING_EVIDENCE)
    elif step.record.escalated:
        step.change(state=CaseState.WITH_LEAD)
    else:
        step.change(state=CaseState.APPEALED if step.record.open_appeal else CaseState.WITH_SUPPORT)
