"""What a webhook is to us, whoever sends it: an authentic event that hints at a parcel or a dispute.

The signature comes first, over the raw bytes, and nothing is parsed before it holds.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Protocol

from pydantic import Field, TypeAdapter, ValidationError
from starlette.datastructures import Headers

from domain.base import Instant, Model

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
"""Ids and types of events: what every provider uses, and every database and Temporal can hold."""

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


class ParcelNews(Model):
    """Something has happened to the parcel of this (normalised) tracking number."""

    tracking_number: str

    @property
    def lane(self) -> str:
        """Events of one lane are passed on in the order in which they came."""
        return f"parcel {self.tracking_number}"


class DisputeNews(Model):
    """Something has happened to this dispute."""

    dispute_id: Name

    @property
    def lane(self) -> str:
        """Events of one lane are passed on in the order in which they came."""
        return f"dispute {self.dispute_id}"


class WebhookEvent(Model):
    """An event without what it claims: that is read from the provider. `about` is none if it is of no use to us."""

    event_id: Name
    kind: Name
    created_at: Instant | None = None
    about: ParcelNews | DisputeNews | None = None


class Forged(Exception):
    """The signature is missing, wrong or outside its time; the text says which."""


class NoEvent(Exception):
    """The body is authentic, but is no event of this provider."""


class Scheme(Protocol):
    """How a provider signs and writes its events: what each module `webhooks_<provider>` is."""

    def verify(self, secrets: Iterable[str], headers: Headers, body: bytes, now: datetime, /) -> None:
        """Return if one of these secrets has signed the bytes, and recently where the scheme says when.

        Several secrets, so that one can replace another without a gap; without any, nothing is authentic.
        Raises Forged.
        """

    def read(self, body: bytes) -> WebhookEvent:
        """The event in a verified body. Raises NoEvent."""


def signed_by_any(keys: Iterable[bytes], message: bytes, signatures: Iterable[str]) -> bool:
    """Whether a signature is the HMAC-SHA256 of the message, in hexadecimal digits, under one of these keys.

    Takes as long whichever of them fits, and wherever one differs.
    """
    given = [signature.encode("utf-8", "surrogateescape") for signature in signatures]
    fits = False
    for key in keys:
        right = hmac.new(key, message, sha256).hexdigest().encode()
        for signature in given:
            fits |= hmac.compare_digest(right, signature)
    return fits


def instant(value: Any) -> datetime | None:
    """A point in time as providers write it, or none: what cannot be read must not lose the event."""
    try:
        return _INSTANT.validate_python(value)
    except ValidationError:
        return None
