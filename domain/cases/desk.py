"""The support desk: assignment, rulings, the second agent, undoing, and the clocks that run out on it."""

from __future__ import annotations

from domain.cases import clocks
from domain.cases.case import Matter
from domain.cases.decisions import amount_of, await_effect, decide, unfit
from domain.cases.record import Ground
from domain.cases.step import WITH_AGENTS, Step, barred, conflict
from domain.duties import DutyKind
from domain.messages import Assignment, Confirmation, Reply, Ruling, Undo
from domain.parties import Role
from domain.policy import CaseState, Remedy
from domain.wording import RULING


def assign(matter: Matter, message: Assignment) -> Step:
    """A case is given to an agent, who is no party of it."""
    step = Step(matter)
    if refusal := barred(step, frozen_too=True) or conflict(step, message.agent):
        return step.refuse(refusal)
    step.change(assignee=message.agent)
    step.note("assigned", agent=message.agent)
    return step.answer("assigned", agent=message.agent)


def rule(matter: Matter, message: Ruling) -> Step:
    """An agent decides, with a reason; on appeal another one than before. A ruling may cite what was decisive."""
    step = Step(matter)
    if refusal := barred(step, message.reason) or conflict(step, message.agent) or _no_ruling(step, message):
        return step.refuse(refusal)
    amount = amount_of(step.file, message.remedy, message.amount)
    cited = tuple(_cited(step, reference) for reference in message.rests_on)
    number = len(step.record.resolutions) + 1
    grounds = [
        Ground(code="ruled", facts={"agent": message.agent}, basis=(f"ruling:{number}",)),
        *(Ground(code="rests_on", facts={"item": ref}, basis=(f"{kind}:{ref}",)) for kind, ref in cited if kind),
    ]
    if step.record.open_appeal:
        appeal = step.record.open_appeal
        basis = tuple(f"evidence:{item}" for item in appeal.evidence)
        grounds.append(Ground(code="on_appeal", facts={"by": str(appeal.by)}, basis=basis))
    step.change(answered=True)
    ruling = f"{RULING}{message.agent}"
    marks = {"agent": message.agent, "text": message.reason}
    decide(step, message.remedy, amount, Role.SUPPORT, ruling, *grounds, **marks)
    waits = step.duties.get(DutyKind.CONFIRM_RULING) or step.duties.get(DutyKind.TAKE_EFFECT)
    code = "ruled_to_confirm" if step.record.state is CaseState.AWAITING_CONFIRMATION else "ruled"
    return step.answer(code, ruling, waits.due if waits else None, remedy=message.remedy, amount=amount)


def _no_ruling(step: Step, message: Ruling) -> Reply | None:
    record, file = step.record, step.file
    if record.state is CaseState.AWAITING_SELLER:
        return Reply.no("seller_has_time", file.rule(f"reasons.{file.reason}.reply"))
    if record.state is CaseState.AWAITING_CONFIRMATION:
        return Reply.no("ruling_waits", file.rule("support.confirm"))
    if record.state is CaseState.DECIDED:
        return Reply.no("ruling_made", file.rule("support.undo"))
    if record.state is CaseState.NEGOTIATING and not step.on_the_desk:
        return Reply.no("sides_negotiate", file.rule("offers.answer"), step.duties[DutyKind.ANSWER_OFFER].due)
    if record.state not in (*WITH_AGENTS, CaseState.NEGOTIATING):
        return Reply.no("not_with_support", file.rule("support.decide"))
    if record.open_appeal and message.agent.casefold() in _agents_before(step):
        return Reply.no("another_agent", file.rule("appeals"))
    if unknown := [reference for reference in message.rests_on if not _cited(step, reference)[0]]:
        return Reply.no("unknown_reference", reference=unknown[0][:40])
    if differs := [item.id for item in record.evidence if item.id in message.rests_on and not item.usable]:
        return Reply.no("reference_differs", file.rule("evidence"), reference=differs[0])
    # What the seller is about to get back is not released to them as well, nor sent back once more, but on appeal.
    if record.on_its_way and not record.open_appeal and message.remedy in (Remedy.RETURN_FOR_REFUND, Remedy.RELEASE):
        return Reply.no("return_under_way")
    return unfit(file, message.remedy, message.amount)


def _agents_before(step: Step) -> set[str]:
    counted = [one for one in step.record.resolutions if not one.undone_by]
    return {name.casefold() for one in counted for name in (one.agent, one.confirmed_by)}


def _cited(step: Step, reference: str) -> tuple[str, str]:
    if any(item.id == reference for item in step.record.evidence):
        return "evidence", reference
    if any(f"m{said.number}" == reference and not said.internal for said in step.record.conversation):
        return "message", reference
    return "", reference


def confirm(matter: Matter, message: Confirmation) -> Step:
    """Another agent confirms a ruling above the policy's amount, or gives the case back for a new one."""
    step = Step(matter)
    rule_id = step.file.rule("support.second_pair_above")
    if refusal := barred(step, message.text) or conflict(step, message.agent):
        return step.refuse(refusal)
    decision = step.record.decision
    if step.record.state is not CaseState.AWAITING_CONFIRMATION or decision is None:
        return step.refuse(Reply.no("nothing_to_confirm", rule_id))
    agent = message.agent.casefold()
    if agent == decision.agent.casefold() or (step.record.open_appeal and agent in _agents_before(step)):
        return step.refuse(Reply.no("another_agent", rule_id))
    step.keep(Role.SUPPORT, message.text, message.agent, internal=True)
    if not message.agree:
        _take_back(step, message.agent)
        return step.answer("ruling_not_confirmed", rule_id)
    confirmed = decision.model_copy(update={"confirmed_by": message.agent})
    step.record = step.record.with_resolution(confirmed)
    step.note("ruling_confirmed", agent=message.agent)
    await_effect(step)
    return step.answer("ruling_confirmed", rule_id, step.duties[DutyKind.TAKE_EFFECT].due)


def undo(matter: Matter, message: Undo) -> Step:
    """Support takes a ruling back before it has taken effect."""
    step = Step(matter)
    rule_id = step.file.rule("support.undo")
    if refusal := barred(step, message.text) or conflict(step, message.agent):
        return step.refuse(refusal)
    if step.record.state is not CaseState.DECIDED:
        return step.refuse(Reply.no("nothing_to_undo", rule_id))
    step.keep(Role.SUPPORT, message.text, message.agent, internal=True)
    _take_back(step, message.agent)
    return step.answer("ruling_undone", rule_id)


def _take_back(step: Step, agent: str) -> None:
    """The ruling never counted; the case is back on the desk, with a fresh clock."""
    last = step.record.resolutions[-1]
    undone = last.model_copy(update={"undone_by": agent})
    step.record = step.record.with_resolution(undone)
    step.close(DutyKind.TAKE_EFFECT, DutyKind.CONFIRM_RULING, DutyKind.LEAD_DECIDES, DutyKind.LAST_RESORT)
    step.note("ruling_undone", Role.SUPPORT, agent=agent)
    if step.record.open_appeal:
        step.open(clocks.decide_appeal(step.file, step.now), clocks.appeal_last_resort(step.file, step.now))
        step.change(state=CaseState.APPEALED, escalated=False)
    else:
        step.open(clocks.decide_case(step.file, step.now), clocks.last_resort(step.file, step.now))
        step.change(state=CaseState.WITH_SUPPORT, escalated=False)


def escalate(step: Step) -> None:
    """The desk's time is over: the lead's queue, with higher priority."""
    duty = clocks.lead_decides(step.file, step.now)
    step.open(duty)
    step.change(escalated=True)
    if step.record.state in (CaseState.WITH_SUPPORT, CaseState.APPEALED):
        step.change(state=CaseState.WITH_LEAD)
    step.note("escalated", Role.SUPPORT, due=duty.agreed_due)


def breach(step: Step, kind: DutyKind) -> None:
    """A service-level clock has run out: recorded, and operations are told."""
    step.change(breached=True)
    step.note("breached", Role.SUPPORT, Role.PLATFORM, clock=kind)


def uphold(step: Step) -> None:
    """Nobody has decided the appeal: the decision stands, with all that it means in money."""
    appeal = step.record.open_appeal
    standing = next(one for one in step.record.resolutions if appeal is None or one.number == appeal.against)
    ground = Ground(code="appeal_lapsed", basis=("silence:support",))
    setting = step.file.rule("appeals.last_resort")
    remedy = standing.remedy or Remedy.RELEASE
    same = {"borne_by": standing.borne_by, "costs": standing.costs, "revised": standing.revised}
    decide(step, remedy, standing.amount, Role.PLATFORM, setting, ground, **same)
