"""Ports that answer at once, so that what is measured is Redress and not SQLite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from activities.carriers import CarrierActivities
from activities.evidence import EvidenceActivities
from activities.notices import NoticeActivities
from activities.outcomes import OutcomeActivities
from activities.payments import PaymentActivities
from activities.ports import Contact, Refused
from activities.sandbox.directory import SandboxDirectory
from domain.histories import Histories
from domain.parcel import Shipment
from domain.requests import Label, LabelRefund, LabelRequest, Movement, News, Paid, Submission
from domain.story import Notice, Outcome


class WillingPayments:
    """Makes every movement, the first time it is asked."""

    def refund(self, movement: Movement, *, key: str) -> Paid:
        """At once."""
        return Paid(reference=key)

    def release(self, movement: Movement, *, key: str) -> Paid:
        """At once."""
        return Paid(reference=key)

    def claw_back(self, movement: Movement, *, key: str) -> Paid:
        """At once."""
        return Paid(reference=key)

    def find(self, movement: Movement) -> Paid | None:
        """Never made before."""
        return None

    def submit_evidence(self, submission: Submission) -> Paid:
        """At once."""
        return Paid(reference=submission.chargeback_id)

    def find_evidence(self, chargeback_id: str) -> Paid | None:
        """None was handed in before."""
        return None


class SilentCarrier:
    """Knows no parcel: its news come by webhook."""

    def news(self, shipment: Shipment, as_of: datetime) -> News:
        """None."""
        raise Refused("unknown_number", "the bench's parcels are known by webhook only")

    def trace(self, shipment: Shipment, reference: str) -> None:
        """Searches nowhere."""

    def buy_label(
        self, request: LabelRequest, sender: Contact | None, receiver: Contact | None, as_of: datetime
    ) -> Label:
        """None to be had."""
        raise Refused("no_labels", "the bench's orders have no returns")

    def refund_label(self, refund: LabelRefund, as_of: datetime) -> bool:
        """None was bought."""
        raise Refused("unknown_label", "the bench's carrier sells no labels")


class NoFiles:
    """Keeps no evidence."""

    def sha256(self, uri: str, *, progress: Callable[[], object]) -> str | None:
        """No such file."""
        return None


class EmptyOutbox:
    """Forgets every notice."""

    def post(self, notices: tuple[Notice, ...], contacts: Mapping[str, Contact]) -> None:
        """Forget them."""


class NoOutcomes:
    """Forgets every outcome."""

    def record(self, outcome: Outcome) -> bool:
        """Forget it."""
        return True

    def histories(self, buyer_id: str, seller_id: str, marketplace: str, *, excluding: str) -> Histories:
        """Of two strangers."""
        return Histories()

    def recall(self, order_id: str) -> Outcome | None:
        """None is remembered."""
        return None


def activities() -> list[Callable[..., Any]]:
    """The activities of a worker, before these ports."""
    payments, carriers = PaymentActivities(WillingPayments()), CarrierActivities(SilentCarrier(), SandboxDirectory())
    outcomes = OutcomeActivities(NoOutcomes())
    return [
        payments.refund,
        payments.release,
        payments.claw_back,
        payments.submit_evidence,
        payments.look,
        carriers.look_up,
        carriers.trace,
        carriers.buy_label,
        carriers.refund_label,
        EvidenceActivities(NoFiles()).check,
        NoticeActivities(EmptyOutbox(), SandboxDirectory()).post,
        outcomes.record,
        outcomes.histories,
        outcomes.recall,
    ]
