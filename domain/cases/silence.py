"""What silence means in a case: one table from the policy's default to what follows."""

from __future__ import annotations

from domain.cases import desk, no_remedy, offers, returns
from domain.cases.case import Matter
from domain.cases.decisions import amount_of, decide, drop_unconfirmed
from domain.cases.evidence_round import not_handed_in
from domain.cases.execution import execute
from domain.cases.finality import conclude
from domain.cases.record import Ground
from domain.cases.referral import to_support
from domain.cases.step import Step
from domain.duties import Duty, DutyKind, Silence
from domain.parties import Role
from domain.policy import Remedy


def lapsed(matter: Matter, duty: Duty) -> Step:  # noqa: C901, PLR0912 -- one table, a line or two for each default
    """The time of `duty`, which is closed already, is up, and nobody has acted."""
    step = Step(matter)
    if duty.kind is DutyKind.LAST_RESORT:
        drop_unconfirmed(step)
    match duty.kind, duty.on_silence:
        case DutyKind.INSPECT, _:
            returns.inspection_lapsed(step, duty.rule)
        case DutyKind.SEND_BACK_FINAL, _:
            returns.not_sent(step, duty.rule)
        case DutyKind.ANSWER_OFFER, _:
            offers.offer_lapsed(step)
        case DutyKind.ADD_EVIDENCE, _:
            not_handed_in(step)
        case DutyKind.LAST_RESORT, Silence.CLOSE:
            no_remedy.let_stand(step, duty.rule)
        case _, Silence.ASK_SUPPORT:
            to_support(step)
        case _, Silence.REFUND:
            remedy = step.policy.reasons[step.file.reason].remedy
            trip = step.record.trip
            if remedy is Remedy.RETURN_FOR_REFUND and trip and (trip.back_at or trip.label is None):
                # The goods are back already, or nobody has given the buyer a way to send them.
                remedy = Remedy.REFUND_AND_KEEP
            decide(step, remedy, amount_of(step.file, remedy, None), Role.PLATFORM, duty.rule, _silent(duty))
        case _, Silence.RELEASE:
            nothing = amount_of(step.file, Remedy.RELEASE, None)
            decide(step, Remedy.RELEASE, nothing, Role.PLATFORM, duty.rule, _silent(duty))
        case _, Silence.ESCALATE:
            desk.escalate(step)
        case _, Silence.RECORD_BREACH:
            desk.breach(step, duty.kind)
        case _, Silence.UPHOLD:
            desk.uphold(step)
        case _, Silence.TAKE_EFFECT:
            execute(step)
        case _, Silence.CHASE_BUYER:
            step.note("return_chased", Role.BUYER)
        case _, Silence.CLOSE:
            conclude(step)
    return step


def _silent(duty: Duty) -> Ground:
    return Ground(
        code="silence",
        facts={"owner": str(duty.owner), "action": str(duty.kind)},
        basis=(f"rule:{duty.rule}", f"silence:{duty.owner}"),
    )
