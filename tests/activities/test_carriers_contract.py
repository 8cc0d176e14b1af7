"""What the port `Carriers` promises, of the sandbox and of EasyPost behind a double: the same tests for both."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from pytest_httpserver import HTTPServer

from activities.easypost.labels import Wishes
from activities.ports import Carriers, Claims, Refused, Unavailable
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.claims import SandboxClaims
from domain.claims import ClaimKind, ClaimRequest, ClaimState
from domain.parcel import Shipment, TrackingEvent, TrackingStatus
from domain.requests import Label, LabelRefund, LabelRequest
from domain.tracking_numbers import sandbox_number
from tests.activities.easypost.adapter import NOW, REQUEST, SHIPMENT, a_contact, an_adapter
from tests.activities.easypost.double import Double, Fault, scan

HOME = a_contact()
JOURNEY = (
    ("pre_transit", TrackingStatus.LABEL_MADE, NOW - timedelta(days=3)),
    ("in_transit", TrackingStatus.IN_TRANSIT, NOW - timedelta(days=2)),
    ("out_for_delivery", TrackingStatus.OUT_FOR_DELIVERY, NOW - timedelta(days=1)),
    ("delivered", TrackingStatus.DELIVERED, NOW),
)


class Carrier(NamedTuple):
    """A carrier, and how a test makes it lose its next answer to a purchase, scripts a parcel and sees the labels."""

    port: Carriers
    claims: Claims
    lose_answers: Callable[[bool], None]
    script: Callable[[Shipment], None]
    labels: Callable[[], int]
    shipment: Shipment


@pytest.fixture
def sandbox(tmp_path: Path) -> Carrier:
    """The sandbox carrier."""
    carrier = SandboxCarrier(tmp_path / "carrier.sqlite")
    events = tuple(TrackingEvent(status=status, at=at) for _, status, at in JOURNEY)
    return Carrier(
        carrier,
        SandboxClaims(tmp_path / "carrier.sqlite"),
        lambda lost: carrier.set_faults(lost_answer=float(lost)),
        lambda shipment: carrier.script(shipment, (*events[::-1], events[1])),
        lambda: len(carrier.labels(REQUEST.case_id)),
        Shipment(carrier="sandbox", tracking_number=sandbox_number(7)),
    )


@pytest.fixture
def easypost(httpserver: HTTPServer) -> Carrier:
    """EasyPost's own client library on a double of EasyPost."""
    double = Double(httpserver)
    carrier = an_adapter(double, Wishes(insure=True))
    scans = [scan(status, at.isoformat()) for status, _, at in JOURNEY]

    def lose(lost: bool) -> None:
        double.faults = [Fault(502, body="<html>", after=True, path="/buy$")] if lost else []

    return Carrier(
        carrier,
        carrier,
        lose,
        lambda shipment: double.script(shipment.tracking_number, *scans[::-1], scans[1]),
        lambda: len(double.labels(REQUEST.reference)),
        SHIPMENT,
    )


@pytest.fixture(params=["sandbox", "easypost"])
def carrier(request: pytest.FixtureRequest) -> Carrier:
    """Each carrier in turn."""
    found: Carrier = request.getfixturevalue(request.param)
    return found


def buy(carrier: Carrier, request: LabelRequest = REQUEST) -> Label:
    """Buy a label between two people whose addresses are known."""
    return carrier.port.buy_label(request, HOME, HOME, NOW)


def test_scans_come_in_order_and_once(carrier: Carrier) -> None:
    """However a carrier shuffles and repeats its scans, news are its events by their instants, each once."""
    carrier.script(carrier.shipment)

    told = carrier.port.news(carrier.shipment, NOW).events
    heard = [(event.status, event.at) for event in sorted(set(told), key=lambda event: event.at)]

    assert [(status, at) for _, status, at in JOURNEY] == heard


def test_an_unknown_number_is_refused_by_that_name(carrier: Carrier) -> None:
    """A number that nobody knows has a code of its own, since in the first hours it is no fault."""
    with pytest.raises(Refused) as refused:
        carrier.port.news(carrier.shipment, NOW)

    assert "unknown_number" == refused.value.code


def test_a_label_is_bought_once_for_its_reference(carrier: Carrier) -> None:
    """A repetition is the same label, and another reference another one."""
    label = buy(carrier)

    again = buy(carrier)
    other = buy(carrier, REQUEST.model_copy(update={"reference": "label-case-A-1-1-2"}))

    assert label == again
    assert label.shipment != other.shipment
    assert "USD" == label.cost.currency
    assert label.uri


def test_a_lost_answer_buys_no_second_label(carrier: Carrier) -> None:
    """A purchase whose answer was lost is found again, and costs nothing more."""
    carrier.lose_answers(True)
    with pytest.raises(Unavailable):
        buy(carrier)
    carrier.lose_answers(False)

    label = buy(carrier)

    assert label == buy(carrier)
    assert 1 == carrier.labels()


def test_nobody_without_an_address_gets_a_label(carrier: Carrier) -> None:
    """A party whom the directory does not know is named by id, and nothing is bought."""
    with pytest.raises(Refused, match="b-1") as refused:
        carrier.port.buy_label(REQUEST, None, HOME, NOW)

    assert "unknown_address" == refused.value.code
    assert 0 == carrier.labels()


def test_a_currency_nobody_sells_in_is_refused(carrier: Carrier) -> None:
    """The cost goes into the ledger of the order, so no other currency will do."""
    with pytest.raises(Refused, match="USD") as refused:
        buy(carrier, REQUEST.model_copy(update={"currency": "ISK"}))

    assert "currency_not_served" == refused.value.code


def test_only_a_label_that_was_bought_is_given_back(carrier: Carrier) -> None:
    """A refund under another reference, or for another parcel, is refused for good."""
    label = buy(carrier)
    wrong = (
        LabelRefund(reference="label-case-A-9-1-1", shipment=label.shipment),
        LabelRefund(reference=label.reference, shipment=carrier.shipment),
    )

    for refund in wrong:
        with pytest.raises(Refused) as refused:
            carrier.port.refund_label(refund, NOW)
        assert "unknown_label" == refused.value.code
    assert 1 == carrier.labels()


def test_labels_bought_at_the_same_time_are_one(carrier: Carrier) -> None:
    """Attempts in a race end with one paid label, which is the one that all of them tell once they ask again."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: buy(carrier), range(4)))

    assert 1 == len({buy(carrier).shipment for _ in range(2)})
    assert 1 == carrier.labels()


def test_a_claim_is_made_once_and_can_be_taken_back(carrier: Carrier) -> None:
    """Asked again it is the same claim; after it was withdrawn there is none, and another can be made."""
    ask = ClaimRequest(
        order_id="A-1", shipment=buy(carrier).shipment, kind=ClaimKind.LOSS, amount=REQUEST.value, description="lost"
    )
    claim = carrier.claims.file_claim(ask, ())

    assert claim == carrier.claims.file_claim(ask, ()) == carrier.claims.find_claim(ask)
    assert ClaimState.SUBMITTED == claim.state
    withdrawn = carrier.claims.withdraw_claim(ask)
    assert withdrawn
    assert ClaimState.CANCELLED == withdrawn.state
    assert carrier.claims.find_claim(ask) is None
    assert carrier.claims.withdraw_claim(ask) is None
    assert claim.claim_id != carrier.claims.file_claim(ask, ()).claim_id


def test_damage_must_be_shown_and_what_is_not_insured_is_not_paid(carrier: Carrier) -> None:
    """A claim without what it needs is refused by the name of what is missing."""
    damage = ClaimRequest(
        order_id="A-1", shipment=buy(carrier).shipment, kind=ClaimKind.DAMAGE, amount=REQUEST.value, description="torn"
    )
    stranger = damage.model_copy(update={"shipment": carrier.shipment})

    codes = []
    for ask, documents in ((damage, ()), (stranger, (b"a photo",))):
        with pytest.raises(Refused) as refused:
            carrier.claims.file_claim(ask, documents)
        codes.append(refused.value.code)

    assert ["no_documents", "not_insured"] == codes
    assert ClaimState.SUBMITTED == carrier.claims.file_claim(damage, (b"a photo",)).state
