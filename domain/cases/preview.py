"""What an action would do in a case: the very step that the action takes, worked out and not carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from domain.cases import appeals, conversation, desk, evidence, hearing, returns
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
from domain.preview import Intent, Owed, Preview
from domain.settlement import division

ACTIONS: dict[str, tuple[type[Message], Callable[[Matter, Any], Step]]] = {
    "respond": (Response, hearing.respond),
    "offer": (OfferMade, hearing.offer),
    "answer_offer": (OfferAnswer, hearing.answer_offer),
    "withdraw": (Withdrawal, hearing.withdraw),
    "evidence": (EvidenceSent, evidence.add),
    "request_evidence": (EvidenceRequest, evidence.request),
    "message": (CaseMessage, conversation.say),
    "assign": (Assignment, desk.assign),
    "rule": (Ruling, desk.rule),
    "confirm": (Confirmation, desk.confirm),
    "undo": (Undo, desk.undo),
    "inspect": (Inspection, returns.inspect),
    "appeal": (Appeal, appeals.appeal),
}
"""Every action of people in a case, by the name of its message."""


def preview(matter: Matter, intent: Intent) -> Preview:
    """What the action would do at the instant of `matter`; an unknown or malformed one gets a refusal that says so."""
    if intent.message not in ACTIONS:
        return Preview(reply=Reply.no("preview_unknown", message=intent.message[:40], known=", ".join(ACTIONS)))
    model, act = ACTIONS[intent.message]
    try:
        message = model.model_validate(intent.fields)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return Preview(reply=Reply.no("preview_malformed", message=intent.message, wrong=wrong[:200]))
    step = act(matter, message)
    if step.reply is None or step.reply.refused:
        return Preview(reply=step.reply or Reply.yes("noted"))
    decided = step.record.decision
    new = decided is not None and (matter.record.decision is None or decided != matter.record.decision)
    return Preview(
        reply=step.reply,
        refund=decided.amount if decided and new else None,
        money=division(step.file.price, decided.amount, decided.costs) if decided and new else None,
        opens=tuple(Owed.of(duty) for duty in step.opened),
        closes=tuple(step.closed),
    )
