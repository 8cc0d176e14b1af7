"""How often something is tried that somebody else's system must take, and the growing pauses between."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

PAUSES: Final = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The pause after each failed attempt; after the last one there is one more attempt, a little over three days on."""

LONGEST_PAUSE: Final = PAUSES[-1]


def pause(attempt: int, hint: float | None = None) -> timedelta | None:
    """How long to wait after the failed attempt of this number, from 1; none if it was the last.

    `hint` is the pause in seconds that the other side asked for. It lengthens ours, up to a day.
    """
    if attempt > len(PAUSES):
        return None
    own = PAUSES[max(attempt, 1) - 1]
    if hint is None or not hint > own.total_seconds():
        return own
    return timedelta(seconds=min(hint, LONGEST_PAUSE.total_seconds()))
