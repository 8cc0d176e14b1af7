"""A case without a server: a `Sitting` carries steps out as the workflow does, and its time passes as in a docket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Self

from domain import policy_packs
from domain.cases import interlock, opening, returns, silence
from domain.cases.case import CaseFile, CaseRecord, Delivery, Matter
from domain.cases.clocks import OF_RETURN, OF_SUPPORT
from domain.cases.finality import took_effect
from domain.cases.preview import ACTIONS
from domain.cases.record import EvidenceItem, Resolution, StandingRule
from domain.cases.step import Step
from domain.docket_state import Pause
from domain.duties import Duty, DutyKind, Shift
from domain.histories import BuyerHistory, Histories, SellerHistory
from domain.messages import ChargebackState, Interlock, Overtaken, Reply
from domain.money import Money
from domain.order import PriceSplit
from domain.parcel import Shipment
from domain.parties import Party, Role
from domain.policy import CaseState, EvidenceKind, Policy, Reason, Remedy
from domain.requests import Label

BUYER = Party(id="b-17", time_zone="America/New_York", country="US")
SELLER = Party(id="s-4", time_zone="America/Los_Angeles", country="US")
OPENED = datetime(2026, 11, 4, 15, tzinfo=UTC)
"""When the buyer complains: Wednesday 10:00 in New York, where the desk is open."""

RETURN_SHIPMENT = Shipment(carrier="sandbox", tracking_number="SB100000017")
GOOD = Histories(buyer=BuyerHistory(orders=9, complaints=1), seller=SellerHistory(orders=9, upheld=3))
"""A buyer in good standing, and a seller who is no trusted one."""


def usd(minor: int) -> Money:
    """An amount in US cents."""
    return Money(minor=minor, currency="USD")


POLICY: Policy = policy_packs.pin(policy_packs.load("resale-v1"), placed_at=OPENED, countries=("US",))
PRICE = PriceSplit(items=usd(11_000), shipping=usd(900), tax=usd(1_000), platform_fee=usd(2_200))
_FILE = CaseFile(
    case_id="case-A-1-1",
    order_id="A-1",
    buyer=BUYER,
    seller=SELLER,
    reason=Reason.NOT_AS_DESCRIBED,
    at_stake=PRICE.total,
    opened_at=OPENED,
    policy=POLICY,
    price=PRICE,
    text="The colour is another one.",
    delivery=Delivery(
        shipment=Shipment(carrier="sandbox", tracking_number="SB100000009"),
        scanned_at=OPENED - timedelta(days=5),
        delivered_at=OPENED - timedelta(days=1),
    ),
)


def a_file(price: PriceSplit = PRICE, **changes: Any) -> CaseFile:
    """A complaint of USD 129.00 about a parcel that was delivered, with the changes that a test cares for."""
    return _FILE.model_copy(update={"price": price, "at_stake": price.total, **changes})


def dear(items: int = 80_000) -> PriceSplit:
    """The price of something that costs more than one agent may decide on alone."""
    return PriceSplit(items=usd(items), shipping=usd(900), tax=usd(1_000), platform_fee=usd(2_200))


def a_policy(reason: Reason = Reason.NOT_AS_DESCRIBED, rule: dict[str, Any] | None = None, **blocks: Any) -> Policy:
    """The ordinary policy with changed settings of blocks, as `offers={"most": 1}`, and of one reason's `rule`."""
    changed = {name: getattr(POLICY, name).model_copy(update=settings) for name, settings in blocks.items()}
    if rule:
        changed["reasons"] = {**POLICY.reasons, reason: POLICY.reasons[reason].model_copy(update=rule)}
    return POLICY.model_copy(update=changed)


def a_photo(kind: EvidenceKind | str = EvidenceKind.PHOTO_FRONT, content: str = "", **changes: Any) -> EvidenceItem:
    """A file of its own content, as it is handed in."""
    digest = sha256((content or f"what {kind} shows").encode()).hexdigest()
    uri = f"store://{digest[:16]}/{kind}.jpg"
    facts = {"kind": kind, "uri": uri, "sha256": digest, "media_type": "image/jpeg", "size": 1_000}
    return EvidenceItem(**(facts | changes))


def words(text: str) -> EvidenceItem:
    """Evidence in words."""
    return EvidenceItem(kind=EvidenceKind.STATEMENT, text=text)


def complete(reason: Reason = Reason.NOT_AS_DESCRIBED) -> tuple[EvidenceItem, ...]:
    """All that the checklist of a reason asks for."""
    return tuple(a_photo(kind) for kind in POLICY.reasons[reason].evidence)


def gives(percent: int, remedy: Remedy = Remedy.PARTIAL_REFUND) -> StandingRule:
    """The seller gives up to this share."""
    return StandingRule(by=Role.SELLER, remedy=remedy, percent=percent)


def takes(percent: int, remedy: Remedy = Remedy.PARTIAL_REFUND) -> StandingRule:
    """The buyer takes this share or more."""
    return StandingRule(by=Role.BUYER, remedy=remedy, percent=percent)


def proposal(minor: int | None = None, remedy: Remedy = Remedy.PARTIAL_REFUND) -> dict[str, Any]:
    """What an offer proposes, as a field of a message."""
    return {"remedy": remedy, "amount": None if minor is None else usd(minor)}


class Sitting:
    """A case that is played without a server: messages, silence, the carrier's news, and the errands of its workflow.

    `matches` says what is found when a file is compared with its hash, by the kind of its item (otherwise it matches).
    Without `errands`, what the case needs of the world outside stays undone until `run_errands`.
    Each duty that ends is kept with how it ended, and each step that was taken is kept too.
    """

    def __init__(
        self,
        file: CaseFile | None = None,
        *,
        histories: Histories | None = None,
        matches: dict[str, bool | None] | None = None,
        label: int = 700,
        errands: bool = True,
    ) -> None:
        self.file = file or a_file()
        self.record = CaseRecord()
        self.duties: dict[DutyKind, Duty] = {}
        self.now = self.file.asked_at or self.file.opened_at
        self.steps: list[Step] = []
        self.told: list[Resolution] = []
        self.opened: list[Duty] = []
        self.ended: list[tuple[DutyKind, str]] = []
        self._histories = histories
        self._matches = matches or {}
        self._label = label
        self._errands = errands
        self._pauses: dict[str, Pause] = {}
        self.take(opening.open_case(self.file))

    @property
    def matter(self) -> Matter:
        """The case as it stands now."""
        return Matter(file=self.file, record=self.record, duties=dict(self.duties), now=self.now)

    @property
    def state(self) -> CaseState:
        """Where the case stands."""
        return self.record.state

    @property
    def decision(self) -> Resolution:
        """The decision that stands."""
        return self.record.standing_decision

    @property
    def notes(self) -> list[str]:
        """What has been noted, oldest first."""
        return [note.what for step in self.steps for note in step.notes]

    # --- steps ---

    def take(self, step: Step) -> Self:
        """Carry a step out."""
        self.steps.append(step)
        self.record = step.record
        for kind in step.closed:
            self._end(kind, "closed")
        for duty in step.opened:
            self._end(duty.kind, "replaced")
            moved = duty
            for pause in self._pauses.values():
                moved = _stopped(moved, pause)
            self.duties[duty.kind] = moved
            self.opened.append(moved)
        self._pause()
        if self._errands:
            self.run_errands()
        return self

    def _end(self, kind: DutyKind, how: str) -> None:
        if self.duties.pop(kind, None):
            self.ended.append((kind, how))

    def _pause(self) -> None:
        waiting = self.record.state in self.file.policy.support.paused_in
        for cause, kinds, stopped in (
            ("chargeback", tuple(DutyKind), self.record.freeze is not None),
            ("appeal", OF_RETURN, self.record.open_appeal is not None),
            ("waiting", OF_SUPPORT, waiting),
        ):
            if stopped and cause not in self._pauses:
                self._pauses[cause] = Pause(shift=Shift(cause=cause, since=self.now), kinds=kinds)
                self._shift(self._pauses[cause])
            elif not stopped and cause in self._pauses:
                pause = self._pauses.pop(cause)
                self._shift(pause.model_copy(update={"shift": pause.shift.model_copy(update={"until": self.now})}))

    def _shift(self, pause: Pause) -> None:
        self.duties = {kind: _stopped(duty, pause) for kind, duty in self.duties.items()}

    # --- what people say ---

    def say(self, action: str, **fields: Any) -> Reply:
        """An action of people, by the name of its message; carried out unless it is refused."""
        model, act = ACTIONS[action]
        step = act(self.matter, model.model_validate(fields))
        assert step.reply is not None, f"{action} is answered"
        if not step.reply.refused:
            self.take(step)
        return step.reply

    def evidence(self, by: Role, *items: EvidenceItem) -> Reply:
        """A side hands evidence in."""
        return self.say("evidence", by=by, items=items)

    def contested(self) -> Self:
        """The seller contests, and the case comes to support."""
        assert not self.say("respond", accept=False).refused
        return self

    def ruled(self, remedy: Remedy, minor: int | None = None, agent: str = "kim", **fields: Any) -> Reply:
        """An agent rules."""
        amount = None if minor is None else usd(minor)
        return self.say("rule", agent=agent, remedy=remedy, amount=amount, reason="As the photos show.", **fields)

    def decided(self, remedy: Remedy, minor: int | None = None, agent: str = "kim") -> Self:
        """An agent rules, if need be another one confirms, and the undo window passes."""
        assert not self.ruled(remedy, minor, agent).refused
        if self.state is CaseState.AWAITING_CONFIRMATION:
            assert not self.say("confirm", agent=f"{agent}-lead").refused
        return self.until(DutyKind.TAKE_EFFECT)

    # --- time ---

    def wait(self, **length: float) -> Self:
        """Time passes; what lapses meanwhile, lapses in its order."""
        return self.at(self.now + timedelta(**length))

    def at(self, instant: datetime) -> Self:
        """Time passes until an instant."""
        while (duty := self._next()) and duty.due is not None and duty.due <= instant:
            self.lapse()
        self.now = max(self.now, instant)
        return self

    def until(self, kind: DutyKind) -> Self:
        """Everybody stays silent until a duty of this kind has lapsed."""
        while self.lapse() is not kind:
            assert self.duties, f"there is no {kind} to lapse"
        return self

    def lapse(self) -> DutyKind | None:
        """Everybody stays silent until the time of the next duty is up; gives its kind, if there is one."""
        duty = self._next()
        if duty is None or duty.due is None:
            return None
        self.now = max(self.now, duty.due)
        self._end(duty.kind, "lapsed")
        self.take(silence.lapsed(self.matter, duty))
        return duty.kind

    def _next(self) -> Duty | None:
        due = ((duty.due, duty.kind) for duty in self.duties.values() if duty.due)
        return self.duties[min(due)[1]] if any(duty.due for duty in self.duties.values()) else None

    # --- the world outside ---

    def run_errands(self) -> None:
        """Do what the case needs of the world outside, as its workflow does."""
        while step := self._errand():
            self._errands, errands = False, self._errands
            self.take(step)
            self._errands = errands

    def _errand(self) -> Step | None:
        record = self.record
        trip, decision = record.trip, record.decision
        if record.freeze and not record.freeze.handed_over:
            return interlock.handed_over(self.matter, taken=True)
        if unchecked := [item for item in record.evidence if not item.checked]:
            found = {item.id: self._matches.get(item.kind, True) for item in unchecked}
            return returns.files_checked(self.matter, found)
        if opening.to_weigh(record):
            asked = opening.needs_histories(self.file, record)
            return opening.weigh(self.matter, self._histories if asked else None)
        if record.state is CaseState.SETTLED and decision and record.effective < decision.number:
            self.told.append(decision)
            return took_effect(self.matter, decision.number)
        if record.state is CaseState.AWAITING_RETURN and trip and trip.label is None:
            label = Label(reference="label-1", shipment=RETURN_SHIPMENT, cost=usd(self._label))
            return returns.label_bought(self.matter, label)
        if trip and trip.over and trip.label and trip.label_refunded is None and trip.sent_at is None:
            return returns.label_refunded(self.matter, refunded=True)
        return None

    def sent_back(self) -> Self:
        """The carrier scans the return."""
        return self.take(returns.sent_back(self.matter, self.now))

    def came_back(self) -> Self:
        """The carrier brings the return to the seller."""
        return self.take(returns.came_back(self.matter, self.now))

    def returned(self) -> Self:
        """The buyer sends the goods back, and three days later the seller has them."""
        return self.sent_back().wait(days=3).came_back()

    def bank(self, state: ChargebackState, left: int = 0, chargeback_id: str = "cb-1") -> Self:
        """The order tells of a chargeback."""
        amount = self.file.at_stake
        said = Interlock(chargeback_id=chargeback_id, state=state, amount=amount, left=usd(left))
        return self.take(interlock.chargeback(self.matter, said))

    def overtaken(self) -> Self:
        """The order ends otherwise."""
        return self.take(interlock.overtaken(self.matter, Overtaken(ending="lost")))


def owed(sitting: Sitting) -> set[DutyKind]:
    """The kinds of duty that are open."""
    return set(sitting.duties)


def _stopped(duty: Duty, pause: Pause) -> Duty:
    if duty.kind not in pause.kinds:
        return duty
    return duty.shifted(pause.shift.model_copy(update={"since": max(pause.shift.since, duty.since)}))
