"""What the command line shows of a case, without a server: the answers of its questions, drawn as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

from rich.console import Console

from domain.cases import conversation, desk, exhibits, hearing, opening, statements
from domain.cases.case import Delivery, Matter
from domain.cases.preview import preview
from domain.cases.step import Step
from domain.messages import CaseMessage, Complaint, Message, Response, Ruling
from domain.parties import Role
from domain.policy import EvidenceKind, Reason, Remedy
from domain.preview import Intent
from storefront import show
from tests.domain.cases.a_case import a_photo
from tests.world import BEGINNING, SHIPMENT, an_order

HOUR = timedelta(hours=1)


def _shown(draw: Callable[..., None], *answers: Any) -> str:
    text = StringIO()
    draw(Console(file=text, width=200, markup=False, highlight=False), *answers)
    return text.getvalue()


def _after(matter: Matter, act: Callable[[Matter, Any], Step], message: Message) -> Matter:
    step = act(Matter(file=matter.file, record=matter.record, duties=matter.duties, now=matter.now + HOUR), message)
    assert step.reply is not None
    assert not step.reply.refused, step.reply.text
    return step.matter


def _contested() -> Matter:
    """A case about a fake, with support; each side has said and shown something."""
    order = an_order(BEGINNING)
    complaint = Complaint(
        reason=Reason.COUNTERFEIT,
        text="The logo is [bold]wrong",
        evidence=(a_photo(EvidenceKind.UNBOXING, uri="sandbox://filmed"),),
    )
    packing = (a_photo(EvidenceKind.PACKING, uri="sandbox://packed"),)
    delivery = Delivery(shipment=SHIPMENT, delivered_at=BEGINNING + 20 * HOUR)
    at = BEGINNING + 24 * HOUR
    matter = opening.open_case(opening.case_file(order, complaint, delivery, 1, at, at, packing=packing)).matter
    matter = _after(matter, hearing.respond, Response(accept=False))
    note = CaseMessage(by=Role.SUPPORT, author="agent-7", text="An old account", internal=True)
    return _after(matter, conversation.say, note)


def test_conversation_names_who_must_answer_and_keeps_notes_apart() -> None:
    """Markup of people is shown as they wrote it; support's notes are drawn by their own command alone."""
    matter = _contested()

    read = _shown(show.conversation, conversation.as_read(matter), "en")
    notes = _shown(show.notes, [said for said in matter.record.conversation if said.internal])

    assert "m1  buyer, chat: The logo is [bold]wrong" in read
    assert "next  support: decide the case, by 2026-" in read
    assert ("old account" in read.lower(), "m2  support agent-7, chat: An old account" in notes) == (False, True)


def test_exhibits_stand_beside_each_other() -> None:
    """What was filmed on unpacking stands in the row of what was filmed on packing."""
    lines = _shown(show.exhibits, exhibits.exhibits(_contested()), "en").splitlines()

    (row,) = (line for line in lines if line.startswith("packing record"))
    assert ["e1", "sandbox://filmed", "e2", "sandbox://packed"] == row.split()[2:]
    assert lines[-1].startswith("  missing  photo of the front, ")


def test_preview_shows_money_and_duties_and_says_that_nothing_was_done() -> None:
    """A preview cannot be mistaken for the act."""
    fields = {"agent": "agent-7", "remedy": "refund_and_keep", "reason": "Fake"}

    drawn = _shown(show.preview, preview(_contested(), Intent(message="rule", fields=fields)), "zh")

    assert drawn.startswith("Nothing was done. It would be answered:\nAccepted: ")
    assert "  money   buyer USD 129.00, seller USD 0.00, platform USD 0.00, tax USD 0.00" in drawn
    assert "(resale-v1/support.undo)" in drawn


def test_reasons_show_what_each_sentence_rests_on() -> None:
    """Every line of a statement ends with its basis, in the language that was asked for."""
    ruling = Ruling(agent="agent-7", remedy=Remedy.REFUND_AND_KEEP, reason="Fake", rests_on=("e1",))
    matter = _after(_contested(), desk.rule, ruling)

    english, chinese = (_shown(show.reasons, statements.statements(matter), lang) for lang in ("en", "zh"))

    assert "  The agent rests this on e1.  [evidence:e1]\n" in english
    assert "e1" in chinese
    assert "rests this" not in chinese
    assert all(line.endswith("]") for line in english.splitlines()[1:])
    assert "nothing is decided yet\n" == _shown(show.reasons, ())
