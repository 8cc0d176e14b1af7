"""Previews: what an action would do now, in money and duties, without doing it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from domain.base import Instant, Model
from domain.duties import Duty, DutyKind, Silence
from domain.messages import Reply
from domain.money import Money
from domain.parties import Role
from domain.settlement import Division


class Intent(Model):
    """An action to try: the name of a message of the contract, and its fields."""

    message: str
    fields: dict[str, Any] = Field(default_factory=dict)


class Owed(Model):
    """A duty that the action would open."""

    kind: DutyKind
    owner: Role
    due: Instant | None
    on_silence: Silence
    rule: str

    @classmethod
    def of(cls, duty: Duty) -> Owed:
        """The duty in short."""
        return cls(kind=duty.kind, owner=duty.owner, due=duty.due, on_silence=duty.on_silence, rule=duty.rule)


class Preview(Model):
    """The reply that the action would get, and what would follow from it.

    `refund` is what the buyer would have had back in total, and none if no money would be decided on; `money` is how
    the whole would divide.
    """

    reply: Reply
    refund: Money | None = None
    money: Division | None = None
    opens: tuple[Owed, ...] = ()
    closes: tuple[DutyKind, ...] = ()
