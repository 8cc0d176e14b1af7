"""The ports: what the activities need of the world outside.

Each has a sandbox adapter and, in production, a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from pydantic import Field

from domain.base import Model
from domain.books import Made
from domain.claims import Claim, ClaimRequest
from domain.histories import Histories
from domain.parcel import Shipment
from domain.reported_dispute import ReportedDispute
from domain.requests import Label, LabelRefund, LabelRequest, Movement, News, Paid, Posting, Submission
from domain.story import Outcome


class Unavailable(Exception):
    """The other side did not answer or could not serve now. Asking again later is right.

    `retry_after` is the pause in real seconds that it asked for, if it named one.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def pause(self) -> timedelta | None:
        """The same as a span of time, which ends even for a nonsensical number."""
        return None if self.retry_after is None else timedelta(seconds=min(self.retry_after, 1e9))


class FailureReplayed(Unavailable):
    """The other side repeats a failure stored for this idempotency key, as it will for the key's life.

    Asking again under the same key is useless. Stripe does so with a 500, for at least 24 hours
    (docs.stripe.com/api/idempotent_requests).
    """


class Refused(Exception):
    """The other side understood and said no. Asking again the same way is useless; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Payments(Protocol):
    """A payment provider. Each method raises `Unavailable` or `Refused`.

    `refund`, `release` and `claw_back` raise `FailureReplayed` when only another key can still bring an answer.
    """

    def refund(self, movement: Movement, *, key: str) -> Paid:
        """Give money back to the buyer; `key` is the idempotency key of this request."""

    def release(self, movement: Movement, *, key: str) -> Paid:
        """Pay money out to the seller; `key` is the idempotency key of this request."""

    def claw_back(self, movement: Movement, *, key: str) -> Paid:
        """Take money back that was paid out to the seller, never more than was; `key` as for the others."""

    def find(self, movement: Movement) -> Paid | None:
        """The movement of this business key, if the provider has made it. Reads only.

        Raises `Refused` with code `idempotency_error` if the key was used for another amount or payment.
        """

    def submit_evidence(self, submission: Submission) -> Paid:
        """Hand in the evidence for a chargeback, for good; the same submission again is the same fact."""

    def find_evidence(self, chargeback_id: str) -> Paid | None:
        """What has been handed in for this chargeback, if anything has. Reads only."""


class PaymentBooks(Protocol):
    """What a payment provider knows, beside `Payments`. Each method only reads, and raises `Unavailable`."""

    def dispute(self, chargeback_id: str) -> ReportedDispute | None:
        """The truth about a chargeback, of which a webhook is only a hint; none if there is none."""

    def movements(self, payment_ref: str, order_id: str) -> tuple[Made, ...]:
        """All that the provider has moved for this payment and order, also what others than we have."""

    def moved_since(self, since: datetime) -> tuple[str, ...]:
        """The orders for which money has moved since then (UTC), as far as the provider knows them."""


class Provider(Payments, PaymentBooks, Protocol):
    """A payment provider whose books can be compared with ours."""


class PayoutAccounts(Protocol):
    """Where sellers are paid out to, looked up by id inside activities only."""

    def account(self, seller_id: str) -> str | None:
        """The seller's account at the payment provider, as in `acct_1`, or none. Raises `Unavailable`."""


class Carriers(Protocol):
    """A carrier or an aggregator of carriers. The texts of its errors name no person and no address."""

    def news(self, shipment: Shipment, as_of: datetime) -> News:
        """All events up to `as_of` (UTC, policy time). Raises `Unavailable` or `Refused` (`unknown_number`)."""

    def trace(self, shipment: Shipment, reference: str) -> None:
        """Have a parcel searched for, once for each `reference`. Raises `Unavailable` or `Refused`."""

    def buy_label(
        self, request: LabelRequest, sender: Contact | None, receiver: Contact | None, as_of: datetime
    ) -> Label:
        """Buy a label at `as_of` (UTC, policy time), once for each reference.

        A repetition gives the same label and costs nothing, also when the answer to the first try was lost.
        Raises `Unavailable` or `Refused` (`currency_not_served`, `unknown_address`, or the carrier's own code).

        EasyPost has no idempotency key for this, but its `reference` of a shipment stands in for the id:
        look the shipment up by it, create it only if there is none, and buy only if it has no `postage_label` yet.
        """

    def refund_label(self, refund: LabelRefund, as_of: datetime) -> bool:
        """Give a label back at `as_of` (UTC, policy time). Whether its price comes back, which is then certain.

        True also for a label that was given back before; False if it has been used: scanned beyond `label_made`.
        Raises `Unavailable`, also while the carrier has not made up its mind, or `Refused` (`unknown_label`).

        EasyPost decides within 30 days (docs.easypost.com/docs/shipments/shipping-refund): `submitted` is
        `Unavailable` with a long `retry_after`, `refunded` is True, `not_applicable` (charged on scan) is False,
        and so is `rejected` once the tracker shows a scan; without one it is submitted again, which EasyPost advises
        for very young labels. It takes requests for 30 days from the purchase for USPS, for 90 for UPS and FedEx:
        ask as soon as the return is given up, and grant the answer more than 30 days.
        """


class Claims(Protocol):
    """Where a carrier or an insurer is asked to pay for a parcel. Each method raises `Unavailable` or `Refused`."""

    def file_claim(self, request: ClaimRequest, documents: Sequence[bytes]) -> Claim:
        """Make the claim, once for its parcel and kind, also when the answer to the first try was lost.

        Raises `Refused` also if it can have no success: `not_insured`, `no_documents`, `currency_not_served`.
        """

    def find_claim(self, request: ClaimRequest) -> Claim | None:
        """The claim for this parcel and kind that was not withdrawn, if one was made. Reads only."""

    def withdraw_claim(self, request: ClaimRequest) -> Claim | None:
        """Take an undecided claim back, as when the parcel turned up; the claim as it is then, none if none is made."""


class Files(Protocol):
    """Where the files of evidence are kept, which a case knows by URI and hash only."""

    def sha256(self, uri: str, *, progress: Callable[[], object]) -> str | None:
        """The SHA-256 of what is at this URI now, in lower-case hexadecimal digits; none if there is no such file.

        Reads it in portions and calls `progress` after each; what that raises ends the reading.
        A URI comes from a party: an adapter reads nothing but the marketplace's own storage, and knows no other file.
        Raises `Unavailable`.
        """


class FileContents(Protocol):
    """The same storage, where a file itself goes to somebody else: an insurer, a bank."""

    def read(self, uri: str, *, most: int) -> bytes | None:
        """What is at this URI now, for an insurer or a bank; none if there is no such file, under the same rule.

        Raises `Unavailable`, or `Refused` (`too_large`) if it has more than `most` bytes.
        """


class Storage(Files, FileContents, Protocol):
    """Where files of evidence are compared and read."""


class Outbox(Protocol):
    """Where notices wait for delivery."""

    def post(self, posting: Posting, contacts: Mapping[str, Contact]) -> None:
        """Keep each notice, once for its key, however often posted; `contacts` by party id, if known."""


class OutcomeStore(Protocol):
    """The finished facts of orders: for analysis, for the record of both sides, and to take an order up again.

    Of an order that closed more than once, its latest revision counts.
    """

    def record(self, outcome: Outcome) -> bool:
        """Keep the outcome, once for its order and revision; false if another one stands there, which stays."""

    def histories(self, buyer_id: str, seller_id: str, marketplace: str, *, excluding: str) -> Histories:
        """What both sides have been like on this marketplace, the order with the id `excluding` left out."""

    def recall(self, order_id: str) -> Outcome | None:
        """The latest outcome of an order, or none if there is none yet."""


class PostalAddress(Model):
    """Where parcels for a party go. Personal data; `country` is its ISO 3166-1 code of two letters."""

    street1: str
    street2: str = ""
    city: str
    state: str = ""
    zip: str = ""
    country: str
    phone: str = ""


class OutcomeBooks(Protocol):
    """The record of finished orders, for those who compare it with other books."""

    def recall(self, order_id: str) -> Outcome | None:
        """The latest outcome of an order, or none if there is none yet."""

    def closed_since(self, since: datetime) -> tuple[str, ...]:
        """The ids of orders whose latest outcome is of then (UTC) or later, in the order of closing."""


class Outcomes(OutcomeStore, OutcomeBooks, Protocol):
    """Where outcomes are kept and compared."""


class Contact(Model):
    """How to reach a party. Personal data: never leaves the activities.

    `address` is for messages, `postal` for parcels: the outbox keeps contacts, and has no use for where people live.
    """

    name: str
    address: str
    postal: PostalAddress | None = Field(default=None, exclude=True)


class Directory(Protocol):
    """The marketplace's knowledge of its users, looked up by id inside activities only."""

    def contact(self, party_id: str) -> Contact | None:
        """The contact of a party, or none if the marketplace does not know it."""


class RouteKind(StrEnum):
    """What outside parties tell us of."""

    PARCEL = "parcel"
    PAYMENT = "payment"


class Route(Model):
    """News of a parcel or payment goes to `subject`: the workflow id of an order or, for a return, of a case.

    `reference` is a normalised tracking number, whose `carrier` is as our order names it, or the id of a payment.
    One parcel may hold several orders.
    """

    kind: RouteKind
    reference: str
    subject: str
    carrier: str = ""


class Routes(Protocol):
    """Which order or case a parcel or a payment belongs to."""

    def note(self, known: Iterable[Route]) -> None:
        """Keep each route, once."""

    def find(self, kind: RouteKind, references: Iterable[str]) -> tuple[Route, ...]:
        """Where news of any of these leads; nothing if it is not known yet."""
