"""The rounds in which a side is asked for evidence: when the case opens by the checklist, later by an agent."""

from __future__ import annotations

from collections.abc import Iterable

from domain.cases import clocks
from domain.cases.case import Matter
from domain.cases.checklist import missing
from domain.cases.record import AnyKind, EvidenceAsked
from domain.cases.referral import back_to_agents
from domain.cases.step import SIDES, WITH_AGENTS, Step, barred, conflict
from domain.duties import Duty, DutyKind
from domain.messages import EvidenceRequest, Reply
from domain.parties import Role
from domain.policy import CaseState


def ask_buyer(step: Step) -> None:
    """What the checklist still lacks is asked for when the case is opened."""
    lacking = missing(step.file, step.record)
    if lacking:
        _ask(step, Role.BUYER, lacking, by="")


def _ask(step: Step, of: Role, kinds: Iterable[AnyKind], by: str) -> Duty:
    """Ask a side for evidence, until the policy's time for it has passed."""
    kinds = tuple(kinds)
    duty = clocks.add_evidence(step.file, of, step.now)
    step.open(duty)
    step.change(asked=(*step.record.asked, EvidenceAsked(of=of, at=step.now, by=by, kinds=kinds)))
    step.note("evidence_asked", of, of=of, kinds=", ".join(kinds) or "other", due=duty.agreed_due)
    return duty


def request(matter: Matter, message: EvidenceRequest) -> Step:
    """An agent asks a side for evidence, as often as the policy allows; the agents' clocks stand still meanwhile."""
    step = Step(matter)
    if refusal := barred(step, message.text) or conflict(step, message.agent):
        return step.refuse(refusal)
    rule = step.file.rule("evidence.requests")
    if step.record.state not in WITH_AGENTS:
        return step.refuse(Reply.no("not_with_support", rule))
    if message.of not in SIDES:
        return step.refuse(Reply.no("not_a_side", rule))
    if DutyKind.ADD_EVIDENCE in step.duties:
        return step.refuse(Reply.no("evidence_asked_already", rule, step.duties[DutyKind.ADD_EVIDENCE].due))
    times = sum(asked.of is message.of and bool(asked.by) for asked in step.record.asked)
    if times >= step.policy.evidence.requests:
        return step.refuse(Reply.no("evidence_round_over", rule, side=message.of))
    step.keep(Role.SUPPORT, message.text, message.agent)
    duty = _ask(step, message.of, message.kinds, by=message.agent)
    step.change(state=CaseState.AWAITING_EVIDENCE)
    step.support_answers()
    return step.answer("evidence_requested", rule, duty.agreed_due, side=message.of)


def handed_in(step: Step, by: Role) -> None:
    """A side that was asked for evidence, and has now shown all of it, owes none any more."""
    duty = step.duties.get(DutyKind.ADD_EVIDENCE)
    if duty is None or duty.owner is not by:
        return
    request = next(asked for asked in reversed(step.record.asked) if asked.of is by)
    shown = {item.kind for item in step.record.evidence if item.by is by and item.usable}
    if set(request.kinds) <= shown:
        _answered(step, by)


def _answered(step: Step, by: Role) -> None:
    asked = tuple(one.model_copy(update={"answered": True}) if one.of is by else one for one in step.record.asked)
    step.change(asked=asked)
    step.close(DutyKind.ADD_EVIDENCE)
    back_to_agents(step)


def not_handed_in(step: Step) -> None:
    """The time to hand evidence in is over: the case is decided on what there is."""
    step.note("evidence_round_over", Role.SUPPORT)
    back_to_agents(step)
