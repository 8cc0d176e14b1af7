"""A notice that only asks is not sent once asking has no point; what tells what has happened always is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain import wording
from domain.duties import DutyKind, Owed
from domain.moot import ASKS, REMINDERS, Moot, asked, moot
from domain.parties import Role
from domain.story import Notice

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DUE = datetime(2026, 3, 5, 18, 30, 59, tzinfo=UTC)
SHIP = Owed(kind=DutyKind.SHIP, due=DUE)


def notice(kind: str = "reminded", **facts: str) -> Notice:
    """By default, a reminder to ship."""
    facts = facts or {"action": "ship", "due": wording.moment(DUE)}
    return Notice(key="k", subject="order-A-1", to=Role.SELLER, party_id="s-1", kind=kind, at=NOW, facts=facts)


def test_a_reminder_of_what_is_owed_has_its_point() -> None:
    """Owed, by the date that it names, and no newer one."""
    assert moot(notice(), [SHIP], [], NOW) is None


@pytest.mark.parametrize(
    ("owed", "now", "expected"),
    [
        ([], NOW, Moot.DONE),
        ([Owed(kind=DutyKind.REPORT, due=DUE)], NOW, Moot.DONE),
        ([Owed(kind=DutyKind.SHIP, due=DUE + timedelta(days=1))], NOW, Moot.MOVED),
        ([Owed(kind=DutyKind.SHIP)], NOW, Moot.MOVED),
        ([SHIP], DUE, Moot.PASSED),
        (None, DUE, Moot.PASSED),
        (None, NOW, None),
    ],
)
def test_a_reminder_is_moot_without_its_duty(owed: list[Owed] | None, now: datetime, expected: Moot | None) -> None:
    """Done or cancelled, moved or standing still, or over; where nobody has said what is owed, only the date counts."""
    assert expected is moot(notice(), owed, [], now)


def test_of_several_reminders_the_newest_is_sent() -> None:
    """Only one that asks for the same makes an older one moot."""
    other = notice(action="answer_cancellation", due=wording.moment(DUE))

    assert Moot.REPEATED is moot(notice(), [SHIP], [other, notice()], NOW)
    assert moot(notice(), [SHIP], [other], NOW) is None


@pytest.mark.parametrize("kind", sorted(ASKS))
def test_a_question_is_moot_once_it_is_answered(kind: str) -> None:
    """Whatever asks for something is dropped when that is not owed any more, and sent while it is."""
    open_still = Owed(kind=ASKS[kind], due=DUE)

    assert moot(notice(kind, x="y"), [open_still], [], NOW) is None
    assert Moot.DONE is moot(notice(kind, x="y"), [], [], NOW)


@pytest.mark.parametrize("kind", sorted(set(wording.codes("titles")) - ASKS.keys() - REMINDERS))
def test_what_has_happened_is_always_told(kind: str) -> None:
    """News has no deadline of its own, even if it names one."""
    assert moot(notice(kind, due=wording.moment(NOW - timedelta(days=1))), [], [notice(kind)], NOW) is None


def test_only_notices_that_exist_can_be_moot() -> None:
    """The rule names kinds of notices that are told, and duties that exist."""
    assert set() == (ASKS.keys() | REMINDERS) - set(wording.codes("titles"))
    assert "ship" == asked(notice())
