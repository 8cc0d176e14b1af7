"""A gateway whose Temporal is away: what it answers by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts
from temporalio.client import Client

import runtime
from tests.gateway.in_process import InProcess


async def nobody() -> Client:
    """What connecting comes to."""
    raise runtime.Unreachable("nobody is there")


class Closed(InProcess):
    """The gateway and its routes, with nothing behind them."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, nobody, **{"gateway_patience_seconds": 1} | settings)

    @property
    def routes(self) -> list[APIRoute]:
        """Every route of the app."""
        found = [getattr(one, "original_route", one) for one in iter_route_contexts(self.app.routes)]
        return [route for route in found if isinstance(route, APIRoute)]
