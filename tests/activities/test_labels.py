"""Return labels: bought once, given back while unused, and silent about who lives where."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.carriers import REFUSED, UNAVAILABLE, CarrierActivities
from activities.ports import Contact, Directory, Refused, Unavailable
from activities.sandbox import journeys
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.directory import SandboxDirectory
from activities.sandbox.labels import LabelState, SoldLabel, label_shipment
from domain.clock import Clock
from domain.money import Money
from domain.parcel import Parcel, TrackingEvent, TrackingStatus
from domain.requests import Label, LabelRefund, LabelRequest
from domain.tracking_numbers import check_tracking_number

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = START + timedelta(days=60)
REFERENCE = "label-c-1-1"
SHIPMENT = label_shipment(REFERENCE)
REFUND = LabelRefund(reference=REFERENCE, shipment=SHIPMENT)
HOME = Contact(name="Ada Abara", address="12 Elm Street, Springfield")


class Down:
    """A directory that does not answer."""

    def contact(self, party_id: str) -> Contact | None:
        raise Unavailable("directory is down", 1e12)


class Empty:
    """A directory that knows nobody."""

    def contact(self, party_id: str) -> Contact | None:
        return None


class Street:
    """A directory in which everybody lives in the same house."""

    def contact(self, party_id: str) -> Contact | None:
        return HOME


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of the carrier."""
    return tmp_path / "carrier.sqlite"


@pytest.fixture
def carrier(path: Path) -> SandboxCarrier:
    """A new sandbox carrier."""
    return SandboxCarrier(path)


def a_request(reference: str = REFERENCE, **changes: Any) -> LabelRequest:
    """A label in US dollars, for a parcel that the buyer drops off."""
    facts = {
        "reference": reference,
        "order_id": "o-1",
        "case_id": "c-1",
        "sender": "b-1",
        "receiver": "s-1",
        "pickup": False,
        "currency": "USD",
    }
    return LabelRequest(**(facts | changes))


def buy(carrier: SandboxCarrier, request: LabelRequest | None = None, at: datetime = START) -> Label:
    """Buy a label straight from the port."""
    return carrier.buy_label(request or a_request(), HOME, HOME, at)


def state(carrier: SandboxCarrier, at: datetime | None = None) -> LabelState:
    """What has become of the ordinary label."""
    sold = carrier.label(REFERENCE, at)
    assert sold
    return sold.state


def run(carrier: SandboxCarrier, name: str, ask: Any, directory: Directory | None = None, at: datetime = START) -> Any:
    """Run an activity at the policy instant `at`."""
    environment = ActivityEnvironment()
    real_now = datetime(2031, 1, 1, tzinfo=UTC)
    environment.info = replace(environment.info, started_time=real_now)
    clock = Clock(real_anchor=real_now, policy_anchor=at, speed=3600)
    activities = CarrierActivities(carrier, directory or SandboxDirectory())
    return environment.run(getattr(activities, name), ask.model_copy(update={"clock": clock}))


def failure(
    carrier: SandboxCarrier, name: str, ask: LabelRequest | LabelRefund, directory: Directory | None = None
) -> ApplicationError:
    """What an activity raises."""
    with pytest.raises(ApplicationError) as caught:
        run(carrier, name, ask, directory)
    return caught.value


def test_a_label_is_what_was_asked_for(carrier: SandboxCarrier) -> None:
    """A label has a valid number known beforehand, the price of its currency, and thirty days of life."""
    label = run(carrier, "buy_label", a_request())

    assert label == Label(
        reference=REFERENCE,
        shipment=SHIPMENT,
        cost=Money(minor=740, currency="USD"),
        uri=f"https://labels.example.org/{SHIPMENT.tracking_number}.pdf",
        expires_at=START + timedelta(days=30),
    )
    assert check_tracking_number(SHIPMENT.carrier, SHIPMENT.tracking_number) is None


@pytest.mark.parametrize(
    ("currency", "pickup", "cost"),
    [("USD", True, "USD 9.90"), ("EUR", False, "EUR 4.90"), ("BRL", True, "BRL 29.90"), ("JPY", False, "JPY 930")],
)
def test_the_price_depends_on_currency_and_pickup(
    carrier: SandboxCarrier, currency: str, pickup: bool, cost: str
) -> None:
    """The carrier charges in the currency asked for, and more if it fetches the parcel."""
    label = buy(carrier, a_request(currency=currency, pickup=pickup))

    assert label.cost == Money.parse(cost)
    assert label.pickup is pickup


def test_a_label_is_bought_once(carrier: SandboxCarrier, path: Path) -> None:
    """The same reference again, later and from another process, is the same label; another one is another label."""
    first = buy(carrier)

    again = SandboxCarrier(path).buy_label(a_request(), HOME, HOME, LATER)
    other = buy(carrier, a_request("label-c-1-2"))

    assert first == again
    assert first.shipment != other.shipment
    assert [first, other] == [sold.label for sold in carrier.labels("c-1")]
    assert carrier.labels("c-2") == ()
    assert carrier.label("label-c-9-1") is None


def test_a_label_bought_by_many_at_once_is_one(path: Path, carrier: SandboxCarrier) -> None:
    """Buyers in a race get one label: that of the first."""
    with ThreadPoolExecutor(8) as pool:
        hours = [START + timedelta(hours=hour) for hour in range(16)]
        labels = set(pool.map(lambda at: buy(SandboxCarrier(path), at=at), hours))

    assert [sold.label for sold in carrier.labels("c-1")] == list(labels)


def test_no_address_comes_back(carrier: SandboxCarrier) -> None:
    """Neither the result, nor a failure, nor the books of the carrier tell a name or an address."""
    result = run(carrier, "buy_label", a_request(), Street()).model_dump_json()
    refused = str(failure(carrier, "buy_label", a_request("label-c-1-2", currency="XAU"), Street()))
    sold = carrier.label(REFERENCE)

    assert sold
    for word in ("Ada", "Abara", "Elm", "Springfield"):
        assert word not in result + refused + sold.model_dump_json()


def test_an_unserved_currency_is_refused(carrier: SandboxCarrier) -> None:
    """A currency without a price is refused for good, in words that name those that are served."""
    failed = failure(carrier, "buy_label", a_request(currency="ISK"))

    assert failed.type == REFUSED
    assert failed.non_retryable
    assert failed.message == (
        f"The carrier will not sell label {REFERENCE} (currency_not_served): the sandbox carrier sells no labels "
        "in ISK, only in AUD, BRL, CAD, CHF, CNY, EUR, GBP, JPY, USD"
    )
    assert carrier.labels("c-1") == ()


def test_nobody_sends_to_an_unknown_address(carrier: SandboxCarrier) -> None:
    """A party whom the directory does not know gets no label, and the text says who and what to do."""
    failed = failure(carrier, "buy_label", a_request(), Empty())

    assert failed.type == REFUSED
    assert failed.non_retryable
    assert "unknown_address" in failed.message
    assert "the address of b-1 is not known. Enter it in the directory" in failed.message


def test_a_silent_directory_is_asked_again(carrier: SandboxCarrier) -> None:
    """An outage of the directory is retried, after a pause of a day at most, and nothing is bought."""
    failed = failure(carrier, "buy_label", a_request(), Down())

    assert failed.type == UNAVAILABLE
    assert not failed.non_retryable
    assert failed.next_retry_delay == timedelta(days=1)
    assert carrier.labels("c-1") == ()


def test_an_unused_label_is_refunded_once(carrier: SandboxCarrier, path: Path) -> None:
    """The price of an unused label comes back; asked again, even after a late scan, the answer stays the same."""
    buy(carrier)
    carrier.script(SHIPMENT, journeys.direct(START + timedelta(days=10)))
    refund_at = START + timedelta(days=9)

    assert run(carrier, "refund_label", REFUND, at=refund_at) is True
    assert SandboxCarrier(path).refund_label(REFUND, LATER) is True
    assert carrier.label(REFERENCE) == SoldLabel(
        label=buy(carrier),
        request=a_request(),
        bought_at=START,
        refunded_at=refund_at,
        state=LabelState.REFUNDED,
    )


def test_a_used_label_is_not_refunded(carrier: SandboxCarrier) -> None:
    """From the first scan on a label is used; its making, and a hiccup before the scan, are no use."""
    buy(carrier)
    made, *later = journeys.direct(START)
    hiccup = TrackingEvent(status=TrackingStatus.EXCEPTION, at=START + timedelta(hours=1))
    carrier.script(SHIPMENT, (made, hiccup, *later))
    scan = START + journeys.FIRST_SCAN

    assert state(carrier, scan - timedelta(seconds=1)) == LabelState.BOUGHT
    assert state(carrier, scan) == state(carrier) == LabelState.USED
    assert run(carrier, "refund_label", REFUND, at=scan) is False
    assert carrier.refund_label(REFUND, scan - timedelta(seconds=1)) is True


@pytest.mark.parametrize(
    "refund",
    [
        LabelRefund(reference="label-c-9-1", shipment=SHIPMENT),
        LabelRefund(reference=REFERENCE, shipment=label_shipment("label-c-9-1")),
    ],
)
def test_only_a_label_that_was_bought_is_refunded(carrier: SandboxCarrier, refund: LabelRefund) -> None:
    """A refund under a wrong reference, or for another parcel than the label's, is refused for good."""
    buy(carrier)

    failed = failure(carrier, "refund_label", refund)

    assert failed.type == REFUSED
    assert failed.non_retryable
    assert "unknown_label" in failed.message
    assert state(carrier) == LabelState.BOUGHT


def test_a_bought_label_can_be_followed(carrier: SandboxCarrier) -> None:
    """Before the purchase the number is unknown, then the label is all there is, and then its journey counts."""
    buy(carrier)
    with pytest.raises(Refused) as caught:
        carrier.news(SHIPMENT, START - timedelta(seconds=1))
    assert caught.value.code == "unknown_number"

    made = TrackingEvent(status=TrackingStatus.LABEL_MADE, at=START)
    assert carrier.news(SHIPMENT, LATER).events == (made,)

    journey = journeys.direct(START + timedelta(days=1))
    carrier.script(SHIPMENT, journey)
    assert carrier.news(SHIPMENT, START).events == (made,)
    assert carrier.news(SHIPMENT, LATER).events == journey


def test_a_journey_can_be_scripted_before_the_purchase(carrier: SandboxCarrier) -> None:
    """A story that knows the reference can write what will happen to the parcel before its label exists."""
    carrier.script(SHIPMENT, journeys.direct(START))

    label = buy(carrier)

    assert carrier.news(label.shipment, LATER).events == journeys.direct(START)
    assert state(carrier) == LabelState.USED


@pytest.mark.parametrize(
    ("fault", "retry_after"), [("unavailable", None), ("rate_limited", timedelta(seconds=1)), ("lost_answer", None)]
)
def test_a_failing_carrier_is_asked_again(carrier: SandboxCarrier, fault: str, retry_after: timedelta | None) -> None:
    """Every failure is retryable, whether the work was done or not, and in the end there is one label, one refund."""
    faults: dict[str, Any] = {fault: 1}
    done = fault == "lost_answer"

    carrier.set_faults(**faults)
    buying = failure(carrier, "buy_label", a_request())
    assert bool(carrier.labels("c-1")) is done
    carrier.set_faults()
    label = run(carrier, "buy_label", a_request(), at=LATER)

    carrier.set_faults(**faults)
    refunding = failure(carrier, "refund_label", REFUND)
    assert (state(carrier) == LabelState.REFUNDED) is done
    carrier.set_faults()
    assert run(carrier, "refund_label", REFUND) is True

    assert [label] == [sold.label for sold in carrier.labels("c-1")]
    for failed in (buying, refunding):
        assert failed.type == UNAVAILABLE
        assert not failed.non_retryable
        assert failed.next_retry_delay == retry_after


def test_retries_get_through_a_faulty_carrier(carrier: SandboxCarrier) -> None:
    """Faults strike calls, not labels: repeating the same request succeeds in the end, and buys one label."""
    carrier.set_faults(unavailable=0.4, rate_limited=0.2, lost_answer=0.4, seed=3)
    tries, label = 0, None
    while label is None:
        tries += 1
        assert tries < 50
        try:
            label = buy(carrier)
        except Unavailable:
            continue

    assert tries > 1
    assert [label] == [sold.label for sold in carrier.labels("c-1")]


def test_a_signature_counts_only_at_delivery() -> None:
    """A parcel is signed for if a delivery says so, also if the signature is handed in after the delivery."""
    signed = journeys.signed_for(START)
    plain, _ = Parcel().hearing(journeys.direct(START))
    odd, _ = Parcel().hearing((journeys.direct(START)[1].model_copy(update={"signature": True}),))

    later, news = plain.hearing(signed)

    assert not plain.signed
    assert not odd.signed
    assert later.signed
    assert news == signed[-1:]
    assert later.delivered_at == plain.delivered_at
