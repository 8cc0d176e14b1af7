"""One client for Stripe, and what its errors mean to us.

Every request carries our idempotency key, is sent once, and ends in time for Temporal to decide about a retry:
by itself the library would draw a random key for each call and try three times.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import stripe

from activities import retry_after
from activities.ports import FailureReplayed, Refused, Unavailable

SECONDS: Final = 8.0
"""How long one request may take: a look and a payment fit into one attempt of an activity (`workflows/options.py`)."""

_NOT_LET_IN: Final = 60.0
_SERVER_ERROR: Final = 500

# What Stripe calls things that the port has one name for.
_CODES: Final[Mapping[str, str]] = {"refund_disputed_payment": "charge_disputed"}
_PAYMENT: Final = frozenset({"charge", "payment_intent", "intent", "id"})


def client(api_key: str, *, base: str | None = None, http: stripe.HTTPClient | None = None) -> stripe.StripeClient:
    """A client with this secret key; `base` is the address of a stand-in for Stripe, for tests."""
    stripe.enable_telemetry = False
    # At its debug level it writes the bodies of requests, with what people said in them.
    logging.getLogger("stripe").setLevel(logging.WARNING)
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": base, "files": base} if base else {},
        max_network_retries=0,
        http_client=http or stripe.RequestsClient(timeout=SECONDS),
    )


@contextmanager
def speaking() -> Iterator[None]:
    """Turn what the library raises into `Unavailable`, `FailureReplayed` or `Refused`, with Stripe's own code.

    What cannot be told to be a no is `Unavailable`: whether money has moved is then found out by a look.
    """
    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        # Never with its text: it quotes the key. Nothing was done, and a key that is mended lets the retry through.
        raise Unavailable(
            f"Stripe does not let us in ({error.http_status}): check REDRESS_STRIPE_API_KEY and what it may do",
            retry_after=_NOT_LET_IN,
        ) from None
    except stripe.IdempotencyError as error:
        raise Refused("idempotency_error", _text(error)) from error
    except stripe.InvalidRequestError as error:
        raise _refused(error, error.param) from error
    except stripe.CardError as error:
        raise _refused(error, error.param) from error
    except stripe.RateLimitError as error:
        raise Unavailable(f"Stripe has too many requests: {_text(error)}", retry_after=_hint(error)) from error
    except stripe.APIConnectionError as error:
        raise Unavailable("Stripe could not be reached, or its answer was lost") from error
    except stripe.StripeError as error:
        raise _failed(error) from error


def _failed(error: stripe.StripeError) -> Unavailable:
    text = f"Stripe answered {error.http_status}: {_text(error)}"
    if (error.http_status or 0) >= _SERVER_ERROR and _replayed(error.headers):
        return FailureReplayed(text)
    return Unavailable(text, retry_after=_hint(error))


def _refused(error: stripe.StripeError, param: str | None) -> Refused:
    code = error.code or ""
    if not code and param == "amount" and "greater than" in _text(error):
        code = "amount_too_large"
    if code == "resource_missing" and param in _PAYMENT:
        code = "no_such_charge"
    return Refused(_CODES.get(code, code) or "invalid_request", _text(error))


def _text(error: stripe.StripeError) -> str:
    """Its message, with the id under which Stripe's own log has the request."""
    said = error.user_message or "no text"
    return f"{said} ({error.request_id})" if error.request_id else said


def _replayed(headers: Mapping[str, str] | None) -> bool:
    """Whether this is the stored answer to an earlier request with the same key."""
    first = _header(headers, "original-request")
    return _header(headers, "idempotent-replayed").lower() == "true" or first not in (
        "",
        _header(headers, "request-id"),
    )


def _hint(error: stripe.StripeError) -> float | None:
    return retry_after.seconds(_header(error.headers, "retry-after"), datetime.now(UTC))


def _header(headers: Mapping[str, str] | None, wanted: str) -> str:
    found = (value for name, value in (headers or {}).items() if name.lower() == wanted)
    return next(found, "")
