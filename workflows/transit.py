"""A parcel on its way, out to a buyer or back to a seller: late, stalled, lost, turned back."""

from __future__ import annotations

from collections.abc import Callable

from domain import clocks
from domain.carriage import Carriage, WatchState
from domain.duties import Duty, DutyKind, Silence
from domain.parcel import Parcel, TrackingStatus
from domain.parties import Role
from workflows.docket import Docket
from workflows.journal import Journal
from workflows.parcel_watch import ParcelWatch

UNTIL_ARRIVED = (DutyKind.DELIVER, DutyKind.MOVE, DutyKind.FIND, DutyKind.COLLECT, DutyKind.BRING_BACK)
UNDELIVERED = (TrackingStatus.ATTEMPT_FAILED, TrackingStatus.READY_FOR_PICKUP)


class Transit:
    """Acts on what `watch` hears of a parcel, and on its silence; whoever owns it decides what an arrival means.

    `lost` is called with the duty that the carrier has failed once the parcel counts as lost.
    `prefix` precedes the journal codes, so that the way back can be told in words of its own.
    """

    def __init__(
        self,
        carriage: Carriage,
        docket: Docket,
        journal: Journal,
        *,
        lost: Callable[[Duty], None],
        prefix: str = "",
        state: WatchState | None = None,
    ) -> None:
        self._carriage = carriage
        self._docket = docket
        self._journal = journal
        self._lost = lost
        self._prefix = prefix
        self.watch = ParcelWatch(carriage, docket, journal, state)

    @property
    def parcel(self) -> Parcel:
        """What is known of the parcel."""
        return self.watch.parcel

    def begin(self) -> None:
        """The carrier has scanned the parcel, and owes its delivery."""
        self._docket.open(clocks.deliver(self._carriage, self.parcel))
        self._note("scanned", Role.BUYER, Role.SELLER, at=self.parcel.scanned_at)

    def follow(self) -> None:
        """Act on fresh news of a parcel that is on its way."""
        news = self.watch.read()
        parcel = self.parcel
        if parcel.returned_at:
            self._note("returned", Role.BUYER, Role.SELLER)
        elif parcel.returning_at:
            if DutyKind.BRING_BACK not in self._docket.duties:
                self._docket.close(*UNTIL_ARRIVED)
                self._docket.open(clocks.bring_back(self._carriage, parcel.returning_at))
                self._note("returning", Role.BUYER, Role.SELLER)
        elif parcel.last_news_at:
            if news:
                self._docket.open(*clocks.in_transit(self._carriage, parcel.last_news_at))
            deliver = self._docket.duties.get(DutyKind.DELIVER)
            if deliver and deliver.agreed_due != clocks.deliver(self._carriage, parcel).agreed_due:
                self._docket.open(clocks.deliver(self._carriage, parcel))
            if any(event.status in UNDELIVERED for event in news):
                collect = clocks.collect(self._carriage, parcel.last_news_at)
                self._docket.open(collect)
                self._note("attempt_failed", collect.owner, due=collect.agreed_due)

    async def on_silence(self, duty: Duty) -> bool:
        """Do what the silence of `duty` means, and say whether it was about a parcel on its way."""
        match duty.on_silence:
            case Silence.LOOK_UP:
                self.watch.look_up()
            case Silence.TELL_LATE:
                self._note("late", Role.BUYER, Role.SELLER, due=duty.due)
            case Silence.TRACE:
                self._note("stalled", Role.BUYER, Role.SELLER, since=duty.since)
                await self.watch.trace()
            case Silence.DECLARE_LOST:
                await self._last_day_to_appear(duty)
            case Silence.EXPECT_RETURN:
                self._note("not_collected", Role.BUYER, Role.SELLER)
            case _:
                return False
        return True

    def end(self) -> None:
        """The parcel has arrived, or no longer matters: the carrier owes nothing more."""
        self._docket.close(*UNTIL_ARRIVED)
        self.watch.stop()

    def snapshot(self) -> WatchState:
        """All that another run needs to go on; taken before the watch is stopped."""
        return self.watch.snapshot()

    async def _last_day_to_appear(self, duty: Duty) -> None:
        """The carrier's word counts, so it is asked once more before the parcel is given up."""
        await self.watch.look_now()
        if self.watch.fresh:
            return
        self._note("lost", Role.BUYER, Role.SELLER, since=duty.since, borne_by=self._carriage.loss_borne_by)
        self._lost(duty)

    def _note(self, what: str, *told: Role, **facts: object) -> None:
        self._journal.note(f"{self._prefix}{what}", *told, **facts)
