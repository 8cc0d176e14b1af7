"""What EasyPost answers, as far as it matters here; what else is in a body is ignored.

Every field may be missing or null, since older objects lack what newer ones have.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, ValidatorFunctionWrapHandler, WrapValidator

from domain.base import Model, utc

T = TypeVar("T")

Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))]

Several = Annotated[tuple[T, ...], BeforeValidator(lambda value: () if value is None else value)]


def _in_utc(value: object, parse: ValidatorFunctionWrapHandler) -> datetime | None:
    try:
        at = parse(value)
        return at and utc(at if at.tzinfo else at.replace(tzinfo=UTC))
    except ValueError:
        return None


Moment = Annotated[datetime | None, WrapValidator(_in_utc)]
"""An instant in UTC, which EasyPost means where it gives no offset (docs.easypost.com/docs/trackers).

None also for what is no instant: one garbled date must not hide all that a carrier said.
"""


class Scan(Model):
    """A tracking detail: what the carrier said of the parcel, without the place, which leads to a person's door."""

    status: Text = ""
    status_detail: Text = ""
    message: Text = ""
    datetime: Moment = None
    est_delivery_date: Moment = None


class Tracker(Model):
    """All that EasyPost knows of one parcel. `signed_by` is a person's name, and goes no further."""

    id: Text = ""
    tracking_code: Text = ""
    carrier: Text = ""
    mode: Text = ""
    created_at: Moment = None
    updated_at: Moment = None
    signed_by: Text = ""
    est_delivery_date: Moment = None
    tracking_details: Several[Scan] = ()


class Rate(Model):
    """The price of a service; `rate` is a decimal number of `currency`."""

    id: Text = ""
    carrier: Text = ""
    service: Text = ""
    rate: Text = ""
    currency: Text = ""


class Rates(Model):
    """The answer to a question for new prices."""

    rates: Several[Rate] = ()


class Fee(Model):
    """What EasyPost took from the wallet, in US dollars."""

    amount: Text = ""
    charged: bool | None = None
    refunded: bool | None = None


class PostageLabel(Model):
    """The document to print, made when the postage was paid."""

    created_at: Moment = None
    label_url: Text = ""


class Postage(Model):
    """A shipment at EasyPost: a label that was bought, or is still to be, and what came of it."""

    id: str
    reference: Text = ""
    created_at: Moment = None
    tracking_code: Text = ""
    refund_status: Text = ""
    postage_label: PostageLabel | None = None
    selected_rate: Rate | None = None
    rates: Several[Rate] = ()
    fees: Several[Fee] = ()
    tracker: Tracker | None = None

    @property
    def bought(self) -> bool:
        """Whether its postage has been paid for."""
        return self.postage_label is not None

    @property
    def given_back(self) -> bool:
        """Whether its postage was asked back for, whatever EasyPost made of it."""
        return bool(self.refund_status)


class PostagePage(Model):
    """A page of a list of shipments, newest first."""

    shipments: Several[Postage] = ()
    has_more: bool | None = None


class ClaimBody(Model):
    """An insurance claim. Amounts are decimal numbers of US dollars."""

    id: str
    type: Text = ""
    status: Text = ""
    tracking_code: Text = ""
    approved_amount: Text = ""


class ClaimPage(Model):
    """A page of a list of claims, newest first."""

    claims: Several[ClaimBody] = ()
    has_more: bool | None = None
