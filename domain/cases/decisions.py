"""Decisions: what can be decided, and how a decision is made.

A decision by agreement, by silence or by rule is carried out at once. A ruling waits for a second agent above the
policy's amount, and for its undo window.
"""

from __future__ import annotations

from domain.cases import clocks
from domain.cases.case import CaseFile
from domain.cases.execution import execute
from domain.cases.record import Ground, Offer, OfferState, Resolution
from domain.cases.step import Step
from domain.duties import DutyKind
from domain.messages import Reply
from domain.money import Money
from domain.parties import Role
from domain.policy import NOTHING_CAME, CaseState, Remedy, limit_of


def amount_of(file: CaseFile, remedy: Remedy, amount: Money | None) -> Money:
    """What the buyer is to have had back in total under a remedy: all, nothing more, or that of a partial refund."""
    if remedy is Remedy.RELEASE:
        return file.keeps
    if remedy is Remedy.PARTIAL_REFUND and amount is not None:
        return amount
    return file.at_stake


def unfit(file: CaseFile, remedy: Remedy, amount: Money | None) -> Reply | None:
    """The refusal of a remedy that cannot be given in this case, or of an amount beyond what is at stake."""
    if remedy is Remedy.CANCELLATION and file.reason not in NOTHING_CAME:
        return Reply.no("remedy_needs_no_delivery", file.rule(f"reasons.{file.reason}.remedy"), remedy=remedy)
    if remedy is Remedy.RETURN_FOR_REFUND and file.reason in NOTHING_CAME:
        return Reply.no("remedy_needs_goods", file.rule(f"reasons.{file.reason}.remedy"), remedy=remedy)
    if remedy is not Remedy.PARTIAL_REFUND:
        return None
    if amount is None:
        return Reply.no("amount_missing")
    if amount.currency != file.at_stake.currency:
        return Reply.no("amount_currency", amount=amount.currency, order=file.at_stake.currency)
    if not file.keeps.minor < amount.minor < file.at_stake.minor:
        return Reply.no("amount_beyond", least=file.keeps, at_stake=file.at_stake)
    return None


def decide(step: Step, remedy: Remedy, amount: Money, by: Role, rule: str, *grounds: Ground, **marks: object) -> None:
    """Make a decision, and carry it out unless it is a ruling, which waits to be confirmed or undone."""
    resolution = Resolution(
        case_id=step.file.case_id,
        reason=step.file.reason,
        remedy=remedy,
        amount=amount,
        decided_by=by,
        rule=rule,
        at=step.now,
        automatic=by is Role.PLATFORM,
        breached=step.record.breached,
        number=len(step.record.resolutions) + 1,
        on_appeal_of=step.record.open_appeal.by if step.record.open_appeal else None,
        grounds=grounds,
        late=step.file.late,
        revised=step.file.late or step.record.effective > 0,
    ).model_copy(update=marks)
    overtake_offers(step)
    step.record = step.record.with_resolution(resolution)
    if by is not Role.SUPPORT:
        execute(step)
        return
    step.note("ruled", agent=resolution.agent, remedy=remedy, amount=amount)
    # Either side may lose by a ruling: what the buyer gets, or what they do not get.
    limit = limit_of(step.policy.support.second_pair_above, amount.currency)
    if limit is not None and limit < max(amount, step.file.at_stake - amount):
        _await_confirmation(step)
    else:
        await_effect(step)


def overtake_offers(step: Step) -> None:
    """An offer that nobody has answered can be answered no more."""
    if made := step.record.open_offer:
        end_offer(step, made, OfferState.OVERTAKEN)


def end_offer(step: Step, made: Offer, state: OfferState) -> None:
    """An offer has found its end, and nobody owes it an answer any more."""
    step.record = step.record.with_offer(made.model_copy(update={"state": state}))
    step.close(DutyKind.ANSWER_OFFER)


def _await_confirmation(step: Step) -> None:
    """A ruling above the policy's amount waits for another agent."""
    step.close(*(kind for kind in clocks.OF_HEARING if kind is not DutyKind.LEAD_DECIDES))
    duty = clocks.confirm_ruling(step.file, step.now)
    step.open(duty)
    step.change(state=CaseState.AWAITING_CONFIRMATION)
    step.note("ruling_to_confirm", Role.SUPPORT, due=duty.agreed_due)


def drop_unconfirmed(step: Step) -> None:
    """A ruling that no other agent has confirmed in all the time there was has never counted."""
    if step.record.state is CaseState.AWAITING_CONFIRMATION:
        dropped = step.record.resolutions[-1].model_copy(update={"undone_by": str(Role.PLATFORM)})
        step.record = step.record.with_resolution(dropped)


def await_effect(step: Step) -> None:
    """A ruling takes effect when its undo window has passed."""
    step.close(*clocks.OF_HEARING, DutyKind.LAST_RESORT)
    duty = clocks.take_effect(step.file, step.now)
    step.open(duty)
    step.change(state=CaseState.DECIDED)
    step.note("undo_window", Role.SUPPORT, due=duty.agreed_due)
