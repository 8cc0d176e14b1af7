"""Polling by retry, on a time-skipping server."""

import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.carriers import CarrierActivities
from activities.ports import Contact, Refused, Unavailable
from activities.sandbox import journeys
from activities.sandbox.directory import SandboxDirectory
from domain.parcel import Shipment
from domain.policy import Lookup
from domain.requests import Label, LabelRefund, LabelRequest, LookUp, News
from domain.spans import Span

QUEUE = "polling"
NEWS = News(events=journeys.direct(datetime(2026, 3, 2, 9, tzinfo=UTC)))
ASK = LookUp(
    order_id="o-1",
    shipment=Shipment(carrier="usps", tracking_number="9400100000000000000042"),
    rhythm=Lookup(
        first=Span.parse("2 h"),
        growth=2,
        longest=Span.parse("12 h"),
        near=Span.parse("30 min"),
        sparse=Span.parse("48 h"),
    ),
)


class Slow:
    """A carrier that has news at the fifth call, after silence and an outage."""

    def __init__(self) -> None:
        self._answers: Iterator[News | Exception] = iter(
            [Refused("unknown_number", "?"), News(), Unavailable("503", 60.0), News(), NEWS]
        )

    def news(self, shipment: Shipment, as_of: datetime) -> News:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def trace(self, shipment: Shipment, reference: str) -> None:
        """Not asked here."""

    def buy_label(
        self, request: LabelRequest, sender: Contact | None, receiver: Contact | None, as_of: datetime
    ) -> Label:
        raise AssertionError("not asked here")

    def refund_label(self, refund: LabelRefund, as_of: datetime) -> bool:
        raise AssertionError("not asked here")


@workflow.defn
class Follow:
    """Looks a parcel up once."""

    @workflow.run
    async def run(self, ask: LookUp) -> tuple[News, timedelta]:
        started = workflow.now()
        news = await workflow.execute_activity_method(
            CarrierActivities.look_up, ask, start_to_close_timeout=timedelta(seconds=30)
        )
        return news, workflow.now() - started


async def test_waiting_for_news_adds_nothing_to_history() -> None:
    """Five look-ups are one activity in the history, and each retry waited as long as its failure said."""
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter,
        test_server_existing_path=shutil.which("temporal-test-server", path=Path(sys.executable).parent),
    ) as environment:
        with ThreadPoolExecutor(2) as pool:
            async with Worker(
                environment.client,
                task_queue=QUEUE,
                workflows=[Follow],
                activities=[CarrierActivities(Slow(), SandboxDirectory()).look_up],
                activity_executor=pool,
                workflow_runner=UnsandboxedWorkflowRunner(),
            ):
                handle = await environment.client.start_workflow(
                    Follow.run, ASK, id=f"follow-{uuid4()}", task_queue=QUEUE
                )
                news, took = await handle.result()
                history = await handle.fetch_history()

    assert news == NEWS
    waited = timedelta(hours=2 + 4 + 12, minutes=1)
    assert waited <= took < waited + timedelta(minutes=1)
    kinds = Counter(event.event_type for event in history.events)
    assert [1, 1, 1, 0] == [
        kinds[EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED],
        kinds[EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED],
        kinds[EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED],
        kinds[EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED],
    ]
