"""Which order an event of Stripe's speaks of, whatever its body looks like."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.stripe.events import Topic, subject_of


def event(thing: Any, **changes: Any) -> dict[str, Any]:
    """An event about this object."""
    body = {"id": "evt_1", "object": "event", "type": "charge.dispute.created", "data": {"object": thing}}
    return body | {"livemode": False} | changes


def test_a_dispute_names_its_payments_and_its_order() -> None:
    """Where the charge is shown whole, its metadata leads to the order at once."""
    charge = {"id": "ch_1", "object": "charge", "metadata": {"order_id": "A-1"}}
    subject = subject_of(event({"id": "dp_1", "object": "dispute", "charge": charge, "payment_intent": "pi_1"}))
    assert subject is not None
    assert (Topic.DISPUTE, "dp_1", "A-1", ("pi_1", "ch_1")) == (
        subject.topic,
        subject.chargeback_id,
        subject.order_id,
        subject.payment_refs,
    )


@pytest.mark.parametrize(
    ("metadata", "order_id"),
    [
        ({"redress_order": "A-1", "order_id": "77"}, "A-1"),
        ({"order_id": "A-1"}, "A-1"),
        ({"order_id": 7}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_our_own_mark_comes_before_that_of_the_storefront(metadata: Any, order_id: str) -> None:
    """A refund of ours carries the order; a number, or nothing, is no order id."""
    thing = {"id": "re_1", "object": "refund", "charge": "ch_1", "payment_intent": None, "metadata": metadata}
    subject = subject_of(event(thing, type="refund.updated"))
    assert subject is not None
    assert (Topic.MOVEMENT, order_id, ("ch_1",), "") == (
        subject.topic,
        subject.order_id,
        subject.payment_refs,
        subject.chargeback_id,
    )


def test_real_money_is_told_from_test_mode() -> None:
    """An event of the test mode must not move an order of the live one."""
    live = [subject_of(event({}, livemode=value)) for value in (True, False, "yes")]
    assert [True, False, False] == [subject.live for subject in live if subject]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["id", "object", "charge", "payment_intent", "latest_charge", "metadata", "order_id"])


@settings(deadline=None)
@given(st.dictionaries(NAMES, JSON, max_size=6), st.dictionaries(st.sampled_from(["id", "type", "data"]), JSON))
def test_no_body_makes_it_fail(thing: dict[str, Any], changes: dict[str, Any]) -> None:
    """Whatever JSON comes, an answer is given: the event's own id with its subject, or that it is no event."""
    body = event(thing, **changes)
    subject = subject_of(body)
    assert subject is None or subject.event_id == body["id"]


@pytest.mark.parametrize("body", [{}, {"object": "event"}, {"id": "evt_1", "object": "event"}, {"object": "v2.event"}])
def test_what_is_no_event_is_none(body: dict[str, Any]) -> None:
    """The receiver can refuse it, or keep it as unknown."""
    assert subject_of(body) is None
