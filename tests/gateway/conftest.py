"""What the tests of the gateway share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.closed import Closed


@pytest.fixture
def closed(tmp_path: Path) -> Closed:
    """A gateway of its own, without Temporal."""
    return Closed(tmp_path)
