"""The one registry of search attributes: workflows set them, the runtime registers them, the storefront queries them.

No personal data: search attributes are never encrypted.
"""

from __future__ import annotations

from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from domain import clocks
from domain.cases import CaseFile, CaseState
from domain.order import Order
from domain.states import OrderState

ORDER_ID = SearchAttributeKey.for_keyword("OrderId")
BUYER_ID = SearchAttributeKey.for_keyword("BuyerId")
SELLER_ID = SearchAttributeKey.for_keyword("SellerId")
ORDER_STATE = SearchAttributeKey.for_keyword("OrderState")
CASE_STATE = SearchAttributeKey.for_keyword("CaseState")
CASE_REASON = SearchAttributeKey.for_keyword("CaseReason")
QUEUE = SearchAttributeKey.for_keyword("Queue")
ASSIGNEE = SearchAttributeKey.for_keyword("Assignee")
POLICY_PACK = SearchAttributeKey.for_keyword("PolicyPack")
NEXT_DEADLINE = SearchAttributeKey.for_datetime("NextDeadline")
AMOUNT_MINOR = SearchAttributeKey.for_int("AmountMinor")
RISK = SearchAttributeKey.for_float("Risk")

ALL = (
    ORDER_ID,
    BUYER_ID,
    SELLER_ID,
    ORDER_STATE,
    CASE_STATE,
    CASE_REASON,
    QUEUE,
    ASSIGNEE,
    POLICY_PACK,
    NEXT_DEADLINE,
    AMOUNT_MINOR,
    RISK,
)


def of_order(order: Order, state: OrderState) -> dict[SearchAttributeKey[Any], Any]:
    """What an order in this state shows in lists, beside its next deadline."""
    return {
        ORDER_ID: order.order_id,
        BUYER_ID: order.buyer.id,
        SELLER_ID: order.seller.id,
        ORDER_STATE: state.value,
        POLICY_PACK: order.policy.pack,
        AMOUNT_MINOR: order.price.total.minor,
    }


def of_new_order(order: Order) -> TypedSearchAttributes:
    """What an order shows from its start: exactly what its workflow would show first, which then costs nothing."""
    attributes = {
        **of_order(order, OrderState.AWAITING_SHIPMENT),
        NEXT_DEADLINE: clocks.ship(order).agreed_due,
    }
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in attributes.items()])


def of_new_case(case: CaseFile) -> TypedSearchAttributes:
    """What a case shows from its start."""
    attributes: dict[SearchAttributeKey[Any], Any] = {
        ORDER_ID: case.order_id,
        BUYER_ID: case.buyer.id,
        SELLER_ID: case.seller.id,
        CASE_STATE: CaseState.AWAITING_SELLER.value,
        CASE_REASON: case.reason.value,
        POLICY_PACK: case.policy.pack,
        AMOUNT_MINOR: case.at_stake.minor,
        NEXT_DEADLINE: clocks.answer_case(case).agreed_due,
    }
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in attributes.items()])
