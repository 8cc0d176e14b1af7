"""An order as the storefront hands it over: who, what, for how much, under which policy."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Self

from pydantic import Field, model_validator

from domain.base import LAST_YEAR, Instant, Model
from domain.carriage import Carriage
from domain.cases.record import StandingRule
from domain.clock import REAL_TIME, Clock
from domain.money import Money
from domain.parcel import LONGEST_ESTIMATE, Shipment
from domain.parties import Id, Party, Role
from domain.policy import PinnedPolicy

LARGEST_AMOUNT: Final = 10**15
"""In minor units: what search attributes and the databases of providers hold, with room for sums."""

LONGEST_PROMISE: Final = timedelta(days=366)
"""How far after the purchase a marketplace may set its own ship-by date: money must not be held for ever."""

LAST_PURCHASE_YEAR: Final = LAST_YEAR - 100
"""A century short of the last instant that the models take, so that every span still fits behind it."""


class Line(Model):
    """One listing in the order; a bundle has several."""

    listing_id: Id
    price: Money
    quantity: int = Field(default=1, ge=1)
    category: str = Field(default="", max_length=64)


class PriceSplit(Model):
    """How the buyer's payment divides: items, shipping and tax are paid, the platform fee is the seller's cost.

    `shipping_to` names who is owed the shipping charge: the platform when its prepaid label is used, else the seller.
    """

    items: Money
    shipping: Money
    tax: Money
    platform_fee: Money
    shipping_to: Role = Role.PLATFORM

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        amounts = {"items": self.items, "shipping": self.shipping, "tax": self.tax, "platform_fee": self.platform_fee}
        for name, amount in amounts.items():
            if amount.currency != self.items.currency:
                raise ValueError(
                    f"{name} is in {amount.currency}, but items is in {self.items.currency}: use one currency"
                )
            if amount.minor < 0:
                raise ValueError(f"{name} is {amount}: an amount cannot be negative")
            if amount.minor > LARGEST_AMOUNT:
                raise ValueError(f"{name} is above {LARGEST_AMOUNT:,} minor units: correct the amount")
        if not self.items:
            raise ValueError(f"items is {self.items}: an order must cost something")
        if self.shipping_to not in (Role.PLATFORM, Role.SELLER):
            raise ValueError(f"shipping_to is {self.shipping_to}: write platform or seller")
        if self.seller_share.minor < 0:
            raise ValueError(f"platform_fee {self.platform_fee} is more than the seller would get")
        return self

    @property
    def total(self) -> Money:
        """What the buyer pays."""
        return Money(minor=self.items.minor + self.shipping.minor + self.tax.minor, currency=self.items.currency)

    @property
    def seller_share(self) -> Money:
        """What the seller gets when nothing is refunded."""
        share = self.items - self.platform_fee
        return share + self.shipping if self.shipping_to is Role.SELLER else share


class Purchase(Model):
    """What a storefront knows of a paid order. `placed_at` is the purchase; every clock starts there.

    `ship_by` is a marketplace's own promise of a soft ship-by date and replaces the policy's.
    `shipment` is known from the start when the platform sold the label.
    `standing` are settlements that the seller agrees to beforehand, such as "keep it for 30 % off".
    `clock` is for fast motion only and stays the identity in production.
    """

    order_id: Id
    marketplace: Id
    buyer: Party
    seller: Party
    lines: tuple[Line, ...] = Field(min_length=1, max_length=200)
    price: PriceSplit
    placed_at: Instant
    payment_ref: str = Field(min_length=1, max_length=255)
    shipment: Shipment | None = None
    standing: tuple[StandingRule, ...] = ()
    estimate: Instant | None = None
    ship_by: Instant | None = None
    clock: Clock = REAL_TIME

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.buyer.id == self.seller.id:
            raise ValueError(f"buyer and seller are both {self.buyer.id}: nobody buys from themselves")
        items = self.price.items
        lines = items.zero
        for line in self.lines:
            if line.price.currency != items.currency:
                raise ValueError(f"line {line.listing_id} is in {line.price.currency}, the order in {items.currency}")
            if line.price.minor < 0:
                raise ValueError(f"line {line.listing_id} costs {line.price}: an amount cannot be negative")
            lines = lines + Money(minor=line.price.minor * line.quantity, currency=items.currency)
        if lines != items:
            raise ValueError(f"the lines add up to {lines}, but price.items says {items}")
        return self

    @model_validator(mode="after")
    def _dates_can_be(self) -> Self:
        if self.placed_at.year > LAST_PURCHASE_YEAR:
            raise ValueError(f"placed_at lies after {LAST_PURCHASE_YEAR}: correct the year")
        if self.ship_by is not None and self.ship_by <= self.placed_at:
            raise ValueError("ship_by is not after placed_at: a deadline cannot lie in the past of its own order")
        if self.ship_by is not None and self.ship_by - self.placed_at > LONGEST_PROMISE:
            raise ValueError(f"ship_by is more than {LONGEST_PROMISE.days} days after placed_at: correct the year")
        if self.estimate is not None and self.estimate <= self.placed_at:
            raise ValueError("estimate is not after placed_at: a parcel cannot arrive before it was bought")
        if self.estimate is not None and self.estimate - self.placed_at > LONGEST_ESTIMATE:
            raise ValueError(f"estimate is more than {LONGEST_ESTIMATE.days} days after placed_at: correct the year")
        return self


class Order(Purchase):
    """One paid order with the policy it was bought under, which later edits never touch."""

    policy: PinnedPolicy

    @property
    def carriage(self) -> Carriage:
        """The journey of the parcel from the seller to the buyer, which begins with the purchase."""
        return Carriage(
            subject=self.order_id,
            order_id=self.order_id,
            policy=self.policy,
            sender=self.seller,
            receiver=self.buyer,
            begun_at=self.placed_at,
            shipment=self.shipment,
            estimate=self.estimate,
            clock=self.clock,
            loss_borne_by=self.policy.transit.loss_borne_by,
        )
