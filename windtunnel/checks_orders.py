"""Checks of what orders do by themselves: shipping, cancelling, the windows of complaints, and the release."""

from __future__ import annotations

from datetime import datetime

from domain.messages import Acceptance, Answer, Cancel
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import Reason
from domain.states import OrderState
from domain.wording import moment
from windtunnel.probe import Findings, Start, differs, reminds, turns
from windtunnel.rulebook import Rule
from windtunnel.trial import DAY, ESTIMATE, HOUR, PURCHASE, SECOND, Trial

# --- before delivery ---


def cancels_itself(rule: Rule, start: Start) -> Findings:
    """Not shipped, the order is cancelled and the buyer refunded at the instant."""
    trial = start()
    yield from turns(trial, trial.after(PURCHASE, rule.value), lambda: trial.refunded_whole)


def scan_saves(rule: Rule, start: Start) -> Findings:
    """A carrier's scan one second before the instant saves the order; at the instant it is too late."""
    due = start().after(PURCHASE, rule.value)
    for at, saved in ((due - SECOND, True), (due, False)):
        trial = start()
        trial.to(at)
        trial.track(TrackingStatus.ACCEPTED, at)
        trial.to(due + HOUR)
        yield from differs(trial.refunded == 0, saved, f"scanned on {moment(at)}, the order goes on")


def may_cancel(rule: Rule, start: Start) -> Findings:
    """Not shipped, the buyer may cancel alone from the instant on; one second before, the seller is asked."""
    yield from _right_to_cancel(rule, start, marked=False)


def may_cancel_unscanned(rule: Rule, start: Start) -> Findings:
    """Marked as shipped at once and never scanned: the buyer may cancel alone from the instant on."""
    yield from _right_to_cancel(rule, start, marked=True)


def _right_to_cancel(rule: Rule, start: Start, *, marked: bool) -> Findings:
    due = start().after(PURCHASE, rule.value)
    for at, alone in ((due - SECOND, False), (due, True)):
        trial = start()
        if marked:
            trial.mark_shipped(PURCHASE)
        trial.to(at)
        trial.cancel()
        yield from differs(trial.refunded_whole, alone, f"on {moment(at)} the buyer may cancel alone")


def cancels_unscanned(rule: Rule, start: Start) -> Findings:
    """Marked as shipped and never scanned: the order is cancelled and refunded, counted from the mark."""
    trial = start()
    trial.mark_shipped(PURCHASE + HOUR)
    yield from turns(trial, trial.after(PURCHASE + HOUR, rule.value), lambda: trial.refunded_whole)


def scan_ships(_: Rule, start: Start) -> Findings:
    """The seller's word leaves an order waiting for its scan; the scan makes it shipped."""
    trial = start()
    trial.mark_shipped(PURCHASE + HOUR)
    yield from differs(trial.state, OrderState.AWAITING_SCAN, "the state after the seller's word")
    trial.scan(PURCHASE + 2 * HOUR)
    yield from differs(trial.state, OrderState.IN_TRANSIT, "the state after the scan")


def on_time(rule: Rule, start: Start) -> Findings:
    """A scan one second before the instant is in time; at the instant it is late."""
    yield from _border_of_lateness(start, start().after(PURCHASE, rule.value), ship_by=None)


def own_promise(_: Rule, start: Start) -> Findings:
    """The seller's own time to ship, here six days, is what counts as in time."""
    due = PURCHASE + 6 * DAY
    yield from _border_of_lateness(start, due, ship_by=due)


def _border_of_lateness(start: Start, due: datetime, ship_by: datetime | None) -> Findings:
    for at, late in ((due - SECOND, False), (due, True)):
        trial = start(ship_by=ship_by)
        trial.scan(at)
        trial.deliver(at + DAY)
        trial.tell("buyer_accepts", Acceptance())
        yield from differs(trial.outcome().shipped_late, late, f"scanned on {moment(at)}, the order is late")


def reminder(rule: Rule, start: Start) -> Findings:
    """The seller is reminded to ship at the instant, and not one second before."""
    trial = start()
    yield from _reminded(rule, trial, PURCHASE)


def grace(rule: Rule, start: Start) -> Findings:
    """The buyer cancels alone until the instant; from then on the seller is asked."""
    due = start().after(PURCHASE, rule.value)
    for at, alone in ((due - SECOND, True), (due, False)):
        trial = start()
        trial.to(at)
        trial.cancel()
        yield from differs(trial.refunded_whole, alone, f"on {moment(at)} the buyer may cancel alone")


def seller_must_approve(rule: Rule, start: Start) -> Findings:
    """A cancellation asked for within the time needs the seller's word, which ends the order."""
    trial = start()
    trial.to(trial.after(PURCHASE, rule.value) - SECOND)
    trial.cancel()
    yield from differs(trial.refunded_whole, False, "cancelled before the seller has answered")
    trial.ask("cancel", Cancel(by=Role.SELLER, answer=Answer.AGREE))
    yield from differs(trial.refunded_whole, True, "cancelled once the seller has agreed")


def cancellation_silence(rule: Rule, start: Start) -> Findings:
    """A seller who does not answer the buyer's wish to cancel agrees at the instant, and not one second before."""
    trial, due = _cancellation_asked(rule, start)
    yield from turns(trial, due, lambda: trial.refunded_whole)


def cancellation_answer(rule: Rule, start: Start) -> Findings:
    """A seller's no counts until the instant, and no more at it."""
    for early, counts in ((SECOND, True), (0 * SECOND, False)):
        trial, due = _cancellation_asked(rule, start)
        trial.to(due - early)
        trial.ask("cancel", Cancel(by=Role.SELLER, answer=Answer.REFUSE))
        trial.to(due + HOUR)
        yield from differs(trial.refunded == 0, counts, f"a no on {moment(due - early)} counts")


def _cancellation_asked(rule: Rule, start: Start) -> tuple[Trial, datetime]:
    trial = start()
    asked = trial.after(PURCHASE, trial.policy.cancellation.grace) + HOUR
    trial.to(asked)
    trial.cancel()
    return trial, trial.after(asked, rule.value)


# --- windows of complaints, and the release ---


def opens(rule: Rule, start: Start) -> Findings:
    """A complaint is too early one second before the instant, and heard at it."""
    for reason in rule.reasons:
        yield from _complaints(rule, start, reason, before=False)


def closes(rule: Rule, start: Start) -> Findings:
    """A complaint is heard one second before the instant, and too late at it."""
    for reason in rule.reasons:
        yield from _complaints(rule, start, reason, before=True)


def _complaints(rule: Rule, start: Start, reason: Reason, *, before: bool) -> Findings:
    for early, heard in ((SECOND, before), (0 * SECOND, not before)):
        trial = start()
        anchor = trial.anchored(reason)
        at = trial.after(anchor, rule.value) - early
        if anchor == ESTIMATE:
            trial.keep_moving(at)
        trial.to(at)
        reply = trial.complain(reason)
        yield from differs(not reply.refused, heard, f"a complaint ({reason}) on {moment(at)} is heard")


def only_once_delivered(rule: Rule, start: Start) -> Findings:
    """A complaint about the goods is refused while they are under way, and heard once they are delivered."""
    for reason in rule.reasons:
        trial = start()
        trial.scan()
        yield from differs(trial.complain(reason).refused, True, f"a complaint ({reason}) on the way is refused")
        trial.deliver()
        yield from differs(trial.complain(reason).refused, False, f"a complaint ({reason}) after delivery is refused")


def releases(rule: Rule, start: Start) -> Findings:
    """If the buyer says nothing, the seller is paid at the instant after the delivery."""
    trial = start()
    yield from turns(trial, trial.after(trial.deliver(), rule.value), lambda: trial.paid_out)


def release_reminder(rule: Rule, start: Start) -> Findings:
    """The buyer is reminded at the instant that the money goes to the seller soon."""
    trial = start()
    yield from _reminded(rule, trial, trial.deliver())


def case_holds(rule: Rule, start: Start) -> Findings:
    """A complaint one second before the window ends keeps the money where it is."""
    trial = start()
    due = trial.after(trial.deliver(), rule.value)
    trial.to(due - SECOND)
    trial.complain(Reason.NOT_AS_DESCRIBED)
    trial.to(due + HOUR)
    yield from differs(trial.released + trial.refunded, 0, "what has moved although a case is open")


def _reminded(rule: Rule, trial: Trial, since: datetime) -> Findings:
    end = rule.before_end
    at = trial.before(trial.after(since, end), rule.value) if end else trial.after(since, rule.value)
    yield from reminds(trial, at)
