"""Decisions: how one is made, confirmed, undone, carried out and made final.

A decision by agreement, by silence or by rule is carried out at once. A ruling waits for a second agent above the
policy's amount, and for its undo window. Carried out means: goods come back first if they must, then the order is
told and moves the money; afterwards a side may appeal while its window is open.
"""

from __future__ import annotations

from domain.cases import clocks
from domain.cases.case import CaseFile, CaseRecord, Matter, ReturnTrip
from domain.cases.record import Ground, OfferState, Resolution
from domain.cases.step import SIDES, Step
from domain.duties import DutyKind
from domain.messages import Reply
from domain.money import Money
from domain.parties import Role
from domain.policy import NOTHING_CAME, Anchor, CaseState, Policy, Remedy, limit_of

HEARING = (
    DutyKind.ANSWER_CASE,
    DutyKind.ADD_EVIDENCE,
    DutyKind.ANSWER_OFFER,
    DutyKind.FIRST_ANSWER,
    DutyKind.NEXT_ANSWER,
    DutyKind.DECIDE_CASE,
    DutyKind.LEAD_DECIDES,
    DutyKind.DECIDE_APPEAL,
    DutyKind.CONFIRM_RULING,
)
RETURN_LOST = "return_lost"
"""The finding of a return that the carrier has lost."""


def amount_of(file: CaseFile, remedy: Remedy, amount: Money | None) -> Money:
    """What the buyer is to have had back in total under a remedy: all, nothing more, or that of a partial refund."""
    if remedy is Remedy.RELEASE:
        return file.had or file.at_stake.zero
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
    least = file.had or file.at_stake.zero
    if not least.minor < amount.minor < file.at_stake.minor:
        return Reply.no("amount_beyond", least=least, at_stake=file.at_stake)
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
    step.change(resolutions=(*step.record.resolutions, resolution))
    if by is not Role.SUPPORT:
        execute(step)
        return
    step.note("ruled", agent=resolution.agent, remedy=remedy, amount=amount)
    limit = limit_of(step.policy.support.second_pair_above, amount.currency)
    if limit is not None and limit < amount:
        await_confirmation(step)
    else:
        await_effect(step)


def overtake_offers(step: Step) -> None:
    """An offer that nobody has answered can be answered no more."""
    offers = tuple(
        offer.model_copy(update={"state": OfferState.OVERTAKEN}) if offer.state is OfferState.OPEN else offer
        for offer in step.record.offers
    )
    step.change(offers=offers)
    step.close(DutyKind.ANSWER_OFFER)


def drop_unconfirmed(step: Step) -> None:
    """A ruling that no other agent has confirmed in all the time there was has never counted."""
    if step.record.state is CaseState.AWAITING_CONFIRMATION:
        dropped = step.record.resolutions[-1].model_copy(update={"undone_by": str(Role.PLATFORM)})
        step.change(resolutions=(*step.record.resolutions[:-1], dropped))


def await_confirmation(step: Step) -> None:
    """A ruling above the policy's amount waits for another agent."""
    step.close(*(kind for kind in HEARING if kind is not DutyKind.LEAD_DECIDES))
    duty = clocks.confirm_ruling(step.file, step.now)
    step.open(duty)
    step.change(state=CaseState.AWAITING_CONFIRMATION)
    step.note("ruling_to_confirm", Role.SUPPORT, due=duty.agreed_due)


def await_effect(step: Step) -> None:
    """A ruling takes effect when its undo window has passed."""
    step.close(*HEARING, DutyKind.LAST_RESORT)
    duty = clocks.take_effect(step.file, step.now)
    step.open(duty)
    step.change(state=CaseState.DECIDED)
    step.note("undo_window", Role.SUPPORT, due=duty.agreed_due)


def execute(step: Step) -> None:
    """Carry the decision that stands out: tell both sides, have the goods back if they must come, then settle."""
    decision = step.record.standing_decision
    step.close(*HEARING, DutyKind.LAST_RESORT, DutyKind.TAKE_EFFECT, *clocks.APPEALS.values())
    appeals = tuple(appeal.model_copy(update={"decided": True}) for appeal in step.record.appeals)
    step.change(appeals=appeals, escalated=False)
    told = {"remedy": decision.remedy or "withdrawn", "amount": decision.amount, "rule": decision.rule}
    step.note("resolved_by_rule" if decision.automatic else "resolved", *SIDES, **told)
    for side in SIDES:
        if contestable(step.file, step.record, decision, side):
            duty = clocks.may_appeal(step.file, side, step.now)
            step.open(duty)
            step.note("may_appeal", side, side=side, due=duty.agreed_due)
    trip = step.record.trip
    if decision.remedy is not Remedy.RETURN_FOR_REFUND:
        call_off_return(step)
        settle(step)
    elif trip is None or (trip.over and not (step.record.goods_back or trip.finding)):
        step.change(state=CaseState.AWAITING_RETURN, trip=ReturnTrip(asked_at=step.now))
    elif trip.over or trip.finding:
        _settle_after_trip(step, decision, lost=trip.finding == RETURN_LOST)
    else:
        back_to_trip(step)


def _settle_after_trip(step: Step, decision: Resolution, *, lost: bool) -> None:
    # An upheld decision has its label already.
    amount, costs = (decision.amount, decision.costs) if decision.costs else less_label(step, decision.amount)
    borne_by = step.policy.returns.loss_borne_by if lost else decision.borne_by
    settle(step, amount=amount, costs=costs, borne_by=borne_by)


def less_label(step: Step, refund: Money) -> tuple[Money, Money | None]:
    """The refund without a label that the buyer bears, and what the platform gets for a label that a side bears."""
    payer = step.policy.reasons[step.file.reason].label_paid_by
    trip = step.record.trip
    if trip is None or trip.label is None or payer is Role.PLATFORM:
        return refund, None
    cost = min(trip.label.cost, refund)
    return (refund - cost if payer is Role.BUYER else refund), cost


def back_to_trip(step: Step) -> None:
    """The state that tells where the return is."""
    trip = step.record.trip
    if trip is None or trip.over:
        settle(step)
    elif trip.back_at:
        step.change(state=CaseState.INSPECTING)
    else:
        step.change(state=CaseState.RETURNING if trip.sent_at else CaseState.AWAITING_RETURN)


def call_off_return(step: Step) -> None:
    """No goods have to come back any more."""
    if step.record.trip and not step.record.trip.over:
        step.close(*clocks.OF_RETURN)
        step.change(trip=step.record.trip.model_copy(update={"over": True}))


def settle(step: Step, **amended: object) -> None:
    """The decision takes effect: its order is told next, and moves the money."""
    decision = step.record.standing_decision
    final = decision.model_copy(update={"effective_at": step.now, **amended})
    others = tuple(one for one in step.record.resolutions if one.number != final.number)
    step.change(state=CaseState.SETTLED, resolutions=tuple(sorted((*others, final), key=lambda one: one.number)))


def goes_on(policy: Policy, decision: Resolution) -> bool:
    """Whether the order goes on after this decision: a refused complaint about a parcel that is still on its way."""
    on_its_way = policy.reasons[decision.reason].anchor is not Anchor.DELIVERED
    return decision.remedy is None or (decision.remedy is Remedy.RELEASE and on_its_way and not decision.late)


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
