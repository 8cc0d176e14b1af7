"""The ports `Carriers` and `Claims` over one account at EasyPost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from activities.easypost import mapping
from activities.easypost.bodies import Tracker
from activities.easypost.claims import EasyPostClaims
from activities.easypost.client import EasyPost
from activities.easypost.labels import EasyPostLabels, Wishes
from activities.easypost.names import easypost_name
from activities.ports import Contact, Refused
from domain.claims import Claim, ClaimRequest
from domain.parcel import Shipment
from domain.requests import Label, LabelRefund, LabelRequest, News

_REMEMBERED: Final = 10_000

_NO_TRACKER: Final = frozenset({"not_found", "TRACKER.CREATE.ERROR", "TRACKER.CARRIER.INVALID", "TRACKER.NOT_FOUND"})
"""How EasyPost says that it cannot follow a number; the carrier may know it later."""


class EasyPostCarriers:
    """Many carriers behind one door. Safe to share between threads.

    It tells what has happened by now, whatever `as_of`: a real carrier runs on no other clock.
    """

    def __init__(self, easypost: EasyPost, wishes: Wishes | None = None, claims_email: str | None = None) -> None:
        self._easypost = easypost
        self._labels = EasyPostLabels(easypost, wishes or Wishes())
        self._claims = EasyPostClaims(easypost, claims_email)
        self._trackers: dict[Shipment, str] = {}

    def news(self, shipment: Shipment, as_of: datetime) -> News:
        """All that the carrier has told EasyPost of a parcel, which it follows from the first question on."""
        return mapping.news(self._known(shipment) or self._new(shipment))

    def trace(self, shipment: Shipment, reference: str) -> None:
        """Refused, always: EasyPost passes no search on."""
        raise Refused(
            "no_search", f"EasyPost has no search for parcels. Ask the carrier of {shipment} for one by its own form"
        )

    def buy_label(
        self, request: LabelRequest, sender: Contact | None, receiver: Contact | None, as_of: datetime
    ) -> Label:
        """A return label of the cheapest service in the currency asked for; once for its reference."""
        return self._labels.buy(request, sender, receiver)

    def refund_label(self, refund: LabelRefund, as_of: datetime) -> bool:
        """Whether the price of the label comes back, which the carrier decides within 30 days."""
        return self._labels.give_back(refund)

    def file_claim(self, request: ClaimRequest, documents: Sequence[bytes]) -> Claim:
        """A claim on the insurance bought at EasyPost."""
        return self._claims.file_claim(request, documents)

    def find_claim(self, request: ClaimRequest) -> Claim | None:
        """The claim that was made, if one was."""
        return self._claims.find_claim(request)

    def withdraw_claim(self, request: ClaimRequest) -> Claim | None:
        """Cancel the claim that was made."""
        return self._claims.withdraw_claim(request)

    def _known(self, shipment: Shipment) -> Tracker | None:
        tracker_id = self._trackers.get(shipment)
        if tracker_id is None:
            return None
        return self._easypost.find(Tracker, lambda api: api.tracker.retrieve(tracker_id))

    def _new(self, shipment: Shipment) -> Tracker:
        """The tracker of this parcel, made if there is none: EasyPost gives back the one it has for three months."""
        wanted = {"tracking_code": shipment.tracking_number}
        if name := easypost_name(shipment.carrier):
            wanted["carrier"] = name
        try:
            tracker = self._easypost.ask(Tracker, lambda api: api.tracker.create(**wanted))
        except Refused as refused:
            if refused.code in _NO_TRACKER:
                raise Refused("unknown_number", f"no carrier of EasyPost knows {shipment} ({refused.code})") from None
            raise
        if len(self._trackers) >= _REMEMBERED:
            self._trackers.clear()
        if tracker.id:
            self._trackers[shipment] = tracker.id
        return tracker
