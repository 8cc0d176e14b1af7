"""What a docket holds, for a run that goes on where another stopped."""

from __future__ import annotations

from domain.base import Model
from domain.duties import Duty, DutyKind, Shift
from domain.messages import Disruption


class Pause(Model):
    """Clocks of these kinds stand still from the start of `shift` on."""

    shift: Shift
    kinds: tuple[DutyKind, ...]


class DocketState(Model):
    """The open duties, and the pauses and disruptions in force, each in the order in which it came."""

    duties: tuple[Duty, ...] = ()
    pauses: tuple[Pause, ...] = ()
    disruptions: tuple[Disruption, ...] = ()
