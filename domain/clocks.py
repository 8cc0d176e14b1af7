"""Which duties an order or case has, and when each is due: policy and facts in, duties out.

Every instant here is computed once, when its trigger happens, and then stored; nothing asks what time it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from domain.calendars import Calendar, after, before, describe
from domain.carriage import Carriage
from domain.duties import Duty, DutyKind, Silence
from domain.order import Order
from domain.parcel import Parcel
from domain.parties import Party, Role
from domain.policy import Policy, Term


def ladder(term: Term, since: datetime, due: datetime, calendar: Calendar) -> tuple[datetime, ...]:
    """The reminders of a term that fall strictly between its start and its end, in order."""
    counted = {after(since, span, calendar) for span in term.remind_after}
    counted |= {before(due, span, calendar) for span in term.remind_before}
    return tuple(sorted(at for at in counted if since < at < due))


def duty_of(
    kind: DutyKind,
    owner: Role,
    policy: Policy,
    setting: str,
    term: Term,
    since: datetime,
    calendar: Calendar,
    *,
    due: datetime | None = None,
    extendable_until: datetime | None = None,
) -> Duty:
    """The duty that a term of the policy makes of a start (UTC); `due` replaces its end."""
    due = due or after(since, term.within, calendar)
    return Duty(
        kind=kind,
        owner=owner,
        since=since,
        agreed_due=due,
        on_silence=term.on_silence,
        rule=policy.rule(setting),
        calendar=describe(calendar, term.within),
        reminders=ladder(term, since, due, calendar),
        extendable_until=extendable_until,
    )


def to_answer(ask: Callable[[datetime], Duty], asked_at: datetime, told_at: datetime) -> Duty:
    """The duty to answer what one side asked at `asked_at` and the other is told at `told_at`.

    It counts from the asking; but if half of its time had gone before anybody could be told, as after an outage,
    it counts from the telling: silence must not decide for somebody who was never asked.
    """
    duty = ask(asked_at)
    return duty if told_at - asked_at <= (duty.agreed_due - asked_at) / 2 else ask(told_at)


def ship(order: Order, until: datetime | None = None) -> Duty:
    """The soft ship-by: by the order's own promise, else by policy; `until` is what the buyer has granted."""
    calendar = order.policy.calendar_of(order.seller)
    rules = order.policy.shipping
    cap = after(order.placed_at, rules.extension.cap, calendar)
    due = until or order.ship_by
    return duty_of(
        DutyKind.SHIP,
        Role.SELLER,
        order.policy,
        "shipping.soft",
        rules.soft,
        order.placed_at,
        calendar,
        due=due,
        extendable_until=cap,
    )


def ship_final(order: Order) -> Duty:
    """The hard ship-by, never before the order's own soft promise."""
    calendar = order.policy.calendar_of(order.seller)
    term = order.policy.shipping.hard
    due = max(after(order.placed_at, term.within, calendar), order.ship_by or order.placed_at)
    return duty_of(
        DutyKind.SHIP_FINAL, Role.SELLER, order.policy, "shipping.hard", term, order.placed_at, calendar, due=due
    )


def unscanned(order: Order, marked_at: datetime) -> tuple[Duty, Duty, Duty]:
    """Marked shipped, no scan: chase the seller, then the buyer may cancel, then it ends by itself."""
    calendar = order.policy.calendar_of(order.seller)
    rules = order.policy.shipping
    stages = (
        (DutyKind.GET_SCANNED, "shipping.chase", rules.chase),
        (DutyKind.SCAN_RIGHT, "shipping.unscanned", rules.unscanned),
        (DutyKind.SCAN_FINAL, "shipping.unscanned_hard", rules.unscanned_hard),
    )
    chase, right, final = (
        duty_of(kind, Role.SELLER, order.policy, setting, term, marked_at, calendar) for kind, setting, term in stages
    )
    return chase, right, final


def answer_cancellation(order: Order, asked_at: datetime) -> Duty:
    """The seller's time to say no to a cancellation that the buyer asked for."""
    calendar = order.policy.calendar_of(order.seller)
    term = order.policy.cancellation.answer
    return duty_of(
        DutyKind.ANSWER_CANCELLATION, Role.SELLER, order.policy, "cancellation.answer", term, asked_at, calendar
    )


def answer_extension(order: Order, asked_at: datetime) -> Duty:
    """The buyer's time to answer a later ship-by date that the seller asked for."""
    calendar = order.policy.calendar_of(order.buyer)
    term = order.policy.shipping.extension.answer
    return duty_of(
        DutyKind.ANSWER_EXTENSION, Role.BUYER, order.policy, "shipping.extension.answer", term, asked_at, calendar
    )


def grace_ends(order: Order) -> datetime:
    """Until when (exclusive) the buyer may cancel freely after the purchase."""
    return after(order.placed_at, order.policy.cancellation.grace, order.policy.calendar_of(order.buyer))


def estimate(carriage: Carriage, parcel: Parcel) -> datetime | None:
    """When the parcel should arrive: by its carrier, else as promised, else by policy from the first scan."""
    known = parcel.estimate or carriage.estimate
    if known is None and parcel.scanned_at is not None:
        calendar = carriage.policy.calendar_of(carriage.receiver)
        known = after(parcel.scanned_at, carriage.policy.transit.estimate, calendar)
    return known


def in_transit(carriage: Carriage, news_at: datetime) -> tuple[Duty, Duty]:
    """After each scan: the parcel must move again, and must not stay silent beyond the cap."""
    calendar = carriage.policy.calendar_of(carriage.receiver)
    rules = carriage.policy.transit
    return (
        duty_of(DutyKind.MOVE, Role.CARRIER, carriage.policy, "transit.stalled", rules.stalled, news_at, calendar),
        duty_of(DutyKind.FIND, Role.CARRIER, carriage.policy, "transit.lost", rules.lost, news_at, calendar),
    )


def deliver(carriage: Carriage, parcel: Parcel) -> Duty:
    """The estimate of a scanned parcel. An estimate before the scan counts from the scan: it is late at once."""
    calendar = carriage.policy.calendar_of(carriage.receiver)
    since = parcel.scanned_at or carriage.begun_at
    return Duty(
        kind=DutyKind.DELIVER,
        owner=Role.CARRIER,
        since=since,
        agreed_due=max(estimate(carriage, parcel) or since, since),
        on_silence=carriage.policy.transit.late,
        rule=carriage.policy.rule("transit.estimate"),
        calendar=describe(calendar, carriage.policy.transit.estimate),
    )


def collect(carriage: Carriage, at: datetime) -> Duty:
    """The receiver's time to collect a parcel that could not be handed over."""
    calendar = carriage.policy.calendar_of(carriage.receiver)
    term = carriage.policy.transit.collect
    return duty_of(DutyKind.COLLECT, carriage.receiver_role, carriage.policy, "transit.collect", term, at, calendar)


def bring_back(carriage: Carriage, at: datetime) -> Duty:
    """The carrier's time to bring a returning parcel back to its sender."""
    calendar = carriage.policy.calendar_of(carriage.sender)
    term = carriage.policy.transit.bring_back
    return duty_of(DutyKind.BRING_BACK, Role.CARRIER, carriage.policy, "transit.bring_back", term, at, calendar)


def reappear(carriage: Carriage, at: datetime) -> Duty:
    """How long a parcel that was declared lost is watched for."""
    calendar = carriage.policy.calendar_of(carriage.receiver)
    term = carriage.policy.transit.reappear
    return duty_of(DutyKind.REAPPEAR, Role.CARRIER, carriage.policy, "transit.reappear", term, at, calendar)


def report(order: Order, delivered_at: datetime, until: datetime | None = None) -> Duty:
    """The buyer's report window, from the carrier's instant of delivery; its end releases the money."""
    calendar = order.policy.calendar_of(order.buyer)
    term = order.policy.protection.window
    return duty_of(
        DutyKind.REPORT, Role.BUYER, order.policy, "protection.window", term, delivered_at, calendar, due=until
    )


def look_up(carriage: Carriage, since: datetime, *, pushed: bool, due: datetime | None = None) -> Duty:
    """When the carrier is asked next, at `due` if given; news that comes by itself makes asking sparse."""
    rhythm = carriage.policy.lookup
    setting, span = ("lookup.sparse", rhythm.sparse) if pushed else ("lookup.first", rhythm.first)
    calendar = carriage.policy.calendar_of(carriage.receiver)
    term = Term(within=span, on_silence=Silence.LOOK_UP)
    return duty_of(DutyKind.LOOK_UP, Role.PLATFORM, carriage.policy, setting, term, since, calendar, due=due)


def resolve_chargeback(order: Order, at: datetime) -> Duty:
    """How long money stays frozen for a chargeback whose result nobody reports."""
    calendar = order.policy.calendar_of(order.buyer)
    term = order.policy.chargebacks.longest
    return duty_of(DutyKind.RESOLVE_CHARGEBACK, Role.PLATFORM, order.policy, "chargebacks.longest", term, at, calendar)


def reconcile(policy: Policy, at: datetime) -> Duty:
    """What the payment provider or the carrier will not do: a person looks, and it is tried again."""
    support = policy.support
    return duty_of(DutyKind.RECONCILE, Role.SUPPORT, policy, "support.reconcile", support.reconcile, at, support.hours)


def longest_disruption(policy: Policy, buyer: Party, duty: Duty) -> timedelta:
    """How far all disruptions together may move a duty; counted where the buyer lives."""
    return after(duty.since, policy.disruptions.cap, policy.calendar_of(buyer)) - duty.since


def shipped_late(order: Order, parcel: Parcel) -> bool:
    """Whether the first scan came after the soft ship-by that the buyer was promised at purchase."""
    return parcel.scanned_at is not None and parcel.scanned_at >= ship(order).agreed_due


def delivered_late(carriage: Carriage, parcel: Parcel) -> bool:
    """Whether the parcel arrived after its estimate."""
    promised = estimate(carriage, parcel)
    return parcel.delivered_at is not None and promised is not None and parcel.delivered_at > promised
