"""Statements of reasons: each kind of decision is explained, and nothing is said that has nothing behind it."""

from collections.abc import Callable

import pytest

from domain.cases import returns
from domain.cases.record import Ground, Resolution
from domain.cases.statements import Statement, Unfounded, check, statement, statements
from domain.duties import DutyKind
from domain.messages import ChargebackState
from domain.parties import Role
from domain.policy import CaseState, Reason, Remedy
from tests.domain.cases.a_case import (
    GOOD,
    Sitting,
    a_file,
    a_photo,
    a_policy,
    complete,
    dear,
    gives,
    proposal,
    takes,
    usd,
    words,
)

SHOWN = complete()
NEW = (a_photo("unboxing"),)


def asked() -> Sitting:
    """A case that waits for its seller."""
    return Sitting(a_file(evidence=SHOWN))


def accepted() -> Sitting:
    """The seller has accepted, and the goods are to come back."""
    sitting = asked()
    sitting.say("respond", accept=True)
    return sitting


def did(sitting: Sitting, action: str, **fields: object) -> Sitting:
    """The case after an action that is accepted."""
    assert not sitting.say(action, **fields).refused
    return sitting


def confirmed() -> Sitting:
    """A dear case that two agents have decided, with what it rests on."""
    sitting = Sitting(a_file(dear(), evidence=SHOWN)).contested()
    sitting.ruled(Remedy.REFUND_AND_KEEP, rests_on=("e1", "m1"))
    return did(sitting, "confirm", agent="lee").until(DutyKind.TAKE_EFFECT)


def appealed() -> Sitting:
    """A ruling against which the buyer has appealed."""
    sitting = asked().contested().decided(Remedy.PARTIAL_REFUND, 5_000)
    return did(sitting, "appeal", by=Role.BUYER, evidence=(words("New."),))


def disrupted() -> Sitting:
    """A late parcel that a storm explains."""
    delivery = a_file().delivery.model_copy(update={"disrupted_by": ("storm-1",)})
    return Sitting(a_file(reason=Reason.LATE, delivery=delivery)).contested()


def met() -> Sitting:
    """An offer that a standing rule has taken."""
    sitting = Sitting(a_file(evidence=SHOWN, standing=(takes(30),)))
    return did(sitting, "offer", by=Role.SELLER, proposal=proposal(3_300))


def signed() -> Sitting:
    """Something dear that was signed for."""
    delivery = a_file().delivery.model_copy(update={"signed": True})
    return Sitting(a_file(dear(), reason=Reason.NOT_RECEIVED, delivery=delivery)).contested()


DECIDED: dict[str, tuple[Callable[[], Sitting], set[str]]] = {
    "fast track": (
        lambda: Sitting(a_file(evidence=SHOWN), histories=GOOD),
        {"within_limit", "evidence_complete", "good_standing", "seller_not_trusted", "by_automation"},
    ),
    "accepted": (accepted, {"seller_accepted", "by_a_person"}),
    "offer accepted": (
        lambda: did(
            did(asked(), "offer", by=Role.SELLER, proposal=proposal(100)), "answer_offer", by=Role.BUYER, accept=True
        ),
        {"agreed"},
    ),
    "rules met": (lambda: Sitting(a_file(evidence=SHOWN, standing=(gives(30), takes(30)))), {"agreed"}),
    "offer met a rule": (met, {"agreed"}),
    "protected by tracking": (
        lambda: Sitting(a_file(reason=Reason.NOT_RECEIVED)).contested(),
        {"delivered_by_tracking", "no_signature_needed"},
    ),
    "protected by signature": (signed, {"delivered_by_tracking", "signed"}),
    "protected by disruption": (disrupted, {"disrupted"}),
    "silence of the seller": (lambda: Sitting(a_file(reason=Reason.LATE)).wait(hours=72), {"silence", "by_automation"}),
    "silence of support": (lambda: asked().contested().until(DutyKind.LAST_RESORT), {"silence"}),
    "ruled": (confirmed, {"ruled", "rests_on", "reason_given", "confirmed", "by_a_person"}),
    "ruled on appeal": (lambda: appealed().decided(Remedy.RELEASE, agent="lee"), {"on_appeal", "refund_kept"}),
    "appeal lapsed": (lambda: appealed().until(DutyKind.LAST_RESORT), {"appeal_lapsed"}),
    "withdrawn": (lambda: did(asked(), "withdraw"), {"withdrawn_by_buyer"}),
    "overtaken": (lambda: asked().overtaken(), {"overtaken"}),
    "charged back": (lambda: asked().bank(ChargebackState.LOST), {"overtaken"}),
    "closed order": (lambda: Sitting(a_file(late=True)).until(DutyKind.LAST_RESORT), {"outcome_stands"}),
    "not sent back": (lambda: accepted().until(DutyKind.SEND_BACK_FINAL), {"not_sent_back"}),
    "inspected": (lambda: did(accepted().returned(), "inspect", finding="as_sent"), {"inspected", "seller_accepted"}),
    "not inspected": (lambda: accepted().returned().until(DutyKind.INSPECT), {"not_inspected"}),
    "deducted": (
        lambda: did(accepted().returned(), "inspect", finding="worse", deduction=usd(900), evidence=NEW),
        {"deducted"},
    ),
    "return lost": (
        lambda: (lost := accepted().sent_back()).take(returns.lost(lost.matter)),
        {"return_lost", "platform_bears"},
    ),
    "return unclaimed": (
        lambda: (back := accepted().sent_back()).take(returns.unclaimed(back.matter)),
        {"return_unclaimed"},
    ),
}
"""Every kind of decision, and sentences that its statement has."""


def explained(name: str) -> tuple[Sitting, Statement]:
    """A decided case, and the statement of its decision."""
    sitting = DECIDED[name][0]()
    return sitting, statements(sitting.matter)[-1]


@pytest.mark.parametrize("name", DECIDED)
def test_every_kind_of_decision_is_explained(name: str) -> None:
    """Rule, facts, automation, money and the way on are told in both languages, each with something behind it."""
    sitting, made = explained(name)

    codes = {sentence.code for sentence in made.sentences}
    assert codes >= DECIDED[name][1] | {"decided", "under_rule"}
    assert {"may_contest", "final"} & codes
    for sentence in made.sentences:
        assert sentence.basis
        assert {"en", "zh"} == set(sentence.text)
        assert all(text and text != sentence.code and "?" not in text for text in sentence.text.values()), sentence
    assert (sitting.decision.remedy, sitting.decision.amount) == (made.remedy, made.amount)
    parts = made.money
    assert sitting.file.price.total == parts.buyer + parts.seller + parts.platform + parts.tax


@pytest.mark.parametrize("name", DECIDED)
def test_automation_says_so(name: str) -> None:
    """What no person has decided is marked as such, and only that."""
    _, made = explained(name)

    codes = [sentence.code for sentence in made.sentences]
    assert ("by_automation" in codes) is made.automatic
    assert ("by_a_person" in codes) is not made.automatic
    assert made.automatic is (made.decided_by is Role.PLATFORM)


def test_it_says_until_when_it_can_be_contested() -> None:
    """While a window is open its very instant is told; once it has closed, the decision is final."""
    sitting = asked().contested().decided(Remedy.RELEASE)
    (buyers,) = statements(sitting.matter)[0].contest

    assert (Role.BUYER, sitting.duties[DutyKind.BUYER_MAY_APPEAL].due) == (buyers.side, buyers.until)
    sitting.wait(days=31)
    assert () == statements(sitting.matter)[0].contest


def test_a_window_that_has_closed_is_not_told_as_open() -> None:
    """Goods that are long under way do not prolong the time to appeal."""
    sitting = asked().contested().decided(Remedy.RETURN_FOR_REFUND).sent_back()
    before = [way.side for way in statements(sitting.matter)[0].contest]

    sitting.wait(days=31)

    assert CaseState.RETURNING is sitting.state
    assert ([Role.SELLER], ()) == (before, statements(sitting.matter)[0].contest)


def test_a_window_that_stands_still_is_told_as_open() -> None:
    """During a chargeback nobody has lost the right to appeal."""
    sitting = asked().contested().decided(Remedy.RELEASE).bank(ChargebackState.OPENED)

    assert [Role.BUYER] == [way.side for way in statements(sitting.matter)[0].contest]


def test_nothing_is_final_while_an_agent_decides_anew() -> None:
    """During an appeal the decision is told neither as contestable nor as final."""
    codes = {sentence.code for sentence in statements(appealed().matter)[0].sentences}

    assert not {"may_contest", "final"} & codes


def test_a_ruling_that_waits_says_how_to_contest_it() -> None:
    """Before a ruling takes effect its statement tells the window that it will open."""
    sitting = asked().contested()
    sitting.ruled(Remedy.RELEASE)

    assert [Role.BUYER] == [way.side for way in statements(sitting.matter)[0].contest]


def test_what_was_undone_is_not_explained() -> None:
    """A ruling that never counted has no statement."""
    sitting = asked().contested()
    sitting.ruled(Remedy.RELEASE)
    sitting.say("undo", agent="kim", text="A slip.")

    assert () == statements(sitting.matter)


def grounded(*basis: str) -> tuple[Sitting, Resolution]:
    """A decided case whose decision rests on something else."""
    sitting = accepted()
    decision = sitting.decision.model_copy(update={"grounds": (Ground(code="seller_accepted", basis=basis),)})
    return sitting, decision


def test_a_sentence_with_nothing_behind_it_is_refused() -> None:
    """The checker names the case and the sentence."""
    sitting, decision = grounded()

    with pytest.raises(Unfounded, match=r"case-A-1-1: the sentence 'seller_accepted' has nothing behind it"):
        check(statement(sitting.matter, decision), sitting.file, sitting.record)


@pytest.mark.parametrize(
    "reference",
    [
        "rule:resale-v1/no.such.rule",
        "rule:resale-v2/offers",
        "rule:offers",
        "evidence:e99",
        "message:m99",
        "message:1",
        "offer:o1",
        "standing:buyer",
        "ruling:9",
        "record:buyer",
        "event:disruption",
        "event:return",
        "event:eclipse",
        "answer:carrier",
        "silence:platform",
        "hearsay:buyer",
        "nothing",
        "",
    ],
)
def test_a_reference_to_nothing_is_refused(reference: str) -> None:
    """Every kind of reference must name something that this case has."""
    delivery = a_file().delivery
    sitting = Sitting(a_file(reason=Reason.LOST, delivery=delivery))
    sitting.say("respond", accept=True)
    ground = Ground(code="seller_accepted", basis=("answer:seller", reference))
    decision = sitting.decision.model_copy(update={"grounds": (ground,)})

    with pytest.raises(Unfounded, match="which the case has not"):
        check(statement(sitting.matter, decision), sitting.file, sitting.record)


@pytest.mark.parametrize(
    "reference",
    [
        "rule:resale-v1/offers.most",
        "rule:resale-v1/reasons.not_as_described.reply",
        "evidence:e1",
        "message:m1",
        "ruling:1",
        "event:delivered",
        "event:return",
        "answer:seller",
        "silence:support",
    ],
)
def test_what_the_case_has_can_be_rested_on(reference: str) -> None:
    """References to what exists pass."""
    sitting, decision = grounded(reference)

    check(statement(sitting.matter, decision), sitting.file, sitting.record)


def test_the_policy_of_the_case_is_the_one_that_counts() -> None:
    """A rule of another pack is none, even if it has the same name."""
    other = a_policy().model_copy(update={"pack": "resale-v9"})
    sitting, decision = grounded("rule:resale-v1/offers")
    file = sitting.file.model_copy(update={"policy": other})

    with pytest.raises(Unfounded):
        check(statement(sitting.matter, decision), file, sitting.record)
