"""What stands behind each port: the only place where sandbox and real adapters meet.

A module of this package makes each choice that the settings leave open, and says in words what is wrong with them.
Adapters are imported where they are chosen: a process loads nothing that it does not use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import runtime
from adapters.carriers import carriers_of
from adapters.database import open_database
from adapters.files import files_of
from adapters.notices import deliverer_of, senders_of
from adapters.payments import payments_of

if TYPE_CHECKING:
    from activities.dispatch.deliverer import Deliverer
    from activities.ports import Carriers, Claims, Directory, Outbox, Outcomes, Provider, Routes, Storage


@dataclass(frozen=True)
class Adapters:
    """What stands behind each port; `deliverer` brings notices out of the outbox, if anything does."""

    carriers: Carriers
    claims: Claims
    payments: Provider
    outbox: Outbox
    outcomes: Outcomes
    directory: Directory
    files: Storage
    routes: Routes
    deliverer: Deliverer | None = None

    @classmethod
    def from_settings(cls, settings: runtime.Settings) -> Self:
        """What the settings name, by default the sandbox in files shared with the demo, and our own store.

        Raises runtime.SettingsError.
        """
        from activities.notices import SqlOutbox
        from activities.outcomes import SqlOutcomes
        from activities.routes import SqlRoutes
        from activities.sandbox.directory import SandboxDirectory

        # The files first: they make the data folder, where the database may be too.
        files = files_of(settings)
        store = open_database(settings.store_url)
        carriers, claims = carriers_of(settings)
        directory = SandboxDirectory()
        senders = senders_of(settings, directory)
        return cls(
            carriers=carriers,
            claims=claims,
            payments=payments_of(settings, store, files),
            outbox=SqlOutbox(store, tuple(senders)),
            outcomes=SqlOutcomes(store),
            directory=directory,
            files=files,
            routes=SqlRoutes(store),
            deliverer=deliverer_of(store, senders),
        )

    def activities(self) -> list[Callable[..., Any]]:
        """Every activity, over these adapters."""
        from activities.carriers import CarrierActivities
        from activities.claims import ClaimActivities
        from activities.evidence import EvidenceActivities
        from activities.notices import NoticeActivities
        from activities.outcomes import OutcomeActivities
        from activities.payments import PaymentActivities
        from activities.reconciliation import ReconciliationActivities

        carriers = CarrierActivities(self.carriers, self.directory)
        claims = ClaimActivities(self.claims, self.files)
        payments = PaymentActivities(self.payments)
        outcomes = OutcomeActivities(self.outcomes)
        books = ReconciliationActivities(self.payments, self.outcomes)
        return [
            carriers.look_up,
            carriers.trace,
            carriers.buy_label,
            carriers.refund_label,
            claims.claim,
            claims.withdraw,
            EvidenceActivities(self.files).check,
            NoticeActivities(self.outbox, self.directory).post,
            outcomes.record,
            outcomes.histories,
            outcomes.recall,
            payments.refund,
            payments.release,
            payments.claw_back,
            payments.submit_evidence,
            payments.look,
            books.orders,
            books.check,
        ]
