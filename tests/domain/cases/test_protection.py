"""Seller protection: which facts decide a case for the seller, by rule."""

from datetime import timedelta
from typing import Any

import pytest

from domain.cases.protection import protection, signature_needed
from domain.duties import DutyKind
from domain.order import PriceSplit
from domain.parties import Role
from domain.policy import CaseState, Reason, Remedy
from tests.domain.cases.a_case import PRICE, Sitting, a_file, dear, usd

DELIVERED = a_file().delivery
AT_LIMIT = PriceSplit(items=usd(75_000), shipping=usd(0), tax=usd(0), platform_fee=usd(1_000))
ABOVE = PriceSplit(items=usd(75_001), shipping=usd(0), tax=usd(0), platform_fee=usd(1_000))


def not_received(price: PriceSplit = PRICE, **delivery: Any) -> str:
    """The rule that protects the seller of a parcel that was not received; nothing if none does."""
    file = a_file(price, reason=Reason.NOT_RECEIVED, delivery=DELIVERED.model_copy(update=delivery))
    found = protection(file)
    return found[0] if found else ""


def test_tracked_delivery_in_time_protects() -> None:
    """The tracking says that the parcel was delivered, and it was shipped in time."""
    assert "resale-v1/seller_protection.tracked_delivery" == not_received()


@pytest.mark.parametrize("delivery", [{"delivered_at": None}, {"shipped_late": True}])
def test_each_condition_is_needed(delivery: dict[str, Any]) -> None:
    """Without a delivered scan, or shipped late, an agent decides."""
    assert "" == not_received(**delivery)


@pytest.mark.parametrize(
    ("price", "signed", "protected"),
    [(AT_LIMIT, False, True), (ABOVE, False, False), (ABOVE, True, True)],
    ids=["at the limit", "above without signature", "above with signature"],
)
def test_above_an_amount_a_signature_is_needed(price: PriceSplit, signed: bool, protected: bool) -> None:
    """The limit itself needs no signature, a cent more does."""
    assert protected is bool(not_received(price, signed=signed))


@pytest.mark.parametrize(("price", "needed"), [(AT_LIMIT, False), (ABOVE, True)])
def test_a_dear_return_needs_a_signature_too(price: PriceSplit, needed: bool) -> None:
    """What proves a delivery to the buyer proves one to the seller, from the same amount on."""
    assert needed is signature_needed(a_file(price))


def test_only_the_reasons_of_the_policy_are_protected() -> None:
    """A delivery says nothing about what was in the parcel."""
    assert protection(a_file()) is None


def test_a_disruption_explains_a_delay() -> None:
    """A late parcel is not the seller's fault if a disruption moved its delivery."""
    disrupted = DELIVERED.model_copy(update={"disrupted_by": ("storm-1",)})

    assert protection(a_file(reason=Reason.LATE)) is None
    found = protection(a_file(reason=Reason.LATE, delivery=disrupted))
    assert found is not None
    assert "resale-v1/seller_protection.disruption" == found[0]


def test_a_late_case_is_for_a_person() -> None:
    """Nothing protects by rule in a case about an order that had closed."""
    assert protection(a_file(reason=Reason.NOT_RECEIVED, late=True)) is None


@pytest.mark.parametrize("silent", [True, False])
def test_the_rule_decides_when_support_would_be_asked(silent: bool) -> None:
    """Contested or not answered: the case is decided for the seller at once, marked as automatic, and contestable."""
    sitting = Sitting(a_file(reason=Reason.NOT_RECEIVED))

    sitting.wait(hours=72) if silent else sitting.contested()

    assert CaseState.SETTLED is sitting.state
    assert (Remedy.RELEASE, True, Role.PLATFORM) == (
        sitting.decision.remedy,
        sitting.decision.automatic,
        sitting.decision.decided_by,
    )
    assert sitting.now + timedelta(days=30) == sitting.duties[DutyKind.BUYER_MAY_APPEAL].due


def test_an_agent_hears_who_is_not_protected() -> None:
    """Dear and not signed for: the same complaint comes to support."""
    sitting = Sitting(a_file(dear(), reason=Reason.NOT_RECEIVED)).contested()

    assert CaseState.WITH_SUPPORT is sitting.state
