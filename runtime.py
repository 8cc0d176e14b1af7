"""What every process shares: the one plugin, the task queue, connecting, and leaving cleanly."""

from __future__ import annotations

import pydantic
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

TASK_QUEUE = "redress"

# By name: passing `domain` through shares one copy of all models among the cached workflows of a process,
# and lets the calendars use ZoneInfo, which the sandbox would break (notes on both: docs/decisions/).
PASSED_THROUGH = ("domain", "activities", "babel", "sqlalchemy")


def plugin() -> SimplePlugin:
    """Data converter, sandbox and failure types, the same for worker, starter, tests and replayer."""
    return SimplePlugin(
        "redress",
        data_converter=pydantic_data_converter,
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
        ),
        # A start input that does not decode would otherwise leave a workflow whose task fails for ever.
        workflow_failure_exception_types=[pydantic.ValidationError],
    )
