"""The SDK's own client with a tunnel behind it: who speaks to workflows through a client needs no other words here."""

from __future__ import annotations

from typing import Any, Never

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    FetchWorkflowHistoryEventsInput,
    Interceptor,
    OutboundInterceptor,
    QueryWorkflowInput,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    WorkflowHandle,
    WorkflowHistoryEventAsyncIterator,
    WorkflowHistoryEventFilterType,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
)
from temporalio.common import TypedSearchAttributes
from temporalio.converter import DataConverter
from temporalio.exceptions import CancelledError, FailureError, WorkflowAlreadyStartedError
from temporalio.service import ConnectConfig, RPCError, RPCStatusCode, ServiceClient

from windtunnel.contract import AlreadyRunning, NotRunning, Stuck
from windtunnel.engine import Execution, Tunnel


def client_of(tunnel: Tunnel, converter: DataConverter) -> Client:
    """A client of the workflows in this tunnel, which encodes as the tunnel does (not `by_reference`).

    It starts, signals, updates, queries and awaits results; whatever else it is asked for raises NotImplementedError.
    When a call returns, all that follows from it at the same instant has happened; to await a result or the answer of
    an update lets time pass. Raises what a client of a server raises, and Stuck.
    """
    through = _Through(tunnel, converter)
    through.client = Client(_NoServer(ConnectConfig("a tunnel")), data_converter=converter, interceptors=[through])
    return through.client


class _NoServer(ServiceClient):
    """Stands where a client has its connection."""

    @property
    def worker_service_client(self) -> Never:
        raise NotImplementedError("no worker can serve a tunnel")

    def update_rpc_metadata(self, metadata: object) -> None:
        """Nobody reads it."""

    def update_api_key(self, api_key: str | None) -> None:
        """Nobody asks for it."""

    async def _rpc_call(self, rpc: str, *_: object, **__: object) -> Never:
        raise NotImplementedError(f"a client of the tunnel does not know {rpc}")


class _Through(Interceptor, OutboundInterceptor):
    """Hands each call to the tunnel instead of the network."""

    client: Client

    def __init__(self, tunnel: Tunnel, converter: DataConverter) -> None:
        self._tunnel = tunnel
        self._converter = converter

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 -- the SDK's name
        self.next = next
        return self

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002 -- the same
        attributes = input.search_attributes if isinstance(input.search_attributes, TypedSearchAttributes) else None
        signal = (input.start_signal, _only(input.start_signal_args)) if input.start_signal else None
        try:
            begun = self._tunnel.start(
                input.workflow, _only(input.args), input.id, attributes=attributes, signal=signal
            )
        except AlreadyRunning as error:
            raise WorkflowAlreadyStartedError(input.id, input.workflow) from error
        self._settle()
        return WorkflowHandle(self.client, input.id, first_execution_run_id=begun.run_id, result_type=input.ret_type)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002 -- the same
        try:
            self._tunnel.signal(input.id, input.signal, _only(input.args))
        except NotRunning as error:
            raise _not_found(error) from error
        self._settle()

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:  # noqa: A002 -- the same
        try:
            answer: object = self._tunnel.update(input.id, input.update, _only(input.args), input.ret_type or object)
        except NotRunning as error:
            raise _not_found(error) from error
        except FailureError as error:
            raise WorkflowUpdateFailedError(error) from error
        self._settle()
        return _Answered(self.client, input, answer)

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002 -- the same
        try:
            return self._tunnel.query(input.id, input.query, input.ret_type or object, *input.args)
        except NotRunning as error:
            raise _not_found(error) from error
        except FailureError as error:
            raise WorkflowQueryFailedError(str(error)) from error

    def fetch_workflow_history_events(
        self,
        input: FetchWorkflowHistoryEventsInput,  # noqa: A002 -- the same
    ) -> WorkflowHistoryEventAsyncIterator:
        if input.event_filter_type is not WorkflowHistoryEventFilterType.CLOSE_EVENT:
            raise NotImplementedError("a tunnel keeps no histories")
        return _Close(self, input)

    def closing_event(self, workflow_id: str) -> HistoryEvent:
        """How a workflow has ended; until then, time passes. Raises Stuck if it never does."""
        if workflow_id not in self._tunnel.executions:
            raise _not_found(NotRunning(f"{workflow_id} is not known"))
        while self._tunnel.runs(workflow_id):
            if not self._tunnel.step():
                raise Stuck(f"{workflow_id} never ends: nothing is left to happen")
        return self._closing(self._tunnel.executions[workflow_id])

    def _closing(self, execution: Execution) -> HistoryEvent:
        event = HistoryEvent()
        if isinstance(execution.failure, CancelledError):
            event.workflow_execution_canceled_event_attributes.SetInParent()
        elif execution.failure is not None:
            self._converter.failure_converter.to_failure(
                execution.failure,
                self._converter.payload_converter,
                event.workflow_execution_failed_event_attributes.failure,
            )
        else:
            event.workflow_execution_completed_event_attributes.result.payloads.append(execution.result)
        return event

    def _settle(self) -> None:
        self._tunnel.run(self._tunnel.now)


class _Answered(WorkflowUpdateHandle[Any]):
    """An update whose answer is known."""

    def __init__(self, client: Client, asked: StartWorkflowUpdateInput, answer: object) -> None:
        super().__init__(client, asked.update_id or "", asked.id, result_type=asked.ret_type)
        self._answer = answer

    async def result(self, **_: object) -> Any:
        return self._answer


class _Close(WorkflowHistoryEventAsyncIterator):
    """The one event that a client waits for to have a result."""

    def __init__(self, through: _Through, asked: FetchWorkflowHistoryEventsInput) -> None:
        super().__init__(through.client, asked)
        self._through = through

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        self._current_page = [self._through.closing_event(self._input.id)]
        self._current_page_index = 0
        self._next_page_token = None


def _only(arguments: Any) -> Any:
    (argument,) = arguments
    return argument


def _not_found(error: NotRunning) -> RPCError:
    return RPCError(str(error), RPCStatusCode.NOT_FOUND, b"")
