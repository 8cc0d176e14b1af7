"""What every check of a published rule needs: the rule, a way to start trials, and ways to look.

A check starts trials under a pack and yields what is not as the rule says; nothing, if all is. It computes every
instant from the rule and never from the pack, so that a wrong constant in a pack is found. What silence brings must
not have happened one second before its instant, and must have at it; what a person may do until an instant they may
one second before it, and no more at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol, TypeAlias

from domain.wording import moment
from windtunnel.rulebook import Rule
from windtunnel.trial import ORDER, SECOND, Trial


class Start(Protocol):
    """Starts an order under the pack that is checked."""

    def __call__(self, *, items: int = ..., category: str = ..., ship_by: datetime | None = ...) -> Trial:
        """A fresh trial."""


Findings: TypeAlias = Iterator[str]
Check: TypeAlias = Callable[[Rule, Start], Findings]


def turns(trial: Trial, due: datetime, holds: Callable[[], bool]) -> Findings:
    """What is wrong, if something is to hold from an instant on and not one second before."""
    trial.to(due - SECOND)
    if holds():
        yield f"happens before {moment(due)}"
    trial.to(due)
    if not holds():
        yield f"does not happen on {moment(due)}"


def reminds(trial: Trial, due: datetime, subject: str = ORDER) -> Findings:
    """What is wrong, if somebody is to be reminded at an instant."""
    yield from turns(trial, due, lambda: due in trial.told("reminded", subject))


def differs(actual: object, expected: object, what: str) -> Findings:
    """What is wrong, if something is to be as expected."""
    if actual != expected:
        yield f"{what}: {actual}, not {expected}"
