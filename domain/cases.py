"""A case: one complaint, from its opening to its resolution."""

from __future__ import annotations

from enum import StrEnum

from domain.base import Instant, Model
from domain.clock import REAL_TIME, Clock
from domain.money import Money
from domain.parties import Party, Role
from domain.policy import PinnedPolicy, Reason, Remedy


class CaseState(StrEnum):
    """Where a case stands, and so who must act next."""

    AWAITING_SELLER = "awaiting_seller"
    WITH_SUPPORT = "with_support"
    WITH_LEAD = "with_lead"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


class CaseFile(Model):
    """What a case starts from. `at_stake` is the most that it can give back.

    `opened_at` is when the buyer complained, `asked_at` from when the seller's time to answer counts.
    """

    case_id: str
    order_id: str
    buyer: Party
    seller: Party
    reason: Reason
    at_stake: Money
    opened_at: Instant
    policy: PinnedPolicy
    text: str = ""
    clock: Clock = REAL_TIME
    asked_at: Instant | None = None


class Resolution(Model):
    """How a case ended: the remedy and its amount, by whom and under which rule.

    `automatic` marks what no person decided. A withdrawn case has no remedy: the order goes on.
    """

    case_id: str
    reason: Reason
    remedy: Remedy | None
    amount: Money
    decided_by: Role
    rule: str
    at: Instant
    automatic: bool = False
    agent: str = ""
    text: str = ""
    breached: bool = False
