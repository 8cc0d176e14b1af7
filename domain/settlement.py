"""What a decision means in money: from price, ledger and decision to the movements still to be made."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from itertools import count

from pydantic import Field

from domain.base import Instant, Model
from domain.ledger import Account, Entry, EntryKind, Ledger
from domain.money import Money
from domain.order import Order
from domain.parties import Role


class Ending(StrEnum):
    """Why an order ended."""

    ACCEPTED = "accepted"
    WINDOW_CLOSED = "window_closed"
    CANCELLED_BY_BUYER = "cancelled_by_buyer"
    CANCELLED_BY_SELLER = "cancelled_by_seller"
    NOT_SHIPPED = "not_shipped"
    NOT_SCANNED = "not_scanned"
    LOST = "lost"
    RETURNED_TO_SENDER = "returned_to_sender"
    CASE = "case"
    CHARGED_BACK = "charged_back"


AGAINST_SELLER = frozenset({Ending.CANCELLED_BY_SELLER, Ending.NOT_SHIPPED, Ending.NOT_SCANNED})
"""Endings that count against the seller's record."""


class Decision(Model):
    """How the money divides: the buyer is to have had `refund` back in total, the rest is released.

    Being a total, it can be carried out again and again: what was refunded or charged back before counts.

    `borne_by` platform means the seller is paid their share although the buyer is refunded.
    `rule` is the setting or ruling behind it.
    """

    ending: Ending
    refund: Money
    rule: str
    at: Instant
    borne_by: Role = Role.SELLER
    case_id: str = ""
    note: str = Field(default="", max_length=200)


def capture(order: Order) -> Ledger:
    """The ledger of a paid order: all of the buyer's money is in escrow."""
    paid = Entry(
        key=f"capture-{order.order_id}",
        kind=EntryKind.CAPTURED,
        source=Account.BUYER,
        target=Account.ESCROW,
        amount=order.price.total,
        at=order.placed_at,
        reference=order.payment_ref,
    )
    return Ledger().record(paid)


def movements(order: Order, ledger: Ledger, decision: Decision, at: datetime) -> tuple[Entry, ...]:
    """The entries that carry out `decision` on what is left in escrow, refund first, none of them zero.

    A refund is never below zero nor more than what is left. What the buyer leaves pays tax, then shipping;
    seller and platform share the rest in the proportion of the undisturbed order, so a partial refund lowers
    the fee too. What was paid or intended before counts, so that nothing is paid twice; what the platform has
    advanced to the bank, while an intent that came to nothing held the escrow, it recovers first.
    Raises `CurrencyMismatch` for a refund in another currency.
    """
    price = order.price
    free = Money(minor=ledger.available, currency=price.total.currency)
    returned = Money(minor=_paid(ledger, EntryKind.REFUNDED, EntryKind.CHARGED_BACK), currency=free.currency)
    refund = max(free.zero, min(decision.refund - returned, free)).minor
    left = free.minor - refund
    recovered = min(left, _advanced(ledger))
    left -= recovered

    kept = left + _paid(ledger, EntryKind.RELEASED, EntryKind.TAX, EntryKind.SHIPPING, EntryKind.FEE)
    tax = min(price.tax.minor, kept)
    shipping = min(_platform_shipping(order), kept - tax)
    rest = kept - tax - shipping
    fee = rest * price.platform_fee.minor // (price.seller_share + price.platform_fee).minor
    owed: dict[EntryKind, int] = {}
    for kind, minor in ((EntryKind.TAX, tax), (EntryKind.SHIPPING, shipping), (EntryKind.FEE, fee)):
        owed[kind] = min(left, max(0, minor - _paid(ledger, kind)))
        left -= owed[kind]
    lacking = price.seller_share.minor - _paid(ledger, EntryKind.RELEASED, EntryKind.COMPENSATED) - left

    planned: list[Entry] = []

    def move(kind: EntryKind, target: Account, minor: int, source: Account = Account.ESCROW) -> None:
        if minor > 0:
            key = _unused_key(ledger, planned, f"{_STEMS.get(kind, kind)}-{order.order_id}")
            amount = Money(minor=minor, currency=free.currency)
            planned.append(Entry(key=key, kind=kind, source=source, target=target, amount=amount, at=at))

    move(EntryKind.REFUNDED, Account.BUYER, refund)
    move(EntryKind.RECOVERED, Account.PLATFORM, recovered)
    move(EntryKind.RELEASED, Account.SELLER, left)
    move(EntryKind.TAX, Account.TAX, owed[EntryKind.TAX])
    move(EntryKind.SHIPPING, Account.PLATFORM, owed[EntryKind.SHIPPING])
    move(EntryKind.FEE, Account.PLATFORM, owed[EntryKind.FEE])
    if decision.borne_by is Role.PLATFORM:
        move(EntryKind.COMPENSATED, Account.SELLER, lacking, source=Account.PLATFORM)
    return tuple(planned)


_STEMS = {EntryKind.REFUNDED: "refund", EntryKind.RELEASED: "release", EntryKind.COMPENSATED: "release"}


def _paid(ledger: Ledger, *kinds: EntryKind) -> int:
    return sum(entry.amount.minor for entry in (*ledger.facts, *ledger.intents) if entry.kind in kinds)


def _advanced(ledger: Ledger) -> int:
    kind, source = EntryKind.CHARGED_BACK, Account.PLATFORM
    paid = sum(entry.amount.minor for entry in ledger.facts if (entry.kind, entry.source) == (kind, source))
    return paid - _paid(ledger, EntryKind.RECOVERED)


def _unused_key(ledger: Ledger, planned: list[Entry], stem: str) -> str:
    keys = (f"{stem}-{number}" for number in count(1))
    return next(key for key in keys if not ledger.knows(key) and all(entry.key != key for entry in planned))


def _platform_shipping(order: Order) -> int:
    return order.price.shipping.minor if order.price.shipping_to is Role.PLATFORM else 0


def charged_back(order: Order, ledger: Ledger, amount: Money, reference: str, at: datetime) -> tuple[Entry, ...]:
    """The bank has taken `amount` for the buyer: from escrow as far as it reaches, then from the platform."""
    from_escrow = min(ledger.available, amount.minor)
    parts = ((Account.ESCROW, from_escrow), (Account.PLATFORM, amount.minor - from_escrow))
    return tuple(
        Entry(
            key=f"chargeback-{order.order_id}-{reference}-{source}",
            kind=EntryKind.CHARGED_BACK,
            source=source,
            target=Account.BUYER,
            amount=Money(minor=minor, currency=amount.currency),
            at=at,
            reference=reference,
        )
        for source, minor in parts
        if minor > 0
    )
