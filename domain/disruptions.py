"""What a storm, strike or outage does to a duty."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from domain.duties import Duty, Shift
from domain.messages import Disruption


def disrupted(duty: Duty, disruptions: Iterable[Disruption], longest: timedelta) -> Duty:
    """The duty moved by exactly these disruptions, whatever moved it before; together by `longest` at most.

    A disruption moves the clocks it names, from its start or the duty's, unless the duty was due by then.
    The earlier ones in the list use up `longest` first.
    """
    paused = tuple(shift for shift in duty.shifts if shift.longest is None)
    moved = duty.model_copy(update={"shifts": paused})
    for disruption in disruptions:
        if shift := _shift(moved, disruption, longest):
            moved = moved.shifted(shift)
    return moved


def _shift(duty: Duty, disruption: Disruption, longest: timedelta) -> Shift | None:
    since = max(disruption.since, duty.since)
    over = disruption.until is not None and disruption.until <= since
    if duty.kind not in disruption.clocks or over or duty.lapsed_at(since):
        return None
    used = sum((shift.length or timedelta() for shift in duty.shifts if shift.longest is not None), timedelta())
    left = max(longest - used, timedelta())
    return Shift(cause=disruption.disruption_id, since=since, until=disruption.until, longest=left)
