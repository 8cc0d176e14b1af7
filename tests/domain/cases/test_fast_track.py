"""The fast track: every condition is needed, and each leaves its ground in the decision."""

from collections.abc import Callable

import pytest

from domain.cases.opening import weigh
from domain.histories import BuyerHistory, Histories, SellerHistory
from domain.order import PriceSplit
from domain.parties import Role
from domain.policy import CaseState, Reason, Remedy
from tests.domain.cases.a_case import GOOD, Sitting, a_file, a_photo, complete, gives, takes, usd

SHOWN = complete()


def of_items(minor: int) -> PriceSplit:
    """The price of items of so many cents."""
    return PriceSplit(items=usd(minor), shipping=usd(900), tax=usd(1_000), platform_fee=usd(100))


def history(complaints: int, orders: int) -> Histories:
    """A buyer with so many complaints."""
    return GOOD.model_copy(update={"buyer": BuyerHistory(orders=orders, complaints=complaints)})


def sold(orders: int, upheld: int) -> Histories:
    """A seller with so many orders and complaints upheld."""
    return GOOD.model_copy(update={"seller": SellerHistory(orders=orders, upheld=upheld)})


def test_a_complaint_within_all_limits_is_approved_at_once() -> None:
    """No person decides: the buyer sends the goods back, the seller may contest, and each condition is a ground."""
    sitting = Sitting(a_file(evidence=SHOWN), histories=GOOD)

    assert CaseState.AWAITING_RETURN is sitting.state
    assert (True, Role.PLATFORM, Remedy.RETURN_FOR_REFUND) == (
        sitting.decision.automatic,
        sitting.decision.decided_by,
        sitting.decision.remedy,
    )
    assert ["within_limit", "evidence_complete", "good_standing", "seller_not_trusted"] == [
        ground.code for ground in sitting.decision.grounds
    ]
    assert "seller_may_appeal" in sitting.duties
    assert "buyer_may_appeal" not in sitting.duties


@pytest.mark.parametrize(
    "heard",
    [
        lambda: Sitting(a_file(of_items(15_001), evidence=SHOWN), histories=GOOD),
        lambda: Sitting(a_file(evidence=SHOWN, reason=Reason.COUNTERFEIT), histories=GOOD),
        lambda: Sitting(a_file(evidence=SHOWN[1:]), histories=GOOD),
        lambda: Sitting(a_file(evidence=SHOWN, categories=("phones",)), histories=GOOD),
        lambda: Sitting(a_file(evidence=SHOWN), histories=GOOD, matches={"photo_back": False}),
        lambda: Sitting(a_file(evidence=SHOWN), histories=GOOD, matches={"photo_back": None}),
        lambda: Sitting(a_file(evidence=SHOWN), histories=None),
        lambda: Sitting(a_file(evidence=SHOWN), histories=history(2, 9)),
        lambda: Sitting(a_file(evidence=SHOWN), histories=sold(50, 1)),
    ],
    ids=[
        "dearer than the limit",
        "no limit for the reason",
        "evidence lacks",
        "evidence of the category lacks",
        "a file is another one",
        "a file was never read",
        "histories unknown",
        "buyer complains too often",
        "seller is trusted",
    ],
)
def test_each_condition_alone_prevents_it(heard: Callable[[], Sitting]) -> None:
    """If one condition does not hold, the seller is heard."""
    assert CaseState.AWAITING_SELLER is heard().state


@pytest.mark.parametrize(
    "approved",
    [
        lambda: Sitting(a_file(of_items(15_000), evidence=SHOWN), histories=GOOD),
        lambda: Sitting(a_file(evidence=SHOWN), histories=history(2, 10)),
        lambda: Sitting(a_file(evidence=SHOWN), histories=history(4, 4)),
        lambda: Sitting(a_file(evidence=SHOWN), histories=sold(49, 0)),
        lambda: Sitting(a_file(evidence=SHOWN), histories=sold(50, 2)),
    ],
    ids=["at the limit", "a fifth of orders", "too few orders to count", "too few sales", "above two in a hundred"],
)
def test_limits_include_their_value(approved: Callable[[], Sitting]) -> None:
    """What just keeps a limit is approved."""
    assert CaseState.AWAITING_RETURN is approved().state


def test_a_late_case_has_no_fast_track() -> None:
    """Once an order has closed, a person looks."""
    assert CaseState.WITH_SUPPORT is Sitting(a_file(evidence=SHOWN, late=True), histories=GOOD).state


def test_files_are_looked_at_first() -> None:
    """Nothing is approved while a file has not been compared with its hash."""
    sitting = Sitting(a_file(evidence=SHOWN), errands=False)

    sitting.take(weigh(sitting.matter, GOOD))

    assert CaseState.AWAITING_SELLER is sitting.state


def test_evidence_that_comes_later_is_weighed_too() -> None:
    """The last photo of the checklist can still bring the approval while the seller's time runs."""
    sitting = Sitting(a_file(evidence=SHOWN[:3]), histories=GOOD)

    sitting.evidence(Role.BUYER, SHOWN[3])

    assert CaseState.AWAITING_RETURN is sitting.state


def test_the_sellers_photos_complete_nothing() -> None:
    """The checklist is the buyer's to show."""
    sitting = Sitting(a_file(evidence=SHOWN[:3]), histories=GOOD)

    sitting.evidence(Role.SELLER, SHOWN[3])

    assert CaseState.AWAITING_SELLER is sitting.state


def test_a_file_that_is_another_one_is_no_ground() -> None:
    """What does not count is not named among what the approval rests on."""
    doctored = a_photo("photo_defect")
    sitting = Sitting(a_file(evidence=(*SHOWN, doctored)), histories=GOOD, matches={"photo_defect": False})

    complete_ = next(ground for ground in sitting.decision.grounds if ground.code == "evidence_complete")
    assert "evidence:e4" in complete_.basis
    assert "evidence:e5" not in complete_.basis


def test_standing_rules_that_meet_settle_first() -> None:
    """What both sides agreed to beforehand goes before what the platform would decide."""
    sitting = Sitting(a_file(evidence=SHOWN, standing=(gives(40), takes(30))), histories=GOOD)

    assert (Remedy.PARTIAL_REFUND, usd(3_300)) == (sitting.decision.remedy, sitting.decision.amount)
    assert sitting.decision.agreed
