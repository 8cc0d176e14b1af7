"""Tiny workflows, each of which shows one thing that an engine must be able to do."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ChildWorkflowError, is_cancelled_exception

from domain.base import Model

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Text(Model):
    """What tiny workflows are told."""

    text: str = ""


@workflow.defn
class Waits:
    """Gathers what it is told until it is told `end`, or a day has passed; answers in several ways."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.over = False

    @workflow.run
    async def run(self, begun: Text) -> tuple[str, ...]:
        self.heard.append(begun.text)
        try:
            await workflow.wait_condition(lambda: self.over, timeout=DAY)
        except TimeoutError:
            self.heard.append("a day")
        except asyncio.CancelledError:
            self.heard.append("cancelled")
            raise
        return tuple(self.heard)

    @workflow.signal
    def tell(self, message: Text) -> None:
        self.heard.append(message.text)
        self.over = message.text == "end"

    @workflow.query
    def all(self) -> tuple[str, ...]:
        return tuple(self.heard)

    @workflow.query
    def broken(self) -> str:
        raise ValueError("no answer to this")

    @workflow.update
    def echo(self, message: Text) -> str:
        if message.text == "fail":
            raise ApplicationError("cannot say that", type="Unsayable")
        return message.text

    @echo.validator
    def _sayable(self, message: Text) -> None:
        if not message.text:
            raise ValueError("say something")

    @workflow.update
    async def patiently(self, message: Text) -> str:
        await workflow.sleep(HOUR)
        said: str = await workflow.execute_activity("say", message, result_type=str, start_to_close_timeout=HOUR)
        return said

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def never(self, message: Text) -> str:
        await workflow.wait_condition(lambda: False)
        return message.text


class Ask(Model):
    """How `Calls` calls its activity."""

    start_to_close: timedelta | None = HOUR
    schedule_to_close: timedelta | None = None
    first: timedelta = timedelta(seconds=1)
    coefficient: float = 2.0
    longest: timedelta | None = None
    attempts: int = 0
    final: tuple[str, ...] = ()
    local: bool = False


@workflow.defn
class Calls:
    """Calls one activity; says how that ended."""

    @workflow.run
    async def run(self, ask: Ask) -> str:
        options: dict[str, Any] = {
            "start_to_close_timeout": ask.start_to_close,
            "schedule_to_close_timeout": ask.schedule_to_close,
            "retry_policy": RetryPolicy(
                initial_interval=ask.first,
                backoff_coefficient=ask.coefficient,
                maximum_interval=ask.longest,
                maximum_attempts=ask.attempts,
                non_retryable_error_types=ask.final,
            ),
            "result_type": str,
        }
        call = workflow.execute_local_activity if ask.local else workflow.execute_activity
        said: str = await call("say", Text(text="hello"), **options)
        return said


@workflow.defn
class CancelsCall:
    """Gives an activity up after an hour."""

    @workflow.run
    async def run(self, begun: Text) -> str:
        call = workflow.start_activity("say", begun, start_to_close_timeout=DAY)
        await workflow.sleep(HOUR)
        call.cancel()
        try:
            await call
        except Exception as error:  # noqa: BLE001 -- which one it is, is what is tried
            return "cancelled" if is_cancelled_exception(error) else repr(error)
        return "said"


@workflow.defn
class Counts:
    """Counts down from `start` by continuing as new, a step an hour; says who its parent is."""

    @workflow.run
    async def run(self, left: int) -> str:
        await workflow.sleep(HOUR)
        if left:
            workflow.continue_as_new(left - 1)
        parent = workflow.info().parent
        return parent.workflow_id if parent else "nobody"


@workflow.defn
class Fails:
    """Fails, or is stuck."""

    @workflow.run
    async def run(self, begun: Text) -> None:
        await workflow.sleep(HOUR)
        if begun.text == "stuck":
            raise RuntimeError("nobody has thought of this")
        raise ApplicationError("this had to come", type="Foreseen")


class Begin(Model):
    """Which child `Parent` starts."""

    kind: str
    text: str = ""
    policy: int = int(workflow.ParentClosePolicy.TERMINATE)
    leave: bool = False
    cancellation: int = int(workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED)


@workflow.defn
class Parent:
    """Starts a child, and says what became of it; or leaves it behind."""

    @workflow.run
    async def run(self, begin: Begin) -> str:
        argument: Any = int(begin.text) if begin.kind == "Counts" else Text(text=begin.text)
        child = await workflow.start_child_workflow(
            begin.kind,
            argument,
            id="child",
            result_type=None,
            parent_close_policy=workflow.ParentClosePolicy(begin.policy),
            cancellation_type=workflow.ChildWorkflowCancellationType(begin.cancellation),
        )
        if begin.leave:
            return "left"
        try:
            return str(await child)
        except ChildWorkflowError as error:
            cause = error.cause
            return f"{type(cause).__name__}: {cause}"


@workflow.defn
class Speaks:
    """Tells another workflow something, or asks it to end; says how that went."""

    @workflow.run
    async def run(self, what: Text) -> str:
        other = workflow.get_external_workflow_handle("other")
        try:
            await (other.cancel() if what.text == "cancel" else other.signal("tell", what))
        except ApplicationError as error:
            return str(error)
        return "told"


@workflow.defn
class Patched:
    """Has a patch; says which way it went, and what chance gave it."""

    @workflow.run
    async def run(self, begun: Text) -> str:
        way = "new" if workflow.patched("way") else "old"
        await workflow.sleep(HOUR)
        return f"{way} {workflow.uuid4()} {workflow.random().random()}"


@workflow.defn
class Long:
    """Runs until the server would rather have it begin anew, then until it is told."""

    @workflow.run
    async def run(self, begun: Text) -> int:
        hours = 0
        while not workflow.info().is_continue_as_new_suggested():
            await workflow.sleep(HOUR)
            hours += 1
        return hours


ALL = (Waits, Calls, CancelsCall, Counts, Fails, Parent, Speaks, Patched, Long)
