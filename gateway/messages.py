"""Every message of the contract that comes in by HTTP: where, from whom, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.cases.step import SIDES
from domain.messages import (
    Acceptance,
    Appeal,
    Assignment,
    Cancel,
    CaseMessage,
    Chargeback,
    Complaint,
    Confirmation,
    Disruption,
    EvidenceRequest,
    EvidenceSent,
    Extend,
    Inspection,
    Message,
    OfferAnswer,
    OfferMade,
    Response,
    Ruling,
    Shipped,
    Tracking,
    Undo,
    Withdrawal,
)
from domain.parties import Role
from gateway.keys import ApiKey, KeyRole
from gateway.problems import FieldProblem, Rejected

_SPEAKS_FOR: Final = {KeyRole.STOREFRONT: frozenset(SIDES), KeyRole.SUPPORT: frozenset({Role.SUPPORT})}


@dataclass(frozen=True, slots=True)
class Door:
    """One message: the last part of its address, its model, the client's method that sends it, and who may.

    `left` is the contract's name of a message that gets no answer of its own.
    """

    path: str
    model: type[Message]
    does: str
    roles: tuple[KeyRole, ...]
    summary: str
    left: str = ""


_STOREFRONT = (KeyRole.STOREFRONT,)
_SUPPORT = (KeyRole.SUPPORT,)
_BOTH = (KeyRole.STOREFRONT, KeyRole.SUPPORT)
_CARRIER = (KeyRole.CARRIER,)
_PAYMENTS = (KeyRole.PAYMENTS,)
_OPERATIONS = (KeyRole.OPERATIONS,)

_DISRUPTION = Door(
    "disruptions", Disruption, "disrupt", _OPERATIONS, "A storm or strike moves clocks", left="disruption"
)

TO_ORDERS: Final = (
    Door("shipped", Shipped, "ship", _STOREFRONT, "The seller says that the parcel is on its way", left="shipped"),
    Door("complaints", Complaint, "complain", _STOREFRONT, "The buyer reports a problem: a case is opened"),
    Door("accept", Acceptance, "accept", _STOREFRONT, "The buyer is content", left="buyer_accepts"),
    Door("cancel", Cancel, "cancel", _STOREFRONT, "Buyer or seller cancels, or the seller answers"),
    Door("extend", Extend, "extend", _STOREFRONT, "The seller asks for more time, the buyer answers or grants it"),
    Door("tracking", Tracking, "tracking", _CARRIER, "News of the parcel", left="tracking"),
    Door("chargebacks", Chargeback, "chargeback", _PAYMENTS, "A chargeback or its result", left="chargeback"),
    _DISRUPTION,
)

TO_CASES: Final = (
    Door("respond", Response, "respond", _STOREFRONT, "The seller accepts, contests or proposes something else"),
    Door("offers", OfferMade, "offer", _BOTH, "A side, or an agent between them, proposes a settlement"),
    Door("offers/answer", OfferAnswer, "answer_offer", _STOREFRONT, "A side takes or leaves the open offer"),
    Door("withdraw", Withdrawal, "withdraw", _STOREFRONT, "The buyer takes the complaint back"),
    Door("evidence", EvidenceSent, "evidence", _BOTH, "A side or an agent hands evidence in", left="evidence"),
    Door("messages", CaseMessage, "message", _BOTH, "Somebody writes, or support keeps a note", left="message"),
    Door("inspect", Inspection, "inspect", _STOREFRONT, "The seller says what came back"),
    Door("appeal", Appeal, "appeal", _STOREFRONT, "A side has another agent decide anew"),
    Door("tracking", Tracking, "track_return", _CARRIER, "News of the goods on their way back", left="tracking"),
    _DISRUPTION,
    Door("assign", Assignment, "assign", _SUPPORT, "The case is given to an agent"),
    Door("evidence-requests", EvidenceRequest, "request_evidence", _SUPPORT, "An agent asks a side for evidence"),
    Door("rule", Ruling, "rule", _SUPPORT, "An agent decides"),
    Door("confirm", Confirmation, "confirm", _SUPPORT, "Another agent confirms a ruling, or gives the case back"),
    Door("undo", Undo, "undo", _SUPPORT, "Support takes a ruling back before money has moved"),
)


def check_speaker(key: ApiKey, message: Message) -> None:
    """A storefront speaks for buyers and sellers, a desk for support. Raises Rejected for anybody else's words."""
    by = getattr(message, "by", None)
    if not isinstance(by, Role):
        return
    may = frozenset[Role]().union(*(_SPEAKS_FOR.get(role, ()) for role in key.roles))
    if by not in may:
        raise _not_yours("by", "speaks_for", f"this key speaks for {' and '.join(sorted(may)) or 'nobody'}")
    if isinstance(message, CaseMessage) and message.internal and KeyRole.SUPPORT not in key.roles:
        raise _not_yours("internal", "speaks_for", "notes are for keys with the role support")


def _not_yours(field: str, rule: str, detail: str) -> Rejected:
    remedy = "Use a key with the role for it, or say it as somebody for whom this key speaks."
    return Rejected(
        "forbidden",
        f"{field}: {detail}.",
        remedy=remedy,
        errors=[FieldProblem(field=field, rule=rule, detail=detail, remedy=remedy)],
    )
