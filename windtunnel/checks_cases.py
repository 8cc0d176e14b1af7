"""Checks of what becomes of complaints: answers, evidence, returns and appeals."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from functools import partial

from domain.cases.record import EvidenceItem
from domain.duties import Silence
from domain.messages import EvidenceRequest, EvidenceSent, Finding, Inspection, Reply
from domain.money import Money
from domain.parties import Role
from domain.policy import EvidenceKind, Reason, Remedy
from domain.wording import moment
from windtunnel.probe import Findings, Start, differs, reminds, turns
from windtunnel.rulebook import Rule
from windtunnel.trial import CASE, DAY, HOUR, LABEL_COST, SECOND, Trial, shown


def silence(rule: Rule, start: Start) -> Findings:
    """A seller who does not answer a complaint brings about what the rule says, at the instant."""
    for reason in rule.reasons:
        trial = start()
        due = trial.after(trial.case(reason), rule.value)
        yield from turns(trial, due, partial(_silence_has_brought, rule.then, trial))


def _silence_has_brought(then: Silence | None, trial: Trial) -> bool:
    if then is Silence.ASK_SUPPORT:
        return bool(trial.told("with_support", CASE))
    decided = trial.told("resolved_by_rule", CASE).values()
    return any((facts["remedy"] == Remedy.RELEASE) == (then is Silence.RELEASE) for facts in decided)


def answer(rule: Rule, start: Start) -> Findings:
    """A seller's answer to a complaint counts one second before the instant, and no more at it."""
    for reason in rule.reasons:
        for early, counts in ((SECOND, True), (0 * SECOND, False)):
            trial = start()
            at = trial.after(trial.case(reason), rule.value) - early
            trial.to(at)
            reply = trial.respond(accept=False)
            yield from differs(not reply.refused, counts, f"an answer ({reason}) on {moment(at)} counts")


def answer_reminder(rule: Rule, start: Start) -> Findings:
    """A seller who has not answered a complaint is reminded at the instant."""
    for reason in rule.reasons:
        trial = start()
        due = trial.after(trial.case(reason), rule.value)
        yield from reminds(trial, due, CASE)


def checklist(rule: Rule, start: Start) -> Findings:
    """A buyer who shows nothing is asked for exactly this evidence."""
    for reason in rule.reasons:
        trial = start(category=rule.category)
        trial.case(reason)
        asked = [facts["kinds"].split(", ") for facts in trial.told("evidence_asked", CASE).values()]
        yield from differs(asked, [list(rule.kinds)], f"what the buyer is asked for ({reason})")


def top_up(rule: Rule, start: Start) -> Findings:
    """Evidence that support asks for is awaited until the instant; then the case goes on without it."""
    for early, in_time in ((SECOND, True), (0 * SECOND, False)):
        trial = start()
        trial.to(trial.case(Reason.CHANGED_MIND) + HOUR)
        trial.respond(accept=False)
        asked = trial.now + HOUR
        trial.to(asked)
        trial.ask(
            "request_evidence", EvidenceRequest(agent="kim", of=Role.BUYER, kinds=(EvidenceKind.PHOTO_FRONT,)), CASE
        )
        due = trial.after(asked, rule.value)
        trial.to(due - early)
        trial.tell("evidence", EvidenceSent(by=Role.BUYER, items=(_photo("buyer"),)), CASE)
        trial.to(due)
        yield from differs(not trial.told("evidence_round_over", CASE), in_time, f"{moment(due - early)} is in time")


def undisturbed(rule: Rule, start: Start) -> Findings:
    """A complaint that nobody touches refunds the buyer at the instant."""
    trial = start()
    yield from turns(trial, trial.after(trial.case(Reason.NOT_AS_DESCRIBED), rule.value), lambda: trial.refunded_whole)


def tracked_delivery(rule: Rule, start: Start) -> Findings:
    """Tracked delivery decides a contested claim of non-receipt for the seller below the amount, not from it on."""
    amount = Money.parse(rule.value).minor
    for items, protected in ((amount - 1, True), (amount, False)):
        trial = start(items=items)
        trial.to(trial.case(Reason.NOT_RECEIVED) + HOUR)
        trial.respond(accept=False)
        yield from differs(bool(trial.told("seller_protected", CASE)), protected, f"{items} cents are protected")


def keeps_the_item(rule: Rule, start: Start) -> Findings:
    """A complaint that is accepted refunds at once, and no return label is bought."""
    for reason in rule.reasons:
        trial = start()
        trial.case(reason)
        trial.respond(accept=True)
        yield from differs((trial.refunded_whole, trial.labels), (True, 0), f"refunded ({reason}), and labels bought")


# --- returns ---


def _returning(start: Start) -> tuple[Trial, datetime]:
    """A trial in which the seller has accepted the complaint, and the instant at which the label was sent."""
    trial = start()
    trial.to(trial.case(Reason.NOT_AS_DESCRIBED) + HOUR)
    trial.respond(accept=True)
    return trial, trial.now


def return_due(rule: Rule, start: Start) -> Findings:
    """The buyer's time to send the goods back is over at the instant after the label."""
    trial, labelled_at = _returning(start)
    due = trial.after(labelled_at, rule.value)
    yield from turns(trial, due, lambda: bool(trial.told("return_chased", CASE)))


def return_closes(rule: Rule, start: Start) -> Findings:
    """A return that was never sent closes at the instant after the label, and the seller is paid."""
    trial, labelled_at = _returning(start)
    yield from turns(trial, trial.after(labelled_at, rule.value), lambda: trial.paid_out)


def free_return(_: Rule, start: Start) -> Findings:
    """Goods that came back are refunded whole, and the buyer was sent a label."""
    yield from _label_and_refund(start, whole=True)


def buyer_pays_return(_: Rule, start: Start) -> Findings:
    """Goods that came back are refunded less the label that the buyer was sent."""
    yield from _label_and_refund(start, whole=False)


def _label_and_refund(start: Start, *, whole: bool) -> Findings:
    trial, labelled_at = _returning(start)
    trial.send_back(labelled_at + DAY)
    trial.ask("inspect", Inspection(finding=Finding.AS_SENT), CASE)
    total = trial.order.price.total
    refund = total if whole else total - LABEL_COST
    yield from differs((trial.labels, trial.refunded), (1, refund.minor), "labels bought, and cents refunded")


def _came_back(start: Start) -> tuple[Trial, datetime]:
    trial, labelled_at = _returning(start)
    return trial, trial.send_back(labelled_at + DAY)


def inspection_silence(rule: Rule, start: Start) -> Findings:
    """A seller who says nothing of what came back has the buyer refunded at the instant after its delivery."""
    trial, back_at = _came_back(start)
    yield from turns(trial, trial.after(back_at, rule.value), lambda: trial.refunded_whole)


def inspection_answer(rule: Rule, start: Start) -> Findings:
    """What a seller found in the return counts one second before the instant, and no more at it."""
    for early, counts in ((SECOND, True), (0 * SECOND, False)):
        trial, back_at = _came_back(start)
        at = trial.after(back_at, rule.value) - early
        trial.to(at)
        yield from differs(not _found(trial, shows=True).refused, counts, f"a finding on {moment(at)} counts")


def finding_needs_photos(_: Rule, start: Start) -> Findings:
    """A seller who finds another item is not heard without photos, and goes to support with them."""
    trial = _came_back(start)[0]
    yield from differs(_found(trial, shows=False).refused, True, "a finding without photos is refused")
    yield from differs(_found(trial, shows=True).refused, False, "a finding with photos is refused")
    yield from differs(bool(trial.told("with_support", CASE)), True, "the case is with support")


def _found(trial: Trial, *, shows: bool) -> Reply:
    evidence = (_photo("seller"),) if shows else ()
    return trial.ask("inspect", Inspection(finding=Finding.ANOTHER_ITEM, evidence=evidence), CASE)


def deduction(rule: Rule, start: Start) -> Findings:
    """The seller may keep this share for goods that came back worse, and not a cent more."""
    for extra, allowed in ((0, True), (1, False)):
        trial = _came_back(start)[0]
        total = trial.order.price.total
        most = total.share(Fraction(rule.value.removesuffix(" %")) / 100)
        kept = Money(minor=most.minor + extra, currency=total.currency)
        found = Inspection(finding=Finding.WORSE, deduction=kept, evidence=(_photo("seller"),))
        yield from differs(not trial.ask("inspect", found, CASE).refused, allowed, f"keeping {kept} is allowed")


# --- appeals ---


def _lost_by_the_buyer(start: Start) -> tuple[Trial, datetime]:
    trial = start()
    trial.to(trial.case(Reason.NOT_AS_DESCRIBED) + HOUR)
    trial.respond(accept=False)
    return trial, trial.rule(Remedy.RELEASE)


def appeal_window(rule: Rule, start: Start) -> Findings:
    """An appeal is heard one second before the instant after the decision, and too late at it."""
    for early, heard in ((SECOND, True), (0 * SECOND, False)):
        trial, decided_at = _lost_by_the_buyer(start)
        at = trial.after(decided_at, rule.value) - early
        trial.to(at)
        yield from differs(not trial.appeal(_photo("appeal")).refused, heard, f"an appeal on {moment(at)} is heard")


def appeal_needs_news(_: Rule, start: Start) -> Findings:
    """An appeal that shows nothing new is refused."""
    trial = _lost_by_the_buyer(start)[0]
    yield from differs(trial.appeal().refused, True, "an appeal with nothing new is refused")
    yield from differs(trial.appeal(_photo("appeal")).refused, False, "an appeal with something new is refused")


def appeal_is_final(_: Rule, start: Start) -> Findings:
    """What was decided on appeal is not heard again."""
    trial = _lost_by_the_buyer(start)[0]
    trial.appeal(_photo("appeal"))
    trial.rule(Remedy.RELEASE, agent="ana")
    yield from differs(trial.appeal(_photo("once more")).refused, True, "a second appeal is refused")


def appeal_answer(rule: Rule, start: Start) -> Findings:
    """An appeal that nobody has answered is escalated at the instant."""
    trial, decided_at = _lost_by_the_buyer(start)
    trial.to(decided_at + HOUR)
    trial.appeal(_photo("appeal"))
    yield from turns(trial, trial.after(trial.now, rule.value), lambda: bool(trial.told("escalated", CASE)))


def no_appeal(_: Rule, start: Start) -> Findings:
    """A ruling is final: no appeal is heard."""
    trial = _lost_by_the_buyer(start)[0]
    yield from differs(trial.appeal(_photo("appeal")).refused, True, "an appeal is refused")


def _photo(by: str) -> EvidenceItem:
    return shown(EvidenceKind.PHOTO_FRONT, by=by)
