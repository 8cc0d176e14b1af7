"""The case text of the Web UI."""

from datetime import UTC, datetime, timedelta

from domain import details
from domain.duties import DutyKind, OpenDuty, Silence
from domain.parties import Role

NOW = datetime(2026, 11, 2, 17, tzinfo=UTC)


def owed(kind: DutyKind, days: int) -> OpenDuty:
    """A duty of the carrier that is due in so many days."""
    return OpenDuty(
        kind=kind,
        owner=Role.CARRIER,
        action=f"do {kind.value.replace('_', ' ')}",
        since=NOW,
        due=NOW + timedelta(days=days),
        calendar="",
        reminders_left=(),
        on_silence=Silence.TRACE,
        consequence="something happens",
        rule="",
    )


def test_every_duty_is_told_once() -> None:
    """The headline passes over the clock that scans put off; below it stands that clock, and no duty stands twice."""
    duties = (owed(DutyKind.LOOK_UP, 1), owed(DutyKind.MOVE, 2), owed(DutyKind.DELIVER, 3), owed(DutyKind.FIND, 4))

    text = details.markdown(details.receipt("order-A-1", NOW, "in_transit", duties), (), ())

    told = {duty.kind: text.count(duty.action) for duty in duties}
    assert {DutyKind.LOOK_UP: 0, DutyKind.MOVE: 1, DutyKind.DELIVER: 1, DutyKind.FIND: 1} == told
    assert text.startswith("**Next: carrier must do deliver by 2026-11-05")
