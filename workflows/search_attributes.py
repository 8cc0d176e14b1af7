"""The one registry of search attributes: workflows set them, the runtime registers them, the storefront queries them.

No personal data: search attributes are never encrypted.
"""

from __future__ import annotations

from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from domain import clocks
from domain.cases.case import CaseFile, CaseRecord
from domain.cases.opening import open_case
from domain.order import Order
from domain.policy import CaseState
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


_QUEUES = {
    CaseState.WITH_SUPPORT: "support",
    CaseState.AWAITING_EVIDENCE: "support",
    CaseState.AWAITING_CONFIRMATION: "confirmation",
    CaseState.DECIDED: "support",
    CaseState.WITH_LEAD: "lead",
    CaseState.APPEALED: "appeals",
}


def of_case(case: CaseFile, record: CaseRecord, state: CaseState) -> dict[SearchAttributeKey[Any], Any]:
    """What a case shows in lists, beside its next deadline: whose queue it is in, and who works on it."""
    return {
        ORDER_ID: case.order_id,
        BUYER_ID: case.buyer.id,
        SELLER_ID: case.seller.id,
        CASE_STATE: state.value,
        CASE_REASON: case.reason.value,
        QUEUE: "lead" if record.escalated and not record.over else _QUEUES.get(record.state),
        ASSIGNEE: record.assignee or None,
        POLICY_PACK: case.policy.pack,
        AMOUNT_MINOR: case.at_stake.minor,
    }


def of_new_case(case: CaseFile) -> TypedSearchAttributes:
    """What a case shows from its start: exactly what its workflow would show first, which then costs nothing."""
    step = open_case(case)
    due = min(duty.agreed_due for duty in step.opened)
    attributes = {**of_case(case, step.record, step.record.state), NEXT_DEADLINE: due}
    return TypedSearchAttributes(
        [SearchAttributePair(key, value) for key, value in attributes.items() if value is not None]
    )
