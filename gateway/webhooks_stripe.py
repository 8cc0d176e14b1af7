"""Stripe's webhooks: `Stripe-Signature` over instant and body, and events about disputes (docs.stripe.com/webhooks)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import Headers

from activities.stripe.events import Subject, Topic, subject_of
from gateway.webhooks_event import DisputeNews, Forged, NoEvent, WebhookEvent, instant, signed_by_any

HEADER: Final = "Stripe-Signature"
PAST: Final = timedelta(seconds=300)
"""How old a signature may be: Stripe's own tolerance."""
FUTURE: Final = timedelta(seconds=60)
"""How far ahead of ours the sender's clock may be; Stripe's libraries look at the past only."""

_MOST_SIGNATURES: Final = 16
_OBJECT: Final = TypeAdapter(dict[str, Any])


def verify(secrets: Iterable[str], headers: Headers, body: bytes, now: datetime) -> None:
    """One of the `v1` signatures of `t.body`, with `t` around `now`. Raises Forged."""
    times, signatures = _parts(headers.getlist(HEADER))
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or not signatures:
        raise Forged(f"{HEADER} must have one t=<seconds> and at least one v1=<signature>")
    if len(signatures) > _MOST_SIGNATURES:
        raise Forged(f"{HEADER} has more than {_MOST_SIGNATURES} signatures")
    # The digits as they were sent: they are what was signed.
    if not signed_by_any((secret.encode() for secret in secrets), times[0].encode() + b"." + body, signatures):
        raise Forged(f"no v1 of {HEADER} is what our secrets give for this body")
    age = now.timestamp() - float(times[0])
    if not -FUTURE.total_seconds() <= age <= PAST.total_seconds():
        raise Forged(f"the signature is {age:,.0f} s old, and at most {PAST.seconds} s are taken")


def read(body: bytes) -> WebhookEvent:
    """The event, about its dispute. Raises NoEvent."""
    no_event = NoEvent("the body is no Stripe event: it needs object event, id and type")
    try:
        event = _OBJECT.validate_json(body)
        if (subject := subject_of(event)) is None:
            raise no_event
        created_at = instant(event.get("created"))
        return WebhookEvent(
            event_id=subject.event_id, kind=subject.type, created_at=created_at, about=_dispute(subject)
        )
    except ValidationError:
        raise no_event from None


def _parts(given: list[str]) -> tuple[list[str], list[str]]:
    """The instants and the `v1` signatures of the header."""
    if len(given) != 1:
        raise Forged(f"there must be one {HEADER} header, and there are {len(given)}")
    pairs = [part.strip().partition("=") for part in given[0].split(",")]
    return [value for name, _, value in pairs if name == "t"], [value for name, _, value in pairs if name == "v1"]


def _dispute(subject: Subject) -> DisputeNews | None:
    try:
        return DisputeNews(dispute_id=subject.chargeback_id) if subject.topic is Topic.DISPUTE else None
    except ValidationError:
        return None
