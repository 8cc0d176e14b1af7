"""The sandbox carrier's insurance: every parcel that it knows is insured, for what is claimed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from activities.ports import Refused
from activities.sqlite import create, transaction
from domain.claims import NEEDS_DOCUMENTS, Claim, ClaimKind, ClaimRequest, ClaimState
from domain.money import Money
from domain.parcel import Shipment

_SCHEMA = """
CREATE TABLE IF NOT EXISTS claims (
    id INTEGER PRIMARY KEY, carrier TEXT, number TEXT, kind TEXT, claim TEXT NOT NULL, open INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS claim_once ON claims (carrier, number, kind) WHERE open;
"""


class SandboxClaims:
    """The port `Claims` in the file of a `SandboxCarrier`, which must be there. Safe to share between processes."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        create(self._path, _SCHEMA)

    def file_claim(self, request: ClaimRequest, documents: Sequence[bytes]) -> Claim:
        """Submitted, and then as `decide` will have it. Raises Refused (`not_insured`, `no_documents`)."""
        with transaction(self._path) as db:
            if (known := _find(db, request)) is not None:
                return known
            if not _knows(db, request.shipment):
                raise Refused("not_insured", f"{request.shipment} is no parcel of the sandbox carrier")
            if request.kind in NEEDS_DOCUMENTS and not documents:
                raise Refused("no_documents", f"the sandbox carrier wants to see a photo for {request.kind}")
            (number,) = db.execute("SELECT count(*) FROM claims").fetchone()
            claim = Claim(claim_id=f"claim_{number + 1}", state=ClaimState.SUBMITTED)
            row = (*_key(request.shipment, request.kind), claim.model_dump_json())
            db.execute("INSERT INTO claims (carrier, number, kind, claim, open) VALUES (?, ?, ?, ?, 1)", row)
        return claim

    def find_claim(self, request: ClaimRequest) -> Claim | None:
        """The claim for this parcel and kind that was not withdrawn."""
        with transaction(self._path) as db:
            return _find(db, request)

    def withdraw_claim(self, request: ClaimRequest) -> Claim | None:
        """Cancelled, unless it was decided before."""
        with transaction(self._path) as db:
            known = _find(db, request)
            if known is None or known.decided:
                return known
            return _keep(db, request, known.model_copy(update={"state": ClaimState.CANCELLED}))

    def decide(self, request: ClaimRequest, state: ClaimState, approved: Money | None = None) -> Claim:
        """Decide a claim as the insurer. Raises KeyError if there is none."""
        with transaction(self._path) as db:
            known = _find(db, request)
            if known is None:
                raise KeyError(f"no claim for {request.shipment}")
            return _keep(db, request, known.model_copy(update={"state": state, "approved": approved}))


def _key(shipment: Shipment, kind: ClaimKind) -> tuple[str, str, str]:
    return shipment.carrier, shipment.tracking_number, str(kind)


def _find(db: sqlite3.Connection, request: ClaimRequest) -> Claim | None:
    query = "SELECT claim FROM claims WHERE (carrier, number, kind) = (?, ?, ?) AND open"
    row = db.execute(query, _key(request.shipment, request.kind)).fetchone()
    return Claim.model_validate_json(row[0]) if row else None


def _keep(db: sqlite3.Connection, request: ClaimRequest, claim: Claim) -> Claim:
    db.execute(
        "UPDATE claims SET claim = ?, open = ? WHERE (carrier, number, kind) = (?, ?, ?) AND open",
        (claim.model_dump_json(), claim.state != ClaimState.CANCELLED, *_key(request.shipment, request.kind)),
    )
    return claim


def _knows(db: sqlite3.Connection, shipment: Shipment) -> bool:
    return any(
        db.execute(query, (shipment.carrier, shipment.tracking_number)).fetchone()
        for query in (
            "SELECT 1 FROM journeys WHERE (carrier, number) = (?, ?)",
            "SELECT 1 FROM labels WHERE (carrier, number) = (?, ?)",
        )
    )
