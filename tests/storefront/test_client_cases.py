"""The storefront's client in a case: every message, every question, against a server on which time can be skipped.

The client describes what it speaks to and stamps what it sends, which only a server can answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.cases.record import EvidenceItem
from domain.messages import (
    Appeal,
    Assignment,
    CaseMessage,
    Complaint,
    Confirmation,
    EvidenceRequest,
    EvidenceSent,
    Inspection,
    OfferAnswer,
    OfferMade,
    Proposal,
    Response,
    Ruling,
    Shipped,
    Tracking,
    Undo,
    Verdict,
)
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy import EvidenceKind, Reason, Remedy
from domain.preview import Intent
from storefront.client import Redress
from storefront.errors import BadInput, MessageRefused
from tests.domain.cases.a_case import a_photo
from tests.server_world import ServerWorld, a_server_world
from tests.storefront.orders import a_draft
from tests.world import SHIPMENT, usd

HOUR = timedelta(hours=1)
SHOWN = tuple(
    a_photo(kind)
    for kind in (EvidenceKind.PHOTO_FRONT, EvidenceKind.PHOTO_BACK, EvidenceKind.PHOTO_SIDES, EvidenceKind.PHOTO_PARCEL)
)
"""All that the checklist asks for, so that nothing is asked of the buyer.

The store does not have these files: they are sealed, but nothing is approved on them without a person.
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ServerWorld]:
    """A fresh world with a worker."""
    async with a_server_world(tmp_path) as world:
        yield world


@pytest.fixture
def redress(world: ServerWorld) -> Redress:
    """A client that does not wait long."""
    return Redress(world.client, patience=timedelta(seconds=5))


async def _complained(world: ServerWorld, redress: Redress) -> tuple[str, datetime]:
    """The case of a buyer who holds a fake in their hands, and the instant of their complaint."""
    draft = a_draft(await world.now(), clock=world.clock)
    world.payments.capture(draft.payment_ref, draft.price.total)
    scan = TrackingEvent(status=TrackingStatus.ACCEPTED, at=draft.placed_at + 2 * HOUR)
    arrival = TrackingEvent(status=TrackingStatus.DELIVERED, at=draft.placed_at + 3 * HOUR)
    world.scripted(scan, arrival)
    await redress.start(draft)
    complained_at = draft.placed_at + 3 * HOUR
    await world.at(complained_at)
    await redress.ship("A-1", Shipped(**SHIPMENT.model_dump(), submitted_at=draft.placed_at + HOUR))
    await redress.tracking("A-1", Tracking(events=(scan, arrival)))
    complaint = Complaint(
        reason=Reason.COUNTERFEIT,
        text="The logo is wrong.",
        evidence=SHOWN,
        submitted_at=complained_at,
    )
    return (await redress.complain("A-1", complaint)).case_id, complained_at


async def test_sides_settle_by_an_offer(world: ServerWorld, redress: Redress) -> None:
    """An offer is countered, the counter-offer accepted, and the order ends with what was agreed."""
    case, _ = await _complained(world, redress)
    first = OfferMade(by=Role.SELLER, proposal=Proposal(remedy=Remedy.PARTIAL_REFUND, amount=usd(1_000)))
    counter = OfferMade(by=Role.BUYER, proposal=Proposal(remedy=Remedy.PARTIAL_REFUND, amount=usd(3_000)))

    offered = await redress.offer(case, first)
    countered = await redress.offer(case, counter)
    taken = Intent(message="answer_offer", fields={"by": "seller", "accept": True})
    expected = await redress.preview(case, taken)
    settled = await redress.answer_offer(case, OfferAnswer(by=Role.SELLER, accept=True))
    outcome = await redress.outcome("A-1")

    assert (Verdict.ASKED, "offer_made") == (offered.verdict, offered.code)
    assert {"offer": "o2"} == countered.facts
    assert (expected.reply, usd(3_000)) == (settled, expected.refund)
    assert usd(3_000) == outcome.decision.refund


async def test_support_hears_rules_and_is_appealed(world: ServerWorld, redress: Redress) -> None:
    """From contest to appeal: the desk's messages, the conversation apart from the notes, and the reasons."""
    case, complained_at = await _complained(world, redress)
    await redress.respond(case, Response(accept=False, text="It is genuine."))
    await redress.assign(case, Assignment(agent="agent-7", by="lead-1"))
    await redress.message(case, CaseMessage(by=Role.BUYER, text="Is anybody there?"))
    await redress.message(case, CaseMessage(by=Role.SUPPORT, author="agent-7", text="Old account", internal=True))
    asked = await redress.request_evidence(
        case, EvidenceRequest(agent="agent-7", of=Role.SELLER, kinds=(EvidenceKind.RECEIPT,))
    )
    await redress.evidence(case, EvidenceSent(by=Role.SELLER, items=(a_photo(EvidenceKind.RECEIPT),)))
    conversation, notes = await redress.conversation(case), await redress.notes(case)
    ruling = Ruling(agent="agent-7", remedy=Remedy.RELEASE, reason="The receipt convinces.", rests_on=("e5",))
    await redress.rule(case, ruling)
    await redress.undo(case, Undo(agent="agent-7", text="Wrong key"))
    ruled = await redress.rule(case, ruling)
    with pytest.raises(MessageRefused, match="no ruling waits"):
        await redress.confirm(case, Confirmation(agent="agent-8"))
    with pytest.raises(MessageRefused, match="there is no return to inspect"):
        await redress.inspect(case, Inspection(finding="as_sent"))
    await redress.track_return(case, Tracking())
    await world.at(complained_at + 5 * HOUR)
    appealed = await redress.appeal(
        case, Appeal(by=Role.BUYER, evidence=(EvidenceItem(kind=EvidenceKind.STATEMENT, text="An expert's word"),))
    )
    reasons = await redress.reasons(case)

    assert "evidence_requested" == asked.code
    assert (["The logo is wrong.", "It is genuine.", "Is anybody there?"], ["Old account"]) == (
        [said.text for said in conversation.messages],
        [said.text for said in notes],
    )
    assert Role.SUPPORT in {awaited.owner for awaited in conversation.awaited}
    assert ("ruled", "appealed") == (ruled.code, appealed.code)
    assert [(2, Remedy.RELEASE)] == [(one.number, one.remedy) for one in reasons]
    assert ("evidence:e5",) in {sentence.basis for sentence in reasons[0].sentences}
    refused = [entry.facts["message"] for entry in await redress.timeline(case) if entry.what == "refused"]
    assert ["confirm", "inspect", "tracking"] == refused


async def test_preview_of_an_order_and_of_nonsense(world: ServerWorld, redress: Redress) -> None:
    """A preview changes nothing, and an unknown action is told the ones there are."""
    draft = a_draft(await world.now(), clock=world.clock)
    world.payments.capture(draft.payment_ref, draft.price.total)
    await redress.start(draft)

    cancelled = await redress.preview("A-1", Intent(message="cancel", fields={"by": "seller"}))
    nonsense = await redress.preview("A-1", Intent(message="fly"))

    assert (Verdict.ACCEPTED, draft.price.total) == (cancelled.reply.verdict, cancelled.refund)
    assert (Verdict.REFUSED, "preview_unknown") == (nonsense.reply.verdict, nonsense.reply.code)
    assert ("awaiting_shipment", 0) == (
        (await redress.status("A-1")).state,
        (await redress.status("A-1")).rejected,
    )


async def test_questions_of_a_case_are_not_asked_of_an_order(redress: Redress) -> None:
    """Conversation, notes and reasons belong to a case."""
    for ask in (redress.conversation("A-1"), redress.notes("A-1"), redress.reasons("order-A-1")):
        with pytest.raises(BadInput, match="is not a case"):
            await ask
