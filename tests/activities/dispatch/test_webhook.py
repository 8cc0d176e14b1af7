"""Webhooks to a real server: signed so that the storefront can trust them, and tried again as the scheme has it."""

from __future__ import annotations

import base64
import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from activities.dispatch.webhook import Webhook, signers
from activities.ports import Refused, Unavailable
from tests.activities.dispatch.scene import reminder

SECRET = "whsec_" + base64.b64encode(b"a secret of 32 bytes, for tests!").decode()
OLD = "whsec_" + base64.b64encode(b"the secret from before, for test").decode()
KEY = "order-A-1-reminded-seller-1"


def hook(server: HTTPServer, secrets: str = SECRET) -> Webhook:
    """To that server, with the clock of the world, since receivers look at it."""
    return Webhook(server.url_for("/notices"), signers(secrets))


async def test_a_notice_is_posted_signed(httpserver: HTTPServer) -> None:
    """The storefront can verify it with the secret, and finds the notice with its text."""
    httpserver.expect_oneshot_request("/notices", "POST").respond_with_data("thanks", 202)

    await hook(httpserver).send(KEY, [reminder(KEY)])

    ((request, _),) = httpserver.log
    told = Verifier(SECRET).verify(request.get_data(), dict(request.headers))
    assert ("notice.reminded", "2026-03-02T10:00:00+00:00") == (told["type"], told["timestamp"])
    assert KEY == request.headers["webhook-id"] == told["data"]["key"]
    assert "Reminder: hand the parcel to the carrier" == told["data"]["title"]
    assert "seller" == told["data"]["to"]
    with pytest.raises(WebhookVerificationError):
        Verifier(OLD).verify(request.get_data(), dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(request.get_data() + b" ", dict(request.headers))


async def test_a_secret_can_be_exchanged(httpserver: HTTPServer) -> None:
    """While there are two, either verifies what is sent."""
    httpserver.expect_request("/notices").respond_with_data("")

    await hook(httpserver, f"{SECRET} {OLD}").send(KEY, [reminder(KEY)])

    ((request, _),) = httpserver.log
    assert all(Verifier(one).verify(request.get_data(), dict(request.headers)) for one in (SECRET, OLD))


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 413, 429, 500, 503])
async def test_whatever_is_no_success_is_tried_again(httpserver: HTTPServer, status: int) -> None:
    """A redirect too, which is not followed: the notice is for one address."""
    headers = {"location": httpserver.url_for("/elsewhere"), "retry-after": "77"}
    httpserver.expect_request("/notices").respond_with_data("no, says ada@example.org", status, headers)

    with pytest.raises(Unavailable) as failure:
        await hook(httpserver).send(KEY, [reminder(KEY)])

    assert (f"http_{status}", 77.0) == (str(failure.value), failure.value.retry_after)
    assert 1 == len(httpserver.log)


async def test_gone_is_final(httpserver: HTTPServer) -> None:
    """By the scheme, 410 says that this address wants nothing more."""
    httpserver.expect_request("/notices").respond_with_data("", 410)

    with pytest.raises(Refused) as refused:
        await hook(httpserver).send(KEY, [reminder(KEY)])

    assert "gone" == refused.value.code


async def test_a_storefront_that_is_slow_or_away_is_tried_again() -> None:
    """No answer in time, or nobody who listens."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        impatient = httpx.AsyncClient(timeout=0.05)
        with pytest.raises(Unavailable, match=r"^timeout$"):
            await Webhook(url, signers(SECRET), client=impatient).send(KEY, [reminder(KEY)])
    with pytest.raises(Unavailable, match=r"^connection$"):
        await Webhook(url, signers(SECRET)).send(KEY, [reminder(KEY)])


async def test_a_date_may_say_when_to_come_again(httpserver: HTTPServer) -> None:
    """`Retry-After` is a number of seconds or a date; anything else says nothing."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    hints = []
    for hint in (
        format_datetime(soon, usegmt=True),
        format_datetime(soon - timedelta(days=1), usegmt=True),
        "soon",
        "-5",
    ):
        httpserver.expect_oneshot_request("/notices").respond_with_data("", 503, {"retry-after": hint})
        with pytest.raises(Unavailable) as failure:
            await Webhook(httpserver.url_for("/notices"), signers(SECRET), now=lambda: soon - timedelta(hours=1)).send(
                KEY, [reminder(KEY)]
            )
        hints.append(failure.value.retry_after)

    assert [3600.0, 0.0, None, None] == hints


async def test_what_people_wrote_is_data(httpserver: HTTPServer) -> None:
    """The body is JSON whatever is in a fact."""
    httpserver.expect_request("/notices").respond_with_data("")
    told = reminder(KEY).model_copy(update={"kind": "marked_shipped", "facts": {"shipment": '"}\r\n\u2028 </script>'}})

    await hook(httpserver).send(KEY, [told])

    ((request, _),) = httpserver.log
    assert told.facts == json.loads(request.get_data())["data"]["facts"]


@pytest.mark.parametrize(
    "secret", ["", "  ", "whsec_", "whsec_c2hvcnQ=", "geheim", SECRET.removeprefix("whsec_"), f"{SECRET} x"]
)
def test_a_weak_secret_is_refused_without_showing_it(secret: str) -> None:
    """Empty, short or no secret at all: nothing is signed by it."""
    with pytest.raises(ValueError, match=r"^it is ") as refused:
        signers(secret)

    assert not secret.strip() or secret not in str(refused.value).replace("not whsec_ and", "")
