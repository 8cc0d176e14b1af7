"""One order on trial: the real workflows in the tunnel, in a world where every service works at once.

The purchase is on a Tuesday at noon, New York time, far from any clock change; both sides live there. Nothing happens
but what a check makes happen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from activities.sandbox.labels import label_shipment
from domain import calendars, policy_packs
from domain.cases.record import EvidenceItem
from domain.messages import Appeal, Cancel, Complaint, Message, Reply, Response, Ruling, Shipped, Tracking
from domain.money import Money
from domain.order import Line, Order, PriceSplit
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Party, Role
from domain.policy import Anchor, EvidenceKind, Reason, Remedy
from domain.policy_packs import Pack
from domain.requests import Movement
from domain.spans import Span
from domain.story import Outcome, Status, StoryEntry
from domain.wording import moment
from fastmotion.reenactment import SCAN_EVERY
from windtunnel.contract import Answer, Call, NotRunning
from windtunnel.order_tunnel import order_tunnel
from windtunnel.willing_world import WillingWorld

PURCHASE: Final = datetime.fromisoformat("2026-06-02T16:00:00Z")
SCANNED: Final = PURCHASE + timedelta(hours=22)
DELIVERED: Final = PURCHASE + timedelta(days=3)
ESTIMATE: Final = PURCHASE + timedelta(days=10)

SECOND: Final = timedelta(seconds=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

ORDER: Final = "order-trial"
CASE: Final = "case-trial-1"
ITEMS: Final = 10_000
"""What the item costs unless a check says otherwise: USD 100.00, below every limit."""

LABEL_COST: Final = Money(minor=WillingWorld.label_minor, currency="USD")
_PARCEL: Final = label_shipment("there")


class NotPlayable(Exception):
    """The policy does not let things come to where a check wants them."""


def usd(minor: int) -> Money:
    """So many cents."""
    return Money(minor=minor, currency="USD")


def shown(kind: EvidenceKind, *, by: str = "") -> EvidenceItem:
    """A piece of evidence that can be sealed; other letters in `by` make it another one."""
    digest = sha256(f"{kind} {by}".encode()).hexdigest()
    uri = f"sandbox://evidence/{digest}"
    return EvidenceItem(kind=kind, uri=uri, sha256=digest, media_type="image/png", size=1_000)


class _Services(WillingWorld):
    """Counts what was asked for, also what is asked for again: `paid` in cents by activity, and `labels` bought."""

    def __init__(self) -> None:
        super().__init__()
        self.paid: Counter[str] = Counter()
        self.labels = 0

    def _book(self, name: str, movement: Movement) -> None:
        self.paid[name] += movement.amount.minor

    def _sell_label(self, call: Call) -> Answer:
        self.labels += 1
        return super()._sell_label(call)

    def _refund_label(self, _: Call) -> Answer:
        return Answer(result=False)


class Trial:
    """One order bought under `pack`. All instants are UTC; the order is told of things at the instant they happen."""

    def __init__(
        self,
        pack: Pack,
        *,
        items: int = ITEMS,
        category: str = "",
        ship_by: datetime | None = None,
    ) -> None:
        self._services = _Services()
        self.policy = policy_packs.pin(pack, placed_at=PURCHASE, countries=("US",))
        self.order = Order(
            order_id="trial",
            marketplace=pack.policy.pack,
            buyer=Party(id="buyer", time_zone="America/New_York"),
            seller=Party(id="seller", time_zone="America/New_York"),
            lines=(Line(listing_id="item", price=usd(items), category=category),),
            price=PriceSplit(items=usd(items), shipping=usd(0), tax=usd(0), platform_fee=usd(items // 10)),
            placed_at=PURCHASE,
            payment_ref="payment",
            estimate=ESTIMATE,
            ship_by=ship_by,
            policy=self.policy,
        )
        self._tunnel = order_tunnel(self._services, began=PURCHASE, reproduce="python -m windtunnel conformance")
        self._tunnel.start("OrderWorkflow", self.order, ORDER)
        self.to(PURCHASE)

    def close(self) -> None:
        """Let go of the order, wherever it stands."""
        self._tunnel.close()

    # --- time ---

    @property
    def now(self) -> datetime:
        """Where the trial stands."""
        return self._tunnel.now

    def to(self, instant: datetime) -> None:
        """Let time pass until `instant`, and all happen that is due by then."""
        self._tunnel.run(instant)

    def after(self, since: datetime, span: str | Span) -> datetime:
        """When a span runs out, by the calendar of both sides."""
        length = Span.parse(span) if isinstance(span, str) else span
        return calendars.after(since, length, self.policy.calendar_of(self.order.buyer))

    def before(self, end: datetime, span: str) -> datetime:
        """The instant that lies a span before `end`."""
        return calendars.before(end, Span.parse(span), self.policy.calendar_of(self.order.buyer))

    # --- what people and carriers do ---

    def ask(self, name: str, message: Message, subject: str = ORDER) -> Reply:
        """Send a message now, and have its answer; one about what has ended is refused."""
        try:
            reply = self._tunnel.update(subject, name, message, Reply)
        except NotRunning:
            return Reply.no("order_over", ending="ended")
        self.to(self.now)
        return reply

    def tell(self, name: str, message: Message, subject: str = ORDER) -> None:
        """Leave a message now; one about what has ended is lost."""
        with suppress(NotRunning):
            self._tunnel.signal(subject, name, message)
        self.to(self.now)

    def mark_shipped(self, at: datetime) -> None:
        """The seller says that the parcel is on its way."""
        self.to(at)
        self.tell("shipped", Shipped(carrier=_PARCEL.carrier, tracking_number=_PARCEL.tracking_number))

    def track(self, status: TrackingStatus, at: datetime, subject: str = ORDER) -> None:
        """The carrier reports, by webhook."""
        self.to(at)
        self.tell("tracking", Tracking(events=(TrackingEvent(status=status, at=at),)), subject)

    def scan(self, at: datetime = SCANNED) -> None:
        """The parcel is marked as shipped and scanned for the first time."""
        self.mark_shipped(at)
        self.track(TrackingStatus.ACCEPTED, at)

    def keep_moving(self, until: datetime) -> None:
        """The parcel is scanned again and again, so that it does not count as lost before `until`."""
        while self.now + SCAN_EVERY < until:
            self.track(TrackingStatus.IN_TRANSIT, self.now + SCAN_EVERY)
        self.to(until)

    def deliver(self, at: datetime = DELIVERED) -> datetime:
        """The parcel is scanned, and delivered; gives the instant of delivery."""
        if not self.told("scanned"):
            self.scan()
        self.track(TrackingStatus.DELIVERED, at)
        return at

    def cancel(self) -> Reply:
        """The buyer wants to cancel."""
        return self.ask("cancel", Cancel(by=Role.BUYER))

    def complain(self, reason: Reason, *evidence: EvidenceItem) -> Reply:
        """The buyer complains now."""
        return self.ask("open_case", Complaint(reason=reason, text="Look", evidence=evidence))

    def anchored(self, reason: Reason) -> datetime:
        """The parcel comes as far as complaints of this reason are counted from; gives that instant."""
        match self.policy.reasons[reason].anchor:
            case Anchor.DELIVERED:
                return self.deliver()
            case Anchor.ESTIMATE:
                self.scan()
                return ESTIMATE
            case Anchor.LAST_NEWS:
                self.scan()
                return SCANNED

    def case(self, reason: Reason) -> datetime:
        """The buyer complains an hour after that is possible; gives the instant."""
        at = self.after(self.anchored(reason), self.policy.reasons[reason].opens) + HOUR
        self.to(at)
        if self.complain(reason).refused:
            raise NotPlayable(f"no case about {reason} can be opened on {moment(at)}")
        return at

    def respond(self, *, accept: bool) -> Reply:
        """The seller answers the case now."""
        return self.ask("respond", Response(accept=accept, text="I see"), CASE)

    def rule(self, remedy: Remedy, agent: str = "kim") -> datetime:
        """An agent decides; gives the instant at which the ruling has taken effect."""
        reply = self.ask("rule", Ruling(agent=agent, remedy=remedy, reason="As the photos show"), CASE)
        if reply.instant is None:
            raise NotPlayable(f"the ruling is refused: {reply.text}")
        self.to(reply.instant)
        return reply.instant

    def appeal(self, *evidence: EvidenceItem) -> Reply:
        """The buyer appeals now."""
        return self.ask("appeal", Appeal(by=Role.BUYER, text="Look again", evidence=evidence), CASE)

    def send_back(self, at: datetime) -> datetime:
        """The goods are handed to the carrier at `at` and arrive a day later; gives that instant."""
        self.track(TrackingStatus.ACCEPTED, at, CASE)
        self.track(TrackingStatus.DELIVERED, at + DAY, CASE)
        return at + DAY

    # --- what can be seen ---

    @property
    def state(self) -> str:
        """The state of the order."""
        return self._tunnel.query(ORDER, "status", Status).state

    @property
    def refunded(self) -> int:
        """Cents that went back to the buyer."""
        return self._services.paid["payments.refund"]

    @property
    def released(self) -> int:
        """Cents that went to the seller."""
        return self._services.paid["payments.release"]

    @property
    def labels(self) -> int:
        """How many return labels were bought."""
        return self._services.labels

    @property
    def refunded_whole(self) -> bool:
        """Whether the buyer has everything back."""
        return self.refunded == self.order.price.total.minor

    @property
    def paid_out(self) -> bool:
        """Whether the seller has their whole share, and the buyer has nothing back."""
        return self.released == self.order.price.seller_share.minor and not self.refunded

    def told(self, what: str, subject: str = ORDER) -> Mapping[datetime, Mapping[str, str]]:
        """When something of this code has happened, with its facts."""
        story = self._tunnel.query(subject, "timeline", tuple[StoryEntry, ...])
        return {entry.at: entry.facts for entry in story if entry.what == what}

    def outcome(self) -> Outcome:
        """What became of the order. Raises NotPlayable if it has not ended."""
        try:
            return self._tunnel.result_of(ORDER, Outcome)
        except NotRunning as error:
            raise NotPlayable("the order has not ended") from error
