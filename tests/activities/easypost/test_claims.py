"""Claims on EasyPost's insurance."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from activities.easypost.carrier import EasyPostCarriers
from activities.easypost.client import EasyPost
from activities.easypost.labels import Wishes
from activities.ports import Refused, Unavailable
from domain.claims import ClaimKind, ClaimRequest
from domain.money import Money
from domain.requests import Label
from tests.activities.easypost.adapter import BROKEN, an_adapter, buy
from tests.activities.easypost.double import KEY, Double


def test_a_claim_is_what_easypost_asks_for(double: Double) -> None:
    """Kind, parcel, amount, words, documents and the marketplace's own address: no party is named."""
    carrier = an_adapter(double, Wishes(insure=True))
    ask = _claim(buy(carrier))

    carrier.file_claim(ask, (b"photo",))

    assert {
        "type": "damage",
        "tracking_code": ask.shipment.tracking_number,
        "amount": "1290.00",
        "description": "the box was torn",
        "contact_email": "claims@example.org",
        "payment_method": "easypost_wallet",
        "supporting_documentation_attachments": ["cGhvdG8="],
    } == double.bodies[-1]


def test_a_lost_answer_makes_no_second_claim(double: Double) -> None:
    """EasyPost takes no reference with a claim: it is found again by its parcel and kind."""
    carrier = an_adapter(double, Wishes(insure=True))
    ask = _claim(buy(carrier))
    double.fail(replace(BROKEN, path="POST /claims$", after=True))
    with pytest.raises(Unavailable):
        carrier.file_claim(ask, (b"photo",))

    carrier.file_claim(ask, (b"photo",))
    carrier.file_claim(ask, (b"photo",))

    assert 1 == len(double.claims)


@pytest.mark.parametrize(
    ("status", "approved", "decided"),
    [("in_review", None, False), ("approved_partial", "100.50", True), ("rejected", None, True), ("new", None, False)],
)
def test_a_claim_tells_how_far_it_is(double: Double, status: str, approved: str | None, decided: bool) -> None:
    """Every documented state, and one of tomorrow, is read with what the insurer pays."""
    carrier = an_adapter(double, Wishes(insure=True))
    ask = _claim(buy(carrier))
    claim = carrier.file_claim(ask, (b"photo",))
    double.claims[claim.claim_id] |= {"status": status, "approved_amount": approved}

    found = carrier.find_claim(ask)

    assert found
    assert (status, decided) == (str(found.state), found.decided)
    assert (Money(minor=10_050, currency="USD") if approved else None) == found.approved


def test_claims_need_an_address_and_dollars(double: Double) -> None:
    """What is missing is named by its setting; EasyPost insures in US dollars only."""
    carrier = EasyPostCarriers(EasyPost(SecretStr(KEY), double.url))
    ask = _claim(buy(carrier))
    euros = ask.model_copy(update={"amount": Money(minor=1, currency="EUR")})

    for adapter, asked, code in ((carrier, ask, "no_contact"), (an_adapter(double), euros, "currency_not_served")):
        with pytest.raises(Refused) as refused:
            adapter.file_claim(asked, (b"photo",))
        assert code == refused.value.code


def _claim(label: Label) -> ClaimRequest:
    return ClaimRequest(
        order_id="A-1",
        shipment=label.shipment,
        kind=ClaimKind.DAMAGE,
        amount=Money(minor=129_000, currency="USD"),
        description="the box was torn",
    )
