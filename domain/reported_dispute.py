"""What a payment provider knows of a chargeback, in words of its own and in ours."""

from __future__ import annotations

from domain.base import Instant, Model
from domain.messages import Chargeback, ChargebackState
from domain.money import Money


class ReportedDispute(Model):
    """The truth about one chargeback as the provider tells it when asked; a webhook only says that it changed.

    `state` is none as long as nothing is to be told to the order, as for an inquiry of the bank that has taken no
    money; `status` is the provider's own word. `payment_refs` are all names of the disputed payment. `order_id` is
    empty where the provider does not know it: then the payment leads to the order.
    `refundable` is whether the buyer can still be refunded, which ends an inquiry in the buyer's favour.
    """

    chargeback_id: str
    payment_refs: tuple[str, ...]
    amount: Money
    status: str
    state: ChargebackState | None = None
    order_id: str = ""
    reason: str = ""
    refundable: bool = False
    evidence_due: Instant | None = None
    submissions: int = 0

    def report(self) -> Chargeback | None:
        """The message for the order, or none while there is nothing to tell it."""
        if self.state is None:
            return None
        return Chargeback(chargeback_id=self.chargeback_id, state=self.state, amount=self.amount)
