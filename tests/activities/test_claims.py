"""Claims at an insurer: made once, waited for, taken back, with the documents on file."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities import claims as claim_activities
from activities.carriers import REFUSED
from activities.claims import NOT_DECIDED, ClaimActivities
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.claims import SandboxClaims
from activities.sandbox.files import SandboxFiles
from domain.claims import Claim, ClaimKind, ClaimRequest, ClaimState
from domain.money import Money
from domain.parcel import Shipment
from domain.tracking_numbers import sandbox_number

ASK = ClaimRequest(
    order_id="A-1",
    shipment=Shipment(carrier="sandbox", tracking_number=sandbox_number(1)),
    kind=ClaimKind.LOSS,
    amount=Money(minor=12_900, currency="USD"),
    description="no scan for two weeks",
)


class Insurer(SandboxClaims):
    """The sandbox's insurance, which remembers what it was shown."""

    shown: tuple[bytes, ...] = ()

    def file_claim(self, request: ClaimRequest, documents: Any) -> Claim:
        self.shown = tuple(documents)
        return super().file_claim(request, documents)


@pytest.fixture
def insurer(tmp_path: Path) -> Insurer:
    """An insurer who knows the parcel."""
    SandboxCarrier(tmp_path / "carrier.sqlite").script(ASK.shipment, ())
    return Insurer(tmp_path / "carrier.sqlite")


@pytest.fixture
def files(tmp_path: Path) -> SandboxFiles:
    """The store of evidence."""
    return SandboxFiles(tmp_path / "evidence")


@pytest.fixture
def activities(insurer: Insurer, files: SandboxFiles) -> ClaimActivities:
    """The activities over them."""
    return ClaimActivities(insurer, files)


def failure(act: Callable[[ClaimRequest], object], ask: ClaimRequest) -> ApplicationError:
    """What an activity raises."""
    with pytest.raises(ApplicationError) as caught:
        ActivityEnvironment().run(act, ask)
    return caught.value


def test_a_claim_waits_for_its_decision(activities: ClaimActivities, insurer: Insurer) -> None:
    """Until the insurer has decided, the activity fails quietly and asks again; then it returns what is paid."""
    waiting = failure(activities.claim, ASK)
    again = failure(activities.claim, ASK)
    insurer.decide(ASK, ClaimState.APPROVED_PARTIAL, Money(minor=10_000, currency="USD"))

    decided = ActivityEnvironment().run(activities.claim, ASK)

    assert (NOT_DECIDED, ApplicationErrorCategory.BENIGN) == (waiting.type, waiting.category)
    assert timedelta(hours=12) == again.next_retry_delay
    assert (
        Claim(claim_id="claim_1", state=ClaimState.APPROVED_PARTIAL, approved=Money(minor=10_000, currency="USD"))
        == decided
    )


def test_documents_come_from_the_store_of_evidence(
    activities: ClaimActivities, insurer: Insurer, files: SandboxFiles
) -> None:
    """The files of a case go to the insurer; one that is not there is refused before anything is claimed."""
    uri, _ = files.put(b"a torn box")
    damage = ASK.model_copy(update={"kind": ClaimKind.DAMAGE, "documents": (uri,)})

    missing = failure(activities.claim, damage.model_copy(update={"documents": (uri, f"{uri}x")}))
    nothing_yet = insurer.find_claim(damage)
    failure(activities.claim, damage)

    assert (REFUSED, True, None) == (missing.type, missing.non_retryable, nothing_yet)
    assert "no_document" in missing.message
    assert (b"a torn box",) == insurer.shown


def test_a_document_that_is_too_large_is_refused(
    activities: ClaimActivities, files: SandboxFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film is named by its name and the limit, and read by nobody."""
    monkeypatch.setattr(claim_activities, "LARGEST_DOCUMENT", 5)
    fits, _ = files.put(b"12345", "fits.jpg")
    large, _ = files.put(b"123456", "large.jpg")
    damage = ASK.model_copy(update={"kind": ClaimKind.DAMAGE})

    said = failure(activities.claim, damage.model_copy(update={"documents": (fits, large)})).message

    assert "the file large.jpg has more than 5 bytes" in said
    assert NOT_DECIDED == failure(activities.claim, damage.model_copy(update={"documents": (fits,)})).type


def test_a_parcel_that_turned_up_is_not_paid_for(activities: ClaimActivities, insurer: Insurer) -> None:
    """An undecided claim can be taken back, a decided one stays, and where there is none there is nothing to do."""
    assert ActivityEnvironment().run(activities.withdraw, ASK) is None
    failure(activities.claim, ASK)

    withdrawn = ActivityEnvironment().run(activities.withdraw, ASK)
    failure(activities.claim, ASK)
    insurer.decide(ASK, ClaimState.REJECTED)
    decided = ActivityEnvironment().run(activities.withdraw, ASK)

    assert withdrawn is not None
    assert (ClaimState.CANCELLED, ClaimState.REJECTED) == (withdrawn.state, decided and decided.state)


def test_only_what_is_insured_is_paid_for(activities: ClaimActivities) -> None:
    """A parcel that the insurer does not know is refused for good, and its number is not in the text."""
    stranger = ASK.model_copy(update={"shipment": Shipment(carrier="sandbox", tracking_number=sandbox_number(2))})

    refused = failure(activities.claim, stranger)

    assert (REFUSED, True) == (refused.type, refused.non_retryable)
    assert "not_insured" in refused.message
    assert stranger.shipment.tracking_number not in refused.message


def test_a_state_of_tomorrow_survives() -> None:
    """A state that this version does not know is kept as its text, and is no decision."""
    claim = Claim.model_validate({"claim_id": "1", "state": "in_arbitration"})

    assert ("in_arbitration", False) == (claim.state, claim.decided)
