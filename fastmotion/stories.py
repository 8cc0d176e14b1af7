"""Stories: orders as data, from the purchase to the last cent, and the player that lets them happen.

Each file in `fastmotion/stories/` tells one: what the parcel does, who says what and when, and how it must end.
The same data runs on the time-skipping server (tests), on the embedded server in fast motion (the demo), and
wherever else somebody offers a `World`. Times in a story are lengths since the purchase (`"5d 04:00"`).
"""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic import Field, TypeAdapter

from activities.sandbox import journeys
from activities.sandbox.labels import label_shipment
from domain.base import Model
from domain.cases.record import EvidenceItem, StandingRule
from domain.clock import REAL_TIME, Clock
from domain.ledger import EntryKind
from domain.messages import Message, Reply, Tracking, Verdict
from domain.money import Money
from domain.order import Line, PriceSplit
from domain.parcel import Shipment
from domain.parties import Id, Party, Role
from domain.requests import News
from domain.settlement import Ending
from domain.story import Notice, Outcome
from domain.tracking_numbers import sandbox_number
from fastmotion.exhibits import Exhibit
from storefront import messages
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
    OFFER = "offer"
    ANSWER_OFFER = "answer_offer"
    WITHDRAW = "withdraw"
    EVIDENCE = "evidence"
    MESSAGE = "message"
    REQUEST_EVIDENCE = "request_evidence"
    ASSIGN = "assign"
    RULE = "rule"
    CONFIRM = "confirm"
    UNDO = "undo"
    TRACK_RETURN = "track_return"
    INSPECT = "inspect"
    APPEAL = "appeal"


MESSAGES: Final[Mapping[str, type[Message]]] = {
    Act.TRACKING: Tracking,
    Act.TRACK_RETURN: Tracking,
    **{command: model for command, (_, model) in messages.LEFT.items()},
    **messages.ASKED,
}
"""The message of each act: those of the command line, and news of parcels, which only carriers have."""

TO_THE_ORDER: Final = frozenset(
    {Act.SHIP, Act.TRACKING, Act.ACCEPT, Act.COMPLAIN, Act.CANCEL, Act.EXTEND, Act.CHARGEBACK, Act.DISRUPT}
)
LEFT: Final = frozenset(
    {Act.SHIP, Act.TRACKING, Act.ACCEPT, Act.CHARGEBACK, Act.DISRUPT, Act.EVIDENCE, Act.MESSAGE, Act.TRACK_RETURN}
)
"""What is only left with the order or case; the rest is answered at once."""

JOURNEYS: Final[Mapping[str, Callable[..., journeys.Journey]]] = {
    journey.__name__: journey
    for journey in (
        journeys.never_scanned,
        journeys.direct,
        journeys.signed_for,
        journeys.late,
        journeys.stalled_for_ever,
        journeys.lost,
        journeys.lost_then_found,
        journeys.attempted_then_delivered,
        journeys.collected,
        journeys.returned,
    )
}

SHOWN: Final = frozenset(
    {EntryKind.COMPENSATED, EntryKind.CLAWED_BACK, EntryKind.RECOVERED}
    | {EntryKind.LABEL, EntryKind.LABEL_REFUNDED, EntryKind.LABEL_CHARGED}
)
"""The movements of money that a story tells of where they occur."""

_LENGTHS: Final = ("since", "until", "expires")
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

    def journey(self) -> News:
        """All that the carrier will ever say of it."""
        return News(events=JOURNEYS[self.name](PURCHASE + self.label, **self.lengths))


class Return(Model):
    """What the goods do on their way back: a journey from the moment the carrier has them.

    The return is that of the `decision` with this number in the `case` with this number.
    """

    name: str
    handed_over: timedelta
    lengths: dict[str, timedelta] = Field(default_factory=dict)
    pushed: bool = True
    case: int = 1
    decision: int = 1

    def shipment(self, order_id: str) -> Shipment:
        """The parcel that the case's label is for."""
        return label_shipment(f"label-case-{order_id}-{self.case}-{self.decision}")

    def journey(self) -> News:
        """All that the carrier will ever say of it, from the first scan on."""
        made = PURCHASE + self.handed_over - journeys.FIRST_SCAN
        _, *events = JOURNEYS[self.name](made, **self.lengths)
        return News(events=tuple(events))


class Step(Model):
    """Somebody acts at a length since the purchase. `says` is the message, `reply` how it must be answered.

    `evidence` are the kinds of what they show; in full, what an `Exhibit` has.
    `case` is the number of the case that hears it, for a disruption none if it is the order.
    """

    at: timedelta
    who: Role
    does: Act
    says: dict[str, Any] = Field(default_factory=dict)
    evidence: tuple[str | dict[str, Any], ...] = ()
    reply: Verdict = Verdict.ACCEPTED
    case: int | None = None


class Ends(Model):
    """How a story must end. Amounts in minor units; `seller` is all that the seller was paid.

    `cases` are the remedies of its cases in order, `notices` the kinds that each party was told, oldest first,
    `ledger` the totals of what else moved (`SHOWN`).
    """

    ending: Ending
    refunded: int = 0
    charged_back: int = 0
    seller: int = 0
    ledger: dict[EntryKind, int] = Field(default_factory=dict)
    cases: tuple[str, ...] = ()
    rejected: int = 0
    found: bool = False
    notices: dict[Role, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A step that is ready to be said: `name` is its own among all scenes, `at` in UTC, `subject` who hears it.

    What is shown with it has first to be handed in. Without a `reply`, any will do.
    """

    name: str
    at: datetime
    who: Role
    does: Act
    subject: str
    message: Message
    reply: Verdict | None = None
    exhibits: tuple[Exhibit, ...] = ()

    def showing(self, items: tuple[EvidenceItem, ...]) -> Scene:
        """The scene with what was handed in."""
        field = "items" if self.does is Act.EVIDENCE else "evidence"
        return replace(self, message=self.message.model_copy(update={field: items})) if items else self


class InChinese(Model):
    """What a story is called, and what it shows, for Chinese readers."""

    title: str
    moral: str


class Story(Model):
    """One story. An order of it costs `items` plus USD 9.00 shipping and 8 % tax; the platform's fee is 20 %."""

    name: Id
    title: str = Field(max_length=60)
    moral: str
    zh: InChinese | None = None
    items: int = Field(gt=0)
    buyer: Id
    seller: Id
    category: str = ""
    standing: tuple[StandingRule, ...] = ()
    estimate: timedelta | None = None
    parcel: Journey | None = None
    returns: tuple[Return, ...] = ()
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
            lines=(Line(listing_id=f"listing-{self.name}", price=items, category=self.category),),
            price=PriceSplit(
                items=items,
                shipping=_usd(900),
                tax=_usd(self.items * 8 // 100),
                platform_fee=_usd(self.items * 20 // 100),
            ),
            placed_at=PURCHASE,
            payment_ref=f"ch_{order_id}",
            standing=self.standing,
            estimate=None if self.estimate is None else PURCHASE + self.estimate,
            clock=clock,
        )

    def journeys(self, order_id: str) -> Mapping[Shipment, News]:
        """All that the carrier will ever say of the parcels, there and back."""
        told = {shipment(order_id): self.parcel.journey()} if self.parcel else {}
        return told | {back.shipment(order_id): back.journey() for back in self.returns}

    def scenes(self, order_id: str) -> tuple[Scene, ...]:
        """Everything that is said in the order of time, the carrier's own news included."""
        told = [self._scene(number, step, order_id) for number, step in enumerate(self.steps, 1)]
        if self.parcel and self.parcel.pushed:
            told += _pushed(self.parcel.journey(), Act.TRACKING, order_id, f"{order_id}-push")
        for number, back in enumerate(self.returns, 1):
            if back.pushed:
                subject = f"case-{order_id}-{back.case}"
                told += _pushed(back.journey(), Act.TRACK_RETURN, subject, f"{order_id}-back-{number}")
        return tuple(sorted(told, key=lambda scene: scene.at))

    def _scene(self, number: int, step: Step, order_id: str) -> Scene:
        at = PURCHASE + step.at
        said = {**step.says, "submitted_at": at}
        if step.does is Act.SHIP:
            said = shipment(order_id).model_dump() | said
        if step.does is Act.EVIDENCE:
            said["items"] = ()
        for name in _LENGTHS:
            if name in said:
                said[name] = PURCHASE + _LENGTH.validate_python(said[name])
        to_case = step.case is not None or step.does not in TO_THE_ORDER
        return Scene(
            name=f"{order_id}-{number}-{step.does}",
            at=at,
            who=step.who,
            does=step.does,
            subject=f"case-{order_id}-{step.case or 1}" if to_case else order_id,
            message=MESSAGES[step.does].model_validate(said),
            reply=step.reply,
            exhibits=tuple(_exhibit(shown, f"{order_id} {number}") for shown in step.evidence),
        )


def _exhibit(shown: str | dict[str, Any], origin: str) -> Exhibit:
    fields = {"kind": shown} if isinstance(shown, str) else shown
    return Exhibit(**{"origin": origin} | fields)


def _pushed(news: News, does: Act, subject: str, name: str) -> list[Scene]:
    return [
        Scene(
            name=f"{name}-{number}",
            at=event.at,
            who=Role.CARRIER,
            does=does,
            subject=subject,
            message=Tracking(events=(event,), submitted_at=event.at),
        )
        for number, event in enumerate(news.events, 1)
    ]


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
    moved = {kind: outcome.ledger.total(kind) for kind in EntryKind if kind in SHOWN}
    return Ends(
        ending=outcome.decision.ending,
        refunded=outcome.ledger.total(EntryKind.REFUNDED),
        charged_back=outcome.ledger.total(EntryKind.CHARGED_BACK),
        seller=outcome.ledger.total(EntryKind.RELEASED, EntryKind.COMPENSATED),
        ledger={kind: total for kind, total in moved.items() if total},
        cases=tuple(case.remedy or "withdrawn" for case in outcome.cases),
        rejected=outcome.rejected,
        found=outcome.found_after_loss,
        notices={role: tuple(kinds) for role, kinds in told.items()},
    )


class World(Protocol):
    """Where a story can happen. All instants are policy time (UTC)."""

    async def at(self, instant: datetime) -> None:
        """Let time pass until `instant`."""

    async def begin(self, draft: OrderDraft, journeys: Mapping[Shipment, News]) -> None:
        """Capture the payment, teach the carrier the journeys, start the order."""

    async def hand_in(self, exhibit: Exhibit) -> EvidenceItem:
        """Put the file where evidence is kept; what a message says of it."""

    async def tell(self, scene: Scene) -> Reply | None:
        """Pass on what is said, however long that takes; the reply, if it is answered at once."""

    async def end(self, order_id: str) -> Outcome:
        """Wait for the end of the order, the last one if something came after it had closed."""


class Played(Model):
    """How a story went. `surprises` are replies other than the story's."""

    outcome: Outcome
    surprises: tuple[str, ...] = ()


async def play(story: Story, world: World, order_id: str = "", clock: Clock = REAL_TIME) -> Played:
    """Let a story happen in a world, as the order `order_id` (by default its name)."""
    order_id = order_id or story.name
    await world.begin(story.draft(order_id, clock), story.journeys(order_id))
    surprises = []
    for scene in story.scenes(order_id):
        await world.at(scene.at)
        items = tuple([await world.hand_in(exhibit) for exhibit in scene.exhibits])
        reply = await world.tell(scene.showing(items))
        if reply and scene.reply and reply.verdict is not scene.reply:
            surprises.append(f"{scene.who} {scene.does}: {reply.verdict}, not {scene.reply}: {reply.text}")
    return Played(outcome=await world.end(order_id), surprises=tuple(surprises))
