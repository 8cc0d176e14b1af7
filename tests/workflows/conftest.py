"""What tests of workflows share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import TunnelWorld, a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TunnelWorld]:
    """A world of its own for each story, in which every order comes to its end."""
    with a_world(tmp_path) as world:
        yield world
