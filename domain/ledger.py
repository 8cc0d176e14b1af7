"""The ledger of one order: every movement of its money, as intent before it is made and as fact after.

Double entry over six accounts. What the buyer paid enters escrow; all that leaves escrow has an owner, and a later
decision may bring it back. Buyer and carrier are outside: what they give and get is all that is known of them.
The law, checked at every entry: the accounts sum to zero, and escrow, seller and tax never go below zero,
even if every intent comes true. Nobody but the platform can be out of pocket.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.base import Instant, Model
from domain.money import Money


class Account(StrEnum):
    """Where money can be. `buyer` is outside: it goes negative by what the buyer has paid."""

    BUYER = "buyer"
    ESCROW = "escrow"
    SELLER = "seller"
    PLATFORM = "platform"
    TAX = "tax"
    CARRIER = "carrier"


class EntryKind(StrEnum):
    """Why money moved.

    Fee, shipping, tax and the charge for a label also move back into escrow, when a later decision lowers them.
    A refund comes out of escrow, or from the platform where escrow has nothing left.
    """

    CAPTURED = "captured"
    REFUNDED = "refunded"
    RELEASED = "released"
    COMPENSATED = "compensated"
    FEE = "fee"
    SHIPPING = "shipping"
    TAX = "tax"
    CHARGED_BACK = "charged_back"
    RECOVERED = "recovered"
    CLAWED_BACK = "clawed_back"
    LABEL = "label"
    LABEL_REFUNDED = "label_refunded"
    LABEL_CHARGED = "label_charged"


class Conservation(ValueError):
    """An entry would have made or lost money. The entry is refused; the ledger stands as it was."""


class Entry(Model):
    """One movement. `key` is its business idempotency key, `reference` the provider's id of the fact."""

    key: str
    kind: EntryKind
    source: Account
    target: Account
    amount: Money
    at: Instant
    reference: str = ""


class Ledger(Model):
    """Facts in order, and intents not yet confirmed. Immutable: each step gives a new ledger.

    `dropped` keeps the keys of intents given up: a provider may still remember a key and its answer,
    so a new decision needs a new key.
    """

    facts: tuple[Entry, ...] = ()
    intents: tuple[Entry, ...] = ()
    dropped: tuple[str, ...] = ()

    def balance(self, account: Account) -> int:
        """Minor units on one account, by facts alone."""
        return sum(
            (entry.amount.minor if entry.target is account else 0)
            - (entry.amount.minor if entry.source is account else 0)
            for entry in self.facts
        )

    def free(self, account: Account) -> int:
        """Minor units on one account that no intent has claimed."""
        claimed = sum(entry.amount.minor for entry in self.intents if entry.source is account)
        return self.balance(account) - claimed

    @property
    def available(self) -> int:
        """Minor units in escrow that no intent has claimed."""
        return self.free(Account.ESCROW)

    def total(self, *kinds: EntryKind) -> int:
        """Minor units moved by facts of these kinds, less what they brought back into escrow."""
        return sum(_signed(entry) for entry in self.facts if entry.kind in kinds)

    def promised(self, *kinds: EntryKind) -> int:
        """The same total as if every intent had come true."""
        return sum(_signed(entry) for entry in (*self.facts, *self.intents) if entry.kind in kinds)

    def knows(self, key: str) -> bool:
        """Whether a movement of this key was ever intended or made."""
        return key in self.dropped or any(entry.key == key for entry in (*self.facts, *self.intents))

    def intend(self, entry: Entry) -> Ledger:
        """This ledger with one more intent. Raises `Conservation` if money lacks or the key is used."""
        return self._checked(self.model_copy(update={"intents": (*self.intents, entry)}), entry)

    def confirm(self, key: str, at: datetime, reference: str) -> Ledger:
        """This ledger with the intent `key` a fact at `at` (UTC). Raises `Conservation` if it is unknown."""
        entry = next((entry for entry in self.intents if entry.key == key), None)
        if entry is None:
            raise Conservation(f"{key} was never intended, so it cannot be confirmed")
        fact = entry.model_copy(update={"at": at, "reference": reference})
        intents = tuple(other for other in self.intents if other is not entry)
        return self.model_copy(update={"facts": (*self.facts, fact), "intents": intents})

    def drop(self, key: str) -> Ledger:
        """This ledger without the intent `key`, which was surely not made; the key is used up."""
        intents = tuple(entry for entry in self.intents if entry.key != key)
        if intents == self.intents:
            return self
        return self.model_copy(update={"intents": intents, "dropped": (*self.dropped, key)})

    def record(self, entry: Entry) -> Ledger:
        """This ledger with a fact that another made (capture, chargeback) or that needs no provider (fee)."""
        return self._checked(self.model_copy(update={"facts": (*self.facts, entry)}), entry)

    def _checked(self, new: Ledger, entry: Entry) -> Ledger:
        if self.knows(entry.key):
            raise Conservation(f"{entry.key} is in the ledger already")
        if entry.amount.minor <= 0:
            raise Conservation(f"{entry.key} moves {entry.amount}: only a positive amount moves")
        if entry.source is entry.target:
            raise Conservation(f"{entry.key} moves money from {entry.source} to itself")
        if any(known.amount.currency != entry.amount.currency for known in (*self.facts, *self.intents)[:1]):
            raise Conservation(f"{entry.key} is in {entry.amount.currency}, the order is not")
        new.check()
        return new

    def check(self) -> None:
        """Raise `Conservation` unless the law of this module holds."""
        if new_sum := sum(self.balance(account) for account in Account):
            raise Conservation(f"the accounts sum to {new_sum}, not to zero")
        if self.available < 0:
            raise Conservation(f"escrow is short of {-self.available} minor units for what was promised")
        for account in (Account.SELLER, Account.TAX):
            if self.free(account) < 0:
                raise Conservation(f"the {account} account is below zero")


_INTO_ESCROW = frozenset({EntryKind.CAPTURED, EntryKind.CLAWED_BACK})


def _signed(entry: Entry) -> int:
    back = entry.target is Account.ESCROW and entry.kind not in _INTO_ESCROW
    return -entry.amount.minor if back else entry.amount.minor
