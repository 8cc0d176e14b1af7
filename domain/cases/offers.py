"""Offers: either side or an agent proposes a settlement, the other takes, leaves or counters it.

What a standing rule agrees to beforehand settles without waiting.
"""

from __future__ import annotations

from fractions import Fraction

from domain.cases import clocks
from domain.cases.case import Matter
from domain.cases.decisions import amount_of, decide, end_offer, unfit
from domain.cases.record import Ground, Offer, OfferState, StandingRule
from domain.cases.referral import back_to_agents, to_support
from domain.cases.step import HEARD, OTHER, SIDES, WITH_AGENTS, Step, barred, conflict, others
from domain.duties import DutyKind, Silence
from domain.messages import OfferAnswer, OfferMade, Reply
from domain.money import Money
from domain.parties import Role
from domain.policy import CaseState


def offer(matter: Matter, message: OfferMade) -> Step:
    """A side or an agent proposes a settlement. What the other side's standing rule takes settles at once."""
    step = Step(matter)
    rule = step.file.rule("offers")
    if refusal := _no_offer(step, message):
        return step.refuse(refusal)
    proposal = message.proposal
    amount = amount_of(step.file, proposal.remedy, proposal.amount)
    due = clocks.answer_offer(step.file, OTHER.get(message.by, Role.BUYER), step.now, message.expires)
    if message.expires and message.expires <= step.now:
        return step.refuse(Reply.no("offer_expired", rule, message.expires))
    if message.by is Role.BUYER and DutyKind.ANSWER_CASE in step.duties:
        # The seller still owes an answer to the complaint, and it is their silence on that which brings support in.
        due = due.model_copy(update={"on_silence": Silence.CONTINUE})
    if theirs := step.record.open_offer:
        step.record = step.record.with_offer(theirs.model_copy(update={"state": OfferState.COUNTERED}))
    made = Offer(
        id=f"o{len(step.record.offers) + 1}",
        by=message.by,
        author=message.author,
        remedy=proposal.remedy,
        amount=amount,
        at=step.now,
        expires=due.agreed_due,
    )
    step.record = step.record.with_offer(made)
    step.keep(message.by, message.text, message.author)
    facts = {"offer": made.id, "by": made.by, "remedy": made.remedy, "amount": made.amount}
    if message.by in SIDES and (standing := _taken_beforehand(step, OTHER[message.by], made)):
        step.note("offer_met_rule", *SIDES, **facts)
        _settle_on(step, made, OTHER[message.by], f"standing:{standing.by}")
        return step.answer("offer_met_rule", rule, remedy=made.remedy, amount=made.amount)
    step.note("offered", *others(message.by), due=due.agreed_due, **facts)
    step.open(due)
    if message.by is Role.SELLER:
        step.close(DutyKind.ANSWER_CASE)
    if message.by is Role.SUPPORT:
        step.support_answers()
    if DutyKind.ANSWER_CASE not in step.duties:
        step.change(state=CaseState.NEGOTIATING)
    step.reply = Reply.asked("offer_made", rule, due.agreed_due, offer=made.id)
    return step


def _no_offer(step: Step, message: OfferMade) -> Reply | None:
    rule = step.file.rule("offers")
    refusal = barred(step, message.text) or unfit(step.file, message.proposal.remedy, message.proposal.amount)
    if refusal:
        return refusal
    if message.by not in (*SIDES, Role.SUPPORT):
        return Reply.no("not_a_side", rule)
    if message.by is Role.SUPPORT and (refusal := conflict(step, message.author)):
        return refusal
    if message.by is Role.SUPPORT and step.record.state not in (*WITH_AGENTS, CaseState.NEGOTIATING):
        return Reply.no("not_with_support", rule)
    if step.record.state not in HEARD or step.record.open_appeal:
        return Reply.no("offer_after_decision", rule)
    open_offer = step.record.open_offer
    if open_offer and open_offer.by is message.by:
        return Reply.no("offer_open_already", rule, open_offer.expires, offer=open_offer.id)
    if sum(one.by is message.by for one in step.record.offers) >= step.policy.offers.most:
        return Reply.no("offers_used_up", step.file.rule("offers.most"), most=step.policy.offers.most)
    return None


def answer_offer(matter: Matter, message: OfferAnswer) -> Step:
    """The other side takes or leaves the open offer; what support proposes needs both."""
    step = Step(matter)
    rule = step.file.rule("offers.answer")
    if refusal := barred(step, message.text):
        return step.refuse(refusal)
    made, duty = step.record.open_offer, step.duties.get(DutyKind.ANSWER_OFFER)
    if made is None or duty is None or message.offer_id not in ("", made.id):
        return step.refuse(Reply.no("offer_not_open", rule))
    if message.by not in SIDES or message.by in (made.by, *made.accepted_by):
        return step.refuse(Reply.no("offer_not_yours", rule))
    if duty.lapsed_at(step.sent_at(message)):
        return step.refuse(Reply.no("offer_expired", rule, duty.due))
    step.keep(message.by, message.text)
    if not message.accept:
        end_offer(step, made, OfferState.REFUSED)
        step.note("offer_refused", *others(message.by), offer=made.id, by=message.by)
        _after_offer(step)
        return step.answer("offer_refused", rule)
    if made.by is Role.SUPPORT and not made.accepted_by:
        half = made.model_copy(update={"accepted_by": (message.by,)})
        step.record = step.record.with_offer(half)
        step.open(duty.model_copy(update={"owner": OTHER[message.by]}))
        step.note("offer_half_accepted", OTHER[message.by], offer=made.id, by=message.by)
        return step.answer("offer_half_accepted", rule, duty.due)
    _settle_on(step, made, message.by, f"offer:{made.id}")
    return step.answer("offer_accepted", rule, remedy=made.remedy, amount=made.amount)


def offer_lapsed(step: Step) -> None:
    """Nobody answered the offer: it has expired."""
    if made := step.record.open_offer:
        end_offer(step, made, OfferState.EXPIRED)
        step.note("offer_expired", *SIDES, offer=made.id)
    _after_offer(step)


def _after_offer(step: Step) -> None:
    """Without a settlement the hearing goes on where it was: with the seller's answer, or with support."""
    if step.record.state is not CaseState.NEGOTIATING:
        return
    back_to_agents(step)
    if step.record.state is CaseState.NEGOTIATING:
        to_support(step)


def settle_by_rules(step: Step) -> bool:
    """Both sides' standing rules meet: the case is settled at the least that the buyer takes, without waiting."""
    items = step.file.price.items
    takes = sorted((rule for rule in step.file.standing if rule.by is Role.BUYER), key=lambda rule: -rule.percent)
    for take in takes:
        part = items.share(Fraction(take.percent, 100))
        made = Offer(
            id=f"o{len(step.record.offers) + 1}",
            by=Role.SELLER,
            remedy=take.remedy,
            amount=amount_of(step.file, take.remedy, part),
            at=step.now,
            expires=step.now,
        )
        fits = unfit(step.file, made.remedy, made.amount) is None and _meets(take, made, items)
        if fits and _taken_beforehand(step, Role.SELLER, made):
            break
    else:
        return False
    step.record = step.record.with_offer(made)
    step.note("rules_met", *SIDES, remedy=made.remedy, amount=made.amount)
    _settle_on(step, made, Role.BUYER, "standing:buyer")
    return True


def _settle_on(step: Step, made: Offer, by: Role, basis: str) -> None:
    end_offer(step, made, OfferState.ACCEPTED)
    step.note("offer_accepted", offer=made.id, by=by)
    facts = {"remedy": str(made.remedy), "amount": str(made.amount), "offer": made.id}
    ground = Ground(code="agreed", facts=facts, basis=tuple(dict.fromkeys((f"offer:{made.id}", basis))))
    decide(step, made.remedy, made.amount, by, step.file.rule("offers"), ground, agreed=True)


def _taken_beforehand(step: Step, side: Role, made: Offer) -> StandingRule | None:
    """The rule by which a side has agreed beforehand; after its order has closed, nobody has."""
    if step.file.late:
        return None
    items = step.file.price.items
    return next((one for one in step.file.standing if one.by is side and _meets(one, made, items)), None)


def _meets(rule: StandingRule, made: Offer, items: Money) -> bool:
    part = items.share(Fraction(rule.percent, 100))
    enough = part <= made.amount if rule.by is Role.BUYER else made.amount <= part
    return made.remedy is rule.remedy and enough
