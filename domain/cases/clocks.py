"""Which duties a case has, and when each is due: policy and facts in, duties out.

Every instant is computed once, when its trigger happens, and then stored; nothing asks what time it is.
"""

from __future__ import annotations

from datetime import datetime

from domain import calendars
from domain.calendars import at_share
from domain.cases.case import CaseFile
from domain.clocks import duty_of
from domain.duties import Duty, DutyKind, Silence
from domain.parties import Role
from domain.policy import Term

APPEALS = {Role.BUYER: DutyKind.BUYER_MAY_APPEAL, Role.SELLER: DutyKind.SELLER_MAY_APPEAL}
OF_HEARING = (
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
"""The clocks that run until a case is decided."""
OF_SUPPORT = (
    DutyKind.FIRST_ANSWER,
    DutyKind.NEXT_ANSWER,
    DutyKind.DECIDE_CASE,
    DutyKind.LEAD_DECIDES,
    DutyKind.CONFIRM_RULING,
    DutyKind.DECIDE_APPEAL,
)
"""The service-level clocks, which stand still in the states that the policy names."""
OF_RETURN = (DutyKind.SEND_BACK, DutyKind.SEND_BACK_FINAL, DutyKind.INSPECT)
"""The clocks of a return, which stand still while an appeal is heard."""


def _of_party(case: CaseFile, kind: DutyKind, owner: Role, setting: str, term: Term, since: datetime) -> Duty:
    calendar = case.policy.calendar_of(case.party(owner) or case.buyer)
    return duty_of(kind, owner, case.policy, setting, term, since, calendar)


def _of_support(case: CaseFile, kind: DutyKind, setting: str, term: Term, at: datetime, *, warned: bool) -> Duty:
    support = case.policy.support
    duty = duty_of(kind, Role.SUPPORT, case.policy, setting, term, at, support.hours)
    if not warned:
        return duty
    warning = at_share(at, term.within, support.hours, support.warn_at)
    return duty.model_copy(update={"reminders": tuple(sorted({*duty.reminders, warning}))})


def run_on(case: CaseFile, duty: Duty, stopped: datetime, due: datetime, resumed: datetime) -> datetime:
    """When a duty that stood still from `stopped` to `resumed` is due, which was `due` before.

    A clock of support that counts open hours keeps the open hours it had left; any other clock its elapsed time.
    """
    term = _of_desk(case).get(duty.kind)
    if term is not None and term.within.unit == "BH":
        return calendars.run_on(stopped, due, resumed, case.policy.support.hours)
    return due + (resumed - stopped)


def _of_desk(case: CaseFile) -> dict[DutyKind, Term]:
    support = case.policy.support
    return {
        DutyKind.FIRST_ANSWER: support.first_answer,
        DutyKind.NEXT_ANSWER: support.next_answer,
        DutyKind.DECIDE_CASE: support.decide,
        DutyKind.LEAD_DECIDES: support.lead,
        DutyKind.CONFIRM_RULING: support.confirm,
        DutyKind.DECIDE_APPEAL: case.policy.appeals.decide,
        DutyKind.TAKE_EFFECT: support.undo,
    }


def answer_case(case: CaseFile) -> Duty:
    """The seller's time to accept, offer or contest, from when they were asked."""
    term = case.policy.reasons[case.reason].reply
    since = case.asked_at or case.opened_at
    return _of_party(case, DutyKind.ANSWER_CASE, Role.SELLER, f"reasons.{case.reason}.reply", term, since)


def add_evidence(case: CaseFile, of: Role, at: datetime) -> Duty:
    """A side's time to hand in the evidence it was asked for."""
    return _of_party(case, DutyKind.ADD_EVIDENCE, of, "evidence.top_up", case.policy.evidence.top_up, at)


def answer_offer(case: CaseFile, of: Role, at: datetime, expires: datetime | None) -> Duty:
    """A side's time to answer an offer; the offer may expire sooner than the policy's term, never later."""
    duty = _of_party(case, DutyKind.ANSWER_OFFER, of, "offers.answer", case.policy.offers.answer, at)
    if expires is None or expires >= duty.agreed_due:
        return duty
    reminders = tuple(reminder for reminder in duty.reminders if reminder < expires)
    return duty.model_copy(update={"agreed_due": expires, "reminders": reminders})


def first_answer(case: CaseFile, at: datetime) -> Duty:
    """Support's clock until somebody of it has said or done anything in the case."""
    term = case.policy.support.first_answer
    return _of_support(case, DutyKind.FIRST_ANSWER, "support.first_answer", term, at, warned=True)


def next_answer(case: CaseFile, at: datetime) -> Duty:
    """Support's clock to answer what a side has written."""
    term = case.policy.support.next_answer
    return _of_support(case, DutyKind.NEXT_ANSWER, "support.next_answer", term, at, warned=True)


def decide_case(case: CaseFile, at: datetime) -> Duty:
    """Support's clock until the ruling, in business time, with its warning as a reminder."""
    term = case.policy.support.decide
    return _of_support(case, DutyKind.DECIDE_CASE, "support.decide", term, at, warned=True)


def lead_decides(case: CaseFile, at: datetime) -> Duty:
    """The lead's clock after an escalation; its end is a recorded breach."""
    return _of_support(case, DutyKind.LEAD_DECIDES, "support.lead", case.policy.support.lead, at, warned=False)


def last_resort(case: CaseFile, at: datetime) -> Duty:
    """What ends a case that nobody has decided; about an order that had closed, silence changes nothing."""
    term = case.policy.support.last_resort
    if case.late:
        term = term.model_copy(update={"on_silence": Silence.CLOSE})
    return _of_support(case, DutyKind.LAST_RESORT, "support.last_resort", term, at, warned=False)


def confirm_ruling(case: CaseFile, at: datetime) -> Duty:
    """The second agent's time to confirm a ruling above the policy's amount."""
    term = case.policy.support.confirm
    return _of_support(case, DutyKind.CONFIRM_RULING, "support.confirm", term, at, warned=True)


def take_effect(case: CaseFile, at: datetime) -> Duty:
    """How long a ruling can still be undone before money moves."""
    term = case.policy.support.undo
    calendar = case.policy.support.hours
    return duty_of(DutyKind.TAKE_EFFECT, Role.PLATFORM, case.policy, "support.undo", term, at, calendar)


def send_back(case: CaseFile, at: datetime) -> tuple[Duty, Duty]:
    """The buyer's time to hand the return to the carrier: chased first, then the return is off."""
    rules = case.policy.returns
    return (
        _of_party(case, DutyKind.SEND_BACK, Role.BUYER, "returns.send_back", rules.send_back, at),
        _of_party(case, DutyKind.SEND_BACK_FINAL, Role.BUYER, "returns.close", rules.close, at),
    )


def inspect(case: CaseFile, arrived_at: datetime) -> Duty:
    """The seller's time to look at what came back, from the carrier's instant of delivery."""
    return _of_party(case, DutyKind.INSPECT, Role.SELLER, "returns.inspect", case.policy.returns.inspect, arrived_at)


def may_appeal(case: CaseFile, side: Role, at: datetime) -> Duty:
    """A side's time to appeal against a decision; its end makes the decision final for them."""
    return _of_party(case, APPEALS[side], side, "appeals.window", case.policy.appeals.window, at)


def decide_appeal(case: CaseFile, at: datetime) -> Duty:
    """Support's clock for an appeal, in business time."""
    term = case.policy.appeals.decide
    return _of_support(case, DutyKind.DECIDE_APPEAL, "appeals.decide", term, at, warned=True)


def appeal_last_resort(case: CaseFile, at: datetime) -> Duty:
    """What ends an appeal that nobody has decided: the decision stands."""
    term = case.policy.appeals.last_resort
    return _of_support(case, DutyKind.LAST_RESORT, "appeals.last_resort", term, at, warned=False)
