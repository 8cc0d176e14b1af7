"""The case text of the Temporal Web UI: what happens next, when, and what happens on silence, then the story.

It travels in a URL, so it stays below 2,000 characters and holds no words that people wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from domain import wording
from domain.duties import DutyKind, OpenDuty, Receipt
from domain.story import Status, StoryEntry

LONGEST = 2_000
MOST_DUTIES = 4
"""Duties shown below the headline."""

_ESCAPED = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>#|!~"})


def receipt(subject: str, as_of: datetime, state: str, duties: Iterable[OpenDuty]) -> Receipt:
    """The receipt of all open duties, soonest first; those that stand still come last."""
    ordered = sorted(duties, key=lambda duty: (duty.due is None, duty.due or duty.since, duty.kind))
    return Receipt(subject=subject, as_of=as_of, state=state, duties=tuple(ordered))


def status(receipt: Receipt, *, frozen: bool = False, open_case: str = "", rejected: int = 0) -> Status:
    """A receipt in one line."""
    duty = next_duty(receipt.duties)
    return Status(
        subject=receipt.subject,
        state=receipt.state,
        next_action=f"{duty.owner}: {duty.action}" if duty else "",
        next_due=duty.due if duty else None,
        on_silence=duty.consequence if duty else "",
        frozen=frozen,
        open_case=open_case,
        rejected=rejected,
    )


def owed(duties: Sequence[OpenDuty]) -> tuple[OpenDuty, ...]:
    """The duties that people care for, without our own housekeeping."""
    return tuple(duty for duty in duties if duty.kind is not DutyKind.LOOK_UP)


def next_duty(duties: Sequence[OpenDuty]) -> OpenDuty | None:
    """The soonest duty that people care for.

    Not the one that every scan puts off: lists would change with each scan, which costs, and the day of delivery
    tells more.
    """
    return next((duty for duty in owed(duties) if duty.kind is not DutyKind.MOVE), None)


def markdown(receipt: Receipt, facts: Sequence[tuple[str, str]], story: Sequence[StoryEntry]) -> str:
    """The text for the Web UI. The newest part of the story is kept when it does not all fit."""
    lines = [_headline(receipt), ""]
    lines += [f"- **{name}** {_plain(value)}" for name, value in facts]
    first = next_duty(receipt.duties)
    others = [duty for duty in owed(receipt.duties) if duty is not first]
    lines += [f"- **{duty.owner.capitalize()}** {_duty(duty)}" for duty in others[:MOST_DUTIES]]
    head = "\n".join(lines) + "\n\n*Story, newest first*\n\n"
    room = LONGEST - len(head)
    told: list[str] = []
    for entry in reversed(story):
        line = _line(entry.at, entry.what, tuple(entry.facts.items()))
        room -= len(line) + 1
        if room < 0:
            break
        told.append(line)
    return head + "\n".join(told)


def _headline(receipt: Receipt) -> str:
    duty = next_duty(receipt.duties)
    if duty is None:
        return f"**{receipt.state}**: nothing is owed any more."
    return f"**Next: {duty.owner} must {_duty(duty)}**"


def _duty(duty: OpenDuty) -> str:
    if duty.due is None:
        causes = ", ".join(shift.cause for shift in duty.shifts if shift.until is None)
        return f"{duty.action}; the clock stands still for {_plain(causes)}"
    paused = ", moved by a disruption" if duty.shifts else ""
    return f"{duty.action} by {wording.moment(duty.due)}{paused}; on silence {duty.consequence}"


@lru_cache(maxsize=4096)
def _line(at: datetime, what: str, facts: tuple[tuple[str, str], ...]) -> str:
    """One entry of the story. It does not change any more, and is shown again whenever something follows it."""
    return f"- `{at:%m-%d %H:%M}` {_plain(wording.event(what, dict(facts)))}"


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave alone."""
    return text.translate(_ESCAPED)
