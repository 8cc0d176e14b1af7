"""Every story as it goes in the tunnel when nothing goes wrong, told once for all tests."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastmotion.stories import all_stories
from windtunnel.contract import Command
from windtunnel.crash import Told
from windtunnel.stage import Stage
from windtunnel.telling import tell_on

EVERY_ACTIVITY: Final = ("returned", "appeal_upheld", "late_complaint", "withdrawn_label", "case_chargeback_lost")
"""A few stories in which, together, every activity is performed."""


@dataclass(frozen=True, slots=True)
class Calm(Told):
    """A story as it went, and what each workflow asked for."""

    commands: Mapping[str, tuple[Command, ...]]


_told: dict[str, Calm] = {}


async def calm(name: str) -> Calm:
    """This story."""
    if name not in _told:
        _told[name] = await _tell(name)
    return _told[name]


async def _tell(name: str) -> Calm:
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        with stage.tunnel as tunnel:
            telling = await tell_on(stage, all_stories()[name])
            commands = {subject: tuple(run.commands) for subject, run in tunnel.executions.items()}
            return Calm(telling, tuple(stage.payments.duplicates()), tunnel.activations, commands)
