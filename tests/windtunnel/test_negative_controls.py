"""Negative controls: with a known defect switched in, each instrument must find it."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from activities.payments import PaymentActivities
from domain import settlement
from domain.duties import Duty, DutyKind, OpenDuty, Silence
from domain.ledger import EntryKind
from domain.requests import Movement, Paid
from fastmotion.stories import all_stories
from windtunnel.crash import rebuilt, told, twice
from windtunnel.explore import Bounds, Explored, Explorer
from windtunnel.explore_play import broken_by, shortened
from workflows import docket
from workflows.order import OrderWorkflow
from workflows.treasury import Treasury

BOUNDS = Bounds(states=400, seconds=100)


def explored() -> Explored:
    """A small exploration."""
    return Explorer(seed=0, bounds=BOUNDS, orders=("dear",)).run()


async def test_a_provider_that_is_asked_without_looking_pays_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: no idempotency key. Performing every activity twice finds the money that moved twice."""
    story = all_stories()["counter_offer"]
    calm = await told(story)
    numbers, looking = count(), PaymentActivities._look_and_pay

    def pay(activities: PaymentActivities, movement: Movement, send: Any) -> Paid:
        if movement.purpose == EntryKind.REFUNDED:
            paid: Paid = send(movement, key=f"{movement.key}-{next(numbers)}")
            return paid
        return looking(activities, movement, send)

    monkeypatch.setattr(PaymentActivities, "_look_and_pay", pay)

    crashed = await twice(story, calm)

    assert any(text.startswith("moved twice: refund-counter_offer") for text in crashed.differs)


async def test_a_key_from_a_counter_that_forgets_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: a key that is not drawn from the ledger. A rebuilt workflow asks for another movement than before."""
    story = all_stories()["returned"]
    calm = await told(story)
    numbers = count()
    monkeypatch.setattr(settlement, "_unused_key", lambda _, __, stem: f"{stem}-{next(numbers)}")

    crashed = await rebuilt(story, calm)

    assert crashed.differs


def test_money_that_is_moved_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: a movement that is not written down as made. The provider's book and the ledger part."""

    async def forgetful(treasury: Treasury, entry: Any) -> None:
        await treasury._pay(entry)
        treasury.ledger = treasury.ledger.record(entry.model_copy(update={"key": f"{entry.key}-again"}))

    monkeypatch.setattr(Treasury, "_move", forgetful)

    found = explored().broken

    assert found is not None
    assert "conservation" == found.kind


def test_a_duty_whose_silence_does_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: the end of the report window releases nothing. What the receipt said does not happen."""
    ignoring(monkeypatch, Silence.RELEASE)

    found = explored().broken

    assert found is not None
    assert "promise" == found.kind
    assert "report, on silence release" in found.law


def test_a_state_without_a_way_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: a chargeback freezes the money, and no clock ends that. The order is open, and nothing can happen."""
    opening = docket.Docket.open

    def without_clock(self: docket.Docket, *duties: Duty) -> None:
        opening(self, *(duty for duty in duties if duty.kind is not DutyKind.RESOLVE_CHARGEBACK))

    monkeypatch.setattr(docket.Docket, "open", without_clock)

    found = explored().broken

    assert found is not None
    assert "nothing is left to happen" in found.law


def test_a_wrong_constant_in_the_receipt_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect: the receipt adds an hour to the report window. The docket waits for another instant."""
    honest: Callable[[Duty], OpenDuty] = docket._open

    def boastful(duty: Duty) -> OpenDuty:
        told_duty = honest(duty)
        if duty.kind is not DutyKind.REPORT or told_duty.due is None:
            return told_duty
        return told_duty.model_copy(update={"due": told_duty.due + timedelta(hours=1)})

    monkeypatch.setattr(docket, "_open", boastful)

    found = explored().broken

    assert found is not None
    assert "promise" == found.kind
    assert "report" in found.law


def test_a_counter_example_is_shortened_and_still_breaks_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found after many moves is told by the few that matter, and is seen again when they are made."""
    ignoring(monkeypatch, Silence.RELEASE)
    found = explored().broken
    assert found is not None

    shortest = shortened(found)

    assert len(shortest.moves) <= len(found.moves)
    assert broken_by(shortest.order, shortest.moves) == shortest


def ignoring(monkeypatch: pytest.MonkeyPatch, silence: Silence) -> None:
    """An order that does nothing on this silence."""
    acting = OrderWorkflow._on_silence

    async def idle(order: OrderWorkflow, duty: Duty) -> None:
        if duty.on_silence is not silence:
            await acting(order, duty)

    monkeypatch.setattr(OrderWorkflow, "_on_silence", idle)
