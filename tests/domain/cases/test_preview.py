"""Previews: the consequences of an action, by the same step, with nothing done."""

from typing import Any

import pytest

from domain.cases.preview import ACTIONS, preview
from domain.duties import DutyKind
from domain.parties import Role
from domain.policy import CaseState, Remedy
from domain.preview import Intent
from domain.settlement import division
from tests.domain.cases.a_case import Sitting, a_file, a_photo, complete, dear, proposal, usd, words

SHOWN = complete()


def asked() -> Sitting:
    """A case that waits for its seller."""
    return Sitting(a_file(evidence=SHOWN), errands=False)


def contested() -> Sitting:
    """A case that is with support."""
    return asked().contested()


def offered() -> Sitting:
    """A case with an open offer of the seller."""
    sitting = asked()
    sitting.say("offer", by=Role.SELLER, proposal=proposal(5_000))
    return sitting


def ruled(items: int = 11_000) -> Sitting:
    """A ruling that waits."""
    sitting = Sitting(a_file(dear(items), evidence=SHOWN), errands=False).contested()
    sitting.ruled(Remedy.REFUND_AND_KEEP)
    return sitting


def inspecting() -> Sitting:
    """A return that is with the seller."""
    sitting = Sitting(a_file(evidence=SHOWN))
    sitting.say("respond", accept=True)
    sitting.returned()
    sitting._errands = False
    return sitting


def settled() -> Sitting:
    """A ruling that has taken effect."""
    sitting = Sitting(a_file(evidence=SHOWN)).contested().decided(Remedy.PARTIAL_REFUND, 5_000)
    sitting._errands = False
    return sitting


TRIED: dict[str, tuple[Sitting, dict[str, Any]]] = {
    "respond": (asked(), {"accept": True}),
    "offer": (asked(), {"by": "seller", "proposal": {"remedy": "partial_refund", "amount": usd(900).model_dump()}}),
    "answer_offer": (offered(), {"by": "buyer", "accept": True}),
    "withdraw": (asked(), {}),
    "evidence": (asked(), {"by": "seller", "items": [words("So.").model_dump()]}),
    "request_evidence": (contested(), {"agent": "kim", "of": "buyer"}),
    "message": (contested(), {"by": "buyer", "text": "Well?"}),
    "assign": (contested(), {"agent": "kim"}),
    "rule": (contested(), {"agent": "kim", "remedy": "refund_and_keep", "reason": "So."}),
    "confirm": (ruled(80_000), {"agent": "lee"}),
    "undo": (ruled(), {"agent": "lee", "text": "A slip."}),
    "inspect": (
        inspecting(),
        {"finding": "worse", "deduction": usd(900).model_dump(), "evidence": [a_photo("unboxing").model_dump()]},
    ),
    "appeal": (settled(), {"by": "buyer", "evidence": [words("New.").model_dump()]}),
}
"""For each action a case in which it is accepted."""


@pytest.mark.parametrize("action", ACTIONS)
def test_a_preview_is_what_the_action_then_does(action: str) -> None:
    """Reply, duties and money are those of the action itself, and trying it has changed nothing."""
    sitting, fields = TRIED[action]
    record, duties = sitting.record, sitting.matter.duties

    seen = preview(sitting.matter, Intent(message=action, fields=fields))

    assert not seen.reply.refused
    assert (record, duties) == (sitting.record, sitting.duties)
    before = record.decision
    assert seen.reply == sitting.say(action, **fields)
    step = sitting.steps[-1]
    assert [duty.kind for duty in step.opened] == [owed.kind for owed in seen.opens]
    assert [duty.agreed_due for duty in step.opened] == [owed.due for owed in seen.opens]
    assert tuple(step.closed) == seen.closes
    after = sitting.record.decision
    assert (after.amount if after and after != before else None) == seen.refund
    if after and seen.refund is not None:
        assert division(sitting.file.price, after.amount, after.costs) == seen.money


@pytest.mark.parametrize("action", ACTIONS)
def test_a_refusal_is_the_actions_own(action: str) -> None:
    """What would be refused is refused with the same words, and would open nothing."""
    sitting = asked()
    sitting.say("withdraw")
    fields = TRIED[action][1]

    seen = preview(sitting.matter, Intent(message=action, fields=fields))

    assert CaseState.WITHDRAWN is sitting.state
    assert seen.reply == sitting.say(action, **fields)
    assert ("case_over", (), (), None) == (seen.reply.code, seen.opens, seen.closes, seen.refund)


def test_it_shows_what_a_ruling_means() -> None:
    """The buyer's refund, how the rest divides, and the window in which it can be undone."""
    seen = preview(
        contested().matter,
        Intent(message="rule", fields={"agent": "kim", "remedy": "release", "reason": "So."}),
    )

    assert usd(0) == seen.refund
    assert seen.money is not None
    assert (0, 8_800) == (seen.money.buyer.minor, seen.money.seller.minor)
    assert [DutyKind.TAKE_EFFECT] == [owed.kind for owed in seen.opens]
    assert DutyKind.DECIDE_CASE in seen.closes


@pytest.mark.parametrize(
    ("message", "fields", "code"),
    [
        ("dance", {}, "preview_unknown"),
        ("rule", {"agent": "kim"}, "preview_malformed"),
        ("offer", {"by": "buyer", "proposal": {"remedy": "magic"}}, "preview_malformed"),
    ],
)
def test_what_is_no_action_is_told(message: str, fields: dict[str, Any], code: str) -> None:
    """An unknown message or wrong fields get a refusal that says so."""
    assert code == preview(contested().matter, Intent(message=message, fields=fields)).reply.code
