"""Processes that end: always with the right code, and with the right words."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from embedded import EmbeddedServer
from tests.server import processes

CLIENT = """
import runtime

async def main():
    client = await runtime.connect()
    print((await client.count_workflows("WorkflowId = 'none'")).count)

runtime.run(main())
"""


async def test_a_short_client_ends_well_every_time(server: EmbeddedServer) -> None:
    """The SDK's threads never abort a process that ends right after its work: 20 of 20 end with 0."""

    async def once() -> tuple[int, str, str]:
        return await processes.run("-c", CLIENT, TEMPORAL_ADDRESS=server.address)

    answers: list[tuple[int, str, str]] = []
    for _ in range(5):
        answers += await asyncio.gather(*(once() for _ in range(4)))
    assert 20 * [(0, "0\n", "")] == answers


@pytest.mark.parametrize(
    ("variables", "code", "text"),
    [
        ({"REDRESS_GRACEFUL_SECONDS": "soon"}, 2, "REDRESS_GRACEFUL_SECONDS is wrong"),
        ({"REDRESS_STORE_URL": "nonsense"}, 2, "REDRESS_STORE_URL is wrong"),
        ({"REDRESS_DATA_DIR": "/dev/null/var"}, 2, "REDRESS_DATA_DIR is wrong"),
        ({"TEMPORAL_ADDRESS": "127.0.0.1:1"}, 3, "Temporal cannot be reached at 127.0.0.1:1"),
    ],
)
async def test_a_worker_that_cannot_start_says_why(
    variables: dict[str, str], code: int, text: str, tmp_path: Path
) -> None:
    """A wrong setting ends with 2 and an unreachable Temporal with 3; the last line says what to do."""
    settings = {"REDRESS_DATA_DIR": str(tmp_path), "REDRESS_CONNECT_SECONDS": "0"} | variables
    ended = await processes.run("worker.py", **settings)
    assert (code, "") == ended[:2]
    assert ended[2].splitlines()[-1].startswith(text), ended[2]
    assert "Traceback" not in ended[2]


async def test_a_wrong_option_is_a_usage_error() -> None:
    """Options follow the usual convention."""
    code, _, errors = await processes.run("worker.py", "--prot", "1")
    assert 2 == code
    assert "usage: worker.py" in errors
