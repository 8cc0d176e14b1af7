"""Evidence: how it is sealed, what is not taken, and the one round in which more is asked for."""

from hashlib import sha256
from typing import Any

import pytest

from domain.cases.record import EvidenceItem
from domain.duties import DutyKind
from domain.messages import Reply, Verdict
from domain.parties import Role
from domain.policy import CaseState, EvidenceKind
from tests.domain.cases.a_case import Sitting, a_file, a_photo, a_policy, complete, owed, words

SHOWN = complete()


def with_support(**changes: Any) -> Sitting:
    """A contested case with all that the checklist asks for."""
    return Sitting(a_file(evidence=SHOWN, **changes)).contested()


def test_a_file_is_sealed_with_its_facts() -> None:
    """Hash, kind, who and when are kept at arrival; the file stays where it is."""
    sitting = Sitting()
    photo = a_photo()

    reply = sitting.evidence(Role.BUYER, photo)

    (item,) = sitting.record.evidence
    assert Verdict.ACCEPTED is reply.verdict
    assert ("e1", photo.kind, Role.BUYER, sitting.now) == (item.id, item.kind, item.by, item.at)
    assert (photo.sha256, photo.uri, "image/jpeg", 1_000) == (item.sha256, item.uri, item.media_type, item.size)


def test_words_are_sealed_by_their_own_hash() -> None:
    """The hash of a text is computed, never believed: it is checked already."""
    sitting = Sitting()
    said = EvidenceItem(kind=EvidenceKind.STATEMENT, text="So it was.", sha256="f" * 64, media_type="x" * 999, size=-1)

    sitting.evidence(Role.SELLER, said)

    (item,) = sitting.record.evidence
    assert sha256(b"So it was.").hexdigest() == item.sha256
    assert (True, True, "", 0) == (item.checked, item.matches, item.media_type, item.size)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (a_photo(sha256="a" * 63), "evidence_hash"),
        (a_photo(sha256="g" * 64), "evidence_hash"),
        (a_photo(size=0), "evidence_size"),
        (a_photo(size=50_000_001), "evidence_size"),
        (a_photo(media_type="text/html"), "evidence_type"),
        (a_photo(media_type=""), "evidence_type"),
        (a_photo(uri="photo.jpg"), "evidence_uri"),
        (a_photo(uri="store://" + "x" * 2_000), "evidence_uri"),
        (words("  "), "evidence_empty"),
        (words("x" * 4_001), "text_too_long"),
    ],
)
def test_what_cannot_be_sealed_is_refused(item: EvidenceItem, code: str) -> None:
    """Each fault of an item is told by its own refusal, and nothing of it is kept."""
    sitting = Sitting()

    assert code == sitting.evidence(Role.BUYER, item).code
    assert () == sitting.record.evidence


@pytest.mark.parametrize("size", [1, 50_000_000])
def test_sizes_are_taken_up_to_the_limit(size: int) -> None:
    """The largest size that the policy names is still taken."""
    assert not Sitting().evidence(Role.BUYER, a_photo(size=size)).refused


def test_good_items_are_taken_beside_bad_ones() -> None:
    """What can be sealed is sealed; the rest is noted for who sent it."""
    sitting = Sitting()

    reply = sitting.evidence(Role.BUYER, a_photo(size=0), a_photo(EvidenceKind.PHOTO_BACK))

    assert "e1" == reply.facts["items"]
    assert "refused_item" in sitting.notes


def test_the_same_file_counts_once() -> None:
    """A file that the case knows, from whomever, is no new evidence, however its hash is written."""
    sitting = Sitting()
    sitting.evidence(Role.BUYER, a_photo(), a_photo())

    reply = sitting.evidence(Role.SELLER, a_photo(sha256=a_photo().sha256.upper()))

    assert "evidence_known" == reply.code
    assert 1 == len(sitting.record.evidence)


def test_no_side_can_fill_a_case_for_the_other() -> None:
    """At the policy's limit further items of that side are refused; the other side is still heard."""
    sitting = Sitting(a_file(policy=a_policy(evidence={"most_items": 2})))
    sitting.evidence(Role.BUYER, words("one"), words("two"), words("three"))

    assert 2 == len(sitting.record.evidence)
    assert "evidence_full" == sitting.evidence(Role.BUYER, words("three")).code
    assert "evidence_sealed" == sitting.evidence(Role.SELLER, words("four")).code


def test_a_file_that_is_another_one_does_not_count() -> None:
    """A file that does not have its hash is shown as such, and its kind is still missing."""
    sitting = Sitting(a_file(evidence=SHOWN), matches={"photo_front": False})

    front = next(item for item in sitting.record.evidence if item.kind == "photo_front")
    assert (True, False) == (front.checked, front.usable)
    assert "evidence_differs" in sitting.notes


def test_a_file_that_was_another_one_can_be_handed_in_rightly() -> None:
    """From where the file really is, it is new to the case."""
    sitting = Sitting(a_file(evidence=(a_photo(),)), matches={"photo_front": False})
    sitting._matches = {}

    assert not sitting.evidence(Role.BUYER, a_photo(uri="store://right/photo.jpg")).refused
    assert [False, True] == [item.matches for item in sitting.record.evidence]


def test_kinds_that_are_unknown_are_kept() -> None:
    """A kind of a later version is sealed under its name, which is bounded."""
    sitting = Sitting()

    sitting.evidence(Role.BUYER, a_photo("hologram"), a_photo("h" * 99))

    assert ["hologram", "h" * 64] == [str(item.kind) for item in sitting.record.evidence]


def test_showing_all_that_was_asked_ends_the_asking() -> None:
    """The buyer owes evidence until every kind of the checklist is there."""
    sitting = Sitting(a_file(evidence=SHOWN[:2]))

    sitting.evidence(Role.BUYER, SHOWN[2])
    still = DutyKind.ADD_EVIDENCE in sitting.duties
    sitting.evidence(Role.BUYER, SHOWN[3])

    assert still
    assert DutyKind.ADD_EVIDENCE not in sitting.duties
    assert sitting.record.asked[0].answered


def asks(sitting: Sitting, of: Role, *kinds: EvidenceKind) -> Reply:
    """Agent Kim asks a side for evidence."""
    return sitting.say("request_evidence", agent="kim", of=of, kinds=kinds)


def test_support_waits_while_a_side_is_asked() -> None:
    """The desk's clocks stand still until the evidence is there, and then run on with the time they had left."""
    sitting = with_support().wait(hours=1)
    before = sitting.duties[DutyKind.DECIDE_CASE].due

    reply = asks(sitting, Role.SELLER, EvidenceKind.PACKING)
    waiting = sitting.state, sitting.duties[DutyKind.DECIDE_CASE].due
    sitting.wait(hours=5).evidence(Role.SELLER, a_photo(EvidenceKind.PACKING))

    assert Verdict.ACCEPTED is reply.verdict
    assert (CaseState.AWAITING_EVIDENCE, None) == waiting
    assert CaseState.WITH_SUPPORT is sitting.state
    after = sitting.duties[DutyKind.DECIDE_CASE].due
    assert before is not None
    assert after is not None
    assert 5 * 3600 == (after - before).total_seconds()


def test_asking_for_evidence_is_an_answer() -> None:
    """Support has reacted once it asks a side for evidence: the clock of its first answer is over."""
    sitting = with_support()

    asks(sitting, Role.BUYER)

    assert DutyKind.FIRST_ANSWER not in sitting.duties
    assert sitting.record.answered


def test_each_side_is_asked_once() -> None:
    """One round for each side; the checklist at the opening is not counted."""
    sitting = Sitting().contested()
    sitting.evidence(Role.BUYER, *SHOWN)

    assert not asks(sitting, Role.BUYER).refused
    sitting.evidence(Role.BUYER, words("Here."))
    assert "evidence_round_over" == asks(sitting, Role.BUYER).code
    assert not asks(sitting, Role.SELLER).refused


def test_one_side_is_asked_at_a_time() -> None:
    """While one side owes evidence, no other is asked."""
    sitting = with_support()
    asks(sitting, Role.BUYER)

    assert "evidence_asked_already" == asks(sitting, Role.SELLER).code


def test_evidence_that_never_comes_is_not_waited_for() -> None:
    """When the time is up the case is decided on what there is."""
    sitting = with_support()
    asks(sitting, Role.SELLER)

    sitting.until(DutyKind.ADD_EVIDENCE)

    assert CaseState.WITH_SUPPORT is sitting.state
    assert "evidence_round_over" in sitting.notes


def test_a_case_of_the_lead_goes_back_to_the_lead() -> None:
    """Evidence that was asked for after all clocks of the desk had run out brings the case back to the lead."""
    sitting = with_support().until(DutyKind.LEAD_DECIDES)
    asks(sitting, Role.SELLER)

    sitting.evidence(Role.SELLER, words("Here."))

    assert CaseState.WITH_LEAD is sitting.state


def test_only_an_agent_who_is_no_party_asks() -> None:
    """A party cannot ask as an agent, and nobody but the sides is asked."""
    sitting = with_support()

    assert "agent_is_party" == sitting.say("request_evidence", agent="s-4", of=Role.BUYER).code
    assert "not_a_side" == asks(sitting, Role.CARRIER).code
    assert "not_with_support" == asks(Sitting(), Role.BUYER).code


def test_after_the_decision_evidence_goes_with_an_appeal() -> None:
    """Evidence is the key to an appeal, so a settled case takes none without one."""
    sitting = with_support()
    sitting.say("rule", agent="kim", remedy="release", reason="So.")
    sitting.until(DutyKind.TAKE_EFFECT)

    assert "evidence_by_appeal" == sitting.evidence(Role.BUYER, words("But!")).code
    assert DutyKind.BUYER_MAY_APPEAL in owed(sitting)
