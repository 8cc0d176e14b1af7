"""The gateway as a process: how it starts, ends, and what a kill costs."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path
from typing import Final

import httpx
import pytest

from embedded import EmbeddedServer
from gateway.keys import KeyRole
from tests.server.gateway.doors import QUEUE, Doors
from tests.server.processes import ended, eventually, run, says, start

MESSAGES: Final = 60
AT_ONCE: Final = 6


async def test_it_starts_without_temporal_and_ends_in_good_order(tmp_path: Path) -> None:
    """It says where it is, that no key has been issued, answers, and ends by SIGTERM with exit code 0."""
    gateway = start(
        "-m",
        "gateway",
        REDRESS_DATA_DIR=str(tmp_path),
        REDRESS_GATEWAY_ADDRESS="127.0.0.1:0",
        TEMPORAL_ADDRESS="127.0.0.1:1",
    )
    url = (await says(gateway, "Redress gateway is ready: ")).rpartition(" ")[2].strip()
    async with httpx.AsyncClient(base_url=url) as client:
        statuses = [(await client.get(path)).status_code for path in ("/healthz", "/readyz", "/v1/orders/A-1")]
    gateway.send_signal(signal.SIGTERM)
    code, _, errors = await ended(gateway)

    assert [200, 503, 401] == statuses
    assert 0 == code
    assert "there is no API key yet" in errors


async def test_address_that_is_taken_is_told(tmp_path: Path) -> None:
    """A port in use is a wrong setting: exit code 2, and what to write."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, _, errors = await run("-m", "gateway", REDRESS_DATA_DIR=str(tmp_path), REDRESS_GATEWAY_ADDRESS=address)

    assert (2, True) == (code, errors.startswith("REDRESS_GATEWAY_ADDRESS is wrong"))


async def test_a_provider_without_its_key_is_told(tmp_path: Path) -> None:
    """The gateway reads the truth behind webhooks as the worker does: what its settings lack is one line."""
    settings = {"REDRESS_DATA_DIR": str(tmp_path), "REDRESS_GATEWAY_ADDRESS": "127.0.0.1:0"}
    code, _, errors = await run("-m", "gateway", REDRESS_CARRIERS="easypost", **settings)

    assert (2, False) == (code, "Traceback" in errors)
    assert errors.splitlines()[-1].startswith("REDRESS_CARRIERS=easypost needs REDRESS_EASYPOST_API_KEY")


@pytest.mark.slow
async def test_killed_gateway_loses_nothing_and_repeats_nothing(doors: Doors, server: EmbeddedServer) -> None:
    """Killed under load and started again, with every request sent again until it is answered: each counts once."""
    case = await doors.complained("P-1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "REDRESS_DATA_DIR": str(doors.settings.data_dir),
        "REDRESS_GATEWAY_ADDRESS": address,
        "REDRESS_GATEWAY_RATE": "100000/second",
        # What the dead one had begun may be taken over after six times as long.
        "REDRESS_GATEWAY_PATIENCE_SECONDS": "1",
        "REDRESS_TASK_QUEUE": QUEUE,
        "TEMPORAL_ADDRESS": server.address,
    }
    gateway = start("-m", "gateway", **settings)
    await says(gateway, "ready")
    waiting = iter(range(MESSAGES))
    answered: set[int] = set()
    failed = 0
    key = doors.key(KeyRole.STOREFRONT)

    async def say(client: httpx.AsyncClient, number: int) -> bool:
        message = {"by": "buyer", "text": f"message {number}"}
        try:
            answer = await client.post(
                f"/v1/cases/{case}/messages", json=message, headers={"Idempotency-Key": f"k{number}"}
            )
        except httpx.TransportError:
            return False
        return answer.status_code == 202

    async def talk(client: httpx.AsyncClient) -> None:
        nonlocal failed
        for number in waiting:
            while not await say(client, number):
                failed += 1
                await asyncio.sleep(0.2)
            answered.add(number)

    async def accident() -> None:
        nonlocal gateway

        async def at_work() -> bool:
            return len(answered) >= MESSAGES // 4

        await eventually(at_work)
        gateway.kill()
        gateway.communicate()
        gateway = await asyncio.to_thread(start, "-m", "gateway", **settings)

    try:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=f"http://{address}", headers=headers) as client:
            await asyncio.gather(accident(), *(talk(client) for _ in range(AT_ONCE)))
    finally:
        gateway.kill()
        gateway.communicate()

    said = [one["text"] for one in (await doors.shop.get(f"/v1/cases/{case}/conversation")).json()["messages"]]
    assert 0 < failed
    assert sorted(f"message {number}" for number in range(MESSAGES)) == sorted(said)
