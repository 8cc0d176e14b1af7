"""What a decision means in money: from price, ledger and decision to the movements still to be made."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from itertools import count

from domain.base import Instant, Model
from domain.ledger import Account, Entry, EntryKind, Ledger
from domain.money import Money, exact
from domain.order import Order, PriceSplit
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
    `costs` is what goes to the platform first of the money that the buyer leaves, for a label that buyer or seller
    must pay; where the buyer pays it, `refund` is already lower by it.
    `borne_by` platform means the seller is paid their share although the buyer is refunded.
    A `revised` decision changes one whose money has moved: each side gets what it gives them, the seller is clawed back
    within the policy's bound unless the platform bears the loss, and the platform pays what neither side gives back.
    `rule` is the setting or ruling behind it.
    """

    ending: Ending
    refund: Money
    rule: str
    at: Instant
    borne_by: Role = Role.SELLER
    costs: Money | None = None
    revised: bool = False
    case_id: str = ""


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


class Division(Model):
    """How the total of an order divides between those who can have it. The parts add up to the total.

    `platform` is its fee, the shipping where its own label was used, and what the decision makes others pay for labels.
    """

    buyer: Money
    seller: Money
    platform: Money
    tax: Money


def division(price: PriceSplit, refund: Money, costs: Money | None = None) -> Division:
    """How the total divides if the buyer is to have `refund` of it, and the seller bears that.

    A refund is never below zero nor above the total. What the buyer leaves pays `costs` first, then tax, then shipping;
    seller and platform share the rest in the proportion of the undisturbed order, so a partial refund lowers the fee
    too. Raises `CurrencyMismatch` for amounts in another currency.
    """
    shares = _shares(price, refund, costs)
    owned = {
        account: sum(minor for kind, minor in shares.items() if _OWNERS[kind] is account)
        for account in (Account.SELLER, Account.PLATFORM, Account.TAX)
    }
    owned[Account.BUYER] = price.total.minor - sum(owned.values())
    return Division(**{name: Money(minor=minor, currency=refund.currency) for name, minor in owned.items()})


def _shares(price: PriceSplit, refund: Money, costs: Money | None) -> dict[EntryKind, int]:
    """What leaves escrow for others than the buyer, in the order in which it is served."""
    total = price.total
    kept = (total - max(total.zero, min(refund, total))).minor
    charged = min(max(total.zero, costs or total.zero).minor, kept)
    tax = min(price.tax.minor, kept - charged)
    shipping = min(price.shipping.minor if price.shipping_to is Role.PLATFORM else 0, kept - charged - tax)
    rest = kept - charged - tax - shipping
    fee = rest * price.platform_fee.minor // (price.seller_share + price.platform_fee).minor
    return {
        EntryKind.LABEL_CHARGED: charged,
        EntryKind.TAX: tax,
        EntryKind.SHIPPING: shipping,
        EntryKind.FEE: fee,
        EntryKind.RELEASED: rest - fee,
    }


def movements(order: Order, ledger: Ledger, decision: Decision, at: datetime) -> tuple[Entry, ...]:
    """The entries that carry out `decision` on the ledger as it stands, none of them zero.

    They are to be made in this order: what comes back into escrow first, then the refund, then the others' shares,
    which are those of `division`. What was paid or intended before counts, so that carrying out again moves nothing,
    and a plan that is broken off may be made anew at any step.

    A buyer who has had more than the decision gives keeps it. One who is to have more than escrow holds gets it from
    those who have more than their new share: the platform gives back fee, shipping and label charges, tax follows,
    and the rest is clawed back from the seller, altogether at most the share `appeals.clawback` of all that they were
    paid, rounded down. A label charged later is collected the same way. If the platform bears the loss, nothing is
    clawed back: the platform refunds what lacks, and pays the seller up to their undisturbed share. If the seller
    bears it, a refund stops where the clawback does: with a clawback of nothing a later, higher refund is what fee,
    shipping and tax bring. Better a decision carried out in part, as the ledger shows, than a debt that nobody has
    agreed to bear. A revised decision claws back first, and has the platform pay what then still lacks on either side.

    What the platform has paid to the buyer itself (to the bank, while an intent held the escrow, or as a refund that
    it bore) it recovers from escrow that nobody needs, and never from the seller; nor is a compensation taken back.
    Raises `CurrencyMismatch` for a refund or costs in another currency.
    """
    total = order.price.total
    borne_by_platform = decision.borne_by is Role.PLATFORM
    covered = borne_by_platform or decision.revised
    had = Money(minor=ledger.promised(EntryKind.REFUNDED, EntryKind.CHARGED_BACK), currency=total.currency)
    goal = max(had, min(decision.refund, total))
    needed = (goal - had).minor
    shares = _shares(order.price, goal, decision.costs)
    over = {kind: _held(ledger, kind) - share for kind, share in shares.items()}
    advanced = _advanced(ledger)
    recovered = min(advanced, max(0, ledger.available - needed))
    free = ledger.available - recovered
    coming = sum(entry.amount.minor for entry in ledger.intents if entry.target is Account.ESCROW)

    # Where the platform is still out of pocket, others' shares wait: what comes back is for the buyer alone.
    waiting = recovered < advanced
    owed = {kind: 0 if waiting else max(0, -minor) for kind, minor in over.items()}
    paid = _held(ledger, EntryKind.RELEASED) + ledger.promised(EntryKind.COMPENSATED)
    unpaid = max(0, order.price.seller_share.minor - paid)
    entitled = order.price.seller_share.minor
    if decision.revised and not borne_by_platform:
        entitled = _shares(order.price, decision.refund, decision.costs)[EntryKind.RELEASED]
    # What a compensated seller is short of has been paid by the platform, which need not give up its own part for it.
    owed[EntryKind.RELEASED] = max(0, owed[EntryKind.RELEASED] - ledger.promised(EntryKind.COMPENSATED))
    back = _brought_back(order, ledger, over, owed, needed - free - coming, spare_seller=borne_by_platform)

    planned: list[Entry] = []

    def move(kind: EntryKind, source: Account, target: Account, minor: int) -> None:
        if minor > 0:
            key = _unused_key(ledger, planned, f"{_STEMS.get(kind, kind)}-{order.order_id}")
            amount = Money(minor=minor, currency=total.currency)
            planned.append(Entry(key=key, kind=kind, source=source, target=target, amount=amount, at=at))

    for kind, minor in back.items():
        move(EntryKind.CLAWED_BACK if kind is EntryKind.RELEASED else kind, _OWNERS[kind], Account.ESCROW, minor)
    left = free + sum(back.values())
    refund = min(needed, left)
    left -= refund
    move(EntryKind.REFUNDED, Account.ESCROW, Account.BUYER, refund)
    if covered:
        move(EntryKind.REFUNDED, Account.PLATFORM, Account.BUYER, needed - refund - coming)
    served: dict[EntryKind, int] = {}
    for kind in shares:
        served[kind] = min(left, unpaid if kind is EntryKind.RELEASED else owed[kind])
        left -= served[kind]
    move(EntryKind.RECOVERED, Account.ESCROW, Account.PLATFORM, recovered + left)
    for kind, owner in _OWNERS.items():
        move(kind, Account.ESCROW, owner, served[kind])
    if covered:
        lacking = entitled - paid - served[EntryKind.RELEASED]
        move(EntryKind.COMPENSATED, Account.PLATFORM, Account.SELLER, lacking)
    return tuple(planned)


_STEMS = {
    EntryKind.REFUNDED: "refund",
    EntryKind.RELEASED: "release",
    EntryKind.COMPENSATED: "release",
    EntryKind.CLAWED_BACK: "clawback",
}
_OWNERS = {
    EntryKind.RELEASED: Account.SELLER,
    EntryKind.LABEL_CHARGED: Account.PLATFORM,
    EntryKind.TAX: Account.TAX,
    EntryKind.SHIPPING: Account.PLATFORM,
    EntryKind.FEE: Account.PLATFORM,
}


def _held(ledger: Ledger, kind: EntryKind) -> int:
    clawed_back = ledger.promised(EntryKind.CLAWED_BACK) if kind is EntryKind.RELEASED else 0
    return ledger.promised(kind) - clawed_back


def _brought_back(
    order: Order,
    ledger: Ledger,
    over: dict[EntryKind, int],
    owed: dict[EntryKind, int],
    lacking: int,
    *,
    spare_seller: bool,
) -> dict[EntryKind, int]:
    """What comes back into escrow of each kind, for a buyer to whom `lacking` is due and for those who are `owed`.

    A payout is touched last, and for the buyer and a label only: a division that the bound of clawbacks has left
    uneven is not evened out at the seller's expense later.
    """
    back: dict[EntryKind, int] = {}
    for kind in (EntryKind.FEE, EntryKind.SHIPPING, EntryKind.LABEL_CHARGED, EntryKind.TAX):
        back[kind] = max(0, min(over[kind], lacking + sum(owed.values()), _reversible(order, ledger, kind)))
        lacking -= back[kind]
    wanted = 0 if spare_seller else lacking + owed[EntryKind.LABEL_CHARGED]
    kind = EntryKind.RELEASED
    back[kind] = max(0, min(over[kind], wanted, _reversible(order, ledger, kind)))
    return back


def _reversible(order: Order, ledger: Ledger, kind: EntryKind) -> int:
    """The most that may come back into escrow of one kind."""
    if kind is EntryKind.TAX:
        return ledger.free(Account.TAX)
    if kind is not EntryKind.RELEASED:
        return ledger.promised(kind)
    paid = Money(minor=ledger.total(EntryKind.RELEASED, EntryKind.COMPENSATED), currency=order.price.total.currency)
    bound = paid.share(exact(order.policy.appeals.clawback)).minor - ledger.promised(EntryKind.CLAWED_BACK)
    return min(bound, ledger.free(Account.SELLER))


def _advanced(ledger: Ledger) -> int:
    """What the platform has paid to the buyer and not yet recovered."""
    paid = sum(
        entry.amount.minor
        for entry in (*ledger.facts, *ledger.intents)
        if (entry.source, entry.target) == (Account.PLATFORM, Account.BUYER)
    )
    return max(0, paid - ledger.promised(EntryKind.RECOVERED))


def _unused_key(ledger: Ledger, planned: list[Entry], stem: str) -> str:
    keys = (f"{stem}-{number}" for number in count(1))
    return next(key for key in keys if not ledger.knows(key) and all(entry.key != key for entry in planned))


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
