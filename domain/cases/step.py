"""A step: what follows from a message, from silence or from news, worked out and not yet done.

The workflow carries a step out; a preview only shows it. So both always agree, and every rule of a case is a pure
function that can be tried without a server.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from domain.cases.case import CaseFile, Matter
from domain.cases.record import AnyChannel, Channel, Said
from domain.duties import Duty, DutyKind
from domain.messages import Message, Reply
from domain.parties import Role
from domain.policy import CaseState, Policy
from domain.rights import too_long

SIDES = (Role.BUYER, Role.SELLER)
OTHER = {Role.BUYER: Role.SELLER, Role.SELLER: Role.BUYER}
WITH_AGENTS = (CaseState.WITH_SUPPORT, CaseState.AWAITING_EVIDENCE, CaseState.WITH_LEAD, CaseState.APPEALED)
"""States in which an agent may decide."""
HEARD = (CaseState.AWAITING_SELLER, CaseState.NEGOTIATING, *WITH_AGENTS)
"""States in which the sides can still settle by themselves."""
ON_THE_DESK = frozenset({DutyKind.DECIDE_CASE, DutyKind.LEAD_DECIDES, DutyKind.DECIDE_APPEAL})
"""The duties that tell that the case is an agent's to decide."""


@dataclass(frozen=True, slots=True)
class Note:
    """A journal entry of a step; `told` get a notice of it."""

    what: str
    told: tuple[Role, ...]
    facts: dict[str, object]


class Step:
    """A reply, a new record, duties and notes, drafted from a matter by the functions of this package."""

    def __init__(self, matter: Matter) -> None:
        self._begun_from = matter
        self.file: CaseFile = matter.file
        self.now: datetime = matter.now
        self.reply: Reply | None = None
        self._begin()

    def _begin(self) -> None:
        self.record = self._begun_from.record
        self.duties: dict[DutyKind, Duty] = dict(self._begun_from.duties)
        self.opened: list[Duty] = []
        self.closed: list[DutyKind] = []
        self.notes: list[Note] = []

    @property
    def policy(self) -> Policy:
        """The policy of the case."""
        return self.file.policy

    @property
    def matter(self) -> Matter:
        """The case as it stands after what was drafted so far."""
        return Matter(file=self.file, record=self.record, duties=self.duties, now=self.now)

    def sent_at(self, message: Message) -> datetime:
        """The instant by which a message is judged."""
        return message.sent_at(self.now, self.file.opened_at)

    def refuse(self, reply: Reply) -> Self:
        """Nothing comes of the message, whatever was drafted so far."""
        self._begin()
        self.reply = reply
        return self

    def answer(self, code: str, rule: str = "", instant: datetime | None = None, **facts: object) -> Self:
        """The message is accepted."""
        self.reply = Reply.yes(code, rule, instant, **facts)
        return self

    def change(self, **fields: Any) -> None:
        """The record with these fields changed."""
        self.record = self.record.model_copy(update=fields)

    @property
    def on_the_desk(self) -> bool:
        """Whether the case is an agent's to decide, be it that all clocks of the desk have run out."""
        return self.record.escalated or bool(ON_THE_DESK & set(self.duties))

    def keep(
        self, by: Role, text: str, author: str = "", channel: AnyChannel = Channel.CHAT, *, internal: bool = False
    ) -> None:
        """What somebody writes, alone or with an action, belongs to the conversation."""
        if text.strip():
            said = Said(
                number=len(self.record.conversation) + 1,
                at=self.now,
                by=by,
                author=author[:64],
                channel=channel,
                text=text,
                internal=internal,
            )
            self.change(conversation=(*self.record.conversation, said))

    def support_answers(self) -> None:
        """Support has said or done something that the sides wait for: no word of it is owed any more."""
        self.change(answered=True)
        self.close(DutyKind.FIRST_ANSWER, DutyKind.NEXT_ANSWER)

    def note(self, what: str, *told: Role, **facts: object) -> None:
        """Something has happened; `told` get a notice."""
        self.notes.append(Note(what, told, facts))

    def open(self, *duties: Duty) -> None:
        """Owe these duties."""
        for duty in duties:
            self.opened.append(duty)
            self.duties[duty.kind] = duty

    def close(self, *kinds: DutyKind) -> None:
        """These duties are done or moot; kinds that are not open are fine."""
        for kind in kinds:
            if self.duties.pop(kind, None):
                self.opened = [duty for duty in self.opened if duty.kind is not kind]
                self.closed.append(kind)


def others(by: Role) -> tuple[Role, ...]:
    """The sides to tell of what somebody did: the other one, or both if an agent did it."""
    return tuple(side for side in SIDES if side is not by)


def barred(step: Step, text: str = "", *, frozen_too: bool = False) -> Reply | None:
    """The refusal of what comes after the end, during a chargeback (unless `frozen_too`), or at too great a length."""
    record = step.record
    if record.over:
        return Reply.no("case_over", state=record.state)
    if record.freeze and not frozen_too:
        return Reply.no("case_frozen", step.file.rule("chargebacks"), chargeback=record.freeze.chargeback_id)
    return too_long(step.policy, text)


def conflict(step: Step, agent: str) -> Reply | None:
    """The refusal of an agent who is a party, or does not say who they are."""
    if not agent.strip():
        return Reply.no("agent_unnamed")
    if agent.casefold() in (step.file.buyer.id.casefold(), step.file.seller.id.casefold()):
        return Reply.no("agent_is_party")
    return None
