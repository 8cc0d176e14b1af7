"""How a case begins: whom it asks, and by when."""

from datetime import timedelta

import pytest

from domain.cases.opening import open_case
from domain.cases.record import Channel
from domain.duties import DutyKind
from domain.parties import Role
from domain.policy import CaseState, EvidenceKind, Reason
from tests.domain.cases.a_case import OPENED, Sitting, a_file, a_photo, complete, owed


def test_the_seller_is_asked_first() -> None:
    """A new case waits for the seller until the reason's time is up, and the last resort stands behind it."""
    sitting = Sitting(a_file(evidence=complete()))

    assert CaseState.AWAITING_SELLER is sitting.state
    assert {DutyKind.ANSWER_CASE, DutyKind.LAST_RESORT} == owed(sitting)
    assert OPENED + timedelta(hours=72) == sitting.duties[DutyKind.ANSWER_CASE].due


def test_the_seller_has_their_time_from_when_they_were_told() -> None:
    """After an outage the answer is due counted from the telling, while the last resort counts from the complaint."""
    told = OPENED + timedelta(days=4)
    sitting = Sitting(a_file(evidence=complete(), asked_at=told))

    assert told + timedelta(hours=72) == sitting.duties[DutyKind.ANSWER_CASE].due
    assert OPENED == sitting.duties[DutyKind.LAST_RESORT].since


def test_the_checklist_asks_the_buyer_for_what_is_missing() -> None:
    """The buyer is asked for exactly what they have not shown, with the policy's time for it."""
    sitting = Sitting(a_file(evidence=(a_photo(EvidenceKind.PHOTO_BACK),)))

    (asked,) = sitting.record.asked
    assert (EvidenceKind.PHOTO_FRONT, EvidenceKind.PHOTO_SIDES, EvidenceKind.PHOTO_PARCEL) == asked.kinds
    assert (Role.BUYER, "") == (asked.of, asked.by)
    assert OPENED + timedelta(hours=24) == sitting.duties[DutyKind.ADD_EVIDENCE].due


def test_the_category_adds_to_the_checklist() -> None:
    """A phone is shown with its serial number, whatever the reason."""
    sitting = Sitting(a_file(evidence=complete(), categories=("phones",)))

    assert (EvidenceKind.SERIAL_NUMBER,) == sitting.record.asked[0].kinds


def test_nobody_is_asked_for_photos_of_what_is_not_there() -> None:
    """A reason without a checklist asks the buyer for nothing."""
    sitting = Sitting(a_file(reason=Reason.LOST))

    assert () == sitting.record.asked
    assert DutyKind.ADD_EVIDENCE not in sitting.duties


def test_a_late_case_goes_straight_to_support() -> None:
    """A case about an order that had closed does not wait for the seller."""
    sitting = Sitting(a_file(late=True))

    assert CaseState.WITH_SUPPORT is sitting.state
    assert {DutyKind.DECIDE_CASE, DutyKind.FIRST_ANSWER, DutyKind.LAST_RESORT} == owed(sitting)


def test_a_late_case_that_nobody_decides_leaves_all_as_it_was() -> None:
    """Silence about a closed order changes nothing: no remedy, and nothing is told to the order."""
    sitting = Sitting(a_file(late=True)).until(DutyKind.LAST_RESORT)

    assert CaseState.OVERTAKEN is sitting.state
    assert sitting.decision.remedy is None
    assert [] == sitting.told


@pytest.mark.parametrize(("text", "said"), [("It is torn.", ["It is torn."]), ("  ", [])])
def test_the_complaint_is_the_first_word(text: str, said: list[str]) -> None:
    """What the buyer wrote opens the conversation."""
    record = open_case(a_file(text=text)).record

    assert said == [one.text for one in record.conversation]
    assert [Channel.CHAT] * len(said) == [one.channel for one in record.conversation]
