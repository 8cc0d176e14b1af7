"""A payment without an answer for 23 hours: a person is told, and until their time is up it is only looked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio import workflow

from domain.duties import DutyKind
from domain.ledger import EntryKind
from domain.parties import Role
from domain.requests import Movement
from tests.play import Play, begin
from tests.world import BEGINNING, World

HOUR = timedelta(hours=1)
STUCK = BEGINNING + 24 * HOUR


async def stuck(world: World) -> Play:
    """An order whose refund has had no answer for 23 hours; the provider answers again from now on."""
    world.payments.set_faults(fail_before=1)
    play = await begin(world)
    await play.cancels(Role.BUYER)
    await world.at(STUCK)
    world.payments.set_faults()
    return play


def by_hand(world: World, play: Play) -> None:
    """A person makes the refund at the provider, with its key as metadata."""
    movement = Movement(
        key="refund-A-1-1",
        order_id="A-1",
        payment_ref=play.order.payment_ref,
        payee=play.order.buyer.id,
        amount=play.order.price.total,
        purpose=EntryKind.REFUNDED,
    )
    world.payments.refund(movement, key="in the dashboard")


async def test_nothing_is_paid_while_a_person_looks(world: World) -> None:
    """The provider is well again, but the refund is not made before the person's time is up; then it is, once."""
    play = await stuck(world)
    duty = await play.duty(DutyKind.RECONCILE)
    assert duty.due is not None
    await world.at(duty.due - HOUR)
    before = world.payments.refunds(play.order.payment_ref)
    outcome = await play.ends()

    assert ((), 1) == (before, len(world.payments.refunds(play.order.payment_ref)))
    assert outcome.closed_at >= duty.due


async def test_what_a_person_has_paid_is_found(world: World) -> None:
    """The look finds the refund by its key within the hour: the duty is done, and nothing is paid a second time."""
    play = await stuck(world)
    duty = await play.duty(DutyKind.RECONCILE)
    by_hand(world, play)
    outcome = await play.ends()

    (made,) = world.payments.refunds(play.order.payment_ref)
    assert [made.reference] == [entry.reference for entry in outcome.ledger.facts if entry.kind is EntryKind.REFUNDED]
    assert duty.due is not None
    assert outcome.closed_at <= min(duty.due, STUCK + 2 * HOUR)


async def test_an_order_that_was_stuck_before_goes_on_as_it_began(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its history has no looks: the new code replays it to the same end."""
    monkeypatch.setattr(workflow, "patched", lambda _: False)
    play = await stuck(world)
    await play.ends()
    monkeypatch.undo()

    history = await play.handle.fetch_history()
    names = {
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    }
    assert ("payments.refund" in names, "payments.look" in names) == (True, False)
    await world.replayer.replay_workflow(history)
