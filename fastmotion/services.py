"""What stories find outside Redress: the sandbox carrier, payment provider and store of evidence, and our own store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from activities.notices import SqlOutbox
from activities.outcomes import SqlOutcomes
from activities.routes import SqlRoutes
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.claims import SandboxClaims
from activities.sandbox.directory import SandboxDirectory
from activities.sandbox.files import SandboxFiles
from activities.sandbox.payments import SandboxPayments
from activities.store import open_store
from adapters import Adapters
from adapters.carriers import CARRIER_FILE
from adapters.files import EVIDENCE_FOLDER
from adapters.payments import PAYMENTS_FILE
from domain.cases.record import EvidenceItem
from domain.messages import Chargeback, ChargebackState
from domain.parcel import Shipment
from domain.requests import News
from fastmotion.exhibits import Exhibit
from storefront.draft import OrderDraft


class SandboxServices:
    """The services with their files in `folder`, shared with every worker whose data folder it is."""

    def __init__(self, folder: Path) -> None:
        self.carrier = SandboxCarrier(folder / CARRIER_FILE)
        self.claims = SandboxClaims(folder / CARRIER_FILE)
        self.payments = SandboxPayments(folder / PAYMENTS_FILE)
        self.files = SandboxFiles(folder / EVIDENCE_FOLDER)
        store = open_store(f"sqlite:///{folder / 'redress.sqlite'}")
        self.outbox = SqlOutbox(store)
        self.outcomes = SqlOutcomes(store)
        self.routes = SqlRoutes(store)

    def activities(self) -> list[Callable[..., Any]]:
        """What a worker in the same process runs."""
        return Adapters(
            carriers=self.carrier,
            payments=self.payments,
            outbox=self.outbox,
            outcomes=self.outcomes,
            directory=SandboxDirectory(),
            files=self.files,
            claims=self.claims,
            routes=self.routes,
        ).activities()

    def prepare(self, draft: OrderDraft, journeys: Mapping[Shipment, News]) -> None:
        """Capture the payment, teach the carrier the journeys."""
        self.payments.capture(draft.payment_ref, draft.price.total)
        for shipment, journey in journeys.items():
            self.carrier.script(shipment, journey.events, journey.estimate)

    def keep(self, exhibit: Exhibit) -> EvidenceItem:
        """Put the file into the store; what is tampered with is exchanged at once."""
        if exhibit.text:
            return exhibit.item("", "")
        uri, digest = self.files.put(exhibit.content, exhibit.name)
        if exhibit.tampered:
            self.files.tamper(uri, exhibit.exchanged)
        return exhibit.item(uri, digest)

    def bank(self, order_id: str, message: Chargeback) -> None:
        """What the bank does at the provider before the provider reports it."""
        if message.state is ChargebackState.OPENED:
            self.payments.open_dispute(f"ch_{order_id}", message.chargeback_id)
        else:
            self.payments.close_dispute(f"ch_{order_id}", won=message.state is ChargebackState.WON)
