"""The hearing: the seller accepts, offers or contests."""

from __future__ import annotations

from domain.cases.case import Matter
from domain.cases.decisions import amount_of, decide
from domain.cases.evidence import seal
from domain.cases.evidence_round import handed_in
from domain.cases.offers import offer
from domain.cases.record import Ground
from domain.cases.referral import to_support
from domain.cases.step import WITH_AGENTS, Step, barred
from domain.duties import DutyKind
from domain.messages import OfferMade, Reply, Response
from domain.parties import Role
from domain.policy import CaseState


def respond(matter: Matter, message: Response) -> Step:
    """The seller accepts, offers or contests. Giving in is possible as long as nothing is decided."""
    step = Step(matter)
    rule = step.file.rule(f"reasons.{step.file.reason}.reply")
    if refusal := barred(step, message.text):
        return step.refuse(refusal)
    duty = step.duties.get(DutyKind.ANSWER_CASE)
    in_time = duty is not None and not duty.lapsed_at(step.sent_at(message))
    if not in_time and not (message.accept and step.record.state in (CaseState.NEGOTIATING, *WITH_AGENTS)):
        return step.refuse(Reply.no("answer_too_late", rule, duty.due if duty else None))
    if not message.accept and message.offer is not None:
        made = OfferMade(by=Role.SELLER, proposal=message.offer, text=message.text, submitted_at=message.submitted_at)
        offered = offer(matter, made)
        if offered.reply and not offered.reply.refused:
            seal(offered, message.evidence, Role.SELLER)
        return offered
    step.keep(Role.SELLER, message.text)
    seal(step, message.evidence, Role.SELLER)
    handed_in(step, Role.SELLER)
    if message.accept:
        step.note("seller_accepted")
        remedy = step.policy.reasons[step.file.reason].remedy
        ground = Ground(code="seller_accepted", basis=("answer:seller",))
        setting = step.file.rule(f"reasons.{step.file.reason}.remedy")
        decide(step, remedy, amount_of(step.file, remedy, None), Role.SELLER, setting, ground, agreed=True)
        return step.answer("answer_accepted", setting, remedy=remedy)
    step.note("seller_contested", Role.BUYER)
    to_support(step)
    return step.answer("answer_contested", rule)
