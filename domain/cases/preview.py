"""What an action would do in a case: the very step that the action takes, worked out and not carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from domain.cases import appeals, conversation, desk, evidence, evidence_round, hearing, no_remedy, offers, returns
from domain.cases.case import Matter
from domain.cases.step import Step
from domain.messages import (
    Appeal,
    Assignment,
    CaseMessage,
    Confirmation,
    EvidenceRequest,
    EvidenceSent,
    Inspection,
    Message,
    OfferAnswer,
    OfferMade,
    Reply,
    Response,
    Ruling,
    Undo,
    Withdrawal,
)
from domain.preview import Intent, Owed, Preview, heard_at, understood
from domain.settlement import division

ACTIONS: dict[str, tuple[type[Message], Callable[[Matter, Any], Step]]] = {
    "respond": (Response, hearing.respond),
    "offer": (OfferMade, offers.offer),
    "answer_offer": (OfferAnswer, offers.answer_offer),
    "withdraw": (Withdrawal, no_remedy.withdraw),
    "evidence": (EvidenceSent, evidence.add),
    "request_evidence": (EvidenceRequest, evidence_round.request),
    "message": (CaseMessage, conversation.say),
    "assign": (Assignment, desk.assign),
    "rule": (Ruling, desk.rule),
    "confirm": (Confirmation, desk.confirm),
    "undo": (Undo, desk.undo),
    "inspect": (Inspection, returns.inspect),
    "appeal": (Appeal, appeals.appeal),
}
"""Every action of people in a case, by the name of its message."""
MODELS = {name: model for name, (model, _) in ACTIONS.items()}


def preview(matter: Matter, intent: Intent) -> Preview:
    """What the action would do at the instant of `matter`; an unknown or malformed one gets a refusal that says so."""
    message = understood(intent, MODELS)
    if isinstance(message, Reply):
        return Preview(reply=message)
    _, act = ACTIONS[intent.message]
    step = act(replace(matter, now=heard_at(message, matter.now)), message)
    if step.reply is None:
        raise LookupError(f"{intent.message} gives no answer")
    if step.reply.refused:
        return Preview(reply=step.reply)
    decided = step.record.decision
    new = decided is not None and (matter.record.decision is None or decided != matter.record.decision)
    return Preview(
        reply=step.reply,
        refund=decided.amount if decided and new else None,
        money=division(step.file.price, decided.amount, decided.costs) if decided and new else None,
        opens=tuple(Owed.of(duty) for duty in step.opened),
        closes=tuple(step.closed),
    )
