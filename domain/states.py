"""The states that lists and people see. They are derived from facts and never decide anything."""

from __future__ import annotations

from enum import StrEnum

from domain.order import Order
from domain.parcel import Parcel
from domain.settlement import Decision, Ending


class OrderState(StrEnum):
    """Where an order stands."""

    AWAITING_SHIPMENT = "awaiting_shipment"
    AWAITING_SCAN = "awaiting_scan"
    IN_TRANSIT = "in_transit"
    RETURNING = "returning"
    DELIVERED = "delivered"
    FROZEN = "frozen"
    SETTLING = "settling"
    RELEASED = "released"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    CHARGED_BACK = "charged_back"


def order_state(
    order: Order, parcel: Parcel, decision: Decision | None, *, frozen: bool = False, settled: bool = False
) -> OrderState:
    """The state of an order: its end once the money has moved, else where the parcel is. Frozen shows above all."""
    if frozen:
        return OrderState.FROZEN
    if decision is not None and not settled:
        return OrderState.SETTLING
    if decision is not None:
        if decision.ending is Ending.CHARGED_BACK:
            return OrderState.CHARGED_BACK
        if not decision.refund:
            return OrderState.RELEASED
        whole = decision.refund == order.price.total
        return OrderState.REFUNDED if whole else OrderState.PARTIALLY_REFUNDED
    if parcel.delivered_at:
        return OrderState.DELIVERED
    if parcel.returning_at:
        return OrderState.RETURNING
    if parcel.scanned_at:
        return OrderState.IN_TRANSIT
    return OrderState.AWAITING_SCAN if parcel.marked_shipped_at else OrderState.AWAITING_SHIPMENT
