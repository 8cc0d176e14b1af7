"""Payments at the sandbox provider, for who tries things out: taken, as the real ones are before an order starts."""

from __future__ import annotations

from pathlib import Path

from activities.sandbox.payments import SandboxPayments
from adapters.payments import PAYMENTS_FILE
from storefront.draft import OrderDraft
from storefront.errors import BadInput


def capture(draft: OrderDraft, data_dir: Path) -> None:
    """Let the sandbox provider have taken the payment of this order. Raises BadInput if it has taken another sum."""
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        SandboxPayments(data_dir / PAYMENTS_FILE).capture(draft.payment_ref, draft.price.total)
    except ValueError as error:
        raise BadInput(f"Order {draft.order_id} cannot be started", [f"payment_ref: {error}"]) from None
