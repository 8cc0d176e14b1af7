"""How a case begins, and when it is decided without anybody having to wait."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from domain.cases import clocks
from domain.cases.case import CaseFile, CaseRecord, Delivery, Matter
from domain.cases.decisions import amount_of, decide
from domain.cases.evidence import seal
from domain.cases.evidence_round import ask_buyer
from domain.cases.fast_track import approval, possible
from domain.cases.offers import settle_by_rules
from domain.cases.record import EvidenceItem
from domain.cases.referral import hand_to_agents
from domain.cases.step import Step
from domain.clocks import to_answer
from domain.duties import Duty, DutyKind
from domain.histories import Histories
from domain.messages import Complaint
from domain.order import Order
from domain.parties import Role
from domain.policy import CaseState, Reason


def case_file(
    order: Order,
    complaint: Complaint,
    delivery: Delivery,
    number: int,
    at: datetime,
    now: datetime,
    *,
    packing: tuple[EvidenceItem, ...] = (),
) -> CaseFile:
    """The file of the order's case of this number: the buyer complained at `at`, the seller is told at `now`.

    Each side's standing rules come from that side alone: the buyer's with the complaint, the seller's with the order.
    Raises ValueError for a reason that is none.
    """
    buyers = tuple(rule for rule in complaint.standing if rule.by is Role.BUYER)
    file = CaseFile(
        case_id=f"case-{order.order_id}-{number}",
        order_id=order.order_id,
        marketplace=order.marketplace,
        buyer=order.buyer,
        seller=order.seller,
        reason=Reason(complaint.reason),
        at_stake=order.price.total,
        price=order.price,
        opened_at=at,
        policy=order.policy,
        text=complaint.text,
        clock=order.clock,
        delivery=delivery,
        categories=tuple(dict.fromkeys(line.category for line in order.lines if line.category)),
        evidence=complaint.evidence,
        packing=packing,
        standing=(*buyers, *(rule for rule in order.standing if rule.by is Role.SELLER)),
    )
    asked = to_answer(partial(_ask_seller, file), at, now)
    return file.model_copy(update={"asked_at": asked.since})


def _ask_seller(file: CaseFile, since: datetime) -> Duty:
    return clocks.answer_case(file.model_copy(update={"asked_at": since}))


def open_case(file: CaseFile) -> Step:
    """The seller is asked, and the buyer for what the checklist lacks; a late case goes straight to support."""
    step = Step(Matter(file=file, record=CaseRecord(), duties={}, now=file.asked_at or file.opened_at))
    seal(step, file.evidence, Role.BUYER)
    seal(step, file.packing, Role.SELLER)
    step.keep(Role.BUYER, file.text)
    if file.late:
        step.note("case_reopened", Role.BUYER, Role.SELLER, reason=file.reason)
        hand_to_agents(step)
        return step
    answer = clocks.answer_case(file)
    step.open(answer, clocks.last_resort(file, file.opened_at))
    facts = {"reason": file.reason, "due": answer.due, "consequence": answer.on_silence}
    step.note("asked_seller", Role.SELLER, Role.BUYER, **facts)
    ask_buyer(step)
    return step


def to_weigh(record: CaseRecord) -> bool:
    """Whether there is something new that could decide the case at once."""
    hearing = record.state is CaseState.AWAITING_SELLER and record.freeze is None
    return hearing and record.weighed != len(record.evidence)


def needs_histories(file: CaseFile, record: CaseRecord) -> bool:
    """Whether all that the fast track still lacks is what both sides have been like before."""
    return record.histories is None and possible(file, record)


def weigh(matter: Matter, histories: Histories | None) -> Step:
    """Settle by standing rules that meet, or approve by the fast track; otherwise the hearing goes on."""
    step = Step(matter)
    step.change(histories=histories or step.record.histories, weighed=len(step.record.evidence))
    if DutyKind.ANSWER_CASE not in step.duties or settle_by_rules(step):
        return step
    if grounds := approval(step.file, step.record):
        rule = step.file.rule(f"reasons.{step.file.reason}.fast_track")
        remedy = step.policy.reasons[step.file.reason].remedy
        step.note("fast_tracked", rule=rule)
        decide(step, remedy, amount_of(step.file, remedy, None), Role.PLATFORM, rule, *grounds)
    return step
