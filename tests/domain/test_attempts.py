"""The pauses between attempts grow, are bounded, and come to an end."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.attempts import LONGEST_PAUSE, PAUSES, pause


def test_pauses_grow_and_end() -> None:
    """Each pause is longer than the one before, none is longer than a day, and after the last there is none."""
    pauses = [pause(attempt) for attempt in range(1, len(PAUSES) + 2)]

    assert [*PAUSES, None] == pauses
    assert all(first < second for first, second in pairwise(PAUSES))
    assert timedelta(days=1) == LONGEST_PAUSE
    assert timedelta(days=3) < sum(PAUSES, timedelta()) < timedelta(days=4)


@given(st.integers(0, 10_000), st.none() | st.floats())
def test_a_hint_only_lengthens(attempt: int, hint: float | None) -> None:
    """Whatever the other side asks for, even nonsense, no pause is shorter than ours or longer than a day."""
    own, hinted = pause(attempt), pause(attempt, hint)

    assert (own is None) == (hinted is None)
    assert own is None or hinted is None or own <= hinted <= LONGEST_PAUSE
