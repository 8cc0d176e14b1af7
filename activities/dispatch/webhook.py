"""Notices to the storefront, by signed webhooks after the Standard Webhooks scheme (standardwebhooks.com).

A repetition has the same `webhook-id`, which is the key of the notice, with a new timestamp and signature.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import httpx
from standardwebhooks import Webhook as Signer

from activities import retry_after
from activities.dispatch.localised import for_reader
from activities.ports import Refused, Unavailable
from domain import wording
from domain.story import Notice

_SECONDS: Final = 20
_LEAST_SECRET: Final = 24
"""Bytes, by the scheme."""


def signers(secrets: str) -> tuple[Signer, ...]:
    """One for each secret, `whsec_` and base64, with spaces between them: while one is exchanged, there are two.

    Raises ValueError, without the secret in its text, if one is no secret or there is none.
    """
    made = []
    for secret in secrets.split():
        try:
            signer = Signer(secret)
        except Exception:  # noqa: BLE001 -- the library lets through whatever base64 raises, and its texts may show it
            raise ValueError("it is not whsec_ and base64") from None
        if not secret.startswith("whsec_") or len(signer._whsecret) < _LEAST_SECRET:  # noqa: SLF001 -- nothing else says how long it is
            raise ValueError(f"it is not whsec_ and at least {_LEAST_SECRET} random bytes in base64")
        made.append(signer)
    if not made:
        raise ValueError("it is empty")
    return tuple(made)


class Webhook:
    """Posts notices to one address. Redirects are not followed."""

    def __init__(
        self,
        url: str,
        signers: Sequence[Signer],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._url = url
        self._signers = tuple(signers)
        self._now = now
        self._client = client or httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False)

    async def send(self, message_id: str, notices: Sequence[Notice]) -> None:
        """See `Sender`; one notice a message. Only 410 is for good, as the scheme has it."""
        (notice,) = notices
        body = json.dumps(payload(notice), ensure_ascii=False, separators=(",", ":"))
        now = self._now()
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(message_id, now, body) for signer in self._signers),
        }
        try:
            # Streamed, since nothing of the answer's body is needed, however long it is.
            async with self._client.stream("POST", self._url, content=body.encode(), headers=headers) as answer:
                status, hint = answer.status_code, answer.headers.get("retry-after")
        except httpx.TimeoutException:
            raise Unavailable("timeout") from None
        except (httpx.HTTPError, OSError):
            raise Unavailable("connection") from None
        if status == HTTPStatus.GONE:
            raise Refused("gone", "the storefront wants no more notices at this address")
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise Unavailable(f"http_{status}", retry_after.seconds(hint, now))


def payload(notice: Notice) -> dict[str, object]:
    """The body for one notice: `type`, `timestamp`, and as `data` the notice with its text for the reader."""
    shown = for_reader(notice)
    told = {"title": wording.title(notice, shown), "text": wording.notice(notice, shown)}
    return {
        "type": f"notice.{notice.kind}",
        "timestamp": notice.at.isoformat(),
        "data": notice.model_dump(mode="json") | told,
    }
