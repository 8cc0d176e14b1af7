"""The engine: real workflow classes driven through virtual time in one process, with no server.

The SDK turns activations (what has happened) into commands (what the workflow wants). Here a heap of virtual-time
events takes the server's place: a command becomes a later event, an event the next activation. Everything is
deterministic: events of one instant are handled in the order in which they were made.

This is the one file that touches the SDK's bridge types; a parity test notices when an SDK upgrade breaks it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple, Self, TypeAlias, TypeVar

from temporalio import exceptions, workflow
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.child_workflow import StartChildWorkflowExecutionFailedCause
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.common import TypedSearchAttributes
from temporalio.converter import DataConverter, decode_typed_search_attributes
from temporalio.exceptions import CancelledError, TerminatedError
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

from windtunnel import failures
from windtunnel.agenda import Agenda
from windtunnel.contract import AlreadyRunning, Answer, Call, Command, Diverged, NotRunning, Stuck, World
from windtunnel.failures import NAMESPACE
from windtunnel.passing import Passing
from windtunnel.retries import UNTIL_A_TIMER, next_try, time_limit
from windtunnel.runs import Birth, Nursery, own_loop

LONG_HISTORY: Final = 4_096
"""Events after which a server suggests to continue as new."""

_ALREADY_EXISTS: Final = (
    StartChildWorkflowExecutionFailedCause.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS
)
_NO_EVENT: Final = 0
"""Stands for the event of what is done before the task is over."""

_NOT_FOUND: Final = "Unable to signal external workflow because it was not found"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400
_T = TypeVar("_T")
_Key: TypeAlias = tuple[str, int]
_Job: TypeAlias = WorkflowActivationJob


class _Child(NamedTuple):
    id: str
    when_cancelled: int
    when_closed: int


@dataclass(slots=True)
class Execution:
    """One run of a workflow: what it has been told and what it has asked for.

    `awaited` holds the events it waits for, by the number under which they are in the heap; `soon` what its task still
    has to do before it is over; `waiting` what it will be told in its next task; `kept` what the converter keeps.
    """

    id: str
    type: str
    run_id: str
    details: WorkflowInstanceDetails
    instance: WorkflowInstance
    parent: _Key | None = None
    history: int = 0
    tasks: int = 0
    flags: set[int] = field(default_factory=set)
    commands: list[Command] = field(default_factory=list)
    told: list[tuple[WorkflowActivation, list[WorkflowCommand]]] = field(default_factory=list)
    awaited: dict[_Key, int] = field(default_factory=dict)
    soon: deque[Callable[[], _Job | None]] = field(default_factory=deque)
    waiting: list[_Job] = field(default_factory=list)
    children: dict[int, _Child] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)
    result: Any = None
    failure: BaseException | None = None
    closed_at: datetime | None = None


class Tunnel:
    """Any number of workflows in virtual time. `began` is its first instant (UTC).

    `world` may be exchanged at any time; `lag` says how late the timer due at an instant rings. With `remembers`, what
    workflows are told is kept, so that they can be rebuilt; with `crashes`, every instance is thrown away after each
    activation and rebuilt. Set either before the first workflow starts.
    `reproduce` is the command line by which a failure is seen again. With `by_reference`, frozen models are handed on
    as they are instead of through JSON, which is faster and tries nothing of how they are encoded.
    """

    def __init__(
        self,
        workflows: Sequence[type],
        world: World,
        converter: DataConverter,
        *,
        began: datetime,
        failure_types: Sequence[type[BaseException]] = (),
        seed: int = 0,
        reproduce: str = "",
        by_reference: bool = False,
        long_history: int = LONG_HISTORY,
    ) -> None:
        self.now = began
        self.activations = 0
        self.executions: dict[str, Execution] = {}
        self.world = world
        self.remembers = False
        self.crashes = False
        self.lag: Callable[[datetime], timedelta] = lambda _: timedelta()
        self._passing = Passing(converter.payload_converter) if by_reference else None
        self._payloads = converter.payload_converter if self._passing is None else self._passing
        self._failures = converter.failure_converter
        self._nursery = Nursery(workflows, self._payloads, self._failures, failure_types, seed)
        self._agenda = Agenda()
        self._runs = 0
        self._updates = 0
        self._reproduce = reproduce or f"the same calls with seed={seed}"
        self._long_history = long_history
        self._down_until = began
        self._responses: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every workflow, and of all that was to come."""
        for workflow_id in tuple(self.executions):
            self.forget(workflow_id)
        self._agenda.clear()

    # --- what people and services do ---

    def start(
        self,
        name: str,
        argument: Any,
        workflow_id: str,
        *,
        attributes: TypedSearchAttributes | None = None,
        signal: tuple[str, Any] | None = None,
    ) -> Execution:
        """Start a workflow now, together with a signal if one is given. Raises AlreadyRunning."""
        jobs = [_signal(signal[0], [self._payloads.to_payload(signal[1])])] if signal else []
        execution = self._new(name, workflow_id, attributes=attributes)
        execution.waiting += [_beginning(execution, [self._payloads.to_payload(argument)]), *jobs]
        self._begin(execution)
        return execution

    def signal(self, workflow_id: str, name: str, argument: Any) -> None:
        """Tell a workflow something. Raises NotRunning."""
        self._tell(self._running(workflow_id), _signal(name, [self._payloads.to_payload(argument)]))

    def update(self, workflow_id: str, name: str, argument: Any, result: type[_T]) -> _T:
        """Ask a workflow to do something, and have its answer; time passes until it comes.

        Raises what the handler raised, NotRunning if the workflow has ended or ends without an answer, and Stuck.
        """
        execution = self._running(workflow_id)
        self._updates += 1
        job = _Job()
        request = job.do_update
        request.id = request.protocol_instance_id = request.meta.update_id = f"update-{self._updates}"
        request.name = name
        request.input.append(self._payloads.to_payload(argument))
        request.run_validator = True
        self._tell(execution, job)
        while request.id not in self._responses:
            if execution.closed_at is not None:
                raise NotRunning(f"{workflow_id} ended before it answered {name}")
            if not self.step():
                raise Stuck(self._how(execution, f"{name} is never answered"))
        response = self._responses.pop(request.id)
        if response.HasField("rejected"):
            raise self._failures.from_failure(response.rejected, self._payloads)
        return self._read(response.completed, result)

    def query(self, workflow_id: str, name: str, result: type[_T], *arguments: Any) -> _T:
        """Ask a workflow, also one that has ended. Raises what the handler raised, and NotRunning."""
        execution = self.executions.get(workflow_id)
        if execution is None:
            raise NotRunning(f"{workflow_id} is not known")
        if not execution.tasks:
            self._go_on(execution)
        job = _Job()
        job.query_workflow.query_id = "query"
        job.query_workflow.query_type = name
        job.query_workflow.arguments.extend(self._payloads.to_payloads(arguments))
        (command,) = self._complete(execution, self._activation(execution, job)).commands
        self._collect(execution)
        if command.respond_to_query.HasField("failed"):
            raise self._failures.from_failure(command.respond_to_query.failed, self._payloads)
        return self._read(command.respond_to_query.succeeded.response, result)

    def cancel(self, workflow_id: str, reason: str = "") -> None:
        """Ask a workflow to end. Raises NotRunning."""
        self._tell(self._running(workflow_id), _cancellation(reason))

    def outage(self, until: datetime) -> None:
        """No worker runs from now on: until `until` messages and timers wait, and no activity is performed."""
        self._down_until = max(until, self._down_until)

    @property
    def running(self) -> tuple[str, ...]:
        """The ids of all workflows that have not ended."""
        return tuple(filter(self.runs, self.executions))

    def runs(self, workflow_id: str) -> bool:
        """Whether a workflow has been started and has not ended."""
        return self._alive(workflow_id) is not None

    def result_of(self, workflow_id: str, result: type[_T]) -> _T:
        """What an ended workflow returned. Raises what it failed with, and NotRunning if it has not ended."""
        execution = self.executions[workflow_id]
        if execution.closed_at is None:
            raise NotRunning(f"{workflow_id} has not ended")
        if execution.failure is not None:
            raise execution.failure
        return self._read(execution.result, result)

    def attributes(self, workflow_id: str) -> TypedSearchAttributes:
        """What lists show of a workflow."""
        return self.executions[workflow_id].instance.get_info().typed_search_attributes

    def inside(self, workflow_id: str) -> Any:
        """The workflow object itself, for instruments that read without asking; never to be changed."""
        return self.executions[workflow_id].instance._object  # type: ignore[attr-defined]  # noqa: SLF001 -- the SDK's

    # --- time ---

    def at(self, instant: datetime, act: Callable[[], object]) -> None:
        """Have something done at an instant."""
        self._agenda.add(instant, act)

    def every(self, pause: timedelta, until: datetime, act: Callable[[], object]) -> None:
        """Have something done again and again, first after one pause, up to and at `until`: a schedule."""

        def again() -> None:
            act()
            self.every(pause, until, act)

        if self.now + pause <= until:
            self._agenda.add(self.now + pause, again)

    def step(self) -> bool:
        """Handle the next event; false if there is none."""
        instant = self._agenda.next_at
        if instant is None:
            return False
        self.now = max(self.now, instant)
        self._agenda.take()()
        return True

    def run(self, until: datetime | None = None, *, before: bool = False) -> None:
        """Let time pass until an instant, or until nothing is left to happen; `before` what is due at that instant."""
        while (instant := self.next_at) is not None:
            if until is not None and (instant > until or (before and instant == until)):
                break
            self.step()
        if until is not None:
            self.now = max(self.now, until)

    @property
    def next_at(self) -> datetime | None:
        """The instant of the next event."""
        return self._agenda.next_at

    def forget(self, workflow_id: str) -> Execution | None:
        """Let go of a workflow and its children, so that memory stays flat. Gives what is known of its last run.

        One that still runs has ended by that, and nobody is told.
        """
        execution = self.executions.pop(workflow_id, None)
        if execution is None:
            return None
        execution.closed_at = execution.closed_at or self.now
        for child in execution.children.values():
            if child.id in self.executions:
                self.forget(child.id)
        self._drop_awaited(execution)
        self._evict(execution)
        if self._passing is not None:
            self._passing.drop(execution.kept)
        return execution

    def rebuild(self, execution: Execution) -> None:
        """Throw the instance away and make it anew from all that it was told, as a worker does after a crash.

        Needs `remembers` or `crashes`. Raises Diverged.
        """
        self._evict(execution)
        execution.instance = self._nursery.instance(execution.details)
        for number, (told, wanted) in enumerate(execution.told, 1):
            again = WorkflowActivation()
            again.CopyFrom(told)
            again.is_replaying = True
            again.available_internal_flags[:] = execution.flags
            for job in again.jobs:
                if job.HasField("do_update"):
                    # What was accepted is not judged a second time.
                    job.do_update.run_validator = False
            for command in wanted:
                if command.HasField("set_patch_marker"):
                    patched = again.jobs.add().notify_has_patch
                    patched.patch_id = command.set_patch_marker.patch_id
            with own_loop():
                completion = execution.instance.activate(again)
            if completion.HasField("failed"):
                raise Diverged(f"{execution.id}, activation {number}: {completion.failed.failure.message}")
            if list(completion.successful.commands) != wanted:
                raise Diverged(f"{execution.id}, activation {number}: wanted {wanted}, now {completion.successful}")

    # --- events ---

    def _await(self, execution: Execution, key: _Key, instant: datetime, act: Callable[[], object]) -> None:
        """Have something done at an instant if the workflow still waits for it then."""

        def come() -> None:
            del execution.awaited[key]
            act()

        execution.awaited[key] = self._agenda.add(instant, come)

    def _drop(self, execution: Execution, key: _Key) -> bool:
        """Wait no longer; false if it was not waited for."""
        number = execution.awaited.pop(key, None)
        if number is None:
            return False
        if number is not _NO_EVENT:
            self._agenda.strike(number)
        return True

    def _drop_awaited(self, execution: Execution) -> None:
        for key in tuple(execution.awaited):
            self._drop(execution, key)
        execution.soon.clear()

    # --- workflows ---

    def _alive(self, workflow_id: str) -> Execution | None:
        execution = self.executions.get(workflow_id)
        return execution if execution is not None and execution.closed_at is None else None

    def _running(self, workflow_id: str) -> Execution:
        execution = self._alive(workflow_id)
        if execution is None:
            raise NotRunning(f"{workflow_id} is not running")
        return execution

    def _new(
        self,
        name: str,
        workflow_id: str,
        *,
        parent: _Key | None = None,
        attributes: TypedSearchAttributes | None = None,
        after: Execution | None = None,
    ) -> Execution:
        if self.runs(workflow_id):
            raise AlreadyRunning(f"{workflow_id} runs already")
        self._runs += 1
        above = self.executions[parent[0]] if parent else None
        birth = Birth(
            name,
            workflow_id,
            run_id=f"run-{self._runs}",
            at=self.now,
            first=after.details.info.first_execution_run_id if after else "",
            before=after.run_id if after else None,
            parent=workflow.ParentInfo(namespace=NAMESPACE, run_id=above.run_id, workflow_id=above.id)
            if above
            else None,
            attributes=attributes or TypedSearchAttributes.empty,
        )
        details = self._nursery.details(birth)
        instance = self._nursery.instance(details)
        execution = Execution(workflow_id, name, birth.run_id, details, instance, parent)
        self.executions[workflow_id] = execution
        return execution

    def _evict(self, execution: Execution) -> None:
        """End what still runs in an instance: left to the garbage collector, it would wake in another workflow."""
        activation = WorkflowActivation(run_id=execution.run_id, available_internal_flags=execution.flags)
        activation.jobs.add().remove_from_cache.SetInParent()
        with own_loop():
            execution.instance.activate(activation)

    # --- workflow tasks ---

    def _tell(self, execution: Execution, job: _Job) -> None:
        """Tell a workflow what has happened: at once, or with its next task if it has not begun or no worker runs."""
        execution.waiting.append(job)
        if execution.tasks and self.now >= self._down_until:
            self._go_on(execution)
        elif execution.tasks and len(execution.waiting) == 1:
            self._agenda.add(self._down_until, partial(self._go_on, execution))

    def _begin(self, execution: Execution) -> None:
        """The first task, unless it has come already; without a worker it waits for one."""
        if self.now < self._down_until:
            self._agenda.add(self._down_until, partial(self._begin, execution))
        elif not execution.tasks:
            self._go_on(execution)

    def _go_on(self, execution: Execution) -> None:
        """One workflow task for all that waits."""
        if execution.waiting and execution.closed_at is None:
            jobs = tuple(execution.waiting)
            execution.waiting.clear()
            self._task(execution, *jobs)

    def _task(self, execution: Execution, *jobs: _Job) -> None:
        """One workflow task: what has happened, and what follows from it before the server hears of it."""
        execution.tasks += 1
        self._activate(execution, *jobs)
        while execution.soon and execution.closed_at is None:
            if job := execution.soon.popleft()():
                self._activate(execution, job)

    def _activate(self, execution: Execution, *jobs: _Job) -> None:
        for number, job in enumerate(jobs, execution.history + 1):
            if job.HasField("signal_workflow"):
                job.signal_workflow.originating_event_id = number
        activation = self._activation(execution, *jobs)
        completion = self._complete(execution, activation)
        commands = completion.commands
        # Ways of the SDK that a run has taken once are its ways from then on, also when it is rebuilt.
        execution.flags.update(completion.used_internal_flags)
        execution.history += 3 + len(jobs) + len(commands)
        for command in commands:
            self._obey(execution, command)
        self._collect(execution)
        if self.crashes or self.remembers:
            execution.told.append((activation, list(commands)))
        if self.crashes:
            self.rebuild(execution)

    def _activation(self, execution: Execution, *jobs: _Job) -> WorkflowActivation:
        activation = WorkflowActivation(
            run_id=execution.run_id,
            history_length=execution.history,
            available_internal_flags=execution.flags,
            continue_as_new_suggested=execution.history > self._long_history,
            jobs=jobs,
        )
        passed = self.now - _EPOCH
        activation.timestamp.seconds = passed.days * _DAY + passed.seconds
        activation.timestamp.nanos = passed.microseconds * 1_000
        return activation

    def _complete(self, execution: Execution, activation: WorkflowActivation) -> Any:
        self.activations += 1
        with own_loop():
            completion = execution.instance.activate(activation)
        if completion.HasField("failed"):
            failure = completion.failed.failure
            raise Stuck(self._how(execution, f"{failure.message}\n{failure.stack_trace}".rstrip()))
        return completion.successful

    def _how(self, execution: Execution, what: str) -> str:
        return (
            f"{execution.id} ({execution.type}) is stuck at {self.now:%Y-%m-%d %H:%M:%S} UTC, "
            f"activation {self.activations}: {what}\nTo see it again: {self._reproduce}"
        )

    def _collect(self, execution: Execution) -> None:
        if self._passing is not None:
            execution.kept += self._passing.taken()

    def _read(self, payload: Payload, kind: type[_T]) -> _T:
        got: _T = self._payloads.from_payload(payload, kind)
        return got

    def _obey(self, execution: Execution, command: WorkflowCommand) -> None:
        kind = command.WhichOneof("variant")
        if kind is None or kind == "respond_to_query":
            return
        getattr(self, f"_{kind}")(execution, getattr(command, kind))

    def _note(self, execution: Execution, kind: str, seq: int = 0, of: str = "") -> None:
        execution.commands.append(Command(execution.tasks, self.now, kind, seq, of))

    def _update_response(self, execution: Execution, response: Any) -> None:
        if not response.HasField("accepted"):
            self._responses[response.protocol_instance_id] = response

    # Timers

    def _start_timer(self, execution: Execution, timer: Any) -> None:
        self._note(execution, "start_timer", timer.seq, str(timer.start_to_fire_timeout.seconds))
        due = self.now + timer.start_to_fire_timeout.ToTimedelta()

        def fire() -> None:
            job = _Job()
            job.fire_timer.seq = timer.seq
            self._tell(execution, job)

        self._await(execution, ("timer", timer.seq), due + self.lag(due), fire)

    def _cancel_timer(self, execution: Execution, timer: Any) -> None:
        self._note(execution, "cancel_timer", timer.seq)
        self._drop(execution, ("timer", timer.seq))

    # Activities

    def _schedule_activity(self, execution: Execution, asked: Any) -> None:
        self._note(execution, "schedule_activity", asked.seq, asked.activity_type)
        self._later(execution, asked, 1, self.now, timedelta())

    def _later(self, execution: Execution, asked: Any, attempt: int, since: datetime, pause: timedelta) -> None:
        def go() -> None:
            if self.now < self._down_until:
                self._later(execution, asked, attempt, since, self._down_until - self.now)
            elif job := self._attempt(execution, asked, attempt, since, local=False):
                self._tell(execution, job)

        self._await(execution, ("activity", asked.seq), self.now + pause, go)

    def _schedule_local_activity(self, execution: Execution, asked: Any) -> None:
        # After a pause that was a timer, the workflow says itself which attempt it is, and since when it is tried.
        attempt = max(asked.attempt, 1)
        since = self.now
        if asked.HasField("original_schedule_time"):
            since = asked.original_schedule_time.ToDatetime(tzinfo=since.tzinfo)
        execution.awaited["activity", asked.seq] = _NO_EVENT
        execution.soon.append(partial(self._locally, execution, asked, attempt, since))

    def _locally(self, execution: Execution, asked: Any, attempt: int, since: datetime) -> _Job | None:
        if execution.awaited.pop(("activity", asked.seq), None) is None:
            return None
        return self._attempt(execution, asked, attempt, since, local=True)

    def _attempt(self, execution: Execution, asked: Any, attempt: int, since: datetime, *, local: bool) -> _Job | None:
        """Perform one attempt. Gives what the workflow is told of it, if that is now."""

        def read(kind: type[_T]) -> _T:
            return self._read(asked.arguments[0], kind)

        answer = self.world.perform(Call(asked.activity_type, attempt, self.now, execution.id, read))
        if not answer.after:
            return self._resolved(execution, asked, attempt, since, answer, local=local)
        limit = time_limit(asked, since, self.now)
        if limit and answer.after > limit[0]:
            failure = exceptions.TimeoutError("activity timed out", type=limit[1], last_heartbeat_details=())
            answer = Answer(failure=failure, after=limit[0])

        def come() -> None:
            if job := self._resolved(execution, asked, attempt, since, answer, local=local):
                self._tell(execution, job)

        self._await(execution, ("activity", asked.seq), self.now + answer.after, come)
        return None

    def _resolved(
        self, execution: Execution, asked: Any, attempt: int, since: datetime, answer: Answer, *, local: bool
    ) -> _Job | None:
        job = _Job()
        job.resolve_activity.seq = asked.seq
        job.resolve_activity.is_local = local
        if answer.failure is None:
            job.resolve_activity.result.completed.result.CopyFrom(self._payloads.to_payload(answer.result))
        else:
            verdict = next_try(asked, answer.failure, attempt, since, self.now)
            if isinstance(verdict, timedelta) and not local:
                self._later(execution, asked, attempt + 1, since, verdict)
                return None
            if isinstance(verdict, timedelta):
                return self._local_retry(execution, asked, attempt + 1, since, verdict)
            error = failures.of_activity(asked.activity_type, asked.activity_id, verdict, answer.failure)
            self._to_failure(error, job.resolve_activity.result.failed.failure)
        if local:
            self._note(execution, "record_marker", asked.seq, asked.activity_type)
        return job

    def _local_retry(
        self, execution: Execution, asked: Any, attempt: int, since: datetime, pause: timedelta
    ) -> _Job | None:
        """A short pause is sat out within the task; before a longer one the workflow is told to sleep and ask again."""
        if pause > (asked.local_retry_threshold.ToTimedelta() or UNTIL_A_TIMER):
            job = _Job()
            job.resolve_activity.seq = asked.seq
            job.resolve_activity.is_local = True
            backoff = job.resolve_activity.result.backoff
            backoff.attempt = attempt
            backoff.backoff_duration.FromTimedelta(pause)
            backoff.original_schedule_time.FromDatetime(since.replace(tzinfo=None))
            self._note(execution, "record_marker", asked.seq, asked.activity_type)
            return job

        def again() -> None:
            if job := self._attempt(execution, asked, attempt, since, local=True):
                self._tell(execution, job)

        self._await(execution, ("activity", asked.seq), self.now + pause, again)
        return None

    def _request_cancel_activity(self, execution: Execution, asked: Any, *, local: bool = False) -> None:
        """It counts as cancelled at once, also where the workflow would wait until the activity has noticed."""
        if not local:
            self._note(execution, "request_cancel_activity", asked.seq)
        if not self._drop(execution, ("activity", asked.seq)):
            return
        job = _Job()
        job.resolve_activity.seq = asked.seq
        job.resolve_activity.is_local = local
        failure = job.resolve_activity.result.cancelled.failure
        failure.message = "Activity cancelled"
        failure.activity_failure_info.SetInParent()
        failure.cause.canceled_failure_info.SetInParent()
        execution.soon.append(lambda: job)

    def _request_cancel_local_activity(self, execution: Execution, asked: Any) -> None:
        self._request_cancel_activity(execution, asked, local=True)

    # Children and other workflows

    def _start_child_workflow_execution(self, execution: Execution, asked: Any) -> None:
        self._note(execution, "start_child_workflow_execution", asked.seq, asked.workflow_type)
        child = _Child(asked.workflow_id, asked.cancellation_type, asked.parent_close_policy)
        attributes = decode_typed_search_attributes(asked.search_attributes)

        def begin() -> None:
            job = _Job()
            resolved = job.resolve_child_workflow_execution_start
            resolved.seq = asked.seq
            try:
                begun = self._new(
                    asked.workflow_type, child.id, parent=(execution.id, asked.seq), attributes=attributes
                )
            except AlreadyRunning:
                resolved.failed.workflow_id, resolved.failed.workflow_type = child.id, asked.workflow_type
                resolved.failed.cause = _ALREADY_EXISTS
            else:
                execution.children[asked.seq] = child
                resolved.succeeded.run_id = begun.run_id
                begun.waiting.append(_beginning(begun, asked.input))
                self._begin(begun)
            self._tell(execution, job)

        self._await(execution, ("child", asked.seq), self.now, begin)

    def _cancel_child_workflow_execution(self, execution: Execution, asked: Any) -> None:
        seq, reason = asked.child_workflow_seq, asked.reason
        if self._drop(execution, ("child", seq)):
            job = _Job()
            job.resolve_child_workflow_execution_start.seq = seq
            self._to_failure(
                failures.of_given_up_child("", ""), job.resolve_child_workflow_execution_start.cancelled.failure
            )
            execution.soon.append(lambda: job)
            return
        self._note(execution, "request_cancel_external_workflow_execution", seq)
        child = execution.children.get(seq)
        if child is None:
            return
        how = ChildWorkflowCancellationType(child.when_cancelled)
        if how is not ChildWorkflowCancellationType.ABANDON:
            self._agenda.add(self.now, partial(self._ask_to_end, child.id, reason))
        if how is not ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED:
            job = _Job()
            job.resolve_child_workflow_execution.seq = seq
            failure = job.resolve_child_workflow_execution.result.cancelled.failure
            self._to_failure(failures.of_given_up_child("", child.id), failure)
            self._disown(child.id)
            execution.soon.append(lambda: job)

    def _disown(self, workflow_id: str) -> None:
        child = self.executions.get(workflow_id)
        if child is not None:
            child.parent = None

    def _ask_to_end(self, workflow_id: str, reason: str) -> bool:
        execution = self._alive(workflow_id)
        if execution is None:
            return False
        self._tell(execution, _cancellation(reason))
        return True

    def _request_cancel_external_workflow_execution(self, execution: Execution, asked: Any) -> None:
        target, reason = asked.workflow_execution.workflow_id, asked.reason
        self._note(execution, "request_cancel_external_workflow_execution", asked.seq, target)

        def deliver() -> None:
            job = _Job()
            resolved = job.resolve_request_cancel_external_workflow
            resolved.seq = asked.seq
            if not self._ask_to_end(target, reason):
                resolved.failure.message = "Unable to cancel external workflow because not found"
                resolved.failure.application_failure_info.type = "ExternalWorkflowExecutionNotFound"
            self._tell(execution, job)

        self._await(execution, ("cancellation", asked.seq), self.now, deliver)

    def _signal_external_workflow_execution(self, execution: Execution, asked: Any) -> None:
        target = asked.child_workflow_id or asked.workflow_execution.workflow_id
        self._note(execution, "signal_external_workflow_execution", asked.seq, asked.signal_name)

        def deliver() -> None:
            job = _Job()
            resolved = job.resolve_signal_external_workflow
            resolved.seq = asked.seq
            found = self._alive(target)
            if found is None:
                resolved.failure.message = _NOT_FOUND
                resolved.failure.application_failure_info.type = "ExternalWorkflowExecutionNotFound"
            else:
                self._tell(found, _signal(asked.signal_name, asked.args))
            if execution.closed_at is None:
                self._tell(execution, job)

        # What was sent arrives, even if its sender has ended meanwhile.
        self._agenda.add(self.now, deliver)

    def _cancel_signal_workflow(self, execution: Execution, asked: Any) -> None:
        """A signal is on its way as soon as it is sent."""

    # The rest

    def _upsert_workflow_search_attributes(self, execution: Execution, asked: Any) -> None:
        self._note(execution, "upsert_workflow_search_attributes")

    def _modify_workflow_properties(self, execution: Execution, asked: Any) -> None:
        self._note(execution, "modify_workflow_properties")

    def _set_patch_marker(self, execution: Execution, asked: Any) -> None:
        self._note(execution, "set_patch_marker", of=asked.patch_id)

    def _complete_workflow_execution(self, execution: Execution, asked: Any) -> None:
        self._note(execution, "complete_workflow_execution")
        execution.result = asked.result
        self._close(execution)

    def _fail_workflow_execution(self, execution: Execution, asked: Any) -> None:
        self._note(execution, "fail_workflow_execution")
        execution.failure = self._failures.from_failure(asked.failure, self._payloads)
        self._close(execution)

    def _cancel_workflow_execution(self, execution: Execution, asked: Any) -> None:
        self._note(execution, "cancel_workflow_execution")
        execution.failure = CancelledError("Workflow cancelled")
        self._close(execution)

    def _continue_as_new_workflow_execution(self, execution: Execution, asked: Any) -> None:
        self._note(execution, "continue_as_new_workflow_execution")
        attributes = execution.instance.get_info().typed_search_attributes
        self._end(execution)
        again = self._new(
            asked.workflow_type or execution.type,
            execution.id,
            parent=execution.parent,
            attributes=attributes,
            after=execution,
        )
        again.kept = execution.kept
        again.waiting.append(_beginning(again, asked.arguments))

        def begin() -> None:
            self._evict(execution)
            self._begin(again)

        self._agenda.add(self.now, begin)

    def _close(self, execution: Execution) -> None:
        self._end(execution)
        if execution.parent:
            self._agenda.add(self.now, lambda: self._tell_parent(execution))

    def _end(self, execution: Execution) -> None:
        """The run is over; its children go the way that it chose for them when it started them."""
        execution.closed_at = self.now
        self._drop_awaited(execution)
        for child in execution.children.values():
            self._orphan(child)

    def _orphan(self, child: _Child) -> None:
        known = self._alive(child.id)
        if known is None:
            return
        # Its parent's next run, if there is one, never heard of it.
        known.parent = None
        if child.when_closed == ParentClosePolicy.REQUEST_CANCEL:
            self._agenda.add(self.now, partial(self._ask_to_end, child.id, "by parent close policy"))
        elif child.when_closed != ParentClosePolicy.ABANDON:
            known.failure = TerminatedError("by parent close policy")
            self._end(known)

    def _tell_parent(self, execution: Execution) -> None:
        if execution.parent is None:
            return
        parent_id, seq = execution.parent
        parent = self._alive(parent_id)
        told = execution.details.info.parent
        if parent is None or told is None or parent.run_id != told.run_id:
            return
        job = _Job()
        resolved = job.resolve_child_workflow_execution
        resolved.seq = seq
        if execution.failure is None:
            resolved.result.completed.result.CopyFrom(execution.result)
        else:
            error = failures.of_child(execution.type, execution.id, execution.run_id, execution.failure)
            cancelled = isinstance(execution.failure, CancelledError)
            result = resolved.result.cancelled if cancelled else resolved.result.failed
            self._to_failure(error, result.failure)
        self._tell(parent, job)

    def _to_failure(self, error: BaseException, failure: Failure) -> None:
        self._failures.to_failure(error, self._payloads, failure)


def _beginning(execution: Execution, arguments: Sequence[Payload]) -> _Job:
    job = _Job()
    job.initialize_workflow.workflow_type = execution.type
    job.initialize_workflow.workflow_id = execution.id
    job.initialize_workflow.arguments.extend(arguments)
    job.initialize_workflow.randomness_seed = execution.details.randomness_seed
    return job


def _signal(name: str, arguments: Sequence[Payload]) -> _Job:
    job = _Job()
    job.signal_workflow.signal_name = name
    job.signal_workflow.input.extend(arguments)
    return job


def _cancellation(reason: str) -> _Job:
    job = _Job()
    job.cancel_workflow.reason = reason
    return job
