"""What the engine and the instruments around it share: calls and their answers, commands, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol


class Stuck(Exception):
    """A workflow task failed, which a server would try again for ever; or something is waited for that never comes."""


class Diverged(Exception):
    """A rebuilt workflow did not ask again for what it had asked for before: its code is not deterministic."""


class NotRunning(LookupError):
    """There is no such workflow, or it has ended."""


class AlreadyRunning(ValueError):
    """A workflow of this id runs."""


@dataclass(frozen=True, slots=True)
class Call:
    """An activity that a workflow wants performed. `attempt` counts from one, `at` is virtual time (UTC)."""

    name: str
    attempt: int
    at: datetime
    workflow_id: str
    read: Callable[[type], Any]
    """Decodes the argument; not before it is needed, since most of what happens in the world is known without it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call, `after` some virtual time: a result, or a failure that is retried as its call allows.

    An answer that takes longer than the call allows is a timeout, although the world has done what was asked.
    """

    result: Any = None
    failure: BaseException | None = None
    after: timedelta = timedelta()


class World(Protocol):
    """What stands in place of the activities."""

    def perform(self, call: Call) -> Answer:
        """Perform one attempt of an activity."""


class Command(NamedTuple):
    """What a workflow asked for in its `task`-th workflow task, `at` an instant (UTC).

    `of` is a type or name, of a timer its whole seconds.
    """

    task: int
    at: datetime
    kind: str
    seq: int = 0
    of: str = ""
