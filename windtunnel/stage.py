"""A stage for stories in the tunnel: the sandbox services, and the storefront's side of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from domain.cases.record import EvidenceItem
from domain.messages import Chargeback, Reply, Tracking
from domain.parcel import Shipment
from domain.requests import News
from domain.story import Outcome
from fastmotion.exhibits import Exhibit
from fastmotion.services import SandboxServices
from fastmotion.stories import LEFT, PURCHASE, Act, Scene
from storefront.client import subject_of
from storefront.draft import REOPENED, OrderDraft
from windtunnel.activities import RealActivities
from windtunnel.contract import NotRunning
from windtunnel.order_tunnel import order_tunnel, tell_late
from workflows.search_attributes import of_new_order

IN_CONTRACT: Final = {
    Act.SHIP: "shipped",
    Act.ACCEPT: "buyer_accepts",
    Act.COMPLAIN: "open_case",
    Act.DISRUPT: "disruption",
    Act.TRACK_RETURN: "tracking",
}
"""The messages that have another name in the contract than the client's method."""

LATE: Final = {"chargeback", "tracking", "open_case"}


class Stage(SandboxServices):
    """One world in the tunnel, whose clock is policy time itself."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tunnel = order_tunnel(RealActivities(self.activities()), began=PURCHASE)

    async def at(self, instant: datetime) -> None:
        """Let time pass until `instant`; what is due only then comes after what is said then."""
        self.tunnel.run(instant, before=True)

    async def begin(self, draft: OrderDraft, journeys: Mapping[Shipment, News]) -> None:
        """Capture the payment, teach the carrier the journeys, start the order."""
        self.prepare(draft, journeys)
        order = draft.order()
        self.tunnel.start("OrderWorkflow", order, f"order-{draft.order_id}", attributes=of_new_order(order))

    async def hand_in(self, exhibit: Exhibit) -> EvidenceItem:
        """Put the file into the store; what is tampered with is exchanged at once."""
        return self.keep(exhibit)

    async def tell(self, scene: Scene) -> Reply | None:
        """Pass on what is said. A refusal is a reply too."""
        if isinstance(scene.message, Chargeback):
            self.bank(scene.subject, scene.message)
        subject = subject_of(scene.subject)
        name = IN_CONTRACT.get(scene.does, scene.does.value)
        try:
            return self._send(subject, name, scene)
        except NotRunning:
            return self._late(subject, name, scene)

    def _send(self, subject: str, name: str, scene: Scene) -> Reply | None:
        if scene.does in LEFT:
            self.tunnel.signal(subject, name, scene.message)
            reply = None
        else:
            reply = self.tunnel.update(subject, name, scene.message, Reply)
        self.tunnel.run(self.tunnel.now)
        return reply

    def _late(self, subject: str, name: str, scene: Scene) -> Reply | None:
        if name not in LATE or subject.startswith("case-"):
            return Reply.no("order_over", ending="ended")
        if isinstance(scene.message, Tracking) and not scene.message.tells_of_delivery:
            return None
        signal = "buyer_complaint" if name == "open_case" else name
        tell_late(self.tunnel, subject.removeprefix("order-"), signal, scene.message)
        self.tunnel.run(self.tunnel.now)
        return None

    async def end(self, order_id: str) -> Outcome:
        """Let time pass until the order has ended, and whatever came after."""
        self.tunnel.run()
        last = f"{REOPENED}{order_id}"
        if last not in self.tunnel.executions:
            last = f"order-{order_id}"
        return self.tunnel.result_of(last, Outcome)
