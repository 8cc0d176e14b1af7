"""A tunnel with the real workflows, which reads messages and fails as the worker has it (`runtime.plugin`)."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError
from temporalio.contrib.pydantic import pydantic_data_converter

from domain.messages import Message
from domain.requests import RecallQuery
from storefront.draft import REOPENED
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


def tell_late(tunnel: Tunnel, order_id: str, signal: str, message: Message) -> None:
    """As the storefront's client does: what comes after the end takes the order up again, if nothing has yet."""
    subject = f"{REOPENED}{order_id}"
    if tunnel.runs(subject):
        tunnel.signal(subject, signal, message)
    else:
        query = RecallQuery(order_id=order_id)
        tunnel.start("ReopenedOrderWorkflow", query, subject, signal=(signal, message))
