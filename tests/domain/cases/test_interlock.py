"""The interlock with chargebacks: the bank decides first, and the case stands still meanwhile."""

from datetime import timedelta

import pytest

from domain.cases import interlock
from domain.cases.statements import statements
from domain.duties import DutyKind
from domain.messages import ChargebackState, Overtaken
from domain.parties import Role
from domain.policy import CaseState, Reason, Remedy
from tests.domain.cases.a_case import Sitting, a_file, complete, owed, proposal, words

OPENED, WON, LOST = ChargebackState.OPENED, ChargebackState.WON, ChargebackState.LOST


def frozen() -> Sitting:
    """A contested case that a chargeback holds."""
    return Sitting(a_file(evidence=complete())).contested().wait(hours=1).bank(OPENED)


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("respond", {"accept": True}),
        ("offer", {"by": "buyer", "proposal": proposal(100)}),
        ("answer_offer", {"by": "buyer", "accept": True}),
        ("withdraw", {}),
        ("request_evidence", {"agent": "kim", "of": "buyer"}),
        ("rule", {"agent": "kim", "remedy": "release", "reason": "So."}),
        ("confirm", {"agent": "lee"}),
        ("undo", {"agent": "lee", "text": "No."}),
        ("inspect", {"finding": "as_sent"}),
        ("appeal", {"by": "buyer", "evidence": (words("New."),)}),
    ],
)
def test_nothing_is_decided_while_the_bank_decides(action: str, fields: dict[str, object]) -> None:
    """Every action that could change the outcome is refused, with the chargeback's id."""
    reply = frozen().say(action, **fields)

    assert ("case_frozen", "cb-1") == (reply.code, reply.facts["chargeback"])


def test_evidence_and_words_are_still_taken() -> None:
    """What speaks in the chargeback too can be added meanwhile."""
    sitting = frozen()

    assert not sitting.evidence(Role.SELLER, words("Packed with care.")).refused
    assert not sitting.say("message", by=Role.BUYER, text="Hello?").refused
    assert not sitting.say("assign", agent="kim").refused


def test_the_bundle_is_handed_over_once() -> None:
    """The bank gets what the case has."""
    sitting = frozen()

    assert sitting.record.freeze is not None
    assert sitting.record.freeze.handed_over
    assert 1 == sitting.notes.count("bundle_handed_over")


def test_all_clocks_stand_still_and_run_on() -> None:
    """A chargeback that was won leaves every duty the time that it had left."""
    sitting = Sitting(a_file(evidence=complete())).contested().wait(hours=1)
    before = {kind: duty.due for kind, duty in sitting.duties.items()}

    sitting.bank(OPENED)
    still = [duty.due for duty in sitting.duties.values()]
    sitting.wait(days=20).bank(WON, left=12_900)

    assert [None] * len(before) == still
    assert {kind: due + timedelta(days=20) for kind, due in before.items() if due} == {
        kind: duty.due for kind, duty in sitting.duties.items()
    }
    assert not sitting.ruled(Remedy.RELEASE).refused


def test_a_chargeback_that_took_all_ends_the_case() -> None:
    """Nothing is left to divide: the case is overtaken, without duties and no longer frozen."""
    sitting = frozen().bank(LOST, left=0)

    assert (CaseState.OVERTAKEN, set(), None) == (sitting.state, owed(sitting), sitting.record.freeze)
    assert "charged_back" in [note.facts.get("ending") for note in sitting.steps[-1].notes]


def test_a_chargeback_that_took_a_part_lets_the_case_go_on() -> None:
    """What is left can still be divided."""
    sitting = frozen().bank(LOST, left=500)

    assert (CaseState.WITH_SUPPORT, None) == (sitting.state, sitting.record.freeze)


def test_only_its_own_result_unfreezes_a_case() -> None:
    """The result of another chargeback changes nothing, nor does the same chargeback once more."""
    sitting = frozen()
    since = sitting.record.freeze

    sitting.wait(hours=1).bank(OPENED).bank(WON, left=12_900, chargeback_id="cb-2")

    assert since == sitting.record.freeze


def test_a_late_answer_of_the_bank_finds_a_case_that_is_over() -> None:
    """Nothing happens to it any more."""
    sitting = Sitting(a_file(evidence=complete()))
    sitting.say("withdraw")
    record = sitting.record

    sitting.bank(OPENED).bank(LOST).overtaken()

    assert record == sitting.record


def test_an_order_that_ended_otherwise_ends_its_case() -> None:
    """Without a decision of its own the case has no remedy, and every duty is over."""
    sitting = Sitting(a_file(evidence=complete())).overtaken()

    assert (CaseState.OVERTAKEN, None, set()) == (sitting.state, sitting.decision.remedy, owed(sitting))


def test_a_parcel_that_arrives_ends_the_case_about_its_lateness() -> None:
    """The statement says so, and not that the order is over."""
    sitting = Sitting(a_file(reason=Reason.LATE))
    sitting.take(interlock.overtaken(sitting.matter, Overtaken(ending="arrived")))

    (statement,) = statements(sitting.matter)

    assert (CaseState.OVERTAKEN, None) == (sitting.state, statement.remedy)
    assert "The parcel arrived before the case was decided." in [one.text["en"] for one in statement.sentences]


def test_what_took_effect_stands() -> None:
    """A decision that has moved money remains the case's decision when the order ends otherwise."""
    sitting = Sitting(a_file(evidence=complete())).contested().decided(Remedy.PARTIAL_REFUND, 5_000).overtaken()

    assert (CaseState.OVERTAKEN, 5_000) == (sitting.state, sitting.decision.amount.minor)
    assert not {DutyKind.BUYER_MAY_APPEAL, DutyKind.SELLER_MAY_APPEAL} & owed(sitting)
