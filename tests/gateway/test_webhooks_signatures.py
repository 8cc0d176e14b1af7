"""Who gets in: signatures over raw bytes, the clock, several secrets. No forged event does."""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import easypost
import pytest
import stripe
from starlette.datastructures import Headers

from activities.sandbox.webhooks import easypost_headers, stripe_headers
from gateway import webhooks_easypost, webhooks_stripe
from gateway.webhooks import LARGEST_EVENT
from gateway.webhooks_event import Forged
from tests.gateway.doors import (
    EASYPOST_SECRET,
    NOW,
    STRIPE_SECRET,
    Doorstep,
    a_dispute_event,
    a_doorstep,
    a_tracker_event,
    signed,
    written,
)

EVENTS: dict[str, Callable[..., dict[str, Any]]] = {"easypost": a_tracker_event, "stripe": a_dispute_event}
AT = int(NOW.timestamp())


@pytest.fixture
async def doorstep(tmp_path: Path) -> AsyncIterator[Doorstep]:
    """The doors of both providers."""
    async with a_doorstep(tmp_path) as doorstep:
        yield doorstep


def test_the_sandbox_signs_as_the_providers_libraries_expect() -> None:
    """What our sandbox sends passes the checks of EasyPost's and of Stripe's own libraries."""
    tracker, dispute = written(a_tracker_event()), written(a_dispute_event())

    read = easypost.util.validate_webhook(tracker, easypost_headers(EASYPOST_SECRET, tracker), EASYPOST_SECRET)
    header = stripe_headers(STRIPE_SECRET, dispute, int(time.time()))["Stripe-Signature"]

    assert json.loads(tracker) == read
    assert stripe.WebhookSignature.verify_header(dispute, header, STRIPE_SECRET, 300)


def test_what_stripes_library_signs_passes() -> None:
    """Our check and Stripe's library agree on the signature."""
    body = written(a_dispute_event())
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), STRIPE_SECRET, timestamp=AT)

    webhooks_stripe.verify([STRIPE_SECRET], Headers({"stripe-signature": header}), body, NOW)


@pytest.mark.parametrize(
    ("age", "passes"),
    [(300, True), (301, False), (-60, True), (-61, False), (0, True), (10**9, False), (-(10**12), False)],
)
def test_stripes_clock_window(age: int, passes: bool) -> None:
    """A signature counts for 300 seconds, and from up to 60 seconds ahead of our clock."""
    body = written(a_dispute_event())
    headers = Headers(stripe_headers(STRIPE_SECRET, body, AT - age))

    if passes:
        webhooks_stripe.verify([STRIPE_SECRET], headers, body, NOW)
    else:
        with pytest.raises(Forged, match="s old"):
            webhooks_stripe.verify([STRIPE_SECRET], headers, body, NOW)


def test_one_of_several_signatures_is_enough() -> None:
    """While a secret is being replaced Stripe signs with both, and knows schemes that we do not."""
    body = written(a_dispute_event())
    ours = stripe_headers(STRIPE_SECRET, body, AT)["Stripe-Signature"].partition(",")[2]
    header = f"t={AT}, v0=abc, v1={'0' * 64}, {ours}"

    webhooks_stripe.verify([STRIPE_SECRET], Headers({"stripe-signature": header}), body, NOW)


@pytest.mark.parametrize("source", EVENTS)
async def test_secrets_overlap_while_they_are_replaced(tmp_path: Path, source: str) -> None:
    """Of several secrets each opens, and one that was taken away does not."""
    ours = {"easypost": EASYPOST_SECRET, "stripe": STRIPE_SECRET}[source]
    both: dict[str, Any] = {f"{source}_webhook_secrets": f"the-new-one-0123456 {ours}"}
    new: dict[str, Any] = {f"{source}_webhook_secrets": "the-new-one-0123456"}

    async with a_doorstep(tmp_path, **both) as doorstep:
        during = await doorstep.send(source, EVENTS[source]())
    async with a_doorstep(tmp_path, **new) as doorstep:
        after = await doorstep.send(source, EVENTS[source]())

    assert (202, 401) == (during.status_code, after.status_code)


@pytest.mark.parametrize("source", EVENTS)
async def test_without_a_secret_nobody_gets_in(tmp_path: Path, source: str) -> None:
    """A provider without a secret is not served, and the answer says what to set."""
    async with a_doorstep(tmp_path, **{f"{source}_webhook_secrets": None}) as doorstep:
        answer = await doorstep.send(source, EVENTS[source]())

        assert 404 == answer.status_code
        assert f"REDRESS_{source.upper()}_WEBHOOK_SECRETS" in answer.json()["remedy"]
        assert 0 == doorstep.kept


Forgery = Callable[[random.Random, str, bytes], tuple[bytes, list[tuple[str, str]]]]


def _changed_byte(chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    where = chance.randrange(len(body))
    other = bytes([body[where] ^ (1 << chance.randrange(8))])
    return body[:where] + other + body[where + 1 :], list(signed(source, body).items())


def _more(chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    return body + chance.choice([b" ", b"\n", b"{}", b"\x00"]), list(signed(source, body).items())


def _less(chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    return body[: chance.randrange(len(body))], list(signed(source, body).items())


def _changed_digit(chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    [name] = set(signed(source, body)) - {"Content-Type"}
    text = signed(source, body)[name]
    where = len(text) - 1 - chance.randrange(64)
    return body, [(name, text[:where] + ("0" if text[where] != "0" else "1") + text[where + 1 :])]


def _no_header(_chance: random.Random, _source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    return body, []


def _two_headers(chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    [name] = set(signed(source, body)) - {"Content-Type"}
    pair = [(name, signed(source, body)[name]), (name, "forged")]
    chance.shuffle(pair)
    return body, pair


def _junk(chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    [name] = set(signed(source, body)) - {"Content-Type"}
    junk = ["", "v1=", "t=,v1=", "t=1e9,v1=0", f"t={'9' * 5_000},v1=00", "hmac-sha256-hex=", "é" * 64, "t=1,t=2,v1=0"]
    return body, [(name, chance.choice([*junk, "".join(chance.choices("tv10=,abcdef", k=80))]))]


def _other_secret(_chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    if source == "easypost":
        return body, list(easypost_headers("another-secret-of-somebody", body).items())
    return body, list(stripe_headers("another-secret-of-somebody", body, int(time.time())).items())


def _other_provider(_chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    return body, list(signed({"easypost": "stripe", "stripe": "easypost"}[source], body).items())


def _out_of_time(chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    if source == "easypost":
        return _other_secret(chance, source, body)
    age = chance.choice([310, 10_000, 10**8, -100, -(10**6)])
    return body, list(stripe_headers(STRIPE_SECRET, body, int(time.time()) - age).items())


def _time_moved(chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """An old delivery whose time is written anew."""
    if source == "easypost":
        return _changed_digit(chance, source, body)
    old = stripe_headers(STRIPE_SECRET, body, int(time.time()) - 3_600)["Stripe-Signature"]
    return body, [("Stripe-Signature", f"t={int(time.time())},{old.partition(',')[2]}")]


def _too_big(_chance: random.Random, source: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    big = body + b" " * LARGEST_EVENT
    return big, list(signed(source, big).items())


FORGERIES: tuple[Forgery, ...] = (
    _changed_byte,
    _more,
    _less,
    _changed_digit,
    _no_header,
    _two_headers,
    _junk,
    _other_secret,
    _other_provider,
    _out_of_time,
    _time_moved,
    _too_big,
)


async def test_of_a_thousand_forgeries_none_gets_in(doorstep: Doorstep) -> None:
    """Altered, old, replayed under a new time, unsigned, wrongly signed, too big: refused, and nothing falls over."""
    chance = random.Random(7)
    answers: dict[str, set[int]] = {}

    for number in range(1_000):
        source = chance.choice(["easypost", "stripe"])
        forgery = FORGERIES[number % len(FORGERIES)]
        body, headers = forgery(chance, source, written(EVENTS[source]()))
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        answer = await doorstep.http.post(f"/webhooks/{source}", content=body, headers=raw)
        answers.setdefault(forgery.__name__, set()).add(answer.status_code)

    assert {forgery.__name__: {413 if forgery is _too_big else 401} for forgery in FORGERIES} == answers
    assert 0 == doorstep.kept


async def test_every_good_one_gets_in_among_forgeries(doorstep: Doorstep) -> None:
    """Forgeries around it keep no authentic event out, and a played-back one is known."""
    chance = random.Random(11)
    fresh = repeated = 0

    for _ in range(100):
        source = chance.choice(["easypost", "stripe"])
        body = written(EVENTS[source]())
        forged, headers = chance.choice(FORGERIES)(chance, source, body)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        await doorstep.http.post(f"/webhooks/{source}", content=forged, headers=raw)
        fresh += (await doorstep.send(source, body)).status_code == 202
        repeated += (await doorstep.send(source, body)).status_code == 200

    assert (100, 100, 100) == (fresh, repeated, doorstep.kept)


def test_a_captured_easypost_delivery_has_no_end() -> None:
    """The scheme has no clock, which is why ids are remembered for ever and old events are refused at the order."""
    body = written(a_tracker_event())
    headers = Headers(easypost_headers(EASYPOST_SECRET, body))

    webhooks_easypost.verify([EASYPOST_SECRET], headers, body, datetime.now(UTC) + timedelta(days=10_000))
