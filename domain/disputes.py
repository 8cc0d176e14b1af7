"""What an order tells its case of a chargeback."""

from __future__ import annotations

from domain.cases.case import Delivery
from domain.chargeback_bundle import DisputeFacts
from domain.ledger import EntryKind, Ledger
from domain.messages import ChargebackState, Interlock
from domain.money import Money
from domain.order import Order


def interlock(
    order: Order, delivery: Delivery, ledger: Ledger, chargeback_id: str, state: ChargebackState, amount: Money
) -> Interlock:
    """The message to the case: what the bank does, what it leaves to divide, and the facts that speak to the bank."""
    total = order.price.total
    left = max(0, total.minor - ledger.total(EntryKind.CHARGED_BACK))
    facts = DisputeFacts(
        order_id=order.order_id,
        payment_ref=order.payment_ref,
        chargeback_id=chargeback_id,
        amount=amount,
        pack=order.policy.pack,
        lines=order.lines,
        shipment=delivery.shipment,
        scanned_at=delivery.scanned_at,
        delivered_at=delivery.delivered_at,
        signed=delivery.signed,
        refunds=tuple(entry for entry in ledger.facts if entry.kind is EntryKind.REFUNDED),
    )
    return Interlock(
        chargeback_id=chargeback_id,
        state=state,
        amount=amount,
        left=Money(minor=left, currency=total.currency),
        facts=facts,
    )
