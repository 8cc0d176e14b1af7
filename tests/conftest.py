"""What tests anywhere may ask for."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(("REDRESS_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)
