"""Three books about the money of an order, the provider's, the ledger's and the history's, and how they can differ.

The ledger is that of the kept outcome, the history is what the activities of the workflow were asked and answered.
A movement is known by its business key in all three.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import Field

from domain.base import Instant, Model
from domain.ledger import EntryKind, Ledger
from domain.money import Money


class Book(StrEnum):
    """Who keeps account."""

    PROVIDER = "provider"
    LEDGER = "ledger"
    HISTORY = "history"


class Kind(StrEnum):
    """What a payment provider can do with money."""

    REFUND = "refund"
    RELEASE = "release"
    CLAWBACK = "clawback"


KINDS: Final[Mapping[str, Kind]] = {
    EntryKind.REFUNDED: Kind.REFUND,
    EntryKind.RELEASED: Kind.RELEASE,
    EntryKind.COMPENSATED: Kind.RELEASE,
    EntryKind.CLAWED_BACK: Kind.CLAWBACK,
}
"""Which entries of a ledger the provider makes, and as what; all others divide escrow among our own accounts."""


class Made(Model):
    """One movement as the provider has it. `key` is our business key, empty for what others have moved.

    `source` tells parts of one movement apart: a clawback may take from several payouts.
    `failed` says why the money came back, if it did: such a movement counts as not made.
    """

    reference: str
    kind: Kind
    key: str
    amount: Money
    made_at: Instant
    source: str = ""
    order_id: str = ""
    failed: str = ""


class Asked(Model):
    """One movement as the history of a workflow has it; `reference` is empty until its activity has succeeded."""

    key: str
    kind: Kind
    amount: Money
    reference: str = ""


class Books(Model):
    """All that is known of an order's money. `ledger` and `history` are none where that book is not at hand.

    Of an order that still runs, `closed` is false, and its ledger may be that of an earlier closing.
    """

    order_id: str
    made: tuple[Made, ...] = ()
    ledger: Ledger | None = None
    history: tuple[Asked, ...] | None = None
    closed: bool = True


class Mismatch(StrEnum):
    """In what way books differ."""

    NOT_AT_PROVIDER = "not_at_provider"
    NOT_IN_LEDGER = "not_in_ledger"
    NOT_IN_HISTORY = "not_in_history"
    AMOUNT = "amount"
    KIND = "kind"
    REFERENCE = "reference"
    TWICE = "twice"
    FOREIGN = "foreign"
    FAILED = "failed"


ADVICE: Final[Mapping[Mismatch, str]] = {
    Mismatch.NOT_AT_PROVIDER: "Look for the reference at the provider. If the money never moved, move it there "
    "by hand, with the key as metadata redress_key, and note it for the auditors.",
    Mismatch.NOT_IN_LEDGER: "Money moved that the order does not know of. Find out who has moved it; "
    "take it back at the provider, or have it written down as a loss.",
    Mismatch.NOT_IN_HISTORY: "The ledger has a fact without an activity. Look at the order's history, also of runs "
    "before a reset; if it is there, the retention was shorter than the order.",
    Mismatch.AMOUNT: "Compare the amounts at the provider with the decision of the order; "
    "move the difference by hand at the provider.",
    Mismatch.KIND: "The same key moved money in two directions. Compare with the decision of the order, and take back "
    "what is wrong at the provider.",
    Mismatch.REFERENCE: "Two movements carry this key. Find both references at the provider, and take back the one "
    "that the ledger does not name.",
    Mismatch.TWICE: "Somebody was paid twice. Take all but the one that the ledger names back at the provider.",
    Mismatch.FOREIGN: "Somebody has moved money of this order outside of Redress. Ask who, and do not refund or "
    "release it again: correct it at the provider.",
    Mismatch.FAILED: "The bank has sent the money back after the movement counted as made. "
    "Reach the payee another way, and make the payment by hand at the provider.",
}
"""What a person does about each."""


class Difference(Model):
    """One movement about which the books do not agree. `found` is what each book at hand says of it."""

    order_id: str
    key: str
    what: Mismatch
    found: dict[str, str] = Field(default_factory=dict)

    @property
    def advice(self) -> str:
        """What a person does about it."""
        return ADVICE[self.what]


class Checked(Model):
    """What came of comparing the books of one order. `movements` is how many keys were compared.

    `missing` are books that were not at hand: an order that still runs has no ledger, an old one no history.
    """

    order_id: str
    movements: int = 0
    missing: tuple[Book, ...] = ()
    differences: tuple[Difference, ...] = ()
