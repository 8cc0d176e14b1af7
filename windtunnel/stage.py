"""A stage for stories in the tunnel: the sandbox services, and the storefront's side of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.notices import SqlOutbox
from activities.outcomes import SqlOutcomes
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.directory import SandboxDirectory
from activities.sandbox.files import SandboxFiles
from activities.sandbox.payments import SandboxPayments
from activities.store import open_store
from domain.cases.record import EvidenceItem
from domain.messages import Chargeback, ChargebackState, Reply
from domain.parcel import Shipment, TrackingStatus
from domain.requests import News, RecallQuery
from domain.story import Outcome
from fastmotion.exhibits import Exhibit
from fastmotion.stories import PURCHASE, Act, Scene
from storefront.draft import REOPENED, OrderDraft
from windtunnel.activities import RealActivities
from windtunnel.engine import NotRunning, Tunnel
from worker import Adapters
from workflows.registry import WORKFLOWS
from workflows.search_attributes import of_new_order

SIGNALS: Final = {
    Act.SHIP: "shipped",
    Act.TRACKING: "tracking",
    Act.ACCEPT: "buyer_accepts",
    Act.CHARGEBACK: "chargeback",
    Act.DISRUPT: "disruption",
    Act.EVIDENCE: "evidence",
    Act.MESSAGE: "message",
    Act.TRACK_RETURN: "tracking",
}
UPDATES: Final = {Act.COMPLAIN: "open_case"}
LATE: Final = {"chargeback", "tracking", "open_case"}


class Stage:
    """One world in the tunnel, whose clock is policy time itself."""

    def __init__(self, folder: Path) -> None:
        self.carrier = SandboxCarrier(folder / "carrier.sqlite")
        self.payments = SandboxPayments(folder / "payments.sqlite")
        self.files = SandboxFiles(folder / "evidence")
        store = open_store(f"sqlite:///{folder / 'redress.sqlite'}")
        self.outbox = SqlOutbox(store)
        self.outcomes = SqlOutcomes(store)
        adapters = Adapters(
            carriers=self.carrier,
            payments=self.payments,
            outbox=self.outbox,
            outcomes=self.outcomes,
            directory=SandboxDirectory(),
            files=self.files,
        )
        self.tunnel = Tunnel(
            WORKFLOWS,
            RealActivities(adapters.activities()),
            pydantic_data_converter,
            began=PURCHASE,
            failure_types=(ValidationError,),
        )

    async def at(self, instant: datetime) -> None:
        """Let time pass until `instant`; what is due only then comes after what is said then."""
        self.tunnel.run(instant, before=True)

    async def begin(self, draft: OrderDraft, journeys: Mapping[Shipment, News]) -> None:
        """Capture the payment, teach the carrier the journeys, start the order."""
        self.payments.capture(draft.payment_ref, draft.price.total)
        for shipment, journey in journeys.items():
            self.carrier.script(shipment, journey.events, journey.estimate)
        order = draft.order()
        self.tunnel.start("OrderWorkflow", order, f"order-{draft.order_id}", attributes=of_new_order(order))

    async def hand_in(self, exhibit: Exhibit) -> EvidenceItem:
        """Put the file into the store; what is tampered with is exchanged at once."""
        if exhibit.text:
            return exhibit.item("", "")
        uri, digest = self.files.put(exhibit.content, exhibit.name)
        if exhibit.tampered:
            self.files.tamper(uri, exhibit.exchanged)
        return exhibit.item(uri, digest)

    async def tell(self, scene: Scene) -> Reply | None:
        """Pass on what is said. A refusal is a reply too."""
        if isinstance(scene.message, Chargeback):
            self._bank(scene.subject, scene.message)
        subject = scene.subject if scene.subject.startswith(("case-", "order-")) else f"order-{scene.subject}"
        name = SIGNALS.get(scene.does) or UPDATES.get(scene.does, scene.does.value)
        try:
            return self._send(subject, name, scene)
        except NotRunning:
            return self._late(subject, name, scene)

    def _send(self, subject: str, name: str, scene: Scene) -> Reply | None:
        if scene.does in SIGNALS:
            self.tunnel.signal(subject, name, scene.message)
            reply = None
        else:
            reply = self.tunnel.update(subject, name, scene.message, Reply)
        self.tunnel.run(self.tunnel.now)
        return reply

    def _late(self, subject: str, name: str, scene: Scene) -> Reply | None:
        if name not in LATE or subject.startswith("case-"):
            return Reply.no("order_over", ending="ended")
        order_id = subject.removeprefix("order-")
        reopened = f"{REOPENED}{order_id}"
        if name == "tracking" and not any(e.status is TrackingStatus.DELIVERED for e in scene.message.events):  # type: ignore[attr-defined]
            return None
        running = self.tunnel.executions.get(reopened)
        signal = "buyer_complaint" if name == "open_case" else name
        if running is None or running.closed_at is not None:
            query = RecallQuery(order_id=order_id)
            self.tunnel.start("ReopenedOrderWorkflow", query, reopened, signal=(signal, scene.message))
        else:
            self.tunnel.signal(reopened, signal, scene.message)
        self.tunnel.run(self.tunnel.now)
        return None

    async def end(self, order_id: str) -> Outcome:
        """Let time pass until the order has ended, and whatever came after."""
        self.tunnel.run()
        last = f"{REOPENED}{order_id}"
        if last not in self.tunnel.executions:
            last = f"order-{order_id}"
        return self.tunnel.result_of(last, Outcome)

    def _bank(self, order_id: str, message: Chargeback) -> None:
        order_id = order_id.removeprefix("order-")
        if message.state is ChargebackState.OPENED:
            self.payments.open_dispute(f"ch_{order_id}")
        else:
            self.payments.close_dispute(f"ch_{order_id}", won=message.state is ChargebackState.WON)
