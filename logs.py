"""One form for all logs: ours, the SDK's, and those of workflows and activities with their order bound.

No personal data: inputs of failed validations and local variables are left out, and of the SDK's core only known fields
are shown. Workflows log through `workflow.logger`, which is silent on replay.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Final, Literal

import structlog
from structlog.typing import EventDict, Processor
from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

_CORE_FIELDS: Final = frozenset({"run_id", "workflow_id", "workflow_type", "activity_type", "task_queue", "attempt"})
_INPUT: Final = re.compile(r"input_value=.*?, input_type=", re.DOTALL)
_CASE: Final = re.compile(r"case-(?P<order>.+)-\d+")
_NOISY: Final = ("asyncio", "sqlalchemy", "httpx", "httpcore")


def configure(level: str, form: Literal["console", "json"]) -> None:
    """Send all logs of this process from `level` on to standard error, in this form."""
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    foreign: list[Processor] = [*common, structlog.stdlib.ExtraAdder(), bind_subject, shorten_failures]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=foreign,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_inputs,
                *_renderers(form),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *common,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _renderers(form: Literal["console", "json"]) -> list[Processor]:
    if form == "json":
        return [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer(default=str)]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


def bind_subject(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Turn what the SDK adds to a record into order, case, workflow, run and attempt."""
    event.pop("__temporal_error_identifier", None)
    about: dict[str, Any] = dict(event.pop("temporal_workflow", None) or {})
    if (work := event.pop("temporal_activity", None)) is not None:
        about = {**work, "run_id": work.get("workflow_run_id"), "activity": work.get("activity_type")}
    if (core := event.pop("temporal_log", None)) is not None:
        about = {name: value for name, value in core.fields.items() if name in _CORE_FIELDS}
    workflow_id = str(about.get("workflow_id") or "")
    bound = {
        **subject(workflow_id),
        "workflow_id": workflow_id or None,
        "run_id": about.get("run_id"),
        "attempt": about.get("attempt"),
        "activity": about.get("activity"),
        "update": about.get("update_name"),
    }
    for name, value in bound.items():
        if value is not None:
            event.setdefault(name, value)
    return event


def subject(workflow_id: str) -> dict[str, str]:
    """Order and case of a workflow id: `order-A-1` is order A-1, `case-A-1-2` its second case."""
    if case := _CASE.fullmatch(workflow_id):
        return {"order_id": case["order"], "case_id": workflow_id}
    if workflow_id.startswith("order-"):
        return {"order_id": workflow_id.removeprefix("order-")}
    return {}


def shorten_failures(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A failure that an activity raises on purpose is a message for people, not a stack trace."""
    error = event.get("exc_info")
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, ApplicationError):
        del event["exc_info"]
        event["error"] = f"{error.type}: {error.message}" if error.type else error.message
    return event


def hide_inputs(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Whatever a validation refused may be what a person wrote. Our models hide it; others must not show it either."""
    if text := event.get("exception"):
        event["exception"] = _INPUT.sub("input_value=..., input_type=", text)
    return event
