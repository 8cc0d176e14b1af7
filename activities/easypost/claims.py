"""Claims on EasyPost's insurance, for parcels that were insured there: lost, damaged or stolen.

EasyPost takes no reference with a claim, so one is found again by its parcel and kind.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

from activities.easypost.amounts import DOLLARS, decimal_of, money_of
from activities.easypost.bodies import ClaimBody, ClaimPage
from activities.easypost.client import NOT_FOUND, EasyPost
from activities.ports import Refused, Unavailable
from domain.claims import NEEDS_DOCUMENTS, Claim, ClaimRequest, ClaimState
from domain.tracking_numbers import normalise

_PAGE: Final = 100
_MOST_PAGES: Final = 20


class EasyPostClaims:
    """The port `Claims`. `contact_email` is where EasyPost writes about a claim: the marketplace's, no party's."""

    def __init__(self, easypost: EasyPost, contact_email: str | None) -> None:
        self._easypost = easypost
        self._contact_email = contact_email

    def file_claim(self, request: ClaimRequest, documents: Sequence[bytes]) -> Claim:
        """The claim for this parcel and kind, made unless there is one that was not cancelled."""
        if (known := self._find(request)) is not None:
            return as_claim(known)
        if self._contact_email is None:
            raise Refused("no_contact", "EasyPost wants an e-mail address. Set REDRESS_EASYPOST_CLAIMS_EMAIL")
        if request.amount.currency != DOLLARS:
            raise Refused(
                "currency_not_served", f"EasyPost insures in {DOLLARS} only, not in {request.amount.currency}"
            )
        if request.kind in NEEDS_DOCUMENTS and not documents:
            raise Refused("no_documents", f"EasyPost wants at least one photo or document for {request.kind}")
        claim: dict[str, Any] = {
            "type": str(request.kind),
            "tracking_code": request.shipment.tracking_number,
            "amount": str(decimal_of(request.amount)),
            "description": request.description,
            "contact_email": self._contact_email,
            "payment_method": "easypost_wallet",
            "supporting_documentation_attachments": [b64encode(document).decode() for document in documents],
        }
        try:
            return as_claim(self._easypost.ask(ClaimBody, lambda api: api.claim.create(**claim)))
        except Refused as refused:
            if refused.code != NOT_FOUND:
                raise
        raise Refused(
            "not_insured",
            f"{request.shipment} is not insured at EasyPost. Claim at the carrier or insurer that it is with",
        )

    def find_claim(self, request: ClaimRequest) -> Claim | None:
        """The claim for this parcel and kind that was not cancelled, if there is one. Reads only."""
        known = self._find(request)
        return as_claim(known) if known else None

    def withdraw_claim(self, request: ClaimRequest) -> Claim | None:
        """Cancel the claim, as when the parcel turned up; none if there is none any more."""
        known = self._find(request)
        if known is None or as_claim(known).decided:
            return as_claim(known) if known else None
        return as_claim(self._easypost.ask(ClaimBody, lambda api: api.claim.cancel(known.id)))

    def _find(self, request: ClaimRequest) -> ClaimBody | None:
        window: dict[str, Any] = {"page_size": _PAGE}
        number = request.shipment.tracking_number
        for _ in range(_MOST_PAGES):
            page = self._easypost.ask(ClaimPage, lambda api: api.claim.all(**window))
            for one in page.claims:
                same = normalise(one.tracking_code) == number and one.type == request.kind
                if same and one.status != ClaimState.CANCELLED:
                    return one
            if not page.has_more or not page.claims:
                return None
            window["before_id"] = page.claims[-1].id
        raise Unavailable(
            f"among the latest {_PAGE * _MOST_PAGES} claims there is none for {request.shipment}, and more"
        )


def as_claim(body: ClaimBody) -> Claim:
    """A claim as the domain knows it; an amount that is no number is none."""
    return Claim(claim_id=body.id, state=body.status, approved=money_of(body.approved_amount, DOLLARS))
