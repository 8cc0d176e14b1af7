"""`make bench` runs: what it measures is looked at by people, since times differ from machine to machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.report import Figure, Goal, median

ROOT = Path(__file__).parents[2]


def test_a_goal_is_reached_at_its_bound() -> None:
    """`at most` and `at least` include the bound; a figure without a goal has nothing to reach."""
    assert Figure("actions", 14, "", Goal(14)).reached is True
    assert Figure("actions", 15, "", Goal(14)).reached is False
    assert Figure("ratio", 0.7, "x", Goal(0.7, at_most=False)).reached is True
    assert Figure("CPU", 50, "ms").reached is None


def test_rounds_are_summed_up_by_their_median() -> None:
    """One slow round changes nothing."""
    assert median("speed", [5, 6, 1], "/s").value == 5


@pytest.mark.server
@pytest.mark.slow
def test_quick_bench_measures_every_part(tmp_path: Path) -> None:
    """The smoke run ends well and leaves figures of the part that was asked for."""
    out = tmp_path / "results.json"

    subprocess.run([sys.executable, "-m", "bench", "--quick", "--out", str(out)], cwd=ROOT, check=True, timeout=110)

    names = {figure["name"] for figure in json.loads(out.read_text())["figures"]}
    assert names >= {
        "actions: platform label, webhooks, accepted",
        "orders per second, against bare",
        "memory per cached open order",
        "replay",
    }


@pytest.mark.slow
def test_quick_bench_of_webhooks_compares_with_a_bare_handler(tmp_path: Path) -> None:
    """Both servers start, answer 202 to every event, and their latencies are set against each other."""
    out = tmp_path / "webhooks.json"

    subprocess.run([sys.executable, "-m", "bench.webhooks", "--quick", "--out", str(out)], cwd=ROOT, check=True)

    names = {figure["name"] for figure in json.loads(out.read_text())["figures"]}
    assert "accepting a webhook that is passed on, p99, against bare" in names
