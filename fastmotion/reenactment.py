"""A recorded order as a play: what everybody says and does, and when. Pure; the replay lets it happen.

People do what the record says they did. Where it is silent, the rules below fill in; they are few, and `docs/replay.md`
tells them to the reader of a result.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final

from domain import clocks
from domain.calendars import after
from domain.clock import REAL_TIME, Clock
from domain.duties import Silence
from domain.messages import Acceptance, Cancel, Complaint, Message, Response, Ruling, Shipped, Tracking
from domain.money import Money
from domain.order import PriceSplit
from domain.parcel import Shipment, TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy import Policy, Reason, Remedy
from domain.policy_packs import Pack
from domain.tracking_numbers import sandbox_number
from fastmotion.recorded import RecordedOrder, Withdrawn
from storefront.draft import OrderDraft

ASSUMED_FEE: Final = Fraction(1, 10)
"""The platform's fee on the items where the record tells none. Own choice."""

SCAN_EVERY: Final = timedelta(days=5)
"""Between hand-over and delivery a parcel that did arrive is scanned this often. Records lack such scans, and without
them every long journey would look like a lost parcel. Own choice, shorter than the 7 days after which one is traced."""

SELLER_ACCEPTS: Final = 0.5
SELLER_CONTESTS: Final = 0.3
"""Shares of sellers who accept and who contest a complaint; the rest stay silent. Own choice: no record tells."""

SELLER_ANSWERS_AFTER: Final = timedelta(hours=24)
AGENT_RULES_AFTER: Final = timedelta(hours=24)
"""How long a seller takes to answer a complaint, and support to decide one that has come to it. Own choices."""

WORST_SCORE: Final = 1


class Fault(StrEnum):
    """Why a record cannot be played."""

    NO_ITEMS = "no items or seller on record"
    NO_PRICE = "the items cost nothing"
    SELF = "buyer and seller are the same"
    SHIP_BY = "ship-by not after the purchase"
    ESTIMATE = "estimate not after the purchase"
    HANDED_OVER = "handed over before the purchase"
    DELIVERED = "delivered before the hand-over"
    NEVER_HANDED_OVER = "delivered, but no hand-over on record"
    REVIEWED = "reviewed before the purchase"
    WITHDRAWN = "withdrawn before the purchase"


@dataclass(frozen=True, slots=True)
class Script:
    """A recorded order, ready to be played: its draft, its parcel's journey, and who says what in which order.

    `ship_by` is the soft deadline in force (UTC): the recorded promise or, without one, the policy's.
    """

    recorded: RecordedOrder
    draft: OrderDraft
    ship_by: datetime
    shipment: Shipment
    journey: tuple[TrackingEvent, ...]
    messages: tuple[Message, ...]

    @property
    def length(self) -> timedelta:
        """From the purchase to the last thing that anybody says."""
        return sent_at(self.messages[-1]) - self.draft.placed_at if self.messages else timedelta()


def sent_at(message: Message) -> datetime:
    """When a message of a script is said (UTC)."""
    assert message.submitted_at is not None, "a script dates all that is said"  # noqa: S101 -- tells mypy
    return message.submitted_at


def fault(order: RecordedOrder) -> Fault | None:
    """Why an order cannot be played: what is missing, or times that contradict each other."""
    bought = order.purchased_at
    handed, delivered, review = order.handed_over_at, order.delivered_at, order.review
    checks = (
        (Fault.NO_ITEMS, not order.lines or order.seller is None),
        (Fault.NO_PRICE, not order.items),
        (Fault.SELF, order.seller is not None and order.seller.id == order.buyer.id),
        (Fault.SHIP_BY, order.ship_by is not None and order.ship_by <= bought),
        (Fault.ESTIMATE, order.estimate is not None and order.estimate <= bought),
        (Fault.HANDED_OVER, handed is not None and handed < bought),
        (Fault.NEVER_HANDED_OVER, delivered is not None and handed is None),
        (Fault.DELIVERED, delivered is not None and handed is not None and delivered < handed),
        (Fault.REVIEWED, review is not None and review.at < bought),
        (Fault.WITHDRAWN, order.withdrawn_at is not None and order.withdrawn_at < bought),
    )
    return next((found for found, holds in checks if holds), None)


def script(order: RecordedOrder, number: int, *, pack: Pack, clock: Clock = REAL_TIME) -> Script:
    """How the order is played under `pack`; `number` makes its tracking number. Raises ValueError if it has a fault."""
    if found := fault(order):
        raise ValueError(f"{order.order_id} cannot be played: {found}")
    draft = _draft(order, pack.policy.pack, clock)
    ship_by = clocks.ship(draft.order(pack)).agreed_due
    shipment = Shipment(carrier="sandbox", tracking_number=sandbox_number(number))
    events = journey(order)
    messages: list[Message] = [Tracking(events=(event,), submitted_at=event.at) for event in events]
    if events:
        shipped = Shipped(
            carrier=shipment.carrier, tracking_number=shipment.tracking_number, submitted_at=order.handed_over_at
        )
        messages.insert(0, shipped)
    messages += filter(None, (_withdrawal(order, ship_by), _reaction(order)))
    # A stable order: who says two things at one instant says them as listed.
    messages.sort(key=sent_at)
    return Script(order, draft, ship_by, shipment, events, tuple(messages))


def _draft(order: RecordedOrder, pack: str, clock: Clock) -> OrderDraft:
    assert order.seller is not None, "an order without a seller has a fault"  # noqa: S101 -- for mypy; checked before
    fee = order.platform_fee if order.platform_fee is not None else order.items.share(ASSUMED_FEE)
    return OrderDraft(
        order_id=order.order_id,
        marketplace=order.marketplace,
        buyer=order.buyer,
        seller=order.seller,
        lines=order.lines,
        price=PriceSplit(items=order.items, shipping=order.shipping, tax=order.tax, platform_fee=fee),
        placed_at=order.purchased_at,
        payment_ref=f"ch_{order.order_id}",
        estimate=order.estimate,
        ship_by=order.ship_by,
        pack=pack,
        clock=clock,
    )


def journey(order: RecordedOrder) -> tuple[TrackingEvent, ...]:
    """The parcel's scans: at hand-over and at delivery, and every `SCAN_EVERY` between the two."""
    if order.handed_over_at is None:
        return ()
    scans = [TrackingEvent(status=TrackingStatus.ACCEPTED, at=order.handed_over_at)]
    if order.delivered_at is not None:
        while (at := scans[-1].at + SCAN_EVERY) < order.delivered_at:
            scans.append(TrackingEvent(status=TrackingStatus.IN_TRANSIT, at=at))
        scans.append(TrackingEvent(status=TrackingStatus.DELIVERED, at=order.delivered_at))
    return tuple(scans)


def _withdrawal(order: RecordedOrder, ship_by: datetime) -> Cancel | None:
    """An order called off before its hand-over: at the recorded instant, else when its ship-by date has passed."""
    if order.withdrawn is None or order.handed_over_at is not None:
        return None
    by = Role.BUYER if order.withdrawn is Withdrawn.CANCELLED else Role.SELLER
    return Cancel(by=by, submitted_at=order.withdrawn_at or ship_by)


def _reaction(order: RecordedOrder) -> Message | None:
    """What a review means: content buyers accept what they have; unhappy ones complain, or cancel what was not sent."""
    review = order.review
    if review is None:
        return None
    delivered = order.delivered_at is not None and order.delivered_at <= review.at
    if not review.unhappy:
        return Acceptance(submitted_at=review.at) if delivered else None
    if order.handed_over_at is None or review.at < order.handed_over_at:
        return Cancel(by=Role.BUYER, submitted_at=review.at)
    late = order.estimate is not None and (order.delivered_at or review.at) > order.estimate
    reason = Reason.NOT_AS_DESCRIBED if delivered and not late else Reason.LATE
    return Complaint(reason=reason, submitted_at=review.at)


def hearing(
    order: RecordedOrder, policy: Policy, reason: Reason, at_stake: Money, opened_at: datetime, seed: int
) -> tuple[Response | Ruling, ...]:
    """What seller and support say in a case opened at that instant; the same seed gives the same answers.

    Support rules where the seller contests, and where the policy brings it in on the seller's silence:
    everything back after the worst score, else half.
    """
    luck = random.Random(f"{seed} {order.order_id}").random()
    answered_at = opened_at + SELLER_ANSWERS_AFTER
    if luck < SELLER_ACCEPTS:
        return (Response(accept=True, submitted_at=answered_at),)
    said: tuple[Response, ...] = ()
    reply = policy.reasons[reason].reply
    if luck < SELLER_ACCEPTS + SELLER_CONTESTS:
        said = (Response(accept=False, submitted_at=answered_at),)
    elif reply.on_silence is Silence.ASK_SUPPORT:
        answered_at = after(opened_at, reply.within, policy.calendar_of(order.buyer))
    else:
        return ()
    whole = order.review is None or order.review.score == WORST_SCORE
    # Records say nothing of goods that came back, so none are asked for.
    never_came = policy.reasons[reason].remedy is Remedy.CANCELLATION
    all_back = Remedy.CANCELLATION if never_came else Remedy.REFUND_AND_KEEP
    ruling = Ruling(
        agent="replay",
        remedy=all_back if whole else Remedy.PARTIAL_REFUND,
        amount=None if whole else at_stake.share(Fraction(1, 2)),
        reason="the replay's rule: all back after the worst score, else half",
        submitted_at=answered_at + AGENT_RULES_AFTER,
    )
    return (*said, ruling)
