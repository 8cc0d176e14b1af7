"""Logs: one form, the order bound, nothing twice and nothing personal."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydantic
import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.runtime import LogForwardingConfig
from temporalio.testing import ActivityEnvironment

import logs
from domain.base import Model
from domain.messages import Chargeback, ChargebackState
from tests.server_world import a_server_world
from tests.world import an_order, usd
from workflows.order import OrderWorkflow


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the logging of other tests as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The JSON lines on standard error."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


async def test_a_workflow_logs_with_its_order_and_only_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a workflow logs names order, workflow and run, and replaying its history says nothing again.

    On a server: a worker that keeps no workflow in memory replays before each answer, and gives loggers their context.
    """
    async with a_server_world(tmp_path, cached=0) as world:
        order = an_order(await world.now())
        handle = await world.start(order)
        logs.configure("INFO", "json")
        refused = Chargeback(chargeback_id="cb-1", state=ChargebackState.OPENED, amount=usd(12_901))
        await handle.signal(OrderWorkflow.chargeback, refused)
        await handle.query(OrderWorkflow.status)
        await world.at(order.placed_at + timedelta(days=3))
        await handle.query(OrderWorkflow.status)
        run_id = (await handle.describe()).run_id
        messages = [line for line in said(capsys) if line["message"] == "message refused"]

    expected = {
        "message": "message refused",
        "level": "info",
        "order_id": "A-1",
        "workflow_id": "order-A-1",
        "run_id": run_id,
        "refused": "chargeback",
        "by": "platform",
    }
    assert [expected] == [{name: line[name] for name in expected} for line in messages]
    assert [] == [name for line in messages for name in line if name.startswith("temporal_")]


@pytest.mark.parametrize(
    ("workflow_id", "expected"),
    [
        ("order-A-1", {"order_id": "A-1"}),
        ("case-A-1-2", {"order_id": "A-1", "case_id": "case-A-1-2"}),
        ("order-case-7-1", {"order_id": "case-7-1"}),
        ("listing-L-1", {}),
        ("", {}),
    ],
)
def test_order_and_case_are_read_from_the_workflow_id(workflow_id: str, expected: dict[str, str]) -> None:
    """A case names its order too, so that one search finds everything about an order."""
    assert expected == logs.subject(workflow_id)


async def test_an_activity_logs_with_its_order_and_attempt(capsys: pytest.CaptureFixture[str]) -> None:
    """What an activity logs names order, workflow, attempt and activity, beside what it says itself."""
    logs.configure("INFO", "json")
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, workflow_id="order-A-1")
    await environment.run(_log)

    (line,) = said(capsys)
    expected = {"message": "asked", "order_id": "A-1", "workflow_id": "order-A-1", "attempt": 1, "carrier": "sandbox"}
    assert expected == {name: line[name] for name in expected}


async def _log() -> None:
    activity.logger.info("asked", extra={"carrier": "sandbox"})


class Named(Model):
    """A model of ours."""

    name: int


class Foreign(pydantic.BaseModel):
    """A model of somebody else, whose errors show the input."""

    name: int


@pytest.mark.parametrize("model", [Named, Foreign])
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_failed_validation_is_logged_without_its_input(
    model: type[pydantic.BaseModel], form: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a person wrote never reaches the logs through the error that refused it."""
    logs.configure("INFO", form)
    written = "Ada Lovelace,\nSt James's Square"
    try:
        model.model_validate({"name": written})
    except pydantic.ValidationError:
        logging.getLogger("temporalio").exception("dropping the signal")

    text = capsys.readouterr().err
    assert "dropping the signal" in text
    assert "int_parsing" in text
    assert "Ada" not in text
    assert "Square" not in text


def test_an_expected_failure_of_an_activity_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    """A failure raised on purpose shows its type and text, and no stack trace."""
    logs.configure("INFO", "json")
    failure = ApplicationError("The carrier did not answer", type="CarrierUnavailable")
    logging.getLogger("temporalio.activity").warning("Completing activity as failed", exc_info=failure)

    (line,) = said(capsys)
    assert "CarrierUnavailable: The carrier did not answer" == line["error"]
    assert "exception" not in line


def test_the_core_of_the_sdk_logs_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings of the native core keep the fields that name work, and lose all others, which may hold payloads."""
    logs.configure("INFO", "json")
    # Its class is native and cannot be made here.
    entry: Any = SimpleNamespace(
        level=logging.WARNING,
        target="temporalio_sdk_core",
        message="Failing workflow task",
        time=1_800_000_000.0,
        fields={"run_id": "r-1", "workflow_id": "order-A-1", "failure": "payload"},
    )
    forwarding = LogForwardingConfig(
        logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,
    )
    forwarding._on_logs([entry])

    (line,) = said(capsys)
    expected = {"message": "Failing workflow task", "logger": "temporalio.core", "run_id": "r-1", "order_id": "A-1"}
    assert expected == {name: line[name] for name in expected}
    assert "payload" not in str(line)


def test_the_level_is_kept_and_libraries_are_quieter(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the level nothing is written, and chatty libraries start at warnings."""
    logs.configure("INFO", "json")
    for name in ("redress", "sqlalchemy.engine"):
        logging.getLogger(name).debug("detail")
        logging.getLogger(name).info("news")
        logging.getLogger(name).warning("trouble")

    expected = [("redress", "news"), ("redress", "trouble"), ("sqlalchemy.engine", "trouble")]
    assert expected == [(line["logger"], line["message"]) for line in said(capsys)]
