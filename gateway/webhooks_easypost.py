"""EasyPost's webhooks: `X-Hmac-Signature` over the body, and events about trackers.

The scheme has no clock (docs.easypost.com/guides/webhooks-guide): a delivery that somebody has captured stays valid
for ever. So event ids are remembered for ever, and an event from before the purchase is refused where it is passed on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field, ValidationError
from starlette.datastructures import Headers

from domain.base import Model
from domain.tracking_numbers import LONGEST, normalise
from gateway.webhooks_event import Forged, Name, NoEvent, ParcelNews, WebhookEvent, instant, signed_by_any

HEADER: Final = "X-Hmac-Signature"
PREFIX: Final = "hmac-sha256-hex="
_TRACKER_EVENTS: Final = ("tracker.created", "tracker.updated")


class _Event(Model):
    object: Literal["Event"]
    event_id: Name = Field(alias="id")
    description: Name
    created_at: Any = None
    result: Any = None


def verify(secrets: Iterable[str], headers: Headers, body: bytes, _now: datetime) -> None:
    """The HMAC of the whole body. Raises Forged."""
    signature = _the_one(headers.getlist(HEADER))
    if not signature.startswith(PREFIX):
        raise Forged(f"{HEADER} does not begin with {PREFIX}")
    keys = (unicodedata.normalize("NFKD", secret).encode() for secret in secrets)
    if not signed_by_any(keys, body, [signature.removeprefix(PREFIX)]):
        raise Forged(f"{HEADER} is not what our secrets give for this body")


def read(body: bytes) -> WebhookEvent:
    """The event, about the parcel of its tracker. Raises NoEvent."""
    try:
        event = _Event.model_validate_json(body)
    except ValidationError:
        raise NoEvent("the body is no EasyPost event: it needs object Event, id and description") from None
    about = _parcel(event.result) if event.description in _TRACKER_EVENTS else None
    return WebhookEvent(
        event_id=event.event_id, kind=event.description, created_at=instant(event.created_at), about=about
    )


def _the_one(given: list[str]) -> str:
    if len(given) != 1:
        raise Forged(f"there must be one {HEADER} header, and there are {len(given)}")
    return given[0]


def _parcel(tracker: Any) -> ParcelNews | None:
    """The parcel of a tracker, told by its number alone: EasyPost and our orders name carriers differently."""
    number = tracker.get("tracking_code") if isinstance(tracker, dict) else None
    text = normalise(number) if isinstance(number, str) else ""
    return ParcelNews(tracking_number=text) if 0 < len(text) <= LONGEST and text.isalnum() else None
