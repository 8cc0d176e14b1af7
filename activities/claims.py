"""Claims for lost, damaged or stolen parcels, which support starts by hand: no order waits for an insurer's money.

They are Temporal's standalone activities (docs/operations.md), whose id makes a claim once and whose retries wait for
the insurer's decision.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.carriers import carrier_errors
from activities.ports import Claims, FileContents, Refused
from domain.claims import Claim, ClaimRequest

NOT_DECIDED: Final = "NotDecided"

LARGEST_DOCUMENT: Final = 5 * 1_048_576
"""Bytes of one photo or document, so that ten of them fit into the memory of a worker many times."""

ASKED_AGAIN: Final = timedelta(hours=12)
"""Insurers decide within days."""


class ClaimActivities:
    """Claims at a carrier or insurer, with the evidence that the marketplace has on file."""

    def __init__(self, claims: Claims, documents: FileContents) -> None:
        self._claims = claims
        self._store = documents

    @activity.defn(name="carrier.claim")
    def claim(self, ask: ClaimRequest) -> Claim:
        """The decided claim, made unless there is one for this parcel and kind.

        Raises ApplicationError: `NotDecided` (benign) until the insurer has decided, retryable as `CarrierUnavailable`,
        final as `CarrierRefused`, also for a document that is not on file.
        """
        with carrier_errors(f"pay for {ask.shipment}"):
            claim = self._claims.find_claim(ask) or self._claims.file_claim(ask, self._documents(ask))
        if claim.decided:
            return claim
        hours = ASKED_AGAIN / timedelta(hours=1)
        raise ApplicationError(
            f"Claim {claim.claim_id} for {ask.shipment} is {claim.state}; asked again in {hours:.0f} h",
            type=NOT_DECIDED,
            category=ApplicationErrorCategory.BENIGN,
            next_retry_delay=ASKED_AGAIN,
        )

    @activity.defn(name="carrier.withdraw_claim")
    def withdraw(self, ask: ClaimRequest) -> Claim | None:
        """Take an undecided claim back, as when the parcel turned up: the claim as it is then, or none if none is made.

        Cancel the activity that waits for it first, or that would make it anew.
        Raises ApplicationError, retryable as `CarrierUnavailable`, final as `CarrierRefused`.
        """
        with carrier_errors(f"take back the claim for {ask.shipment}"):
            return self._claims.withdraw_claim(ask)

    def _documents(self, ask: ClaimRequest) -> tuple[bytes, ...]:
        return tuple(map(self._document, ask.documents))

    def _document(self, uri: str) -> bytes:
        content = self._store.read(uri, most=LARGEST_DOCUMENT)
        if content is None:
            raise Refused("no_document", f"there is no file {uri}. Name the files by the URIs of the case's evidence")
        return content
