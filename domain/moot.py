"""When a notice is moot: it asks for something, and asking has no more point.

What only tells what has happened is never moot. What is still owed is what the workflow said with its newest posting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain import wording
from domain.courtesy import due_of
from domain.duties import DutyKind, Owed
from domain.story import Notice

REMINDERS: Final = frozenset({"reminded", "sla_warning"})
"""Notices that ask for the duty in their fact `action`, by the date that is in force."""

ASKS: Final[Mapping[str, DutyKind]] = {
    "cancellation_asked": DutyKind.ANSWER_CANCELLATION,
    "extension_asked": DutyKind.ANSWER_EXTENSION,
    "chased": DutyKind.SCAN_FINAL,
    "attempt_failed": DutyKind.COLLECT,
    "offered": DutyKind.ANSWER_OFFER,
    "evidence_asked": DutyKind.ADD_EVIDENCE,
    "ruling_to_confirm": DutyKind.CONFIRM_RULING,
    "undo_window": DutyKind.TAKE_EFFECT,
    "return_chased": DutyKind.SEND_BACK_FINAL,
    "return_attempt_failed": DutyKind.COLLECT,
}
"""Other notices that only ask, each with the duty whose end makes it moot."""


class Moot(StrEnum):
    """Why a notice is not sent."""

    DONE = "done"
    """What it asks for is not owed any more."""
    MOVED = "moved"
    """It names a date that is not the one in force."""
    PASSED = "passed"
    """The date that it names has come."""
    REPEATED = "repeated"
    """A newer one asks for the same."""


def asked(notice: Notice) -> str | None:
    """The kind of duty that a notice asks for; none if it tells what has happened."""
    if notice.kind in REMINDERS:
        return notice.facts.get("action")
    return ASKS.get(notice.kind)


def moot(notice: Notice, owed: Iterable[Owed] | None, newer: Iterable[Notice], now: datetime) -> Moot | None:
    """Why the notice has no more point at `now` (policy time, UTC), or none if it has.

    `owed` are the duties that are open in its order or case, none if nobody has said; `newer` are later notices of
    the same kind about it to the same reader.
    """
    kind = asked(notice)
    if kind is None:
        return None
    due = due_of(notice)
    if due is not None and due <= now:
        return Moot.PASSED
    if owed is not None:
        duty = next((duty for duty in owed if duty.kind == kind), None)
        if duty is None:
            return Moot.DONE
        if notice.kind in REMINDERS and (duty.due is None or wording.moment(duty.due) != notice.facts.get("due")):
            return Moot.MOVED
    return Moot.REPEATED if any(asked(other) == kind for other in newer) else None
