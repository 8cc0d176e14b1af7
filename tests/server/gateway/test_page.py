"""docs/gateway.md: every curl on the page works, and is answered as the page shows."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from typing import Any

import pytest

from embedded import EmbeddedServer
from gateway.keys import KeyRole
from tests.server.gateway.doors import QUEUE, Doors
from tests.server.processes import PATIENCE, ROOT, a_gateway

PAGE = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^```sh curl\n(.*?)^```\n\n```json answer\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BETWEEN = "\x1e"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on the PATH")
async def test_every_curl_on_the_page_is_answered_as_shown(doors: Doors, server: EmbeddedServer) -> None:
    """The blocks of the page are run one after the other; each answer has at least what is shown of it."""
    async with a_gateway(
        data_dir=doors.settings.data_dir,
        TEMPORAL_ADDRESS=server.address,
        REDRESS_TASK_QUEUE=QUEUE,
        REDRESS_GATEWAY_SANDBOX="true",
    ) as url:
        key = doors.key(KeyRole.STOREFRONT, KeyRole.CARRIER)
        answers = await asyncio.to_thread(in_a_shell, [block for block, _ in STEPS], url=url, key=key)

    assert PAGE.count("```sh curl") == len(STEPS) == len(answers)
    wrong = [
        (shown, answer)
        for (_, text), answer in zip(STEPS, answers, strict=True)
        if not holds(json.loads(answer), shown := json.loads(text))
    ]
    assert [] == wrong


def in_a_shell(blocks: list[str], **variables: str) -> list[str]:
    """What each block writes."""
    script = f"\nprintf '{BETWEEN}'\n".join(blocks)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout.split(BETWEEN)


def holds(answer: Any, shown: Any) -> bool:
    """Whether the answer has everything that is shown."""
    if isinstance(shown, dict):
        return isinstance(answer, dict) and all(
            name in answer and holds(answer[name], inner) for name, inner in shown.items()
        )
    if isinstance(shown, list):
        return len(answer) == len(shown) and all(map(holds, answer, shown))
    return bool(answer == shown)
