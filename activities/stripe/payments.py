"""Refunds, payouts to sellers and clawbacks at Stripe: the port `Payments`.

The buyer pays a charge on the platform's account; the seller is paid by a transfer to their connected account, and a
clawback reverses transfers (docs.stripe.com/connect/separate-charges-and-transfers). Each object carries the business
key as metadata, by which `find` knows it again: lists are read, which show at once what was made, never the search,
which lags. `docs/payments.md` has every call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import stripe

from activities.ports import FileContents, PayoutAccounts, Refused, Unavailable
from activities.stripe import disputes
from activities.stripe.amounts import from_stripe, to_stripe
from activities.stripe.client import speaking
from activities.stripe.events import ORDER
from domain.books import KINDS, Kind, Made
from domain.money import Money
from domain.reported_dispute import ReportedDispute
from domain.requests import Movement, Paid, Submission

KEY: Final = "redress_key"

_PAGE: Final = 100
_REFUSED_PART: Final = 3_600.0
_BACK: Final = frozenset({"failed", "canceled"})


class StripePayments:
    """The `Payments` port over Stripe's API. Threads may share it.

    `accounts` knows the sellers' connected accounts, `files` the evidence that disputes are answered with.
    """

    def __init__(self, client: stripe.StripeClient, accounts: PayoutAccounts, files: FileContents) -> None:
        self._stripe = client.v1
        self._accounts = accounts
        self._files = files

    # What moves money

    def refund(self, movement: Movement, *, key: str) -> Paid:
        """Refund the charge, in full or in part.

        Refusals: Stripe's own codes, `no_such_charge`, `currency_mismatch`, and `refund_failed` where the bank sends
        the money back at once.
        """
        amount = to_stripe(movement.amount)
        with speaking():
            self._same_currency(movement)
            params: Any = {**_charge_of(movement.payment_ref), "amount": amount, "metadata": _marks(movement)}
            made = self._stripe.refunds.create(params, {"idempotency_key": key})
        if made.status in _BACK:
            raise _sent_back(movement, made.id, _field(made, "failure_reason") or str(made.status))
        return Paid(reference=made.id)

    def release(self, movement: Movement, *, key: str) -> Paid:
        """Transfer the seller's share to their connected account.

        Refusals: Stripe's own codes, and `no_payout_account`.
        """
        account = self._accounts.account(movement.payee)
        if account is None:
            raise Refused(
                "no_payout_account",
                f"{movement.payee} has no connected account: starter.py payout-account {movement.payee} acct_...",
            )
        params: Any = {
            "amount": to_stripe(movement.amount),
            "currency": movement.amount.currency.lower(),
            "destination": account,
            "transfer_group": _group(movement.order_id),
            "metadata": _marks(movement),
        }
        with speaking():
            made = self._stripe.transfers.create(params, {"idempotency_key": key})
        return Paid(reference=made.id)

    def claw_back(self, movement: Movement, *, key: str) -> Paid:
        """Reverse the order's transfers, the newest first, until the amount has come back.

        Each part has a key of its own, so that an attempt that got half way is taken up where it stopped.
        Refusals, as long as nothing is reversed: Stripe's own codes, and `amount_too_large`. After a first part a
        refusal is `Unavailable`: money has moved, so the movement must not be given up.
        """
        references: list[str] = []
        try:
            with speaking():
                transfers = list(self._transfers(movement.order_id))
                made = [part for one in transfers for part in self._reversals(one) if part.key == movement.key]
                references += [part.reference for part in made]
                left = to_stripe(movement.amount) - sum(to_stripe(part.amount) for part in made)
                for transfer, minor in _parts(movement, transfers, left):
                    params: Any = {"amount": minor, "metadata": _marks(movement)}
                    options: Any = {"idempotency_key": f"{key}:{transfer.id}"}
                    references.append(self._stripe.transfers.reversals.create(transfer.id, params, options).id)
        except Refused as refusal:
            if not references:
                raise
            raise Unavailable(
                f"{', '.join(references)} took back a part of {movement.amount}; the rest is refused "
                f"({refusal.code}): {refusal}",
                retry_after=_REFUSED_PART,
            ) from refusal
        return Paid(reference=",".join(references))

    # What only reads

    def find(self, movement: Movement) -> Paid | None:
        """The movement that carries this business key; one of which only a part was made is not made yet."""
        wanted = KINDS.get(movement.purpose)
        with speaking():
            made = [one for one in self._made(movement, wanted) if one.key == movement.key]
        live = [one for one in made if not one.failed]
        if not live:
            if made:
                raise _sent_back(movement, made[0].reference, made[0].failed)
            return None
        total = sum((one.amount for one in live), movement.amount.zero)
        if live[0].kind is Kind.CLAWBACK and total < movement.amount:
            return None
        if total != movement.amount:
            raise Refused("idempotency_error", f"{movement.key} moved {total}, not {movement.amount}")
        return Paid(reference=",".join(one.reference for one in live))

    def movements(self, payment_ref: str, order_id: str) -> tuple[Made, ...]:
        """Every refund of the payment, and every transfer and reversal of the order."""
        with speaking():
            return (*self._refunds(payment_ref), *self._payouts(order_id))

    def moved_since(self, since: datetime) -> tuple[str, ...]:
        """The orders for which money of ours moved at Stripe since then, each once."""
        created: Any = {"created": {"gte": int(since.timestamp())}, "limit": _PAGE}
        with speaking():
            refunds = self._stripe.refunds.list(created).auto_paging_iter()
            transfers = self._stripe.transfers.list(created).auto_paging_iter()
            found = [_mark(made, ORDER) for made in (*refunds, *transfers)]
        return tuple(dict.fromkeys(filter(None, found)))

    # Disputes

    def dispute(self, chargeback_id: str) -> ReportedDispute | None:
        """What Stripe knows of the dispute now, or none if there is no such one."""
        return disputes.read(self._stripe, chargeback_id)

    def find_evidence(self, chargeback_id: str) -> Paid | None:
        """What was submitted for the dispute; a draft that somebody left in the Dashboard does not count."""
        found = self.dispute(chargeback_id)
        return Paid(reference=chargeback_id) if found and found.submissions else None

    def submit_evidence(self, submission: Submission) -> Paid:
        """Hand in the evidence, for good. Refusals: see `activities/stripe/disputes.py`."""
        return disputes.submit(self._stripe, submission, self._files)

    # Inside

    def _same_currency(self, movement: Movement) -> None:
        """A refund names no currency: Stripe takes the charge's, in which the same number is other money."""
        if movement.payment_ref.startswith("pi_"):
            currency = self._stripe.payment_intents.retrieve(movement.payment_ref).currency
        else:
            currency = self._stripe.charges.retrieve(movement.payment_ref).currency
        if currency.upper() != movement.amount.currency:
            raise Refused(
                "currency_mismatch",
                f"{movement.payment_ref} is in {currency.upper()}, not {movement.amount.currency}",
            )

    def _made(self, movement: Movement, wanted: Kind | None) -> Iterator[Made]:
        if wanted in (Kind.REFUND, None):
            yield from self._refunds(movement.payment_ref)
        if wanted is not Kind.REFUND:
            yield from self._payouts(movement.order_id)

    def _refunds(self, payment_ref: str) -> Iterator[Made]:
        params: Any = {**_charge_of(payment_ref), "limit": _PAGE}
        for made in self._stripe.refunds.list(params).auto_paging_iter():
            if payment_ref in (_field(made, "charge"), _field(made, "payment_intent")):
                failed = (_field(made, "failure_reason") or str(made.status)) if made.status in _BACK else ""
                yield _as_made(made, Kind.REFUND, failed=failed)

    def _payouts(self, order_id: str) -> Iterator[Made]:
        for transfer in self._transfers(order_id):
            yield _as_made(transfer, Kind.RELEASE)
            yield from self._reversals(transfer)

    def _transfers(self, order_id: str) -> Iterator[stripe.Transfer]:
        params: Any = {"transfer_group": _group(order_id), "limit": _PAGE}
        return self._stripe.transfers.list(params).auto_paging_iter()

    def _reversals(self, transfer: stripe.Transfer) -> Iterator[Made]:
        """Those of one transfer, which Stripe lists with it as far as they are few."""
        if not transfer.amount_reversed:
            return
        reversals: Iterable[Any] = transfer.reversals.data
        if transfer.reversals.has_more:
            params: Any = {"limit": _PAGE}
            reversals = self._stripe.transfers.reversals.list(transfer.id, params).auto_paging_iter()
        for made in reversals:
            yield _as_made(made, Kind.CLAWBACK, source=transfer.id)


def _charge_of(payment_ref: str) -> dict[str, str]:
    return {"payment_intent" if payment_ref.startswith("pi_") else "charge": payment_ref}


def _group(order_id: str) -> str:
    return f"redress-{order_id}"


def _marks(movement: Movement) -> dict[str, str]:
    return {KEY: movement.key, ORDER: movement.order_id}


def _mark(made: Any, name: str) -> str:
    """What we have written on an object of Stripe's; empty on those of others."""
    return _field(made.metadata, name) if made.metadata else ""


def _field(made: Any, name: str) -> str:
    """A text field, which answers of older API versions lack."""
    return str(getattr(made, name, None) or "")


def _as_made(made: Any, kind: Kind, *, source: str = "", failed: str = "") -> Made:
    return Made(
        reference=made.id,
        kind=kind,
        key=_mark(made, KEY),
        amount=from_stripe(made.amount, made.currency),
        made_at=datetime.fromtimestamp(made.created, UTC),
        source=source,
        order_id=_mark(made, ORDER),
        failed=failed,
    )


def _parts(movement: Movement, transfers: list[stripe.Transfer], left: int) -> Iterator[tuple[stripe.Transfer, int]]:
    """From which transfer how much is taken. Raises `Refused` if together they do not hold so much."""
    held = sum(transfer.amount - transfer.amount_reversed for transfer in transfers)
    if left > held:
        most: Money = from_stripe(held, movement.amount.currency)
        raise Refused("amount_too_large", f"{movement.amount} is more than the {most} left of the payouts")
    for transfer in transfers:
        minor = min(left, transfer.amount - transfer.amount_reversed)
        if minor > 0:
            left -= minor
            yield transfer, minor


def _sent_back(movement: Movement, reference: str, reason: str) -> Refused:
    return Refused(
        "refund_failed",
        f"the bank has sent {movement.amount} of {reference} back ({reason}): it is on the platform's balance",
    )
