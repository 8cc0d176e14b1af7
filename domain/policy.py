"""The policy: every clock, cap, reminder ladder, silence default and limit, as data pinned to the order.

A policy is loaded from a pack (`domain/packs/*.toml`, read by `domain/policy_packs.py`), which also names the source
of each value. An order keeps the policy it was bought under; later edits never touch it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated
from weakref import WeakValueDictionary

from pydantic import AfterValidator, BeforeValidator, Field

from domain.base import Model
from domain.calendars import Calendar
from domain.duties import Silence
from domain.money import Money
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


NOTHING_CAME = frozenset({Reason.NOT_RECEIVED, Reason.LATE, Reason.LOST})
"""Reasons for which there are no goods to send back, and an order to cancel."""
UNTIL_ARRIVAL = NOTHING_CAME - {Reason.NOT_RECEIVED}
"""Reasons that have nothing more to say once the carrier has delivered: who has the goods cannot keep both."""


class Remedy(StrEnum):
    """What a settlement or ruling gives.

    A cancellation refunds what never arrived; a return for refund pays once the goods are back.
    """

    RETURN_FOR_REFUND = "return_for_refund"
    REFUND_AND_KEEP = "refund_and_keep"
    PARTIAL_REFUND = "partial_refund"
    RELEASE = "release"
    CANCELLATION = "cancellation"


class Anchor(StrEnum):
    """The fact from which a complaint window is counted."""

    DELIVERED = "delivered"
    ESTIMATE = "estimate"
    LAST_NEWS = "last_news"


class CaseState(StrEnum):
    """Where a case stands, and so who must act next."""

    AWAITING_SELLER = "awaiting_seller"
    NEGOTIATING = "negotiating"
    WITH_SUPPORT = "with_support"
    AWAITING_EVIDENCE = "awaiting_evidence"
    WITH_LEAD = "with_lead"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    DECIDED = "decided"
    AWAITING_RETURN = "awaiting_return"
    RETURNING = "returning"
    INSPECTING = "inspecting"
    SETTLED = "settled"
    APPEALED = "appealed"
    FROZEN = "frozen"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"


class EvidenceKind(StrEnum):
    """What a piece of evidence shows."""

    PHOTO_FRONT = "photo_front"
    PHOTO_BACK = "photo_back"
    PHOTO_SIDES = "photo_sides"
    PHOTO_PARCEL = "photo_parcel"
    PHOTO_DEFECT = "photo_defect"
    SERIAL_NUMBER = "serial_number"
    PACKING = "packing"
    UNBOXING = "unboxing"
    RECEIPT = "receipt"
    STATEMENT = "statement"
    CORRESPONDENCE = "correspondence"
    OTHER = "other"


def _amount(value: object) -> object:
    return Money.parse(value) if isinstance(value, str) else value


Amounts = tuple[Annotated[Money, BeforeValidator(_amount)], ...]
"""One amount for each currency in which a limit is set, in a pack written as `USD 150.00`."""


def limit_of(amounts: Amounts, currency: str) -> Money | None:
    """The amount that is set for a currency, if one is."""
    return next((amount for amount in amounts if amount.currency == currency), None)


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


class FastTrack(Model):
    """Up to which item value a complaint is approved at once, without a person; for no currency, never.

    The evidence must be complete, the buyer in good standing and the seller not a trusted one (`GoodStanding`).
    """

    largest: Amounts = ()


class ReasonRule(Model):
    """One complaint reason: its window from the anchor, and how a case about it runs.

    `remedy` is what the buyer gets if the complaint is upheld, and so says whether goods come back.
    `evidence` is the checklist, `label_paid_by` bears the return label.
    """

    anchor: Anchor
    opens: Span
    closes: Span
    reply: Term
    remedy: Remedy
    evidence: tuple[EvidenceKind, ...] = ()
    label_paid_by: Role = Role.PLATFORM
    appealable: bool = True
    fast_track: FastTrack = FastTrack()


class EvidenceRules(Model):
    """What evidence may be, and the one round in which more of it is asked for.

    `requests` is how often support may ask each side, `most_items` how much each may hand in. `by_category` adds to
    the checklists for categories of items.
    """

    top_up: Term
    requests: int = Field(default=1, ge=0, le=10)
    most_items: int = Field(default=30, gt=0, le=100)
    largest_bytes: int = Field(default=50_000_000, gt=0)
    media_types: tuple[str, ...] = ("image/jpeg", "image/png", "image/heic", "video/mp4", "application/pdf")
    by_category: dict[str, tuple[EvidenceKind, ...]] = Field(default_factory=dict)


class OfferRules(Model):
    """How long an offer stands, and how many each side may make."""

    answer: Term
    most: int = Field(default=3, ge=0, le=20)


class ReturnRules(Model):
    """How goods come back: `send_back` chases the buyer, `close` ends a return that was never sent.

    `deduction` is the largest share of the refund that a seller may keep for goods that came back in worse condition.
    """

    send_back: Term
    close: Term
    inspect: Term
    pickup: bool = True
    loss_borne_by: Role = Role.PLATFORM
    deduction: float = Field(default=0, ge=0, le=1)


class GoodStanding(Model):
    """Which record makes a buyer one of good standing, and a seller a trusted one. Shares are of their orders.

    A buyer with fewer than `counted_from` orders is in good standing.
    """

    counted_from: int = Field(ge=1)
    buyer_complaints: float = Field(ge=0, le=1)
    trusted_seller_orders: int = Field(ge=1)
    trusted_seller_upheld: float = Field(ge=0, le=1)


class SellerProtection(Model):
    """When a case is decided for the seller by rule, where a person would decide otherwise.

    For the reasons in `tracked_delivery`, if the parcel was shipped in time and delivered by its tracking, above
    `signature_above` only against a signature; for the reasons in `disruption`, if a disruption moved the delivery.
    """

    tracked_delivery: tuple[Reason, ...] = ()
    signature_above: Amounts = ()
    disruption: tuple[Reason, ...] = ()


class AppealRules(Model):
    """Once a side, with new evidence, decided by another agent.

    `clawback` is the largest share of what a seller was paid that an appeal may take back.
    """

    window: Term
    decide: Term
    last_resort: Term
    clawback: float = Field(default=1, ge=0, le=1)


class Support(Model):
    """The service-level clocks of a contested case, in business time of the calendar `hours`.

    `first_answer` and `next_answer` bound how long people wait for a word; `decide` is the resolution. Each is warned
    at `warn_at` of its run; the end of `decide` escalates to the lead, the end of `lead` records the breach, and
    `last_resort` ends what nobody has decided. In the states of `paused_in` the clocks of support stand still.
    A ruling above `second_pair_above` needs another agent's word, and takes effect once `undo` has passed.
    """

    hours: Calendar
    warn_at: float = Field(gt=0, lt=1)
    first_answer: Term
    next_answer: Term
    decide: Term
    lead: Term
    last_resort: Term
    reconcile: Term
    paused_in: tuple[CaseState, ...] = (CaseState.AWAITING_EVIDENCE, CaseState.NEGOTIATING)
    second_pair_above: Amounts = ()
    confirm: Term
    undo: Term


class Chargebacks(Model):
    """How long money stays frozen for a chargeback whose result nobody reports."""

    longest: Term


LocalTime = Annotated[
    str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="a time of day, for example 21:00")
]


class Courtesy(Model):
    """When buyers and sellers are written to, by the clock where they live; without settings, at once.

    Nothing is mailed from `quiet_from` until `quiet_until`. Reminders wait for the next time in `digest_at` and come
    in one mail. Both give way where less than `margin` would be left before the deadline that a notice names.
    """

    quiet_from: LocalTime | None = None
    quiet_until: LocalTime | None = None
    digest_at: tuple[LocalTime, ...] = ()
    margin: Span = Span(4, "h")

    def quiet_at(self, clock: str) -> bool:
        """Whether a local time, such as 07:59 or 07:59:30, lies in the quiet hours, which may span midnight."""
        begin, end = self.quiet_from, self.quiet_until
        if begin is None or end is None:
            return False
        # Times of this form compare like their texts.
        return begin <= clock < end if begin <= end else clock >= begin or clock < end

    @property
    def time_to_act(self) -> timedelta:
        """The margin, which a pack writes in min or h."""
        return self.margin.elapsed or timedelta()


class Disruptions(Model):
    """How far all disruptions together may move one clock."""

    cap: Span


class Limits(Model):
    """Bounds on what people send; `messages` and `conversation_characters` are for each writer in a case.

    An order has at most `cases`; a case goes on in a new run once its history has `history_events`.
    """

    text_characters: int = Field(gt=0, le=100_000)
    story_entries: int = Field(gt=0, le=5_000)
    messages: int = Field(default=1_000, gt=0, le=10_000)
    conversation_characters: int = Field(default=100_000, gt=0, le=160_000)
    cases: int = Field(default=3, gt=0, le=100)
    history_events: int = Field(default=8_000, ge=50, le=40_000)


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
    evidence: EvidenceRules
    standing: GoodStanding
    seller_protection: SellerProtection
    offers: OfferRules
    returns: ReturnRules
    support: Support
    appeals: AppealRules
    chargebacks: Chargebacks
    disruptions: Disruptions
    limits: Limits
    notices: Courtesy = Courtesy()

    def rule(self, setting: str) -> str:
        """The id by which people and records cite one setting, for example `resale-v1/shipping.soft`."""
        return f"{self.pack}/{setting}"

    def has(self, setting: str) -> bool:
        """Whether there is a setting or block of this name, for example `reasons.late.reply`."""
        value: object = self
        for name in setting.split("."):
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, Model) and name in type(value).model_fields:
                value = getattr(value, name)
            else:
                return False
        return True

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
_SHARED_BY_ID: WeakValueDictionary[int, Policy] = WeakValueDictionary()


def share(policy: Policy) -> Policy:
    """The one object in this process for all policies of this content: thousands of open orders hold the same rules."""
    # To write a whole policy as text for each new order costs more than all other checks of the order.
    if _SHARED_BY_ID.get(id(policy)) is policy:
        return policy
    shared = _SHARED.setdefault(policy.model_dump_json(), policy)
    return _SHARED_BY_ID.setdefault(id(shared), shared)


PinnedPolicy = Annotated[Policy, AfterValidator(share)]
