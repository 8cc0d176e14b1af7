"""The conversation: its order and limits, what only support sees, and who must answer next."""

from typing import Any

import pytest

from domain.cases.conversation import as_read
from domain.duties import DutyKind
from domain.messages import Reply
from domain.parties import Role
from domain.policy import CaseState, Remedy
from tests.domain.cases.a_case import Sitting, a_file, a_policy, complete, proposal, words


def contested(**limits: Any) -> Sitting:
    """A case that is with support, with other limits if some are given."""
    policy = a_policy(limits=limits) if limits else a_policy()
    return Sitting(a_file(evidence=complete(), policy=policy)).contested()


def says(sitting: Sitting, by: Role, text: str = "Well?", **fields: Any) -> Reply:
    """Somebody writes."""
    return sitting.say("message", by=by, text=text, **fields)


def test_messages_are_numbered_in_their_order() -> None:
    """The complaint is the first; who, when and by which channel is kept, also of a channel that is unknown here."""
    sitting = Sitting()
    says(sitting, Role.SELLER, "No.", channel="mail")
    sitting.wait(hours=1)
    says(sitting, Role.BUYER, "Yes.", channel="pigeon")

    kept = [(said.number, said.by, str(said.channel), said.text) for said in sitting.record.conversation]
    assert [(1, "buyer", "chat", "The colour is another one."), (2, "seller", "mail", "No.")] == kept[:2]
    assert (3, "buyer", "pigeon", "Yes.") == kept[2]
    assert sitting.now == sitting.record.conversation[2].at


def test_internal_notes_are_for_support_alone() -> None:
    """Only support writes them, no side reads or is told of them, and they are no answer to anybody."""
    sitting = contested()

    says(sitting, Role.SUPPORT, "Fishy.", internal=True, author="kim")

    assert "notes_are_supports" == says(sitting, Role.BUYER, internal=True).code
    assert ["The colour is another one."] == [said.text for said in as_read(sitting.matter).messages]
    assert () == sitting.steps[-1].notes[-1].told
    assert DutyKind.FIRST_ANSWER in sitting.duties


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"by": Role.CARRIER}, "not_a_side"),
        ({"by": Role.PLATFORM}, "not_a_side"),
        ({"by": Role.SUPPORT, "author": "s-4"}, "agent_is_party"),
        ({"by": Role.BUYER, "text": " \n"}, "message_empty"),
        ({"by": Role.BUYER, "text": "x" * 4_001}, "text_too_long"),
    ],
)
def test_what_cannot_be_said(fields: dict[str, Any], code: str) -> None:
    """Nobody else writes, nothing empty, nothing too long, and no party as an agent."""
    assert code == says(contested(), **fields).code


def test_a_conversation_has_its_limits() -> None:
    """So many messages, and so many characters in all."""
    many, long = contested(messages=2), contested(conversation_characters=30)

    assert ["message_kept", "conversation_full"] == [says(many, Role.BUYER).code for _ in range(2)]
    assert ["message_kept", "conversation_full"] == [says(long, Role.BUYER, text).code for text in ("1234", "5")]


def test_who_writes_to_support_is_answered_in_time() -> None:
    """A side's message starts the clock of the next answer; support's word stops it, and the first answer's too."""
    sitting = contested()
    assert {DutyKind.FIRST_ANSWER} == {DutyKind.FIRST_ANSWER, DutyKind.NEXT_ANSWER} & set(sitting.duties)

    says(sitting, Role.SUPPORT, "We are looking at it.", author="kim")
    says(sitting.wait(hours=1), Role.SELLER)
    since = sitting.duties[DutyKind.NEXT_ANSWER].since
    says(sitting.wait(hours=1), Role.BUYER)

    assert since == sitting.duties[DutyKind.NEXT_ANSWER].since
    says(sitting, Role.SUPPORT, "Soon.", author="kim")
    assert not {DutyKind.FIRST_ANSWER, DutyKind.NEXT_ANSWER} & set(sitting.duties)


def test_the_sides_talk_without_support() -> None:
    """Before support has the case, a message starts no clock of the desk, and the other side alone is told."""
    sitting = Sitting(a_file(evidence=complete()))

    says(sitting, Role.BUYER)

    assert (Role.SELLER,) == sitting.steps[-1].notes[-1].told
    assert DutyKind.NEXT_ANSWER not in sitting.duties


def test_it_says_who_must_answer_next() -> None:
    """The soonest duty comes first; one that stands still has no instant and comes last."""
    sitting = contested()
    sitting.say("request_evidence", agent="kim", of=Role.SELLER)

    awaited = as_read(sitting.matter).awaited

    assert (Role.SELLER, DutyKind.ADD_EVIDENCE) == (awaited[0].owner, awaited[0].duty)
    assert awaited[0].due is not None
    assert (DutyKind.DECIDE_CASE, None) == (awaited[-1].duty, awaited[-1].due)


def test_a_decided_case_still_talks() -> None:
    """Until it is over people may write, and then nobody."""
    sitting = contested().decided(Remedy.PARTIAL_REFUND, 100)

    assert not says(sitting, Role.BUYER).refused
    sitting.wait(days=31)
    assert CaseState.RESOLVED is sitting.state
    assert "case_over" == says(sitting, Role.BUYER).code


def test_what_is_written_with_an_action_is_part_of_it() -> None:
    """Nothing that somebody writes is lost: the words that come with an action are kept, support's own apart."""
    sitting = Sitting(a_file(evidence=complete(), text=""))
    sitting.say("offer", by=Role.BUYER, proposal=proposal(5_000), text="Half?")
    sitting.say("answer_offer", by=Role.SELLER, accept=False, text="Never.")
    sitting.say("respond", accept=False, offer=proposal(100), text="A dollar.")
    sitting.say("answer_offer", by=Role.BUYER, accept=False, text="No.")
    sitting.say("request_evidence", agent="kim", of=Role.SELLER, text="The invoice, please.")
    sitting.ruled(Remedy.RETURN_FOR_REFUND)
    sitting.say("undo", agent="kim", text="A slip.")
    sitting.decided(Remedy.RETURN_FOR_REFUND)
    sitting.say("appeal", by=Role.SELLER, evidence=(words("New."),), text="Unheard of.")
    sitting.decided(Remedy.RETURN_FOR_REFUND, agent="lee").returned()
    sitting.say("inspect", finding="as_sent", text="Fine.")

    said = ["Half?", "Never.", "A dollar.", "No.", "The invoice, please.", "A slip.", "Unheard of.", "Fine."]
    assert said == [one.text for one in sitting.record.conversation]
    assert ["A slip."] == [one.text for one in sitting.record.conversation if one.internal]


@pytest.mark.parametrize("state", ["contested", "withdrawn"])
def test_the_last_word_is_kept_too(state: str) -> None:
    """Why the seller contests, and why the buyer withdraws, can be read afterwards."""
    sitting = Sitting(a_file(evidence=complete(), text=""))

    if state == "contested":
        sitting.say("respond", accept=False, text="Because.")
    else:
        sitting.say("withdraw", text="Because.")

    assert ["Because."] == [one.text for one in sitting.record.conversation]


def test_a_refused_action_leaves_no_words() -> None:
    """What was refused has changed nothing, its words included."""
    sitting = Sitting(a_file(evidence=complete(), text=""))

    assert sitting.say("appeal", by=Role.BUYER, text="Now!").refused
    assert sitting.say("answer_offer", by=Role.BUYER, accept=True, text="Yes!").refused
    assert () == sitting.record.conversation
