"""Signals that Temporal keeps once for their request id, however often they are sent.

The SDK gives every signal a random request id, so that a repeated call is a second signal. These go by the service
below it. Both raise what temporalio raises (`RPCError`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

from temporalio.api.common.v1 import Memo, Payload, Payloads, WorkflowExecution, WorkflowType
from temporalio.api.enums.v1 import WorkflowIdReusePolicy
from temporalio.api.sdk.v1 import UserMetadata
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import SignalWithStartWorkflowExecutionRequest, SignalWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.converter import DataConverter, WorkflowSerializationContext

from domain.base import Model


async def signal(
    client: Client, workflow_id: str, name: str, message: Model, *, request_id: str = "", patience: timedelta
) -> None:
    """Send a signal; the same request id to the same run again changes nothing. Without one, each call counts."""
    request = SignalWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=workflow_id),
        signal_name=name,
        input=Payloads(payloads=await _encoded(client, workflow_id, [message])),
        identity=client.identity,
        request_id=request_id or str(uuid.uuid4()),
    )
    await client.workflow_service.signal_workflow_execution(request, retry=True, timeout=patience)


async def signal_with_start(
    client: Client,
    workflow: str,
    argument: Model,
    *,
    workflow_id: str,
    task_queue: str,
    name: str,
    message: Model,
    request_id: str = "",
    summary: str,
    memo: Mapping[str, Model],
    patience: timedelta,
) -> None:
    """Send a signal to the workflow of this id, which is started if it does not run; repetitions as for `signal`."""
    [told] = await _encoded(client, workflow_id, [summary])
    kept = await _encoded(client, workflow_id, list(memo.values()))
    request = SignalWithStartWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_id=workflow_id,
        workflow_type=WorkflowType(name=workflow),
        task_queue=TaskQueue(name=task_queue),
        input=Payloads(payloads=await _encoded(client, workflow_id, [argument])),
        signal_name=name,
        signal_input=Payloads(payloads=await _encoded(client, workflow_id, [message])),
        identity=client.identity,
        request_id=request_id or str(uuid.uuid4()),
        workflow_id_reuse_policy=WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
        user_metadata=UserMetadata(summary=told),
        memo=Memo(fields=dict(zip(memo, kept, strict=True))),
    )
    await client.workflow_service.signal_with_start_workflow_execution(request, retry=True, timeout=patience)


def converter(client: Client, workflow_id: str) -> DataConverter:
    """What turns values of this workflow into payloads and back, with its own key where payloads are encrypted."""
    context = WorkflowSerializationContext(namespace=client.namespace, workflow_id=workflow_id)
    return client.data_converter.with_context(context)


async def _encoded(client: Client, workflow_id: str, values: Sequence[object]) -> list[Payload]:
    return await converter(client, workflow_id).encode(values)
