"""Who may do what, and when: each rule judged at its edge, without a workflow."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import clocks, rights
from domain.duties import DutyKind, Shift
from domain.messages import Answer, Cancel, Complaint, Extend, Shipped, Verdict
from domain.parcel import Parcel, TrackingStatus
from domain.parties import Role
from domain.policy import Anchor, Reason
from domain.rights import Standing
from domain.settlement import Decision, Ending
from tests.play import scan
from tests.world import BEGINNING, SHIPMENT, an_order, la, ny, usd

SECOND = timedelta(seconds=1)
ORDER = an_order(BEGINNING)
SHIPPED = Shipped(carrier=SHIPMENT.carrier, tracking_number=SHIPMENT.tracking_number)
SCANNED = Parcel().hearing([scan(ny(11, 2, 12))])[0]
DELIVERED = SCANNED.hearing([scan(ny(11, 5, 12), TrackingStatus.DELIVERED)])[0]
ENDED = Decision(ending=Ending.ACCEPTED, refund=usd(0), rule="resale-v1/protection.window", at=ny(11, 6, 12))


def awaiting_shipment() -> Standing:
    """An order whose seller has yet to ship."""
    duties = {DutyKind.SHIP: clocks.ship(ORDER), DutyKind.SHIP_FINAL: clocks.ship_final(ORDER)}
    return Standing(order=ORDER, parcel=Parcel(), duties=duties)


def delivered() -> Standing:
    """An order delivered on Thursday, 5 November, at noon in New York."""
    return Standing(order=ORDER, parcel=DELIVERED, duties={DutyKind.REPORT: clocks.report(ORDER, ny(11, 5, 12))})


def verdict(at: datetime, kind: str) -> Verdict:
    """What becomes of one message to an order that has ended."""
    over = replace(delivered(), decision=ENDED)
    replies = {
        "shipped": lambda: rights.shipped(over, SHIPPED, at),
        "cancel": lambda: rights.cancel(over, Cancel(by=Role.BUYER), at),
        "extend": lambda: rights.extend(over, Extend(by=Role.SELLER, until=at), at),
        "accept": lambda: rights.accept(over, at),
        "complain": lambda: rights.complain(over, Complaint(reason=Reason.DAMAGED), at),
    }
    reply = replies[kind]()
    assert (ENDED.rule, ENDED.at) == (reply.rule, reply.instant)
    return reply.verdict


@pytest.mark.parametrize("kind", ["shipped", "cancel", "extend", "accept", "complain"])
def test_an_ended_order_accepts_nothing(kind: str) -> None:
    """After the decision everything is refused, with the rule and the instant of the end."""
    assert Verdict.REFUSED == verdict(ny(11, 7, 12), kind)


@pytest.mark.parametrize(("late", "refused"), [(-SECOND, False), (timedelta(), True), (SECOND, True)])
def test_marking_as_shipped_ends_with_the_last_day(late: timedelta, refused: bool) -> None:
    """A seller may mark an order up to the last instant of the last day, but not at it."""
    assert refused == rights.shipped(awaiting_shipment(), SHIPPED, la(11, 19, 10) + late).refused


@pytest.mark.parametrize(("late", "expected"), [(-SECOND, Verdict.ASKED), (timedelta(), Verdict.ACCEPTED)])
def test_right_to_cancel_arises_with_the_soft_date(late: timedelta, expected: Verdict) -> None:
    """From the soft ship-by date on a buyer cancels alone, even before anybody has noticed that it has passed."""
    assert expected == rights.cancel(awaiting_shipment(), Cancel(by=Role.BUYER), la(11, 5, 10) + late).verdict


def test_right_to_cancel_needs_its_instant() -> None:
    """A wish sent before the right arose is a wish, even if it is read after."""
    standing = replace(awaiting_shipment(), may_cancel_since=la(11, 5, 10))

    assert None is rights.right_to_cancel(standing, la(11, 5, 10) - SECOND)
    assert la(11, 5, 10) == rights.right_to_cancel(standing, la(11, 5, 10))


def test_right_to_cancel_waits_for_a_storm() -> None:
    """A disruption that moves the ship-by date moves the buyer's right with it."""
    storm = Shift(cause="storm", since=BEGINNING, until=BEGINNING + timedelta(days=2), longest=timedelta(days=10))
    standing = awaiting_shipment()
    moved = replace(standing, duties={DutyKind.SHIP: clocks.ship(ORDER).shifted(storm)})

    assert None is rights.right_to_cancel(moved, la(11, 7, 10) - SECOND)
    assert la(11, 7, 10) == rights.right_to_cancel(moved, la(11, 7, 10))


@pytest.mark.parametrize("answer", Answer)
def test_buyers_do_not_answer_their_own_wish(answer: Answer) -> None:
    """A wish to cancel is answered by the seller alone."""
    reply = rights.cancel(awaiting_shipment(), Cancel(by=Role.BUYER, answer=answer), BEGINNING)

    assert (Verdict.REFUSED, "resale-v1/cancellation.answer") == (reply.verdict, reply.rule)


@pytest.mark.parametrize(("late", "refused"), [(-SECOND, False), (timedelta(), True)])
def test_acceptance_ends_with_the_report_window(late: timedelta, refused: bool) -> None:
    """After the report window there is nothing left to accept: its end has released the money."""
    assert refused == rights.accept(delivered(), ny(11, 8, 12) + late).refused


@given(
    st.sampled_from([reason for reason in Reason if ORDER.policy.reasons[reason].anchor is Anchor.DELIVERED]),
    st.integers(-200, 400),
)
def test_a_refused_complaint_names_the_instant_of_its_door(reason: Reason, hours: int) -> None:
    """A complaint is heard exactly within its window; a refusal names the end of the window that was missed."""
    standing = delivered()
    window = rights.complaint_window(standing, ORDER.policy.reasons[reason])
    assert window is not None
    opens, closes = window
    at = ny(11, 5, 12) + timedelta(hours=hours)
    reply = rights.complain(standing, Complaint(reason=reason), at)

    assert (opens <= at < closes) == (reply.verdict is Verdict.ACCEPTED)
    assert (opens if at < opens else closes) == reply.instant


def test_an_early_report_is_held_until_its_door_has_closed() -> None:
    """Only "not received", and only too early, holds the money; a storm is not counted twice."""
    standing = delivered()
    early, open_door = ny(11, 6, 12), ny(11, 7, 12)
    storm = Shift(cause="storm", since=ny(11, 5, 12), until=ny(11, 6, 12), longest=timedelta(days=10))
    stormy = replace(standing, duties={DutyKind.REPORT: standing.duties[DutyKind.REPORT].shifted(storm)})
    not_received = Complaint(reason=Reason.NOT_RECEIVED)

    assert ny(11, 10, 12) == rights.held_until(standing, not_received, early)
    assert ny(11, 10, 12) == rights.held_until(stormy, not_received, early)
    assert None is rights.held_until(standing, not_received, open_door)
    assert None is rights.held_until(standing, Complaint(reason=Reason.DAMAGED), early)
    assert None is rights.held_until(replace(standing, open_case="case-A-1-1"), not_received, early)


def test_a_pack_without_a_reason_refuses_it_and_holds_nothing() -> None:
    """A reason that the order's policy does not have is refused like any unknown word, also "not received"."""
    standing = delivered()
    reasons = {Reason.DAMAGED: ORDER.policy.reasons[Reason.DAMAGED]}
    order = ORDER.model_copy(update={"policy": ORDER.policy.model_copy(update={"reasons": reasons})})
    poorer = replace(standing, order=order)
    not_received = Complaint(reason=Reason.NOT_RECEIVED)

    assert "resale-v1/reasons" == rights.complain(poorer, not_received, ny(11, 6, 12)).rule
    assert None is rights.held_until(poorer, not_received, ny(11, 6, 12))


@pytest.mark.parametrize(
    ("parcel", "reason", "at", "expected"),
    [
        (Parcel(), Reason.LATE, ny(11, 20, 12), "reasons.late.anchor"),
        (SCANNED, Reason.LATE, ny(11, 12, 11), "reasons.late.opens"),
        (SCANNED, Reason.LATE, ny(11, 12, 12), "reasons.late"),
        (Parcel(), Reason.LOST, ny(11, 20, 12), "reasons.lost.anchor"),
        (SCANNED, Reason.LOST, ny(11, 9, 11), "reasons.lost.opens"),
        (SCANNED, Reason.LOST, ny(11, 9, 12), "reasons.lost"),
        (DELIVERED, Reason.LOST, ny(11, 20, 12), "reasons.lost.anchor"),
        (DELIVERED, Reason.LATE, ny(11, 20, 12), "reasons.late.anchor"),
        (SCANNED, Reason.DAMAGED, ny(11, 20, 12), "reasons.damaged.anchor"),
    ],
)
def test_each_reason_counts_from_its_anchor(parcel: Parcel, reason: Reason, at: datetime, expected: str) -> None:
    """Late counts from the estimate of a parcel under way, lost from its last news, the rest from delivery."""
    standing = Standing(order=ORDER, parcel=parcel, duties={})

    assert f"resale-v1/{expected}" == rights.complain(standing, Complaint(reason=reason), at).rule


def test_time_to_answer_counts_from_the_telling_after_an_outage() -> None:
    """While half of the seller's 24 hours is left, they count from the asking; beyond it, from when it was told."""
    asked = ny(11, 2, 12)
    half = timedelta(hours=12)
    dues = [
        clocks.to_answer(partial(clocks.answer_cancellation, ORDER), asked, told).agreed_due
        for told in (asked, asked + half, asked + half + SECOND, asked + 8 * half)
    ]

    assert [asked + 2 * half, asked + 2 * half, asked + 3 * half + SECOND, asked + 10 * half] == dues


def test_texts_are_bounded() -> None:
    """A text of exactly the limit is taken; one character more is refused with the limit."""
    most = ORDER.policy.limits.text_characters
    fits, too_long = Complaint(reason="damaged", text="x" * most), Complaint(reason="damaged", text="x" * (most + 1))

    assert not rights.complain(delivered(), fits, ny(11, 6, 12)).refused
    assert "resale-v1/limits.text_characters" == rights.complain(delivered(), too_long, ny(11, 6, 12)).rule


@pytest.mark.parametrize(("opened", "refused"), [(2, False), (3, True)])
def test_an_order_has_so_many_cases(opened: int, refused: bool) -> None:
    """Each case stops the release of the money, so a buyer cannot withdraw and complain anew without end."""
    standing = replace(delivered(), cases_opened=opened)
    reply = rights.complain(standing, Complaint(reason=Reason.DAMAGED), ny(11, 6, 12))
    assert (refused, "cases_used_up" if refused else "case_opens") == (reply.refused, reply.code)
