"""Who may do what, and when: each message to an order judged by policy, facts and the instant it was sent.

Pure: every function takes the order's standing, the message and its instant, and gives the reply.
The workflow carries out what was accepted and records what was refused.
A reply names its rule and the instant that matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain import clocks
from domain.calendars import after
from domain.duties import Duty, DutyKind
from domain.messages import Answer, Cancel, Complaint, Extend, Reply, Shipped
from domain.order import Order
from domain.parcel import Parcel
from domain.parties import Role
from domain.policy import UNTIL_ARRIVAL, Anchor, Policy, Reason, ReasonRule
from domain.settlement import Decision
from domain.tracking_numbers import check_tracking_number

LONGEST_CARRIER = 32
MOST_PACKING = 10
"""What a seller shows of the packing waits with the order, which must stay small."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order stands when a message is judged."""

    order: Order
    parcel: Parcel
    duties: Mapping[DutyKind, Duty]
    decision: Decision | None = None
    may_cancel_since: datetime | None = None
    cancellation_refused: bool = False
    extension_asked: datetime | None = None
    extensions_asked: int = 0
    open_case: str = ""
    cases_opened: int = 0

    def rule(self, setting: str) -> str:
        """The id of one setting of the order's policy."""
        return self.order.policy.rule(setting)


def too_long(policy: Policy, text: str) -> Reply | None:
    """The refusal of a text beyond the policy's limit."""
    most = policy.limits.text_characters
    if len(text) <= most:
        return None
    rule = policy.rule("limits.text_characters")
    return Reply.no("text_too_long", rule, characters=f"{len(text):,}", most=f"{most:,}")


def over(standing: Standing) -> Reply | None:
    """The refusal of anything that comes after the order was decided."""
    if standing.decision is None:
        return None
    decision = standing.decision
    return Reply.no("order_over", decision.rule, decision.at, ending=decision.ending)


def shipped(standing: Standing, message: Shipped, at: datetime) -> Reply:
    """A seller may mark an order as shipped before it is over, with a number that its carrier could have given."""
    if refusal := over(standing):
        return refusal
    final = standing.duties.get(DutyKind.SHIP_FINAL)
    if final and final.lapsed_at(at):
        return Reply.no("ship_final_passed", final.rule, final.due)
    if standing.parcel.scanned_at:
        return Reply.no("scanned_already", instant=standing.parcel.scanned_at)
    if not 0 < len(message.carrier) <= LONGEST_CARRIER:
        return Reply.no("carrier_unnamed", "tracking_number", example="usps")
    if len(message.packing) > MOST_PACKING:
        return Reply.no("packing_too_much", standing.rule("evidence"), most=MOST_PACKING)
    if fault := check_tracking_number(message.carrier, message.tracking_number):
        return Reply.no(fault.code, "tracking_number", None, **fault.facts)
    return Reply.yes("shipped_noted", standing.rule("shipping.chase"))


def cancel(standing: Standing, message: Cancel, at: datetime) -> Reply:
    """Who may cancel: the seller until the first scan, the buyer freely in the grace period or once a right has arisen.

    Otherwise the buyer asks and the seller answers.
    """
    if refusal := over(standing) or too_long(standing.order.policy, message.text):
        return refusal
    if standing.parcel.delivered_at:
        return Reply.no("cancel_delivered", standing.rule("protection.window"), standing.parcel.delivered_at)
    if standing.parcel.scanned_at:
        return Reply.no("cancel_under_way", standing.rule("protection.window"), standing.parcel.scanned_at)
    if message.by is Role.SELLER:
        return _seller_cancels(standing, message, at)
    if message.by is Role.BUYER and message.answer is not None:
        return Reply.no("seller_answers_cancellation", standing.rule("cancellation.answer"))
    if message.by is Role.BUYER:
        return _buyer_cancels(standing, at)
    return Reply.no("not_yours_to_cancel")


def _seller_cancels(standing: Standing, message: Cancel, at: datetime) -> Reply:
    asked = standing.duties.get(DutyKind.ANSWER_CANCELLATION)
    if message.answer is not Answer.REFUSE:
        return Reply.yes("cancelled", standing.rule("cancellation"), at)
    if asked is None:
        return Reply.no("no_cancellation_asked", standing.rule("cancellation.answer"))
    if asked.lapsed_at(at):
        return Reply.no("cancellation_answer_passed", asked.rule, asked.due)
    return Reply.yes("order_goes_on", asked.rule, at)


def _buyer_cancels(standing: Standing, at: datetime) -> Reply:
    grace = clocks.grace_ends(standing.order)
    if at < grace:
        return Reply.yes("cancelled_in_grace", standing.rule("cancellation.grace"), grace)
    if right := right_to_cancel(standing, at):
        return Reply.yes("cancelled_by_right", standing.rule("shipping.soft"), right)
    asked = standing.duties.get(DutyKind.ANSWER_CANCELLATION)
    if asked and asked.due:
        return Reply.asked("seller_asked_already", asked.rule, asked.due)
    if standing.cancellation_refused:
        ship = standing.duties.get(DutyKind.SHIP)
        rule = standing.rule("cancellation.answer")
        return Reply.no("cancellation_refused_already", rule, ship.due if ship else None)
    due = clocks.answer_cancellation(standing.order, at)
    return Reply.asked("seller_asked", due.rule, due.agreed_due)


def right_to_cancel(standing: Standing, at: datetime) -> datetime | None:
    """Since when the buyer may cancel on their own, as of `at`; none if they may not."""
    rights = [standing.may_cancel_since] if standing.may_cancel_since else []
    for kind in (DutyKind.SHIP, DutyKind.SCAN_RIGHT):
        duty = standing.duties.get(kind)
        if duty and duty.due and duty.lapsed_at(at):
            rights.append(duty.due)
    return min((right for right in rights if right <= at), default=None)


def extend(standing: Standing, message: Extend, at: datetime) -> Reply:
    """The seller asks for a later ship-by date, the buyer answers or grants one; never beyond the cap."""
    if refusal := over(standing) or too_long(standing.order.policy, message.text):
        return refusal
    if standing.parcel.scanned_at or standing.parcel.marked_shipped_at:
        return Reply.no("nothing_to_extend", standing.rule("shipping.extension"))
    if message.by is Role.BUYER and message.answer is not None:
        return _answer_extension(standing, message.answer, at)
    cap = clocks.ship(standing.order).extendable_until
    rule = standing.rule("shipping.extension.cap")
    if message.until is None:
        return Reply.no("until_missing", rule, cap, example="2026-12-01T18:00:00Z")
    if cap and message.until > cap:
        return Reply.no("beyond_extension_cap", rule, cap)
    ship = standing.duties.get(DutyKind.SHIP)
    in_force = ship.due if ship and ship.due else at
    if message.until <= in_force:
        return Reply.no("not_an_extension", standing.rule("shipping.soft"), in_force)
    if message.by is Role.BUYER:
        return Reply.yes("seller_has_until", rule, message.until)
    if message.by is not Role.SELLER:
        return Reply.no("not_yours_to_extend", rule)
    return _ask_extension(standing, ship, at)


def _answer_extension(standing: Standing, answer: Answer, at: datetime) -> Reply:
    asked = standing.duties.get(DutyKind.ANSWER_EXTENSION)
    if asked is None or standing.extension_asked is None:
        return Reply.no("no_extension_asked", standing.rule("shipping.extension.answer"))
    if asked.lapsed_at(at):
        return Reply.no("answer_passed", asked.rule, asked.due)
    if answer is Answer.AGREE:
        return Reply.yes("seller_has_until", asked.rule, standing.extension_asked)
    return Reply.yes("ship_by_stays", asked.rule, at)


def _ask_extension(standing: Standing, ship: Duty | None, at: datetime) -> Reply:
    rule = standing.rule("shipping.extension.requests")
    if standing.extension_asked is not None:
        return Reply.no("buyer_asked_already", rule)
    if standing.extensions_asked >= standing.order.policy.shipping.extension.requests:
        return Reply.no("buyer_asked_enough", rule)
    if ship is None or ship.lapsed_at(at):
        return Reply.no("ship_by_passed", standing.rule("shipping.soft"))
    answer = clocks.answer_extension(standing.order, at)
    return Reply.asked("buyer_asked", answer.rule, answer.agreed_due)


def accept(standing: Standing, at: datetime) -> Reply:
    """A buyer may accept what has arrived, unless a case is open about it."""
    if refusal := over(standing):
        return refusal
    if standing.parcel.delivered_at is None:
        return Reply.no("not_delivered", standing.rule("protection.window"))
    if standing.open_case:
        return Reply.no("withdraw_instead", case=standing.open_case)
    report = standing.duties.get(DutyKind.REPORT)
    if report and report.lapsed_at(at):
        return Reply.no("report_window_closed", report.rule, report.due)
    return Reply.yes("accepted", standing.rule("protection.window"), at)


def unheard(policy: Policy, message: Complaint, open_case: str, opened: int) -> Reply | None:
    """The refusal of a complaint that could open no case at any time, on a live order or on one that has closed.

    Each case stops the release of the money, which must have an end: hence one at a time, and only so many.
    """
    if refusal := too_long(policy, message.text):
        return refusal
    if message.reason not in policy.reasons:
        return Reply.no("reason_unknown", policy.rule("reasons"), pack=policy.pack, codes=tuple(policy.reasons))
    if open_case:
        refusal = Reply.no("case_open_already", policy.rule(f"reasons.{message.reason}"), case=open_case)
        return refusal.model_copy(update={"case_id": open_case})
    if opened >= policy.limits.cases:
        return Reply.no("cases_used_up", policy.rule("limits.cases"), most=policy.limits.cases)
    return None


def complain(standing: Standing, message: Complaint, at: datetime) -> Reply:
    """A complaint opens a case if its reason is known and its window is open at `at`; a refusal names the date."""
    policy = standing.order.policy
    if refusal := over(standing) or unheard(policy, message, standing.open_case, standing.cases_opened):
        return refusal
    reason = Reason(message.reason)
    rule = policy.reasons[reason]
    if reason in UNTIL_ARRIVAL and standing.parcel.delivered_at:
        return Reply.no("has_arrived", standing.rule(f"reasons.{reason}.anchor"), standing.parcel.delivered_at)
    window = complaint_window(standing, rule)
    if window is None:
        expected = clocks.estimate(standing.order.carriage, standing.parcel)
        return Reply.no(_not_yet(rule.anchor), standing.rule(f"reasons.{reason}.anchor"), expected)
    opens, closes = window
    if at < opens:
        return Reply.no("report_too_early", standing.rule(f"reasons.{reason}.opens"), opens)
    if at >= closes:
        return Reply.no("report_too_late", standing.rule(f"reasons.{reason}.closes"), closes)
    return Reply.yes("case_opens", standing.rule(f"reasons.{reason}"), closes)


def _not_yet(anchor: Anchor) -> str:
    return {
        Anchor.DELIVERED: "wait_for_delivery",
        Anchor.ESTIMATE: "wait_for_estimate",
        Anchor.LAST_NEWS: "wait_for_silence",
    }[anchor]


def complaint_window(standing: Standing, rule: ReasonRule) -> tuple[datetime, datetime] | None:
    """From when to when (exclusive) a complaint of this reason is heard; none while its anchor has not happened."""
    order, parcel = standing.order, standing.parcel
    anchor = {
        Anchor.DELIVERED: parcel.delivered_at,
        Anchor.ESTIMATE: clocks.estimate(order.carriage, parcel) if parcel.scanned_at else None,
        Anchor.LAST_NEWS: parcel.last_news_at if parcel.scanned_at and not parcel.delivered_at else None,
    }[rule.anchor]
    if anchor is None:
        return None
    calendar = order.policy.calendar_of(order.buyer)
    return after(anchor, rule.opens, calendar), after(anchor, rule.closes, calendar) + _moved(standing, rule.anchor)


def _moved(standing: Standing, anchor: Anchor) -> timedelta:
    """A disruption that moved the report window moves the last moment to report as well."""
    report = standing.duties.get(DutyKind.REPORT)
    if anchor is not Anchor.DELIVERED or report is None or report.due is None:
        return timedelta()
    return report.due - report.agreed_due


def held_until(standing: Standing, message: Complaint, at: datetime) -> datetime | None:
    """Until when an early "delivered, but not here" holds the money: until its own window has closed.

    As agreed, before any disruption: the duty that is held moves by itself.
    """
    rule = standing.order.policy.reasons.get(Reason.NOT_RECEIVED)
    if message.reason is not Reason.NOT_RECEIVED or rule is None or standing.decision or standing.open_case:
        return None
    window = complaint_window(standing, rule)
    return window[1] - _moved(standing, Anchor.DELIVERED) if window and at < window[0] else None
