"""The gateway answers as its OpenAPI document says, to requests that are right and to those that are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from gateway.keys import KeyRole
from tests.server.gateway.doors import Doors

EXAMPLES = 6
"""Requests for each operation, half of them wrong on purpose."""

NOTHING_TO_GET_WRONG = ("/healthz", "/readyz")

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


@pytest_asyncio.fixture(scope="module")
async def address(doors: Doors) -> AsyncIterator[str]:
    """A gateway process beside the worker of the other tests: schemathesis has no event loop of its own to offer."""
    async with doors.in_a_process(REDRESS_GATEWAY_RATE="100000/second") as url:
        yield url


@pytest.mark.slow
async def test_no_5xx_and_no_undocumented_answer(doors: Doors, address: str) -> None:
    """Every operation, with generated requests about an order and a case that there are."""
    case = await doors.complained("OPEN-1")
    key = doors.key(*KeyRole)

    await asyncio.to_thread(_play, address, key, {"order_id": "OPEN-1", "case_id": case})


def _play(address: str, key: str, there_is: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        _ask(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), key, there_is)
        if operation.path not in NOTHING_TO_GET_WRONG:
            _ask(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), key, there_is)


def _ask(cases: Any, key: str, there_is: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES // 2,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(cases)
    def play(case: Any) -> None:
        for name, value in there_is.items():
            if name in (case.path_parameters or {}) and case.meta.generation.mode is GenerationMode.POSITIVE:
                case.path_parameters[name] = value
        case.call_and_validate(checks=CHECKS, headers={"Authorization": f"Bearer {key}"})

    play()
