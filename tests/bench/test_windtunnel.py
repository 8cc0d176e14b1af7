"""`make bench-windtunnel` runs; what it measures is looked at by people."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_quick_bench_sets_the_tunnel_beside_the_test_server(tmp_path: Path) -> None:
    """The smoke run ends well and leaves both speeds, their ratio, and what stays in memory."""
    out = tmp_path / "windtunnel.json"

    subprocess.run(
        [sys.executable, "-m", "bench.windtunnel", "--quick", "--out", out], cwd=ROOT, check=True, timeout=110
    )

    assert {figure["name"] for figure in json.loads(out.read_text())["figures"]} >= {
        "orders in the tunnel, per second of one core",
        "orders on the time-skipping server, per second",
        "tunnel, against the time-skipping server",
        "objects left, per order",
    }
