"""The storefront in another language: it runs, and its order ends as it says."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.keys import KeyRole
from tests.server.gateway.doors import Doors
from tests.server.processes import PATIENCE, ROOT

EXAMPLE = ROOT / "examples" / "storefront-node" / "index.mjs"
OLDEST = (20, 15)


def node() -> str:
    """The node that runs the example; none skips the test."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no node on the PATH")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, version.strip("v\n").split(".")[:2])) < OLDEST:
        pytest.skip(f"node is {version.strip()}, and the example needs v20.15")
    return found


@pytest_asyncio.fixture(scope="module")
async def address(doors: Doors) -> AsyncIterator[str]:
    """A gateway process beside the worker of the other tests."""
    async with doors.in_a_process(REDRESS_GATEWAY_SANDBOX="true") as url:
        yield url


async def storefront(address: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What the example says."""
    return await asyncio.to_thread(
        subprocess.run,
        [node(), str(EXAMPLE), *words],
        env={"PATH": os.environ["PATH"], "REDRESS_URL": address} | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


async def test_storefront_in_node_sells_ships_complains_and_follows_its_case(doors: Doors, address: str) -> None:
    """From the sale to a partial refund by nothing but fetch, a refused tracking number on the way included."""
    key = doors.key(KeyRole.STOREFRONT, KeyRole.CARRIER)

    told = await storefront(address, "NODE-1", REDRESS_KEY=key)

    assert [
        "sold awaiting_shipment",
        "refused number_shape",
        "shipped delivered",
        "complained case-NODE-1-1",
        "said 2",
        "settled partial_refund 2500",
        "ended partially_refunded",
    ] == told.stdout.splitlines(), told.stderr


async def test_storefront_in_node_says_what_went_wrong(doors: Doors, address: str) -> None:
    """Without a key it says how to get one, and with a wrong one what the gateway answered."""
    none = await storefront(address)
    wrong = await storefront(address, REDRESS_KEY="rk_wrong")

    assert (2, True) == (none.returncode, "keys issue" in none.stderr)
    assert (1, True) == (wrong.returncode, wrong.stderr.startswith("No valid API key"))
