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

from gateway.keys import KeyRole
from tests.server.gateway.doors import Doors
from tests.server.processes import PATIENCE, ROOT

PAGE = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^```sh curl\n(.*?)^```\n\n```json answer\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BETWEEN = "\x1e"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on the PATH")
async def test_every_curl_on_the_page_is_answered_as_shown(doors: Doors) -> None:
    """The blocks of the page are run one after the other; each answer has at least what is shown of it."""
    async with doors.in_a_process(REDRESS_GATEWAY_SANDBOX="true") as url:
        key = doors.key(KeyRole.STOREFRONT, KeyRole.CARRIER)
        answers = await asyncio.to_thread(in_a_shell, [block for block, _ in STEPS], url=url, key=key)

    assert PAGE.count("```sh curl") == len(STEPS) == len(answers)
    for (_, text), answer in zip(STEPS, answers, strict=True):
        shown = json.loads(text)
        assert shown == shown_of(json.loads(answer), shown)


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


def shown_of(answer: Any, shown: Any) -> Any:
    """What of the answer is in the places that are shown."""
    if isinstance(shown, dict) and isinstance(answer, dict):
        return {name: shown_of(answer[name], inner) for name, inner in shown.items() if name in answer}
    if isinstance(shown, list) and isinstance(answer, list) and len(shown) == len(answer):
        return list(map(shown_of, answer, shown))
    return answer
