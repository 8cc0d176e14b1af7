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
from domain.messages import Answer, Cancel, Complaint, Extend, Reply, Shipped, Verdict
from domain.order import Order
from domain.parcel import Parcel
from domain.parties import Role
from domain.policy import Anchor, Policy, Reason, ReasonRule
from domain.settlement import Decision
from domain.tracking_numbers import check_tracking_number

LONGEST_CARRIER = 32


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

    def rule(self, setting: str) -> str:
        """The id of one setting of the order's policy."""
        return self.order.policy.rule(setting)


def too_long(policy: Policy, text: str) -> Reply | None:
    """The refusal of a text beyond the policy's limit."""
    most = policy.limits.text_characters
    if len(text) <= most:
        return None
    return Reply.no(
        f"the text has {len(text):,} characters; shorten it to {most:,} and send it again",
        policy.rule("limits.text_characters"),
    )


def over(standing: Standing) -> Reply | None:
    """The refusal of anything that comes after the order was decided."""
    if standing.decision is None:
        return None
    return Reply.no(
        f"the order has ended ({standing.decision.ending}) and accepts nothing more",
        standing.decision.rule,
        standing.decision.at,
    )


def shipped(standing: Standing, message: Shipped, at: datetime) -> Reply:
    """A seller may mark an order as shipped before it is over, with a number that its carrier could have given."""
    if refusal := over(standing):
        return refusal
    final = standing.duties.get(DutyKind.SHIP_FINAL)
    if final and final.lapsed_at(at):
        return Reply.no("the last day to ship has passed", final.rule, final.due)
    if standing.parcel.scanned_at:
        return Reply.no("the carrier has the parcel already", instant=standing.parcel.scanned_at)
    if not 0 < len(message.carrier) <= LONGEST_CARRIER:
        return Reply.no("name the carrier by its code, for example usps", "tracking_number")
    if fault := check_tracking_number(message.carrier, message.tracking_number):
        return Reply.no(fault, "tracking_number")
    return Reply.yes(
        "noted; the order counts as shipped from the carrier's first scan", standing.rule("shipping.chase")
    )


def cancel(standing: Standing, message: Cancel, at: datetime) -> Reply:
    """Who may cancel: the seller until the first scan, the buyer freely in the grace period or once a right has arisen.

    Otherwise the buyer asks and the seller answers.
    """
    if refusal := over(standing) or too_long(standing.order.policy, message.text):
        return refusal
    if standing.parcel.delivered_at:
        text = "the parcel has arrived; what is wrong with it can be reported within the report window"
        return Reply.no(text, standing.rule("protection.window"), standing.parcel.delivered_at)
    if standing.parcel.scanned_at:
        text = "the parcel is on its way; once it arrives it can be reported within the report window"
        return Reply.no(text, standing.rule("protection.window"), standing.parcel.scanned_at)
    if message.by is Role.SELLER:
        return _seller_cancels(standing, message, at)
    if message.by is Role.BUYER and message.answer is not None:
        return Reply.no("only the seller answers a wish to cancel", standing.rule("cancellation.answer"))
    if message.by is Role.BUYER:
        return _buyer_cancels(standing, at)
    return Reply.no("only buyer or seller can cancel an order; an agent decides in a case")


def _seller_cancels(standing: Standing, message: Cancel, at: datetime) -> Reply:
    asked = standing.duties.get(DutyKind.ANSWER_CANCELLATION)
    if message.answer is not Answer.REFUSE:
        return Reply.yes("the order is cancelled and the buyer is refunded in full", standing.rule("cancellation"), at)
    if asked is None:
        return Reply.no(
            "the buyer has not asked to cancel, so there is nothing to refuse", standing.rule("cancellation.answer")
        )
    if asked.lapsed_at(at):
        return Reply.no("the time to refuse the cancellation has passed", asked.rule, asked.due)
    return Reply.yes("the order goes on", asked.rule, at)


def _buyer_cancels(standing: Standing, at: datetime) -> Reply:
    grace = clocks.grace_ends(standing.order)
    if at < grace:
        return Reply.yes("cancelled within the grace period", standing.rule("cancellation.grace"), grace)
    if right := right_to_cancel(standing, at):
        return Reply.yes("cancelled: the parcel was not handed over in time", standing.rule("shipping.soft"), right)
    asked = standing.duties.get(DutyKind.ANSWER_CANCELLATION)
    if asked and asked.due:
        return Reply.asked("the seller has been asked already", asked.rule, asked.due)
    if standing.cancellation_refused:
        ship = standing.duties.get(DutyKind.SHIP)
        return Reply.no(
            "the seller has refused; you may cancel if the parcel is not handed over in time",
            standing.rule("cancellation.answer"),
            ship.due if ship else None,
        )
    due = clocks.answer_cancellation(standing.order, at)
    return Reply.asked("the seller has been asked; without an answer the order is cancelled", due.rule, due.agreed_due)


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
        return Reply.no(
            "the parcel was handed over already; there is nothing to extend", standing.rule("shipping.extension")
        )
    if message.by is Role.BUYER and message.answer is not None:
        return _answer_extension(standing, message.answer, at)
    cap = clocks.ship(standing.order).extendable_until
    rule = standing.rule("shipping.extension.cap")
    if message.until is None:
        return Reply.no("say until when, for example 2026-12-01T18:00:00Z", rule, cap)
    if cap and message.until > cap:
        return Reply.no("that is beyond the longest extension", rule, cap)
    ship = standing.duties.get(DutyKind.SHIP)
    in_force = ship.due if ship and ship.due else at
    if message.until <= in_force:
        return Reply.no("that is not later than the ship-by date in force", standing.rule("shipping.soft"), in_force)
    if message.by is Role.BUYER:
        return Reply.yes("the seller has until then", rule, message.until)
    if message.by is not Role.SELLER:
        return Reply.no("only buyer and seller agree on a ship-by date", rule)
    return _ask_extension(standing, ship, at)


def _answer_extension(standing: Standing, answer: Answer, at: datetime) -> Reply:
    asked = standing.duties.get(DutyKind.ANSWER_EXTENSION)
    if asked is None or standing.extension_asked is None:
        return Reply.no("the seller has not asked for more time", standing.rule("shipping.extension.answer"))
    if asked.lapsed_at(at):
        return Reply.no("the time to answer has passed", asked.rule, asked.due)
    if answer is Answer.AGREE:
        return Reply.yes("the seller has until then", asked.rule, standing.extension_asked)
    return Reply.yes("the ship-by date stays", asked.rule, at)


def _ask_extension(standing: Standing, ship: Duty | None, at: datetime) -> Reply:
    rule = standing.rule("shipping.extension.requests")
    if standing.extension_asked is not None:
        return Reply.no("the buyer has been asked already and has not answered yet", rule)
    if standing.extensions_asked >= standing.order.policy.shipping.extension.requests:
        return Reply.no("the buyer has been asked as often as the policy allows", rule)
    if ship is None or ship.lapsed_at(at):
        return Reply.no(
            "the ship-by date has passed; only the buyer can grant more time now", standing.rule("shipping.soft")
        )
    answer = clocks.answer_extension(standing.order, at)
    return Reply.asked("the buyer has been asked", answer.rule, answer.agreed_due)


def accept(standing: Standing, at: datetime) -> Reply:
    """A buyer may accept what has arrived, unless a case is open about it."""
    if refusal := over(standing):
        return refusal
    if standing.parcel.delivered_at is None:
        return Reply.no("the parcel has not been delivered yet", standing.rule("protection.window"))
    if standing.open_case:
        return Reply.no(f"{standing.open_case} is open; withdraw the complaint instead")
    report = standing.duties.get(DutyKind.REPORT)
    if report and report.lapsed_at(at):
        return Reply.no("the report window has closed, and the money is released by itself", report.rule, report.due)
    return Reply.yes("accepted; the money is released to the seller", standing.rule("protection.window"), at)


def complain(standing: Standing, message: Complaint, at: datetime) -> Reply:
    """A complaint opens a case if its reason is known and its window is open at `at`; a refusal names the date."""
    if refusal := over(standing) or too_long(standing.order.policy, message.text):
        return refusal
    try:
        reason = Reason(message.reason)
        rule = standing.order.policy.reasons[reason]
    except (ValueError, KeyError):
        known = ", ".join(standing.order.policy.reasons)
        return Reply.no(
            f"this is not a reason of {standing.order.policy.pack}; use one of: {known}", standing.rule("reasons")
        )
    if standing.open_case:
        return Reply(
            verdict=Verdict.REFUSED,
            text=f"{standing.open_case} is open already; add to it there",
            rule=standing.rule(f"reasons.{reason}"),
            case_id=standing.open_case,
        )
    window = complaint_window(standing, rule)
    if window is None:
        expected = clocks.estimate(standing.order.carriage, standing.parcel)
        return Reply.no(_not_yet(rule.anchor), standing.rule(f"reasons.{reason}.anchor"), expected)
    opens, closes = window
    if at < opens:
        return Reply.no("too early: this can be reported from then on", standing.rule(f"reasons.{reason}.opens"), opens)
    if at >= closes:
        return Reply.no(
            "too late: the window to report this has closed", standing.rule(f"reasons.{reason}.closes"), closes
        )
    return Reply.yes("a case is opened", standing.rule(f"reasons.{reason}"), closes)


def _not_yet(anchor: Anchor) -> str:
    return {
        Anchor.DELIVERED: "this can be reported once the carrier has delivered the parcel",
        Anchor.ESTIMATE: "this can be reported once the parcel is on its way and past its estimate",
        Anchor.LAST_NEWS: "this can be reported while the parcel is on its way and silent",
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
