"""What a workflow asks of the world, and what it gets back: the inputs and results of the activities."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from domain.base import Instant, Model
from domain.clock import REAL_TIME, Clock
from domain.money import Currency, Money
from domain.parcel import Shipment, TrackingEvent
from domain.parties import Id
from domain.policy import Lookup
from domain.story import Notice


class Movement(Model):
    """Move money once. `key` is the business key: the same key never moves money twice, whoever retries.

    `payment_ref` is the buyer's payment at the provider; `payee` is who gets it (a seller for a release).
    """

    key: str = Field(max_length=255)
    order_id: Id
    payment_ref: str
    payee: Id
    amount: Money
    purpose: str = ""


class Paid(Model):
    """The provider's id of a movement or submission that is a fact."""

    reference: str


LARGEST_SUBMISSION: Final = 150_000
"""How many characters all texts of a submission may have together (docs.stripe.com/api/disputes/update)."""

LARGEST_TEXT: Final = 20_000
"""How many characters one text of a submission may have (docs.stripe.com/api/disputes/evidence_object)."""


class Submission(Model):
    """The evidence for one chargeback, to be handed in once: most banks look at one submission only.

    The keys are the names of Stripe's dispute evidence (docs.stripe.com/api/disputes/evidence_object). A value of
    `files` has a line `URI SHA-256` for each file; a provider that takes one file for each name gets them in one.
    """

    order_id: Id
    payment_ref: str
    chargeback_id: str
    texts: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def size(self) -> int:
        """Characters of all texts, as the provider counts them."""
        return sum(len(text) for text in self.texts.values())


class LookUp(Model):
    """Ask the carrier for news of a parcel.

    Answers as soon as the carrier tells more than the `known` events; until then it asks again in the policy's rhythm,
    or answers at once if it is `urgent`. `clock` turns the rhythm's policy time into real time.
    """

    order_id: Id
    shipment: Shipment
    rhythm: Lookup
    known: tuple[TrackingEvent, ...] = ()
    estimate: Instant | None = None
    urgent: bool = False
    clock: Clock = REAL_TIME


class Trace(Model):
    """Have the carrier search for a parcel that has stopped moving, once for each `reference`."""

    reference: str
    shipment: Shipment


class LabelRequest(Model):
    """Buy a prepaid label for a parcel from `sender` to `receiver`, once for each `reference`.

    With `pickup` the carrier fetches the parcel, otherwise its sender drops it off.
    The carrier is to charge in `currency`, since the cost goes into the ledger of the order.
    """

    reference: str = Field(min_length=1, max_length=255)
    order_id: Id
    case_id: str
    sender: Id
    receiver: Id
    pickup: bool
    currency: Currency
    clock: Clock = REAL_TIME


class Label(Model):
    """A label that has been paid for; the carrier takes no parcel under it after `expires_at`, if that is known.

    `uri` leads to the document to print, which shows both addresses: it is for the sender alone.
    """

    reference: str
    shipment: Shipment
    cost: Money
    uri: str = ""
    pickup: bool = False
    expires_at: Instant | None = None


class LabelRefund(Model):
    """Give an unused label back; `reference` and `shipment` are those of the label."""

    reference: str
    shipment: Shipment
    clock: Clock = REAL_TIME


class News(Model):
    """What the carrier knows of a parcel, oldest first. `estimate` is its own promise of delivery."""

    events: tuple[TrackingEvent, ...] = ()
    estimate: Instant | None = None


class LabelFact(Model):
    """What a return label has cost, or, once it is `refunded`, what came back for it."""

    reference: str
    cost: Money
    refunded: bool = False


class FileCheck(Model):
    """Compare the file of an evidence item with the SHA-256 that was sealed for it, in hexadecimal digits."""

    item: str
    uri: str
    sha256: str


class FileChecks(Model):
    """Files to be compared, each on its own: one that cannot be read keeps no other from being compared."""

    files: tuple[FileCheck, ...]


class FileFound(Model):
    """Whether the file still is what was sealed; none if there was no file to read, which may yet come."""

    item: str
    matches: bool | None


class FilesFound(Model):
    """What was found, one for each file asked about, in the order of the question."""

    files: tuple[FileFound, ...]


class HistoryQuery(Model):
    """Ask what the two sides of an order have been like in their other orders on its marketplace."""

    order_id: Id
    marketplace: Id
    buyer_id: Id
    seller_id: Id


class RecallQuery(Model):
    """Ask for the latest outcome of an order that has closed."""

    order_id: Id


class Posting(Model):
    """Notices to be put in the outbox, each once for its key."""

    notices: tuple[Notice, ...]
