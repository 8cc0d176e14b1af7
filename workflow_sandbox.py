"""The workflow sandbox: what passes through it, and one copy of compiled workflow code for all of its instances.

The SDK imports the workflow file anew for each open order. Python would read, and where it may not write bytecode even
compile, the file each time, and keep a copy of the code in memory for each order. The functions and classes must be
fresh, which is what isolates orders from each other; code objects cannot change, so all instances share them.
Sharing also means that a running worker never mixes old and new code when its files are replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

# By name: passing `domain` through shares one copy of all models among the cached workflows of a process,
# and lets the calendars use ZoneInfo, which the sandbox would break. What workflows lean on is shared too, which saves
# most of the time and memory of each sandbox; the workflows themselves stay inside it (docs/decisions/0006).
PASSED_THROUGH: Final = (
    "domain",
    "activities",
    "babel",
    "sqlalchemy",
    "workflows.bookkeeping",
    "workflows.calls",
    "workflows.display",
    "workflows.docket",
    "workflows.errands",
    "workflows.hearings",
    "workflows.journal",
    "workflows.options",
    "workflows.parcel_watch",
    "workflows.search_attributes",
    "workflows.transit",
    "workflows.treasury",
)

_SHARED: Final = "workflows."


class _SharedCode(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType | None:
        return _code(fullname, self.path)


@lru_cache
def _code(fullname: str, path: str) -> CodeType | None:
    return SourceFileLoader(fullname, path).get_code(fullname)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(_SHARED):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _SharedCode(fullname, spec.loader.path)
        return spec


def runner() -> SandboxedWorkflowRunner:
    """The runner that worker, tests and replayer share."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
