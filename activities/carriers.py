"""What is asked of carriers: news of a parcel, a search for it, and labels.

The look-up polls by failing: Temporal retries it after the delay that it names, and retries add nothing to history.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.ports import Carriers, Contact, Directory, Refused, Unavailable
from domain.clock import Clock
from domain.parcel import Parcel
from domain.requests import Label, LabelRefund, LabelRequest, LookUp, News, Trace
from domain.rhythm import elapsed, next_delay

NO_NEWS: Final = "NoNews"
UNAVAILABLE: Final = "CarrierUnavailable"
REFUSED: Final = "CarrierRefused"

UNKNOWN_NUMBER: Final = "unknown_number"
"""The code of a carrier that has never heard of a number, which is usual in the first hours of its life."""

URGENT_RETRY: Final = timedelta(minutes=10)
"""Policy time. An urgent look-up stands before a decision: the workflow bounds it, so it may knock often."""

_SHORTEST: Final = timedelta(seconds=1)
_LONGEST_HINT: Final = timedelta(days=1)


class CarrierActivities:
    """Look-ups and labels at a carrier or an aggregator of carriers, which hears who lives where from the directory."""

    def __init__(self, carriers: Carriers, directory: Directory) -> None:
        self._carriers = carriers
        self._directory = directory

    @activity.defn(name="carrier.look_up")
    def look_up(self, ask: LookUp) -> News:
        """All that the carrier knows, oldest first and each event once, once that is more than `ask.known`.

        Raises ApplicationError, always retryable, with the real time after which asking again is right:
        `NoNews` (benign) in the rhythm of the policy, `CarrierUnavailable` and `CarrierRefused`.
        An urgent look-up returns what there is, and raises only if the carrier gave no answer.
        """
        # The server's time, not this machine's: it is what the order's own clock runs on.
        now = ask.clock.now(activity.info().started_time)
        try:
            told = self._carriers.news(ask.shipment, now)
        except Unavailable as error:
            raise _no_answer(ask, error) from error
        except Refused as error:
            if error.code != UNKNOWN_NUMBER:
                raise _refused(ask, error) from error
            told = News()
            seen = "the carrier does not know this number yet"
        else:
            seen = _no_news_since(ask)
        heard, _ = Parcel().hearing(told.events)
        _, fresh = Parcel(events=ask.known).hearing(heard.events)
        if fresh or ask.urgent:
            return News(events=heard.events, estimate=told.estimate)
        pause = next_delay(ask.rhythm, activity.info().attempt, ask.known, told.estimate or ask.estimate, now)
        raise ApplicationError(
            f"{ask.shipment}: {seen}; asked again in {_length(pause)}",
            type=NO_NEWS,
            category=ApplicationErrorCategory.BENIGN,
            next_retry_delay=_real(pause, ask.clock),
        )

    @activity.defn(name="carrier.trace")
    def trace(self, ask: Trace) -> None:
        """Have the carrier search for the parcel, once for its reference however often it is tried.

        Raises ApplicationError, retryable as `CarrierUnavailable`, final as `CarrierRefused`.
        """
        with carrier_errors(f"trace {ask.shipment}"):
            self._carriers.trace(ask.shipment, ask.reference)

    @activity.defn(name="carrier.buy_label")
    def buy_label(self, ask: LabelRequest) -> Label:
        """A paid label, the same one for the same reference however often it is tried.

        The addresses go from the directory to the carrier only: they are in neither the request nor the result.
        Raises ApplicationError, retryable as `CarrierUnavailable` (also for the directory), final as `CarrierRefused`.
        """
        now = ask.clock.now(activity.info().started_time)
        sender, receiver = self._contact(ask.sender), self._contact(ask.receiver)
        with carrier_errors(f"sell label {ask.reference}"):
            return self._carriers.buy_label(ask, sender, receiver, now)

    @activity.defn(name="carrier.refund_label")
    def refund_label(self, ask: LabelRefund) -> bool:
        """Whether the price of the label comes back; False if it has been used.

        A carrier may take weeks to decide, and until then this fails as `CarrierUnavailable`.
        Raises ApplicationError, retryable as `CarrierUnavailable`, final as `CarrierRefused`.
        """
        now = ask.clock.now(activity.info().started_time)
        with carrier_errors(f"take label {ask.reference} back"):
            return self._carriers.refund_label(ask, now)

    def _contact(self, party_id: str) -> Contact | None:
        try:
            return self._directory.contact(party_id)
        except Unavailable as error:
            raise ApplicationError(
                f"The directory did not tell where {party_id} lives, so no label was bought yet: {error}",
                type=UNAVAILABLE,
                next_retry_delay=_hint(error, _LONGEST_HINT),
            ) from error


@contextmanager
def carrier_errors(what: str) -> Iterator[None]:
    """What a carrier answers to `what` as the errors of an activity, with the pause that it asks for."""
    try:
        yield
    except Unavailable as error:
        raise ApplicationError(
            f"The carrier did not {what} yet: {error}",
            type=UNAVAILABLE,
            next_retry_delay=_hint(error, _LONGEST_HINT),
        ) from error
    except Refused as error:
        raise ApplicationError(
            f"The carrier will not {what} ({error.code}): {error}", type=REFUSED, non_retryable=True
        ) from error


def _no_answer(ask: LookUp, error: Unavailable) -> ApplicationError:
    pause = URGENT_RETRY if ask.urgent else elapsed(ask.rhythm.first)
    hint = _hint(error, _real(elapsed(ask.rhythm.longest), ask.clock))
    delay = _real(pause, ask.clock) if hint is None else hint
    return ApplicationError(
        f"The carrier did not answer for {ask.shipment}: {error}. It is asked again by itself.",
        type=UNAVAILABLE,
        next_retry_delay=delay,
    )


def _hint(error: Unavailable, longest: timedelta) -> timedelta | None:
    # Bounded: after a nonsensical hint the carrier would never be asked again.
    return None if error.pause is None else min(max(timedelta(0), error.pause), longest)


def _refused(ask: LookUp, error: Refused) -> ApplicationError:
    # Retried although asking the same way is useless: the cause is our account or set-up at the carrier,
    # and once ops have put that right, every waiting parcel goes on by itself.
    pause = URGENT_RETRY if ask.urgent else elapsed(ask.rhythm.longest)
    return ApplicationError(
        f"The carrier refused to answer for {ask.shipment} ({error.code}): {error}. "
        f"Check the carrier account; asked again in {_length(pause)}",
        type=REFUSED,
        next_retry_delay=_real(pause, ask.clock),
    )


def _no_news_since(ask: LookUp) -> str:
    last = max((event.at for event in ask.known), default=None)
    return f"no news since {last:%Y-%m-%d %H:%M} UTC" if last else "no scan yet"


def _length(pause: timedelta) -> str:
    minutes = pause / timedelta(minutes=1)
    return f"{minutes / 60:.3g} h" if minutes >= 60 else f"{minutes:.3g} min"  # noqa: PLR2004 (an hour)


def _real(pause: timedelta, clock: Clock) -> timedelta:
    delay = clock.real_delay(pause)
    return max(delay, _SHORTEST) if clock.speed == 1 else delay
