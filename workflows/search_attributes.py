"""The one registry of search attributes: workflows set them, the runtime registers them, the storefront queries them.

No personal data: search attributes are never encrypted.
"""

from __future__ import annotations

from temporalio.common import SearchAttributeKey

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
