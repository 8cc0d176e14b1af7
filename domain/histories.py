"""What buyer and seller have been like in their finished orders, and what that makes of them."""

from __future__ import annotations

from domain.base import Model
from domain.policy import GoodStanding


class BuyerHistory(Model):
    """A buyer's finished orders on one marketplace: their cases, how many gave them something, and chargebacks."""

    orders: int = 0
    complaints: int = 0
    upheld: int = 0
    chargebacks: int = 0


class SellerHistory(Model):
    """A seller's finished orders on one marketplace: the cases about them, how many gave the buyer something.

    `against` is how many of the orders ended by the seller's fault without a case, for example never shipped.
    """

    orders: int = 0
    complaints: int = 0
    upheld: int = 0
    against: int = 0


class Histories(Model):
    """The histories of the two sides of one order, without that order."""

    buyer: BuyerHistory = BuyerHistory()
    seller: SellerHistory = SellerHistory()


def in_good_standing(history: BuyerHistory, rules: GoodStanding) -> bool:
    """Whether a buyer complains no more often than the policy allows; one with few orders is trusted until then."""
    return history.orders < rules.counted_from or history.complaints / history.orders <= rules.buyer_complaints


def trusted(history: SellerHistory, rules: GoodStanding) -> bool:
    """Whether a seller has sold enough, and had few enough complaints upheld, for a person to look before they lose."""
    enough = history.orders >= rules.trusted_seller_orders
    return enough and history.upheld / history.orders <= rules.trusted_seller_upheld
