"""A tunnel with the real workflows, which reads messages and fails as the worker has it (`runtime.plugin`)."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError
from temporalio.contrib.pydantic import pydantic_data_converter

from windtunnel.contract import World
from windtunnel.engine import Tunnel
from workflows.registry import WORKFLOWS


def order_tunnel(
    world: World, *, began: datetime, seed: int = 0, reproduce: str = "", by_reference: bool = False
) -> Tunnel:
    """A fresh one, before this world; for the rest see `Tunnel`."""
    return Tunnel(
        WORKFLOWS,
        world,
        pydantic_data_converter,
        began=began,
        failure_types=(ValidationError,),
        seed=seed,
        reproduce=reproduce,
        by_reference=by_reference,
    )
