"""The conversation of a case: what was said, in order, with the channel; support's own notes apart."""

from __future__ import annotations

from domain.base import Instant, Model
from domain.cases import clocks
from domain.cases.case import Matter
from domain.cases.record import Said
from domain.cases.step import SIDES, WITH_AGENTS, Step, barred, conflict, others
from domain.duties import Duty, DutyKind
from domain.messages import CaseMessage, Reply
from domain.parties import Role
from domain.policy import CaseState


class Awaited(Model):
    """Somebody must answer: who, what and by when (UTC; none while the clock stands still)."""

    owner: Role
    duty: DutyKind
    due: Instant | None


class Conversation(Model):
    """All that the sides may read, oldest first, and who must answer next."""

    messages: tuple[Said, ...]
    awaited: tuple[Awaited, ...]


def say(matter: Matter, message: CaseMessage) -> Step:
    """Add to the conversation; a side that writes to support starts the clock of its next answer."""
    step = Step(matter)
    if refusal := barred(step, message.text, frozen_too=True) or _unsayable(step, message):
        return step.refuse(refusal)
    step.keep(message.by, message.text, message.author, message.channel, internal=message.internal)
    number = len(step.record.conversation)
    if message.internal:
        step.note("noted", author=message.author[:64])
        return step.answer("message_kept", number=number)
    with_support = step.record.state in (*WITH_AGENTS, CaseState.AWAITING_CONFIRMATION)
    desk = (Role.SUPPORT,) if with_support and message.by is not Role.SUPPORT else ()
    step.note("message", *others(message.by), *desk, by=message.by, channel=message.channel, number=number)
    if message.by is Role.SUPPORT:
        step.support_answers()
    elif with_support and not {DutyKind.FIRST_ANSWER, DutyKind.NEXT_ANSWER} & set(step.duties):
        step.open(clocks.next_answer(step.file, step.now))
    return step.answer("message_kept", number=number)


def _unsayable(step: Step, message: CaseMessage) -> Reply | None:
    limits, rule = step.policy.limits, step.file.rule
    if message.by not in (*SIDES, Role.SUPPORT):
        return Reply.no("not_a_side")
    if message.by is Role.SUPPORT and (refusal := conflict(step, message.author)):
        return refusal
    if message.internal and message.by is not Role.SUPPORT:
        return Reply.no("notes_are_supports")
    if not message.text.strip():
        return Reply.no("message_empty")
    # Counted by writer, so that no side can silence the other, or support, by filling the case.
    own = [said for said in step.record.conversation if said.by is message.by]
    if len(own) >= limits.messages:
        return Reply.no("conversation_full", rule("limits.messages"), most=f"{limits.messages:,}")
    written = sum(len(said.text) for said in own) + len(message.text)
    if written > limits.conversation_characters:
        most = f"{limits.conversation_characters:,}"
        return Reply.no("conversation_full", rule("limits.conversation_characters"), most=most)
    return None


def as_read(matter: Matter) -> Conversation:
    """The conversation as the sides read it, without support's notes."""
    return Conversation(
        messages=tuple(said for said in matter.record.conversation if not said.internal),
        awaited=tuple(_awaited(duty) for duty in sorted(matter.duties.values(), key=_soonest)),
    )


def _awaited(duty: Duty) -> Awaited:
    return Awaited(owner=duty.owner, duty=duty.kind, due=duty.due)


def _soonest(duty: Duty) -> tuple[bool, object, str]:
    return duty.due is None, duty.due or duty.since, duty.kind
