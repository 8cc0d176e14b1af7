"""Cases that end without a remedy: taken back by the buyer, overtaken by the order's end, or left as they were."""

from __future__ import annotations

from domain.cases.case import Matter
from domain.cases.decisions import overtake_offers
from domain.cases.execution import call_off_return
from domain.cases.record import ARRIVED, Ground, Resolution
from domain.cases.step import HEARD, SIDES, Step, barred
from domain.messages import Reply, Withdrawal
from domain.parties import Role
from domain.policy import CaseState


def withdraw(matter: Matter, message: Withdrawal) -> Step:
    """The buyer takes the complaint back, as long as no money was moved and nothing sent back."""
    step = Step(matter)
    rule = step.file.rule(f"reasons.{step.file.reason}")
    if refusal := barred(step, message.text):
        return step.refuse(refusal)
    if not step.file.from_buyer:
        return step.refuse(Reply.no("withdraw_not_yours", rule))
    record = step.record
    too_late = record.effective or record.open_appeal or (record.trip and record.trip.sent_at)
    if record.state not in (*HEARD, CaseState.AWAITING_RETURN) or too_late:
        return step.refuse(Reply.no("withdraw_too_late", rule))
    step.keep(Role.BUYER, message.text)
    _no_remedy(step, Role.BUYER, rule, "withdrawn_by_buyer", "answer:buyer")
    _end(step, CaseState.WITHDRAWN)
    step.note("withdrawn", Role.SELLER)
    return step.answer("withdrawn", rule)


def overtake(step: Step, rule: str, ending: str) -> None:
    """The order has ended otherwise, or what had not come has arrived: this case has nothing more to say.

    What took effect stands.
    """
    what = ARRIVED if ending == ARRIVED else "overtaken"
    if not step.record.effective:
        _no_remedy(step, Role.PLATFORM, rule, what, "event:ending")
    _end(step, CaseState.OVERTAKEN)
    step.change(freeze=None)
    step.note(what, *SIDES, ending=ending)


def let_stand(step: Step, rule: str) -> None:
    """Nobody has decided a case about an order that had closed: its outcome stands as it was."""
    _no_remedy(step, Role.PLATFORM, rule, "outcome_stands", "silence:support")
    _end(step, CaseState.OVERTAKEN)
    step.note("outcome_stands", *SIDES)


def _end(step: Step, state: CaseState) -> None:
    call_off_return(step)
    overtake_offers(step)
    step.close(*tuple(step.duties))
    step.change(state=state)


def _no_remedy(step: Step, by: Role, rule: str, code: str, basis: str) -> None:
    ended = Resolution(
        case_id=step.file.case_id,
        reason=step.file.reason,
        remedy=None,
        amount=step.file.at_stake.zero,
        decided_by=by,
        rule=rule,
        at=step.now,
        number=len(step.record.resolutions) + 1,
        agreed=by is Role.BUYER,
        automatic=by is Role.PLATFORM,
        grounds=(Ground(code=code, basis=(basis,)),),
        effective_at=step.now,
        late=step.file.late,
    )
    step.record = step.record.with_resolution(ended)
