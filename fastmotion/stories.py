"""Stories: orders as data, from the purchase to the last cent, and the player that lets them happen.

Each file in `fastmotion/stories/` tells one: what the parcel does, who says what and when, and how it must end.
The same data runs on the time-skipping server (tests), on the embedded server in fast motion (the demo), and
wherever else somebody offers a `World`. Times in a story are lengths since the purchase (`"5d 04:00"`).
"""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic import Field, TypeAdapter

from activities.sandbox import journeys
from domain.base import Model
from domain.clock import REAL_TIME, Clock
from domain.ledger import EntryKind
from domain.messages import (
    Acceptance,
    Cancel,
    Chargeback,
    Complaint,
    Disruption,
    Extend,
    Message,
    Reply,
    Response,
    Ruling,
    Shipped,
    Tracking,
    Verdict,
    Withdrawal,
)
from domain.money import Money
from domain.order import Line, PriceSplit
from domain.parcel import Shipment, TrackingEvent
from domain.parties import Id, Party, Role
from domain.requests import News
from domain.settlement import Ending
from domain.story import Notice, Outcome
from domain.tracking_numbers import sandbox_number
from storefront.draft import OrderDraft

FOLDER: Final = Path(__file__).parent / "stories"

PURCHASE: Final = datetime.fromisoformat("2026-06-02T16:00:00Z")
"""When every story begins: a Tuesday, noon in New York and nine in Los Angeles, far from any clock change."""


class Act(StrEnum):
    """What somebody does in a story: the names of the client's methods."""

    SHIP = "ship"
    TRACKING = "tracking"
    ACCEPT = "accept"
    COMPLAIN = "complain"
    CANCEL = "cancel"
    EXTEND = "extend"
    CHARGEBACK = "chargeback"
    DISRUPT = "disrupt"
    RESPOND = "respond"
    RULE = "rule"
    WITHDRAW = "withdraw"


MESSAGES: Final[Mapping[Act, type[Message]]] = {
    Act.SHIP: Shipped,
    Act.TRACKING: Tracking,
    Act.ACCEPT: Acceptance,
    Act.COMPLAIN: Complaint,
    Act.CANCEL: Cancel,
    Act.EXTEND: Extend,
    Act.CHARGEBACK: Chargeback,
    Act.DISRUPT: Disruption,
    Act.RESPOND: Response,
    Act.RULE: Ruling,
    Act.WITHDRAW: Withdrawal,
}

TO_THE_CASE: Final = frozenset({Act.RESPOND, Act.RULE, Act.WITHDRAW})
ANSWERED: Final = frozenset({Act.COMPLAIN, Act.CANCEL, Act.EXTEND, *TO_THE_CASE})
"""What is answered at once; the rest is only left with the order."""

JOURNEYS: Final[Mapping[str, Callable[..., journeys.Journey]]] = {
    journey.__name__: journey
    for journey in (
        journeys.never_scanned,
        journeys.direct,
        journeys.late,
        journeys.stalled_for_ever,
        journeys.lost,
        journeys.lost_then_found,
        journeys.attempted_then_delivered,
        journeys.collected,
        journeys.returned,
    )
}

_LENGTHS: Final = ("since", "until")
"""The fields of messages that stories write as lengths since the purchase."""

_LENGTH: Final = TypeAdapter(timedelta)


class Journey(Model):
    """What the parcel does: a journey of the sandbox carrier from the moment its label is made.

    `pushed` news comes by the carrier's webhook; otherwise the order finds out by asking.
    """

    name: str
    label: timedelta
    lengths: dict[str, timedelta] = Field(default_factory=dict)
    pushed: bool = True


class Step(Model):
    """Somebody acts at a length since the purchase. `says` is the message, `reply` how it must be answered."""

    at: timedelta
    who: Role
    does: Act
    says: dict[str, Any] = Field(default_factory=dict)
    reply: Verdict = Verdict.ACCEPTED


class Ends(Model):
    """How a story must end. Amounts in minor units; `seller` is all that the seller was paid.

    `cases` are the remedies of its cases in order, `notices` the kinds that each party was told, oldest first.
    """

    ending: Ending
    refunded: int = 0
    charged_back: int = 0
    seller: int = 0
    cases: tuple[str, ...] = ()
    rejected: int = 0
    found: bool = False
    notices: dict[Role, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A step that is ready to be said: `name` is its own among all scenes, `at` in UTC, `subject` who hears it."""

    name: str
    at: datetime
    who: Role
    does: Act
    subject: str
    message: Message
    reply: Verdict = Verdict.ACCEPTED


class Story(Model):
    """One story. An order of it costs `items` plus USD 9.00 shipping and 8 % tax; the platform's fee is 20 %."""

    name: Id
    title: str = Field(max_length=60)
    moral: str
    items: int = Field(gt=0)
    buyer: Id
    seller: Id
    estimate: timedelta | None = None
    parcel: Journey | None = None
    steps: tuple[Step, ...] = ()
    ends: Ends

    def draft(self, order_id: str, clock: Clock = REAL_TIME) -> OrderDraft:
        """The purchase with which this story begins."""
        items = _usd(self.items)
        return OrderDraft(
            order_id=order_id,
            marketplace="demo",
            buyer=Party(id=self.buyer, time_zone="America/New_York", country="US"),
            seller=Party(id=self.seller, time_zone="America/Los_Angeles", country="US"),
            lines=(Line(listing_id=f"listing-{self.name}", price=items),),
            price=PriceSplit(
                items=items,
                shipping=_usd(900),
                tax=_usd(self.items * 8 // 100),
                platform_fee=_usd(self.items * 20 // 100),
            ),
            placed_at=PURCHASE,
            payment_ref=f"ch_{order_id}",
            estimate=None if self.estimate is None else PURCHASE + self.estimate,
            clock=clock,
        )

    def journey(self) -> News:
        """All that the carrier will ever say of the parcel."""
        if self.parcel is None:
            return News()
        return News(events=JOURNEYS[self.parcel.name](PURCHASE + self.parcel.label, **self.parcel.lengths))

    def scenes(self, order_id: str) -> tuple[Scene, ...]:
        """Everything that is said in the order of time, the carrier's own news included."""
        told = [self._scene(number, step, order_id) for number, step in enumerate(self.steps, 1)]
        if self.parcel and self.parcel.pushed:
            told += [_pushed(number, event, order_id) for number, event in enumerate(self.journey().events, 1)]
        return tuple(sorted(told, key=lambda scene: scene.at))

    def _scene(self, number: int, step: Step, order_id: str) -> Scene:
        at = PURCHASE + step.at
        said = {**step.says, "submitted_at": at}
        if step.does is Act.SHIP:
            said = shipment(order_id).model_dump() | said
        for name in _LENGTHS:
            if name in said:
                said[name] = PURCHASE + _LENGTH.validate_python(said[name])
        return Scene(
            name=f"{order_id}-{number}-{step.does}",
            at=at,
            who=step.who,
            does=step.does,
            subject=f"case-{order_id}-1" if step.does in TO_THE_CASE else order_id,
            message=MESSAGES[step.does].model_validate(said),
            reply=step.reply,
        )


def _pushed(number: int, event: TrackingEvent, order_id: str) -> Scene:
    return Scene(
        name=f"{order_id}-push-{number}",
        at=event.at,
        who=Role.CARRIER,
        does=Act.TRACKING,
        subject=order_id,
        message=Tracking(events=(event,), submitted_at=event.at),
    )


def shipment(order_id: str) -> Shipment:
    """The parcel of an order in a story: its own number of the sandbox carrier."""
    return Shipment(carrier="sandbox", tracking_number=sandbox_number(zlib.crc32(order_id.encode())))


def _usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


@cache
def all_stories() -> Mapping[str, Story]:
    """Every story by name, in the order of the names."""
    files = sorted(FOLDER.glob("*.toml"))
    return {file.stem: Story(name=file.stem, **tomllib.loads(file.read_text(encoding="utf-8"))) for file in files}


def ended(outcome: Outcome, notices: Iterable[Notice]) -> Ends:
    """How an order ended, in the terms of a story; `notices` as they were posted."""
    told: dict[Role, list[str]] = {}
    for notice in notices:
        told.setdefault(notice.to, []).append(notice.kind)
    return Ends(
        ending=outcome.decision.ending,
        refunded=outcome.ledger.total(EntryKind.REFUNDED),
        charged_back=outcome.ledger.total(EntryKind.CHARGED_BACK),
        seller=outcome.ledger.total(EntryKind.RELEASED, EntryKind.COMPENSATED),
        cases=tuple(case.remedy or "withdrawn" for case in outcome.cases),
        rejected=outcome.rejected,
        found=outcome.found_after_loss,
        notices={role: tuple(kinds) for role, kinds in told.items()},
    )


class World(Protocol):
    """Where a story can happen. All instants are policy time (UTC)."""

    async def at(self, instant: datetime) -> None:
        """Let time pass until `instant`."""

    async def begin(self, draft: OrderDraft, shipment: Shipment, journey: News) -> None:
        """Capture the payment, teach the carrier the journey, start the order."""

    async def tell(self, scene: Scene) -> Reply | None:
        """Pass on what is said, however long that takes; the reply, if it is answered at once."""

    async def end(self, order_id: str) -> Outcome:
        """Wait for the end of the order."""


class Played(Model):
    """How a story went. `surprises` are replies other than the story's."""

    outcome: Outcome
    surprises: tuple[str, ...] = ()


async def play(story: Story, world: World, order_id: str = "", clock: Clock = REAL_TIME) -> Played:
    """Let a story happen in a world, as the order `order_id` (by default its name)."""
    order_id = order_id or story.name
    await world.begin(story.draft(order_id, clock), shipment(order_id), story.journey())
    surprises = []
    for scene in story.scenes(order_id):
        await world.at(scene.at)
        reply = await world.tell(scene)
        if reply is not None and reply.verdict is not scene.reply:
            surprises.append(f"{scene.who} {scene.does}: {reply.verdict}, not {scene.reply}: {reply.text}")
    return Played(outcome=await world.end(order_id), surprises=tuple(surprises))
