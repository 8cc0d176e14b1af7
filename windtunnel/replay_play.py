"""One recorded order under one policy, played to its end through the real workflows in virtual time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from domain.base import Model
from domain.ledger import Account, Ledger
from domain.messages import Acceptance, Complaint, Message, Reply, Shipped, Tracking
from domain.parcel import TrackingEvent, TrackingStatus
from domain.parties import Role
from domain.policy_packs import Pack
from domain.requests import Movement
from domain.settlement import Ending
from domain.story import Notice, Outcome, StoryEntry
from fastmotion.recorded import RecordedOrder
from fastmotion.reenactment import SCAN_EVERY, Script, script, sent_at
from windtunnel.behaviour import Behaviour, Desk, Luck
from windtunnel.contract import NotRunning
from windtunnel.engine import Tunnel
from windtunnel.order_tunnel import order_tunnel, tell_late
from windtunnel.replay_people import Deed, People, Says, SendsBack, Ships
from windtunnel.replay_records import Recording
from windtunnel.replay_world import MOST_LABELS, ReplayWorld
from windtunnel.willing_world import BY_PROVIDER

MOST_STEPS: Final = 50_000
"""Far more than any order takes: one that goes on longer runs in circles."""

_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)
_USUAL_TRIP: Final = timedelta(days=5)
_SIGNALS: Final[dict[type[Message], str]] = {
    Shipped: "shipped",
    Tracking: "tracking",
    Acceptance: "buyer_accepts",
}
_CASE_SIGNALS: Final = frozenset({"message", "evidence"})


class Broken(Exception):
    """An order broke a law that holds for every order; the text says which."""


class Rules(Model):
    """What a replay is played by, beside the pack: the dice, who behaves how, and whose ship-by date counts.

    Without a `behaviour`, buyers and sellers do only what the record says.
    """

    seed: int = 0
    behaviour: Behaviour | None = Behaviour()
    desk: Desk = Desk()
    recorded_ship_by: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """An order that came to its end. `script` is what happened outside, `notices` counts them as `kind to role`.

    `arrivals` are the instants at which a case came to support, `refused` the rules that turned a complaint away,
    `too_late` whether it came after the order had ended. `stories` is kept on request, by workflow.
    """

    script: Script
    ship_by: datetime
    outcome: Outcome
    notices: Mapping[str, int]
    arrivals: tuple[datetime, ...]
    refused: tuple[str, ...]
    too_late: bool
    stories: Mapping[str, tuple[StoryEntry, ...]]


class Theatre:
    """Plays orders under one pack, one after another, each alone in virtual time; nothing is left for the next."""

    def __init__(self, pack: Pack, rules: Rules) -> None:
        self._pack = pack
        self._rules = rules
        self._world = ReplayWorld()
        self._tunnel: Tunnel | None = None

    def play(self, recording: Recording, *, stories: bool = False) -> Played:
        """Play one order to its end. Raises Broken, or whatever made its workflow fail."""
        if not self._rules.recorded_ship_by:
            unpromised = recording.order.model_copy(update={"ship_by": None})
            recording = recording.model_copy(update={"order": unpromised})
        # A tunnel in which an order has failed may still hold its workflows and timers.
        tunnel, self._tunnel = self._tunnel or self._new(), None
        tunnel.now = recording.order.purchased_at
        played = _Performance(recording, self._pack, self._rules, self._world, tunnel).play(stories=stories)
        for subject in tuple(tunnel.executions):
            tunnel.forget(subject)
        self._tunnel = tunnel
        return played

    def _new(self) -> Tunnel:
        return order_tunnel(self._world, began=_BEFORE_ALL, seed=self._rules.seed, by_reference=True)


class _Performance:
    """One order on its way through the tunnel."""

    def __init__(self, recording: Recording, pack: Pack, rules: Rules, world: ReplayWorld, tunnel: Tunnel) -> None:
        order = recording.order
        self._heard = recording.heard
        self._pack = pack
        self._world = world
        self._tunnel = tunnel
        self._id = f"order-{order.order_id}"
        # The same in every replay of this order; label numbers lie below all others.
        self._number = MOST_LABELS + zlib.crc32(order.order_id.encode()) % (10**9 - MOST_LABELS)
        self._script = script(order, self._number, pack=pack)
        self._order = self._script.draft.order(pack)
        self._people = People(
            order,
            recording.heard,
            self._order.policy,
            ship_by=self._script.ship_by,
            behaviour=rules.behaviour,
            desk=rules.desk,
            luck=Luck(rules.seed, order.order_id),
        )
        self._arrivals: list[datetime] = []
        self._refused: list[str] = []
        self._too_late = False
        world.begin(order.shipping, self._told)

    def play(self, *, stories: bool) -> Played:
        """Let everything happen, and look whether every law has held."""
        tunnel = self._tunnel
        tunnel.start("OrderWorkflow", self._order, self._id)
        self._follow(tunnel.now)
        steps = 0
        while tunnel.step():
            steps += 1
            if steps > MOST_STEPS:
                raise Broken(f"it has not ended after {MOST_STEPS:,} steps")
        outcome = self._outcome()
        told = tunnel.executions if stories else ()
        return Played(
            script=self._script,
            ship_by=self._script.ship_by,
            outcome=outcome,
            notices=self._world.notices,
            arrivals=tuple(self._arrivals),
            refused=tuple(self._refused),
            too_late=self._too_late,
            stories={name: tunnel.query(name, "timeline", tuple[StoryEntry, ...]) for name in told},
        )

    def _outcome(self) -> Outcome:
        for execution in self._tunnel.executions.values():
            if execution.closed_at is None:
                raise Broken(f"{execution.id} has not ended, and nothing is left to happen")
            if execution.failure is not None:
                raise execution.failure
        outcome = self._recorded
        if outcome is None:
            raise Broken("it ended without an outcome")
        outcome.ledger.check()
        _settled(outcome.ledger, self._world.moved)
        return outcome

    @property
    def _recorded(self) -> Outcome | None:
        return self._world.outcomes.get(self._order.order_id)

    # --- what the record says ---

    def _follow(self, since: datetime) -> None:
        """Let happen what the script in force says from an instant on."""
        found = self._script
        if found.journey:
            self._world.know(found.shipment, found.journey)
        for message in found.messages:
            if sent_at(message) >= since:
                self._plan(found, message)
        if self._heard and self._heard.complained_at >= since:
            complaint = Complaint(reason=self._heard.reason, submitted_at=self._heard.complained_at)
            self._at(self._heard.complained_at, partial(self._happens, found, complaint))

    def _plan(self, found: Script, message: Message) -> None:
        at: datetime | None = sent_at(message)
        if isinstance(message, Complaint):
            at = self._people.complains_at(message, found.recorded)
            message = message.model_copy(update={"submitted_at": at})
        if at is not None:
            self._at(at, partial(self._happens, found, message))

    def _happens(self, found: Script, message: Message) -> None:
        """Somebody says what the script has for now, unless another script has taken its place."""
        if found is not self._script:
            return
        if isinstance(message, Complaint):
            self._complain(message)
        elif name := _SIGNALS.get(type(message)):
            self._signal(self._id, name, message)
        else:
            self._update(self._id, "cancel", message)

    def _complain(self, message: Complaint) -> None:
        reply = self._update(self._id, "open_case", message)
        if reply is None:
            self._too_late = True
            tell_late(self._tunnel, self._order.order_id, "buyer_complaint", message)
        elif reply.refused:
            self._refused.append(reply.rule)

    # --- what people do about it ---

    def _told(self, notice: Notice) -> None:
        now = self._tunnel.now
        if (notice.kind, notice.to) == ("with_support", Role.SUPPORT):
            self._arrivals.append(now)
        for deed in self._people.react(notice, now):
            self._at(deed.at, partial(self._do, deed))

    def _do(self, deed: Deed) -> None:
        match deed:
            case Ships():
                self._ship_sooner(deed.at)
            case SendsBack():
                self._send_back(deed)
            case Says() if deed.name in _CASE_SIGNALS:
                self._signal(deed.subject, deed.name, deed.message)
            case Says():
                self._update(deed.subject, deed.name, deed.message)

    def _ship_sooner(self, at: datetime) -> None:
        ships_at = self._people.ships_at
        if ships_at is None or at >= ships_at or not self._tunnel.runs(self._id):
            return
        self._people.ships_at = at
        moved = _sooner(self._script.recorded, ships_at - at)
        self._script = script(moved, self._number, pack=self._pack)
        self._follow(at)

    def _send_back(self, deed: SendsBack) -> None:
        shipment = self._world.label_of(deed.case_id)
        if shipment is None or not self._tunnel.runs(deed.case_id):
            return
        recorded = self._script.recorded
        trip = _USUAL_TRIP
        if recorded.handed_over_at and recorded.delivered_at:
            trip = recorded.delivered_at - recorded.handed_over_at
        scans = [TrackingEvent(status=TrackingStatus.ACCEPTED, at=deed.at)]
        while scans[-1].at + SCAN_EVERY < deed.at + trip:
            scans.append(TrackingEvent(status=TrackingStatus.IN_TRANSIT, at=scans[-1].at + SCAN_EVERY))
        scans.append(TrackingEvent(status=TrackingStatus.DELIVERED, at=deed.at + trip))
        self._world.know(shipment, scans)
        for scan in scans:
            news = Tracking(events=(scan,), submitted_at=scan.at)
            self._at(scan.at, partial(self._signal, deed.case_id, "tracking", news))

    # --- the contract ---

    def _at(self, instant: datetime, act: Callable[[], object]) -> None:
        self._tunnel.at(max(instant, self._tunnel.now), act)

    def _update(self, subject: str, name: str, message: Message) -> Reply | None:
        """The reply; none if the subject has ended."""
        try:
            return self._tunnel.update(subject, name, message, Reply)
        except NotRunning:
            return None

    def _signal(self, subject: str, name: str, message: Message) -> None:
        try:
            self._tunnel.signal(subject, name, message)
        except NotRunning:
            outcome = self._recorded
            undelivered = outcome is not None and outcome.decision.ending in (Ending.LOST, Ending.CASE)
            if subject == self._id and undelivered and isinstance(message, Tracking) and message.tells_of_delivery:
                tell_late(self._tunnel, self._order.order_id, name, message)


def _sooner(order: RecordedOrder, by: timedelta) -> RecordedOrder:
    """The record as it would be had the parcel been handed over that much earlier: all that follows comes earlier."""
    handed, delivered, review = order.handed_over_at, order.delivered_at, order.review
    changes: dict[str, object] = {"handed_over_at": handed - by if handed else None}
    if delivered:
        changes["delivered_at"] = delivered - by
    if review and handed and review.at >= handed:
        changes["review"] = review.model_copy(update={"at": review.at - by})
    return order.model_copy(update=changes)


def _settled(ledger: Ledger, book: Mapping[str, Movement]) -> None:
    """Raise Broken unless escrow is empty, nothing is half-made, and ledger and provider agree on each movement."""
    if left := ledger.balance(Account.ESCROW):
        raise Broken(f"{left} minor units are left in escrow")
    if ledger.intents:
        raise Broken(f"{ledger.intents[0].key} was intended and never made")
    facts = {entry.key: (str(entry.kind), entry.amount.minor) for entry in ledger.facts if entry.kind in BY_PROVIDER}
    moved = {key: (movement.purpose, movement.amount.minor) for key, movement in book.items()}
    if facts != moved:
        differing = sorted(set(facts.items()) ^ set(moved.items()))
        raise Broken(f"ledger and payment provider differ: {differing}")
