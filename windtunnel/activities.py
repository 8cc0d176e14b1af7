"""The real activities in the tunnel: each attempt runs at once, in the caller's thread, over whatever adapters."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity
from temporalio.testing import ActivityEnvironment

from windtunnel.contract import Answer, Call


class RealActivities:
    """Runs activity functions (not coroutines) as a worker would; they take no virtual time."""

    def __init__(self, functions: Sequence[Callable[..., Any]]) -> None:
        of = activity._Definition.must_from_callable  # noqa: SLF001 -- the SDK's own, which a worker reads too
        definitions = [of(function) for function in functions]
        self._functions = {str(definition.name): definition.fn for definition in definitions}
        self._arguments = {
            str(definition.name): definition.arg_types[0] for definition in definitions if definition.arg_types
        }
        self._environment = ActivityEnvironment()
        self._info = self._environment.info

    def perform(self, call: Call) -> Answer:
        """Run one attempt; what it raises is its failure."""
        self._environment.info = dataclasses.replace(
            self._info, attempt=call.attempt, started_time=call.at, activity_type=call.name
        )
        try:
            argument = call.read(self._arguments[call.name])
            return Answer(result=self._environment.run(self._functions[call.name], argument))
        except Exception as failure:  # noqa: BLE001 -- whatever an activity raises is its answer
            return Answer(failure=failure)
