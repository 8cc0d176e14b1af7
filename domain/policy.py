"""The policy: every clock, cap, reminder ladder, silence default and limit, as data pinned to the order.

A policy is loaded from a pack (`domain/packs/*.toml`, read by `domain/policy_packs.py`), which also names the source
of each value. An order keeps the policy it was bought under; later edits never touch it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Annotated
from weakref import WeakValueDictionary

from pydantic import AfterValidator, Field

from domain.base import Model
from domain.calendars import Calendar
from domain.duties import Silence
from domain.parties import Country, Party, Role
from domain.spans import Span


class Reason(StrEnum):
    """Why a buyer complains."""

    NOT_AS_DESCRIBED = "not_as_described"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    MISSING_ITEM = "missing_item"
    COUNTERFEIT = "counterfeit"
    NOT_RECEIVED = "not_received"
    LATE = "late"
    LOST = "lost"
    CHANGED_MIND = "changed_mind"
    REFUND_REFUSED = "refund_refused"


class Remedy(StrEnum):
    """What a settlement or ruling gives."""

    FULL_REFUND = "full_refund"
    PARTIAL_REFUND = "partial_refund"
    RELEASE = "release"


class Anchor(StrEnum):
    """The fact from which a complaint window is counted."""

    DELIVERED = "delivered"
    ESTIMATE = "estimate"
    LAST_NEWS = "last_news"


class Term(Model):
    """How long somebody has, when they are reminded, and what their silence means.

    Reminders are counted after the start (`remind_after`) or before the end (`remind_before`).
    """

    within: Span
    on_silence: Silence
    remind_after: tuple[Span, ...] = ()
    remind_before: tuple[Span, ...] = ()


class Cancellation(Model):
    """A buyer may cancel freely within `grace` of the purchase; afterwards the seller has `answer` to say no."""

    grace: Span
    answer: Term


class Extension(Model):
    """A seller may ask `requests` times for more time; the buyer answers; nothing goes beyond `cap` of the purchase."""

    answer: Term
    cap: Span
    requests: int = Field(default=1, ge=0, le=10)


class Shipping(Model):
    """From purchase to the first carrier scan.

    `soft` gives the buyer the right to cancel or extend, `hard` acts by itself. Once a seller has marked a parcel as
    shipped, `chase`, `unscanned` and `unscanned_hard` take over until the carrier has scanned it.
    """

    soft: Term
    hard: Term
    extension: Extension
    chase: Term
    unscanned: Term
    unscanned_hard: Term


class Transit(Model):
    """From the first scan to delivery. `estimate` serves where the carrier gives none."""

    estimate: Span
    late: Silence
    stalled: Term
    lost: Term
    loss_borne_by: Role
    collect: Term
    bring_back: Term
    reappear: Term


class Protection(Model):
    """After delivery: the buyer's report window, whose end releases the money."""

    window: Term


class Lookup(Model):
    """The rhythm at which the carrier is asked: from `first`, growing by `growth` up to `longest` without news.

    Near delivery it is asked every `near`; when webhooks bring news by themselves, only after `sparse` of silence.
    """

    first: Span
    growth: float = Field(ge=1, le=10)
    longest: Span
    near: Span
    sparse: Span


class ReasonRule(Model):
    """One complaint reason: its window from the anchor, and how a case about it runs."""

    anchor: Anchor
    opens: Span
    closes: Span
    reply: Term
    remedy: Remedy = Remedy.FULL_REFUND


class Support(Model):
    """The service-level clocks of a contested case, in business time of the calendar `hours`.

    `decide` is warned at `warn_at` of its run; its end escalates to the lead, the end of `lead` records the breach,
    and `last_resort` ends what nobody has decided.
    """

    hours: Calendar
    warn_at: float = Field(gt=0, lt=1)
    decide: Term
    lead: Term
    last_resort: Term
    reconcile: Term


class Chargebacks(Model):
    """How long money stays frozen for a chargeback whose result nobody reports."""

    longest: Term


class Disruptions(Model):
    """How far all disruptions together may move one clock."""

    cap: Span


class Limits(Model):
    """Bounds on what people send."""

    text_characters: int = Field(gt=0, le=100_000)
    story_entries: int = Field(gt=0, le=5_000)


class Policy(Model):
    """All rules of one marketplace at one time. `pack` is name and version, for example `resale-v1`."""

    pack: str
    weekend: tuple[int, ...] = (5, 6)
    holidays: dict[Country, tuple[date, ...]] = Field(default_factory=dict)
    cancellation: Cancellation
    shipping: Shipping
    transit: Transit
    protection: Protection
    lookup: Lookup
    reasons: dict[Reason, ReasonRule]
    support: Support
    chargebacks: Chargebacks
    disruptions: Disruptions
    limits: Limits

    def rule(self, setting: str) -> str:
        """The id by which people and records cite one setting, for example `resale-v1/shipping.soft`."""
        return f"{self.pack}/{setting}"

    def calendar_of(self, party: Party) -> Calendar:
        """The business calendar where a party lives: their time zone and the holidays of their country."""
        return _calendar(party.time_zone, party.country, self.weekend, self.holidays.get(party.country, ()))

    def terms(self) -> Iterator[tuple[str, Term]]:
        """Every term with its setting's name, in the order of the model."""
        yield from _terms_of(self, "")


@lru_cache(maxsize=1024)
def _calendar(zone: str, country: str, weekend: tuple[int, ...], holidays: tuple[date, ...]) -> Calendar:
    return Calendar(
        name=f"{zone} {country}", time_zone=zone, weekend=weekend, holidays=holidays, holiday_region=country
    )


def _terms_of(model: Model, prefix: str) -> Iterator[tuple[str, Term]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Term):
            yield f"{prefix}{name}", value
        elif isinstance(value, Model):
            yield from _terms_of(value, f"{prefix}{name}.")
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, Model):
                    yield from _terms_of(item, f"{prefix}{name}.{key}.")


_SHARED: WeakValueDictionary[str, Policy] = WeakValueDictionary()


def share(policy: Policy) -> Policy:
    """The one object in this process for all policies of this content: thousands of open orders hold the same rules."""
    return _SHARED.setdefault(policy.model_dump_json(), policy)


PinnedPolicy = Annotated[Policy, AfterValidator(share)]
