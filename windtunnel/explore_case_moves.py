"""What the two sides, support and the carrier of the return can do in a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from domain.cases.preview import ACTIONS
from domain.cases.record import EvidenceItem
from domain.messages import (
    Appeal,
    Assignment,
    CaseMessage,
    Confirmation,
    EvidenceRequest,
    EvidenceSent,
    Finding,
    Inspection,
    Message,
    OfferAnswer,
    OfferMade,
    Proposal,
    Response,
    Ruling,
    Undo,
    Withdrawal,
)
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy import EvidenceKind, Remedy
from windtunnel.explore_move import Move, can_be_scanned, file, said, say, scan, share
from windtunnel.explore_position import Position

_AGENTS: Final = ("ana", "bo", "cy")


# --- to the case ---


def _to_case(name: str, handler: str, message: Callable[[Position], Message]) -> Move:
    # What bars support from an offer does not bar the sides.
    door = name if handler == "offer" else handler

    def make(position: Position) -> None:
        if position.case_id:
            say(position, position.case_id, handler, message(position))

    def possible(position: Position) -> bool:
        matter = position.matter
        if matter is None or matter.record.over or position.shut(door):
            return False
        _, act = ACTIONS[handler]
        return position.judged(door, act(matter, message(position)).reply)

    return Move(name, make, possible)


def _new_item(position: Position, by: Role, *, tampered: bool = False) -> EvidenceItem:
    held = len(position.matter.record.evidence) if position.matter else 0
    return file(EvidenceKind.PHOTO_DEFECT, by, 100 + held, tampered=tampered)


def _evidence(by: Role, position: Position, *, tampered: bool = False) -> Message:
    return EvidenceSent(by=by, items=(_new_item(position, by, tampered=tampered),))


def _respond(position: Position, *, accept: bool, offer: bool = False, shown: bool = False) -> Message:
    proposal = Proposal(remedy=Remedy.PARTIAL_REFUND, amount=share(position, 4)) if offer else None
    evidence = (_new_item(position, Role.SELLER),) if shown else ()
    return Response(accept=accept, offer=proposal, evidence=evidence)


def _offer(by: Role, position: Position, remedy: Remedy = Remedy.PARTIAL_REFUND) -> Message:
    amount = share(position, 3) if remedy is Remedy.PARTIAL_REFUND else None
    return OfferMade(by=by, author=_AGENTS[0], proposal=Proposal(remedy=remedy, amount=amount))


def _rule(agent: str, remedy: Remedy, position: Position) -> Message:
    amount = share(position, 2) if remedy is Remedy.PARTIAL_REFUND else None
    return Ruling(agent=agent, remedy=remedy, reason="It was shown.", amount=amount)


def _appeal(by: Role, position: Position) -> Message:
    return Appeal(by=by, evidence=(_new_item(position, by),))


def _inspect(finding: Finding, position: Position) -> Message:
    deduction = share(position, 10) if finding is Finding.WORSE else None
    return Inspection(finding=finding, deduction=deduction, evidence=(_new_item(position, Role.SELLER),))


def _scan_return(status: TrackingStatus, *, pushed: bool = True) -> Move:
    def make(position: Position) -> None:
        if not position.case_id:
            return
        transit = position.case(position.case_id).transit
        event = TrackingEvent(status=status, at=position.now)
        scan(position, transit.parcel if transit else None, event, position.case_id, pushed=pushed)

    def possible(position: Position) -> bool:
        transit = position.case(position.case_id).transit if position.case_id else None
        return transit is not None and can_be_scanned(position, transit.parcel, status)

    return Move(f"return {status}{'' if pushed else ' unheard'}", make, possible)


def moves_of_cases() -> Iterator[Move]:
    """Every move in a case."""
    yield _to_case("seller gives in", "respond", partial(_respond, accept=True))
    yield _to_case("seller contests", "respond", partial(_respond, accept=False))
    yield _to_case("seller contests and shows", "respond", partial(_respond, accept=False, shown=True))
    yield _to_case("seller answers with an offer", "respond", partial(_respond, accept=False, offer=True))
    for by in (Role.BUYER, Role.SELLER, Role.SUPPORT):
        yield _to_case(f"{by} offers a part", "offer", partial(_offer, by))
    yield _to_case("seller offers all", "offer", partial(_offer, Role.SELLER, remedy=Remedy.REFUND_AND_KEEP))
    for by in (Role.BUYER, Role.SELLER):
        for accept in (True, False):
            answer = OfferAnswer(by=by, accept=accept)
            yield _to_case(f"{by} {'takes' if accept else 'leaves'} the offer", "answer_offer", said(answer))
        yield _to_case(f"{by} shows more", "evidence", partial(_evidence, by))
        yield _to_case(f"support asks {by}", "request_evidence", said(EvidenceRequest(agent=_AGENTS[0], of=by)))
        yield _to_case(f"{by} writes", "message", said(CaseMessage(by=by, text="And now?")))
        yield _to_case(f"{by} appeals", "appeal", partial(_appeal, by))
    yield _to_case("buyer shows a file that was exchanged", "evidence", partial(_evidence, Role.BUYER, tampered=True))
    yield _to_case("support writes", "message", said(CaseMessage(by=Role.SUPPORT, author="ana", text="We look.")))
    yield _to_case("buyer withdraws", "withdraw", said(Withdrawal()))
    yield _to_case("support assigns", "assign", said(Assignment(agent=_AGENTS[0])))
    for agent in _AGENTS:
        for remedy in Remedy:
            yield _to_case(f"{agent} rules {remedy}", "rule", partial(_rule, agent, remedy))
        yield _to_case(f"{agent} confirms", "confirm", said(Confirmation(agent=agent)))
    yield _to_case("bo does not confirm", "confirm", said(Confirmation(agent=_AGENTS[1], agree=False)))
    yield _to_case("support undoes", "undo", said(Undo(agent=_AGENTS[0], text="A mistake.")))
    for finding in Finding:
        yield _to_case(f"seller finds {finding}", "inspect", partial(_inspect, finding))
    for status in (
        TrackingStatus.ACCEPTED,
        TrackingStatus.DELIVERED,
        TrackingStatus.RETURNING,
        TrackingStatus.RETURNED,
    ):
        yield _scan_return(status)
    yield _scan_return(TrackingStatus.DELIVERED, pushed=False)
