"""What must hold of every order in a test, whatever the test is about: its money, and that it comes to an end."""

from __future__ import annotations

from domain.ledger import Account, EntryKind
from domain.order import Order
from domain.story import Outcome
from fastmotion.services import SandboxServices


def books_balance(services: SandboxServices, order: Order, outcome: Outcome) -> None:
    """The ledger of an ended order conserves its money and is the provider's book; the outcome is what was kept."""
    ledger, reference = outcome.ledger, order.payment_ref
    books = services.payments
    ledger.check()
    assert (0, ()) == (ledger.balance(Account.ESCROW), ledger.intents), "an ended order holds no money"
    for kinds, moved in (
        ((EntryKind.REFUNDED,), books.refunds(reference)),
        ((EntryKind.RELEASED, EntryKind.COMPENSATED), books.releases(reference)),
        ((EntryKind.CLAWED_BACK,), books.clawbacks(reference)),
    ):
        assert ledger.total(*kinds) == sum(transfer.amount.minor for transfer in moved), kinds
    assert ledger.balance(Account.BUYER) <= 0, "nobody gets more back than they paid"
    assert 0 <= ledger.balance(Account.SELLER) <= order.price.seller_share.minor
    assert [outcome] == [kept for kept in services.outcomes.outcomes() if kept.order_id == outcome.order_id]


def nobody_is_paid_twice(services: SandboxServices) -> None:
    """No business key has moved money more than once, in any order."""
    assert {} == services.payments.duplicates()
