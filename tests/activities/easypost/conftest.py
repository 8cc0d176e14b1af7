"""EasyPost for one test."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from activities.easypost.carrier import EasyPostCarriers
from tests.activities.easypost.adapter import an_adapter
from tests.activities.easypost.double import Double


@pytest.fixture
def double(httpserver: HTTPServer) -> Double:
    """A new EasyPost."""
    return Double(httpserver)


@pytest.fixture
def carrier(double: Double) -> EasyPostCarriers:
    """The adapter on it."""
    return an_adapter(double)
