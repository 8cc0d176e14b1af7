"""One gateway with a worker behind it, for all tests here."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.client import Client

from embedded import EmbeddedServer
from tests.server.gateway.doors import QUEUE, Doors
from tests.server.processes import a_lasting_worker


@pytest_asyncio.fixture(scope="session")
async def doors(
    client: Client, server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Doors]:
    """The gateway that tests share; nobody changes its settings."""
    folder = tmp_path_factory.mktemp("gateway")
    async with a_lasting_worker(data_dir=folder, TEMPORAL_ADDRESS=server.address, REDRESS_TASK_QUEUE=QUEUE):
        yield Doors(client, folder)
