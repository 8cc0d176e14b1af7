"""A duty: what somebody owes, by when, and what happens if they stay silent.

Every wait of a workflow is a duty, so the receipt, the Web UI, the search attributes and the timers can never disagree.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from domain.base import Instant, Model
from domain.parties import Role


class DutyKind(StrEnum):
    """What is owed. The wording of each is in `domain/wording.py`."""

    SHIP = "ship"
    SHIP_FINAL = "ship_final"
    ANSWER_CANCELLATION = "answer_cancellation"
    ANSWER_EXTENSION = "answer_extension"
    GET_SCANNED = "get_scanned"
    SCAN_RIGHT = "scan_right"
    SCAN_FINAL = "scan_final"
    LOOK_UP = "look_up"
    DELIVER = "deliver"
    MOVE = "move"
    FIND = "find"
    COLLECT = "collect"
    BRING_BACK = "bring_back"
    REPORT = "report"
    REAPPEAR = "reappear"
    RESOLVE_CHARGEBACK = "resolve_chargeback"
    RECONCILE = "reconcile"
    ANSWER_CASE = "answer_case"
    DECIDE_CASE = "decide_case"
    LEAD_DECIDES = "lead_decides"
    LAST_RESORT = "last_resort"
    ADD_EVIDENCE = "add_evidence"
    ANSWER_OFFER = "answer_offer"
    FIRST_ANSWER = "first_answer"
    NEXT_ANSWER = "next_answer"
    CONFIRM_RULING = "confirm_ruling"
    TAKE_EFFECT = "take_effect"
    SEND_BACK = "send_back"
    SEND_BACK_FINAL = "send_back_final"
    INSPECT = "inspect"
    BUYER_MAY_APPEAL = "buyer_may_appeal"
    SELLER_MAY_APPEAL = "seller_may_appeal"
    DECIDE_APPEAL = "decide_appeal"


class Silence(StrEnum):
    """What happens when a duty's instant passes and nobody has acted."""

    BUYER_MAY_CANCEL = "buyer_may_cancel"
    CANCEL_ORDER = "cancel_order"
    GRANT_CANCELLATION = "grant_cancellation"
    REFUSE_CANCELLATION = "refuse_cancellation"
    GRANT_EXTENSION = "grant_extension"
    REFUSE_EXTENSION = "refuse_extension"
    CHASE_SELLER = "chase_seller"
    LOOK_UP = "look_up"
    TELL_LATE = "tell_late"
    TRACE = "trace"
    DECLARE_LOST = "declare_lost"
    EXPECT_RETURN = "expect_return"
    RELEASE = "release"
    REFUND = "refund"
    ASK_SUPPORT = "ask_support"
    ESCALATE = "escalate"
    RECORD_BREACH = "record_breach"
    COUNT_AS_LOST = "count_as_lost"
    TRY_AGAIN = "try_again"
    CLOSE = "close"
    CONTINUE = "continue"
    TAKE_EFFECT = "take_effect"
    CHASE_BUYER = "chase_buyer"
    UPHOLD = "uphold"


class Shift(Model):
    """A delay that moved a duty: a disruption, or a case that stopped the clock. `until` is none while it lasts.

    `moves` is how far it moves the duty, once that is settled and not simply how long it lasted.
    """

    cause: str
    since: Instant
    until: Instant | None = None
    longest: timedelta | None = None
    moves: timedelta | None = None

    @property
    def length(self) -> timedelta | None:
        """How far the duty moves; none while a shift without a cap is still open (its duty then stands still)."""
        if self.moves is not None:
            return self.moves
        length = None if self.until is None else max(self.until - self.since, timedelta())
        if self.longest is None:
            return length
        return self.longest if length is None else min(length, self.longest)


class Duty(Model):
    """Somebody owes an action until an instant (UTC); silence has a stated consequence.

    `agreed_due` is the instant by policy and extensions; `due` is that instant moved by the shifts in force,
    or none while an uncapped shift holds the clock still. `rule` names the pack and the setting behind it.
    """

    kind: DutyKind
    owner: Role
    since: Instant
    agreed_due: Instant
    on_silence: Silence
    rule: str
    calendar: str
    reminders: tuple[Instant, ...] = ()
    extendable_until: Instant | None = None
    shifts: tuple[Shift, ...] = ()

    @property
    def _moved(self) -> timedelta | None:
        if not self.shifts:
            return timedelta()
        total, still_until = timedelta(), self.since
        for shift in sorted(self.shifts, key=lambda shift: shift.since):
            if shift.length is None:
                return None
            if shift.longest is None and shift.moves is None and shift.until is not None:
                # Two pauses at once stop a clock no longer than one.
                total += max(shift.until - max(shift.since, still_until), timedelta())
                still_until = max(still_until, shift.until)
            else:
                total += shift.length
        return total

    @property
    def due(self) -> datetime | None:
        """The instant at which silence counts, or none while the clock stands still."""
        moved = self._moved
        return None if moved is None else self.agreed_due + moved

    @property
    def paused(self) -> bool:
        """Whether some shift of this duty has no end yet."""
        return any(shift.until is None for shift in self.shifts)

    def lapsed_at(self, instant: datetime) -> bool:
        """Whether the time is up at `instant`. A duty runs over [since, due): an act at `due` comes too late."""
        return self.due is not None and self.due <= instant

    def next_reminder(self) -> datetime | None:
        """The next reminder, moved like the due instant; none while the clock stands still."""
        if not self.reminders or self._moved is None:
            return None
        return self.reminders[0] + self._moved

    def without_reminders_before(self, instant: datetime) -> Duty:
        """This duty with only the reminders that lie after `instant`."""
        if self._moved is None:
            return self
        moved = self._moved
        left = tuple(at for at in self.reminders if at + moved > instant)
        return self if left == self.reminders else self.model_copy(update={"reminders": left})

    def shifted(self, shift: Shift) -> Duty:
        """This duty moved by `shift`; one of the same cause from the same instant on is replaced."""
        others = tuple(known for known in self.shifts if (known.cause, known.since) != (shift.cause, shift.since))
        return self.model_copy(update={"shifts": (*others, shift)})


class Owed(Model):
    """A duty that is open, and until when; no date while its clock stands still."""

    kind: DutyKind
    due: Instant | None = None


class OpenDuty(Model):
    """One open duty as its owner reads it on the receipt."""

    kind: DutyKind
    owner: Role
    action: str
    since: Instant
    due: Instant | None
    calendar: str
    reminders_left: tuple[Instant, ...]
    on_silence: Silence
    consequence: str
    rule: str
    paused: bool = False
    extendable_until: Instant | None = None
    shifts: tuple[Shift, ...] = ()


class Receipt(Model):
    """For each party, what is owed, by when, and what happens if nobody acts. All instants UTC."""

    subject: str
    as_of: Instant
    state: str
    duties: tuple[OpenDuty, ...]

    def of(self, role: Role) -> tuple[OpenDuty, ...]:
        """The duties of one party, soonest first."""
        return tuple(duty for duty in self.duties if duty.owner == role)
