"""From options to messages: what cannot be right is told before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.cases.record import StandingRule
from domain.messages import Complaint, EvidenceRequest, EvidenceSent, Inspection, Message, OfferMade, Proposal, Ruling
from domain.money import Money
from domain.parties import Role
from domain.policy import Remedy
from storefront import messages
from storefront.client import Redress
from storefront.errors import BadInput
from tests.world import usd


def _problems(model: type[Message], **given: Any) -> tuple[str, ...]:
    with pytest.raises(BadInput) as caught:
        messages.message(model, **given)
    return caught.value.problems


def test_every_command_is_a_method_of_the_client() -> None:
    """A command hands its message to the method of its name."""
    assert [] == [name for name in (*messages.LEFT, *messages.ASKED) if not callable(getattr(Redress, name, None))]


def test_offer_holds_its_proposal() -> None:
    """Remedy and amount of an offer are what it proposes."""
    made = messages.message(
        OfferMade, by="seller", remedy="partial_refund", amount="USD 20.00", author="", expires=None
    )

    assert Proposal(remedy=Remedy.PARTIAL_REFUND, amount=usd(2_000)) == made.proposal


def test_complaint_can_say_what_would_settle_it() -> None:
    """Who says beforehand for how much off they keep the item need not be asked later."""
    complaint = messages.message(Complaint, reason="damaged", keep_for=30)

    assert (StandingRule(by=Role.BUYER, remedy=Remedy.PARTIAL_REFUND, percent=30),) == complaint.standing


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        (Ruling, {"remedy": "partial_refund"}, "amount: a partial refund needs one"),
        (Ruling, {"remedy": "release", "amount": "USD 1.00"}, "amount: release has its own; leave it out"),
        (OfferMade, {"remedy": "partial_refund"}, "amount: a partial refund needs one"),
        (Inspection, {"finding": "worse"}, "deduction: say how much is kept"),
        (Inspection, {"finding": "empty", "deduction": "USD 1.00"}, "deduction: only goods that came back in worse"),
        (EvidenceRequest, {"agent": "x", "of": "buyer", "kinds": ["foto"]}, "evidence: 'foto' is no kind of evidence"),
        (EvidenceSent, {"by": "buyer", "items": ["abc"]}, "evidence: item 1 is neither KIND@FILE nor KIND=TEXT"),
        (EvidenceSent, {"by": "buyer", "items": ["other=x"], "uris": ["s3://a/b"]}, "uri: say where each file is"),
    ],
)
def test_what_would_count_for_nothing_is_told(model: type[Message], given: dict[str, Any], expected: str) -> None:
    """An amount that lacks or would be passed over, a kind that no checklist knows, an address without a file."""
    (problem,) = _problems(model, **given)

    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("command", "subject", "expected"),
    [
        ("rule", "A-1", "A-1 is not a case"),
        ("evidence", "order-A-1", "order-A-1 is not a case"),
        ("cancel", "case-A-1-1", "case-A-1-1 is a case, and this goes to its order: give A-1."),
    ],
)
def test_wrong_address_is_told(command: str, subject: str, expected: str) -> None:
    """What a case takes is not left with an order, nor the reverse."""
    with pytest.raises(BadInput, match=expected):
        messages.addressed(command, subject)


def test_fields_of_a_preview() -> None:
    """Texts, JSON and amounts, with dots into objects: what the message itself would hold."""
    written = ("by=seller", "proposal.remedy=partial_refund", "proposal.amount=USD 20.00", "text=a=b")

    fields = messages.fields("offer", written)

    assert {
        "by": "seller",
        "proposal": {"remedy": "partial_refund", "amount": Money(minor=2_000, currency="USD").model_dump()},
        "text": "a=b",
    } == fields
    assert {"accept": True} == messages.fields("respond", ["accept:=true"])


@pytest.mark.parametrize(
    ("of", "written", "expected"),
    [
        ("respond", ["accept"], "Field 1 cannot be read: write key=text"),
        ("respond", ["accept:=yes"], "accept is not JSON"),
        ("respond", ["acept:=true"], "acept: there is no such field; check its spelling"),
        ("rule", ["remedy=half", "agent=x", "reason=y"], "remedy: Input should be 'return_for_refund'"),
        ("offer", ["proposal=x", "proposal.remedy=release"], "leads into proposal, which has a value of its own"),
        ("open_case", ["reson=damaged"], "reson: there is no such field"),
    ],
)
def test_malformed_fields_are_told(of: str, written: list[str], expected: str) -> None:
    """What the message could not hold is told before anybody is asked."""
    with pytest.raises(BadInput) as caught:
        messages.fields(of, written)

    assert expected in str(caught.value)


def test_text_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash reads standard input, for a long reason as for a preview in JSON."""
    given = tmp_path / "given.json"
    given.write_text('{"accept": false}', encoding="utf-8")

    with given.open(encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        fields = messages.fields("respond", ["-"])

    assert {"accept": False} == fields
