"""A task queue of its own for what is asked of real carriers, whose pace holds for all workers together.

Temporal hands out the tasks of one queue no faster than its workers ask for, however many they are. The workflows do
not know: an interceptor sends them there. A replay compares which activity is commanded, never on which queue, so
orders of before move over with their next question (docs/decisions/0020).
"""

from __future__ import annotations

from typing import Any, Final

from temporalio import workflow
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

PREFIX: Final = "carrier."
"""How the names of all activities begin that ask carriers."""


def carrier_queue(task_queue: str) -> str:
    """The queue beside `task_queue` for what is asked of carriers."""
    return f"{task_queue}-carriers"


class ToCarrierQueue(Interceptor):
    """Sends the activities of carriers to the queue beside that of their workflow."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002 the SDK's name
        """The interceptor of each workflow."""
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 the SDK's name
        if input.activity.startswith(PREFIX):
            input.task_queue = carrier_queue(workflow.info().task_queue)
        return super().start_activity(input)
