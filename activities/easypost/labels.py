"""Return labels at EasyPost: bought once for each reference, and given back.

EasyPost knows no idempotency key, but finds a shipment by our `reference`, and sells each shipment one label. Two
shipments for one reference come about only when two attempts overlap: then the label that was sold first counts, which
an attempt may have told already, and the other is given back at once, whichever attempt finds it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from activities.easypost import postage
from activities.easypost.amounts import DOLLARS, decimal_of
from activities.easypost.bodies import Postage, PostagePage, Rates
from activities.easypost.client import EasyPost
from activities.ports import Contact, Refused, Unavailable
from domain.base import Model
from domain.requests import Label, LabelRefund, LabelRequest
from domain.tracking_numbers import normalise

log = logging.getLogger("redress.easypost")

OVERLAP: Final = timedelta(minutes=15)
"""How far apart two attempts at the same label may begin and still overlap, with much to spare."""

DECIDES_AFTER: Final = timedelta(hours=12)
"""How often to ask what a carrier, who has 30 days for it, has decided about a label given back."""

_PAGE: Final = 100
_MOST_PAGES: Final = 20

_EXISTS: Final = "SHIPMENT.POSTAGE.EXISTS"


class Wishes(Model):
    """What a marketplace decides for all its labels; the weight is in ounces, 28.35 grams each."""

    ounces: float = 32
    insure: bool = False


class EasyPostLabels:
    """Buying and giving back, as the port `Carriers` promises it."""

    def __init__(self, easypost: EasyPost, wishes: Wishes) -> None:
        self._easypost = easypost
        self._wishes = wishes

    def buy(self, request: LabelRequest, sender: Contact | None, receiver: Contact | None) -> Label:
        """The label of this reference, bought unless it has been."""
        shipment = self._find(request.reference)
        if shipment is None:
            shipment = self._create(
                request, postage.address(request.sender, sender), postage.address(request.receiver, receiver)
            )
        elif not shipment.bought:
            shipment = self._rated_anew(shipment)
        if not shipment.bought:
            shipment = self._pay(shipment, request)
        return postage.label(request, self._only(shipment, request.reference))

    def give_back(self, refund: LabelRefund) -> bool:
        """Whether the price of the label comes back. Raises Unavailable until the carrier has decided."""
        shipment = self._sold(refund)
        if not shipment.given_back:
            shipment = self._ask_back(shipment)
        match shipment.refund_status:
            case "refunded":
                return True
            case "not_applicable":
                return False
            case "rejected" if postage.scanned(shipment):
                return False
            case "rejected":
                # Carriers reject what they have not yet in their books: EasyPost advises to ask again.
                shipment = self._ask_back(shipment)
                if shipment.refund_status == "refunded":
                    return True
        raise Unavailable(
            f"the carrier has not decided about the label yet ({shipment.refund_status or 'no word'})",
            DECIDES_AFTER.total_seconds(),
        )

    def _find(self, reference: str) -> Postage | None:
        return self._easypost.find(Postage, lambda api: api.shipment.retrieve(quote(reference, safe="")))

    def _create(self, request: LabelRequest, sender: dict[str, str], receiver: dict[str, str]) -> Postage:
        if request.pickup:
            raise Refused(
                "no_pickup",
                "pick-ups are not ordered at EasyPost. Set returns.pickup = false in the policy pack",
            )
        options: dict[str, Any] = {"currency": request.currency}
        if request.signature:
            options["delivery_confirmation"] = "SIGNATURE"
        # EasyPost exchanges the two addresses of a return, which is written like the parcel that it returns.
        return self._easypost.ask(
            Postage,
            lambda api: api.shipment.create(
                reference=request.reference,
                is_return=True,
                from_address=receiver,
                to_address=sender,
                parcel={"weight": self._wishes.ounces},
                options=options,
            ),
        )

    def _rated_anew(self, shipment: Postage) -> Postage:
        """The prices of an earlier attempt may no longer hold."""
        rated = self._easypost.ask(Rates, lambda api: api.shipment.regenerate_rates(shipment.id))
        return shipment.model_copy(update={"rates": rated.rates})

    def _pay(self, shipment: Postage, request: LabelRequest) -> Postage:
        rate = postage.cheapest(shipment, request.currency)
        extra = {}
        if self._wishes.insure and request.value is not None and request.value.currency == DOLLARS:
            extra["insurance"] = str(decimal_of(request.value))
        try:
            return self._easypost.ask(Postage, lambda api: api.shipment.buy(shipment.id, rate={"id": rate.id}, **extra))
        except Refused as refused:
            if refused.code != _EXISTS:
                raise
            return self._easypost.ask(Postage, lambda api: api.shipment.retrieve(shipment.id))

    def _only(self, shipment: Postage, reference: str) -> Postage:
        """The one label that counts for this reference; any other is given back."""
        kept, *doubles = sorted(self._same(shipment, reference), key=postage.sold_at)
        for double in doubles:
            if not double.given_back:
                self._void(double)
        return kept

    def _void(self, double: Postage) -> None:
        try:
            self._ask_back(double)
        except Refused as refused:
            # The label that counts is good all the same; a person can ask for the money in the dashboard.
            log.warning("a second label could not be given back: shipment %s (%s)", double.id, refused.code)

    def _same(self, shipment: Postage, reference: str) -> list[Postage]:
        """All shipments with a label for this reference that were made around the time of `shipment`, and itself."""
        found = {shipment.id: shipment}
        if shipment.created_at is not None:
            window: dict[str, Any] = {
                "purchased": True,
                "page_size": _PAGE,
                "start_datetime": _zulu(shipment.created_at - OVERLAP),
                "end_datetime": _zulu(shipment.created_at + OVERLAP),
            }
            for _ in range(_MOST_PAGES):
                page = self._easypost.ask(PostagePage, lambda api: api.shipment.all(**window))
                found |= {one.id: one for one in page.shipments if one.reference == reference}
                if not page.has_more or not page.shipments:
                    break
                window["before_id"] = page.shipments[-1].id
            else:
                raise Unavailable("too many labels were bought at the same time to look for doubles")
        return [one for one in found.values() if one.bought]

    def _sold(self, refund: LabelRefund) -> Postage:
        number = refund.shipment.tracking_number
        found = self._find(refund.reference)
        if found is not None and normalise(found.tracking_code) != number:
            # The reference may lead to a double that was given back already.
            same = self._same(found, refund.reference)
            found = next((one for one in same if normalise(one.tracking_code) == number), None)
        if found is None or not found.bought:
            raise Refused(
                "unknown_label",
                f"no label {refund.reference} for {refund.shipment} was bought with this account. "
                "Give it back by the reference and shipment that it was bought with",
            )
        return found

    def _ask_back(self, shipment: Postage) -> Postage:
        return self._easypost.ask(Postage, lambda api: api.shipment.refund(shipment.id))


def _zulu(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
