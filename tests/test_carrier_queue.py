"""Orders that began on the common queue ask carriers on their own one, and replay all the same."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import (
    Interceptor,
    Replayer,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

import runtime
from activities.carriers import CarrierActivities
from activities.claims import ClaimActivities
from carrier_queue import PREFIX, ToCarrierQueue, carrier_queue
from tests.replay_histories import committed
from workflows.registry import WORKFLOWS


class _Renamed(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        input.activity = f"{input.activity}_again" if input.activity.startswith(PREFIX) else input.activity
        return super().start_activity(input)


class _RenamedInside(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Renamed(outbound))


class Renaming(Interceptor):
    """The negative control: another name of the same activities."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        return _RenamedInside


@cache
def histories() -> list[WorkflowHistory]:
    """One committed history for each set of carrier activities that it has, none of them on a queue of their own."""
    found: dict[frozenset[str], WorkflowHistory] = {}
    for history in committed():
        scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
        asked = [one for one in scheduled if one.activity_type.name.startswith(PREFIX)]
        assert not [one for one in asked if one.task_queue.name == carrier_queue(runtime.TASK_QUEUE)]
        if asked:
            found.setdefault(frozenset(one.activity_type.name for one in asked), history)
    return list(found.values())


async def misfits(interceptor: Interceptor) -> int:
    """How many of them a worker with this interceptor would not go on with."""
    replayer = Replayer(workflows=WORKFLOWS, plugins=[runtime.plugin()], interceptors=[interceptor])
    results = [await replayer.replay_workflow(one, raise_on_replay_failure=False) for one in histories()]
    return sum(result.replay_failure is not None for result in results)


async def test_open_orders_move_to_the_queue_of_carriers() -> None:
    """A history with carriers' activities on the common queue is replayed by a worker that sends them elsewhere."""
    events = [event for one in histories() for event in one.events]
    asked = {event.activity_task_scheduled_event_attributes.activity_type.name for event in events}

    assert {"carrier.look_up", "carrier.trace", "carrier.buy_label", "carrier.refund_label"} <= asked
    assert 0 == await misfits(ToCarrierQueue())


async def test_another_name_is_noticed() -> None:
    """The replay is no blind one: it fails as soon as the interceptor changes what is commanded."""
    assert len(histories()) == await misfits(Renaming())


@pytest.mark.parametrize(("queue", "beside"), [("redress", "redress-carriers"), ("eu", "eu-carriers")])
def test_every_queue_has_its_own_beside_it(queue: str, beside: str) -> None:
    """Installations that share a cluster do not share a pace."""
    assert beside == carrier_queue(queue)


def test_the_activities_of_carriers_are_those_named_so() -> None:
    """Everything that asks carriers begins with the prefix, or it would pass by the pace."""
    asking = [
        getattr(kind, name)
        for kind in (CarrierActivities, ClaimActivities)
        for name in vars(kind)
        if not name.startswith("_")
    ]

    names = [vars(one)["__temporal_activity_definition"].name for one in asking]

    assert 6 == len(names)
    assert all(name.startswith(PREFIX) for name in names)
