"""The yardstick: a workflow with the same commands as a recorded order, and no logic.

Its plan is read from the history of a real order, so it stays the same workload when orders change.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

from workflows.search_attributes import ORDER_STATE

# As the domain is for orders: one copy a process.
with workflow.unsafe.imports_passed_through():
    from bench.plan import Plan, Step

TIMEOUT = timedelta(seconds=30)


@activity.defn(name="bench.nothing")
def nothing(text: str) -> str:
    """Do nothing with a small payload."""
    return text


@workflow.defn(name="BareWorkflow")
class BareWorkflow:
    """Follows a plan: waits for what the order waited for, and issues the commands that it issued."""

    def __init__(self) -> None:
        self._signals = 0
        self._fired = 0
        self._done = 0
        self._alarm: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, plan: Plan) -> str:
        """Each step in turn."""
        for number, step in enumerate(plan.steps):
            await workflow.wait_condition(lambda step=step: self._reached(step))  # type: ignore[misc]  # bound now
            await self._do(step, f"step {number}")
        return "done"

    @workflow.signal(name="told")
    def told(self, text: str) -> None:
        """Something was said."""
        self._signals += 1

    def _reached(self, step: Step) -> bool:
        return self._signals >= step.signals and self._fired >= step.fired and self._done >= step.done

    async def _do(self, step: Step, text: str) -> None:
        for _ in range(step.local_activities):
            await workflow.execute_local_activity(nothing, text, start_to_close_timeout=TIMEOUT, summary=text)
        for _ in range(step.upserts):
            workflow.upsert_search_attributes([ORDER_STATE.value_set(text)])
        if step.cancels and self._alarm is not None:
            self._alarm.cancel()
        for seconds in step.timers:
            self._alarm = asyncio.create_task(self._ring(seconds, text))
        for _ in range(step.activities):
            await workflow.execute_activity(nothing, text, start_to_close_timeout=TIMEOUT, summary=text)
            self._done += 1

    async def _ring(self, seconds: float, text: str) -> None:
        await workflow.sleep(seconds, summary=text)
        self._fired += 1
