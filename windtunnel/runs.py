"""Instances of workflows as the SDK makes them, without a worker."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Final, cast

from temporalio import workflow
from temporalio.api.common.v1 import Payloads
from temporalio.common import MetricMeter, Priority, TypedSearchAttributes
from temporalio.converter import FailureConverter, PayloadConverter
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails

from windtunnel.failures import NAMESPACE

_TASK: Final = timedelta(seconds=10)

# An instance asks for a running loop only to hang itself on it: this one has nothing to open or to close.
_LOOP: Final = cast(asyncio.AbstractEventLoop, SimpleNamespace())


@contextmanager
def own_loop() -> Iterator[None]:
    """Leave the caller's event loop as it was: a workflow puts its own in its place, and then none."""
    outer = asyncio._get_running_loop()  # noqa: SLF001 -- the public function raises where there is none
    try:
        yield
    finally:
        asyncio._set_running_loop(outer)  # noqa: SLF001 -- what `asyncio.run` does; there is no public way


@dataclass(frozen=True, slots=True)
class Birth:
    """What a new run is told of itself. `first` is the first run of the same workflow, `before` the one before it."""

    name: str
    workflow_id: str
    run_id: str
    at: datetime
    first: str = ""
    before: str | None = None
    parent: workflow.ParentInfo | None = None
    attributes: TypedSearchAttributes = TypedSearchAttributes.empty


class Nursery:
    """Makes instances of these workflow classes. Chance follows from `seed` and the workflow's id."""

    def __init__(
        self,
        workflows: Sequence[type],
        payloads: PayloadConverter,
        failures: FailureConverter,
        failure_types: Sequence[type[BaseException]],
        seed: int,
    ) -> None:
        self._payloads = payloads
        self._failures = failures
        self._failure_types = failure_types
        self._seed = seed
        self._definitions = {
            definition.name: definition
            for definition in map(workflow._Definition.must_from_class, workflows)  # noqa: SLF001 -- the SDK's own
        }
        self._runner = UnsandboxedWorkflowRunner()

    def details(self, birth: Birth) -> WorkflowInstanceDetails:
        """All that an instance of a run is made from, as often as need be."""
        info = workflow.Info(
            attempt=1,
            continued_run_id=birth.before,
            cron_schedule=None,
            execution_timeout=None,
            first_execution_run_id=birth.first or birth.run_id,
            headers={},
            namespace=NAMESPACE,
            original_execution_run_id=birth.run_id,
            parent=birth.parent,
            root=None,
            priority=Priority.default,
            raw_memo={},
            retry_policy=None,
            run_id=birth.run_id,
            run_timeout=None,
            search_attributes={},
            start_time=birth.at,
            workflow_start_time=birth.at,
            task_queue=NAMESPACE,
            task_timeout=_TASK,
            typed_search_attributes=birth.attributes,
            workflow_id=birth.workflow_id,
            workflow_type=birth.name,
        )
        chance = f"{self._seed}/{birth.workflow_id}/{birth.run_id if birth.before else ''}"
        return WorkflowInstanceDetails(
            payload_converter_factory=lambda: self._payloads,
            failure_converter_class=type(self._failures),
            interceptor_classes=(),
            defn=self._definitions[birth.name],
            info=info,
            randomness_seed=zlib.crc32(chance.encode()),
            extern_functions={
                "__temporal_get_metric_meter": lambda: MetricMeter.noop,
                "__temporal_assert_local_activity_valid": lambda _name: None,
            },
            disable_eager_activity_execution=False,
            worker_level_failure_exception_types=self._failure_types,
            patch_activation_callback=None,
            last_completion_result=Payloads(),
            last_failure=None,
        )

    def instance(self, details: WorkflowInstanceDetails) -> WorkflowInstance:
        """A fresh instance, which has not begun."""
        # An instance writes its search attributes into its info, even into the shared `empty`: each gets its own.
        own = TypedSearchAttributes(tuple(details.info.typed_search_attributes))
        details = replace(details, info=replace(details.info, search_attributes={}, typed_search_attributes=own))
        with own_loop():
            asyncio._set_running_loop(_LOOP)  # noqa: SLF001 -- see `own_loop`
            return self._runner.create_instance(details)
