"""Appeals: once a side, with evidence that the case has not seen, decided by another agent."""

from __future__ import annotations

from domain.cases import clocks
from domain.cases.case import Matter
from domain.cases.evidence import seal
from domain.cases.record import Appealed
from domain.cases.step import SIDES, Step, barred
from domain.messages import Appeal, Reply
from domain.parties import Role
from domain.policy import CaseState

FROM = (CaseState.SETTLED, CaseState.AWAITING_RETURN, CaseState.RETURNING, CaseState.INSPECTING)


def appeal(matter: Matter, message: Appeal) -> Step:
    """A side appeals. Without new evidence nothing changes."""
    step = Step(matter)
    rule = step.file.rule("appeals.window")
    decision = step.record.decision
    if refusal := barred(step, message.text):
        return step.refuse(refusal)
    if message.by not in SIDES:
        return step.refuse(Reply.no("not_a_side", rule))
    if any(one.by is message.by for one in step.record.appeals):
        return step.refuse(Reply.no("appealed_already", rule))
    if decision is None or step.record.state not in FROM:
        return step.refuse(Reply.no("nothing_to_appeal", rule))
    window = step.duties.get(clocks.APPEALS[message.by])
    if window is None:
        return step.refuse(Reply.no("not_appealable", rule))
    if window.lapsed_at(step.sent_at(message)):
        return step.refuse(Reply.no("appeal_too_late", rule, window.due))
    new, faults = seal(step, message.evidence, message.by)
    if not new:
        return step.refuse(faults[0] if faults else Reply.no("appeal_needs_new_evidence", rule, window.due))
    step.keep(message.by, message.text)
    made = Appealed(by=message.by, at=step.now, against=decision.number, evidence=tuple(item.id for item in new))
    decide_by = clocks.decide_appeal(step.file, step.now)
    step.change(appeals=(*step.record.appeals, made), state=CaseState.APPEALED)
    step.close(*clocks.APPEALS.values())
    step.open(decide_by, clocks.appeal_last_resort(step.file, step.now))
    step.note("appealed", *SIDES, Role.SUPPORT, by=message.by, due=decide_by.agreed_due)
    return step.answer("appealed", rule, decide_by.agreed_due)
