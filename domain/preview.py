"""Previews: what an action would do now, in money and duties, without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field, ValidationError

from domain.base import Instant, Model
from domain.duties import Duty, DutyKind, Silence
from domain.messages import Message, Reply
from domain.money import Money
from domain.parties import Role
from domain.settlement import Division


class Intent(Model):
    """An action to try: the name of a message of the contract, and its fields.

    Among the fields, `submitted_at` says when it would be done; without it, when the workflow was last awake.
    """

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
    the whole would divide. `could_decide` is the rule by which the case could be decided at once, where that hangs on
    what a preview does not see: the files of the evidence, and what both sides have been like before.
    """

    reply: Reply
    refund: Money | None = None
    money: Division | None = None
    opens: tuple[Owed, ...] = ()
    closes: tuple[DutyKind, ...] = ()
    could_decide: str = ""


def understood(intent: Intent, models: Mapping[str, type[Message]]) -> Message | Reply:
    """The message that is meant, read by its model; or a refusal that says what to write."""
    model = models.get(intent.message)
    if model is None:
        return Reply.no("preview_unknown", message=intent.message[:40], known=", ".join(models))
    try:
        return model.model_validate(intent.fields)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return Reply.no("preview_malformed", message=intent.message, wrong=wrong[:200])


def heard_at(message: Message, awake_at: datetime) -> datetime:
    """When the action would be heard: a query sees no clock, only the instant at which its workflow was last awake."""
    return max(awake_at, message.submitted_at or awake_at)
