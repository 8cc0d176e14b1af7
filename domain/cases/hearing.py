"""The hearing: the seller answers, the sides make offers, and support is brought in when they cannot settle."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from domain.cases import clocks
from domain.cases.case import Matter
from domain.cases.decisions import amount_of, decide, overtake_offers, unfit, withdraw_all
from domain.cases.evidence import back_to_agents, handed_in, seal
from domain.cases.protection import protection
from domain.cases.record import Ground, Offer, OfferState, Resolution, StandingRule
from domain.cases.step import OTHER, SIDES, WITH_AGENTS, Step, barred, conflict
from domain.duties import DutyKind
from domain.messages import OfferAnswer, OfferMade, Reply, Response, Withdrawal
from domain.money import Money
from domain.parties import Role
from domain.policy import CaseState, Remedy

HEARD = (CaseState.AWAITING_SELLER, CaseState.NEGOTIATING, *WITH_AGENTS)
"""States in which the sides can still settle by themselves."""


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


def to_support(step: Step) -> None:
    """The sides have not settled: a rule that protects the seller decides, or else an agent will."""
    step.close(DutyKind.ANSWER_CASE)
    overtake_offers(step)
    protected = protection(step.file)
    if protected and step.record.decision is None:
        rule, grounds = protected
        step.note("seller_protected", rule=rule)
        decide(step, Remedy.RELEASE, step.file.at_stake.zero, Role.PLATFORM, rule, *grounds)
        return
    hand_to_agents(step)


def hand_to_agents(step: Step) -> None:
    """Put the case in support's queue, with the clocks of the desk."""
    duty = clocks.decide_case(step.file, step.now)
    step.open(duty)
    if not step.record.answered:
        step.open(clocks.first_answer(step.file, step.now))
    if DutyKind.LAST_RESORT not in step.duties:
        step.open(clocks.last_resort(step.file, step.now))
    waiting = DutyKind.ADD_EVIDENCE in step.duties
    step.change(state=CaseState.AWAITING_EVIDENCE if waiting else CaseState.WITH_SUPPORT)
    step.note("with_support", Role.SUPPORT, *SIDES, due=duty.agreed_due)


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
    countered = tuple(
        one.model_copy(update={"state": OfferState.COUNTERED}) if one.state is OfferState.OPEN else one
        for one in step.record.offers
    )
    made = Offer(
        id=f"o{len(countered) + 1}",
        by=message.by,
        author=message.author,
        remedy=proposal.remedy,
        amount=amount,
        at=step.now,
        expires=due.agreed_due,
    )
    step.change(offers=(*countered, made))
    step.keep(message.by, message.text, message.author)
    facts = {"offer": made.id, "by": made.by, "remedy": made.remedy, "amount": made.amount}
    if message.by in SIDES and (standing := _taken_beforehand(step, OTHER[message.by], made)):
        step.note("offer_met_rule", *SIDES, **facts)
        _settle_on(step, made, OTHER[message.by], f"standing:{standing.by}")
        return step.answer("offer_met_rule", rule, remedy=made.remedy, amount=made.amount)
    step.note("offered", *(side for side in SIDES if side is not message.by), due=due.agreed_due, **facts)
    step.open(due)
    if message.by is Role.SELLER:
        step.close(DutyKind.ANSWER_CASE)
    if message.by is Role.SUPPORT:
        step.change(answered=True)
        step.close(DutyKind.FIRST_ANSWER, DutyKind.NEXT_ANSWER)
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
        _end_offer(step, made, OfferState.REFUSED)
        step.note("offer_refused", *(side for side in SIDES if side is not message.by), offer=made.id, by=message.by)
        after_offer(step)
        return step.answer("offer_refused", rule)
    if made.by is Role.SUPPORT and not made.accepted_by:
        half = made.model_copy(update={"accepted_by": (message.by,)})
        step.change(offers=(*(one for one in step.record.offers if one.id != made.id), half))
        step.open(duty.model_copy(update={"owner": OTHER[message.by]}))
        step.note("offer_half_accepted", OTHER[message.by], offer=made.id, by=message.by)
        return step.answer("offer_half_accepted", rule, duty.due)
    _settle_on(step, made, message.by, f"offer:{made.id}")
    return step.answer("offer_accepted", rule, remedy=made.remedy, amount=made.amount)


def offer_lapsed(step: Step) -> None:
    """Nobody answered the offer: it has expired."""
    if made := step.record.open_offer:
        _end_offer(step, made, OfferState.EXPIRED)
        step.note("offer_expired", *SIDES, offer=made.id)
    after_offer(step)


def after_offer(step: Step) -> None:
    """Without a settlement the hearing goes on where it was: with the seller's answer, or with support."""
    if step.record.state is not CaseState.NEGOTIATING:
        return
    back_to_agents(step)
    if step.record.state is CaseState.NEGOTIATING:
        to_support(step)


def _end_offer(step: Step, made: Offer, state: OfferState) -> None:
    ended = made.model_copy(update={"state": state})
    step.change(offers=tuple(ended if one.id == made.id else one for one in step.record.offers))
    step.close(DutyKind.ANSWER_OFFER)


def _settle_on(step: Step, made: Offer, by: Role, basis: str) -> None:
    _end_offer(step, made, OfferState.ACCEPTED)
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
    step.change(offers=(*step.record.offers, made))
    step.note("rules_met", *SIDES, remedy=made.remedy, amount=made.amount)
    _settle_on(step, made, Role.BUYER, "standing:buyer")
    return True


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
    _no_remedy(step, Role.BUYER, rule, step.now, "withdrawn_by_buyer", "answer:buyer")
    withdraw_all(step, CaseState.WITHDRAWN)
    step.note("withdrawn", Role.SELLER)
    return step.answer("withdrawn", rule)


def overtake(step: Step, rule: str, ending: str) -> None:
    """The order has ended otherwise: what this case would still say has no more weight; what took effect stands."""
    if not step.record.effective:
        _no_remedy(step, Role.PLATFORM, rule, step.now, "overtaken", "event:ending")
    withdraw_all(step, CaseState.OVERTAKEN)
    step.change(freeze=None)
    step.note("overtaken", *SIDES, ending=ending)


def let_stand(step: Step, rule: str) -> None:
    """Nobody has decided a case about an order that had closed: its outcome stands as it was."""
    _no_remedy(step, Role.PLATFORM, rule, step.now, "outcome_stands", "silence:support")
    withdraw_all(step, CaseState.OVERTAKEN)
    step.note("outcome_stands", *SIDES)


def _no_remedy(step: Step, by: Role, rule: str, at: datetime, code: str, basis: str) -> None:
    ended = Resolution(
        case_id=step.file.case_id,
        reason=step.file.reason,
        remedy=None,
        amount=step.file.at_stake.zero,
        decided_by=by,
        rule=rule,
        at=at,
        number=len(step.record.resolutions) + 1,
        agreed=by is Role.BUYER,
        automatic=by is Role.PLATFORM,
        grounds=(Ground(code=code, basis=(basis,)),),
        effective_at=at,
        late=step.file.late,
    )
    step.change(resolutions=(*step.record.resolutions, ended))
