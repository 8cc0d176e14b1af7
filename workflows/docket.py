"""The docket: the one way in which a workflow waits.

It holds the open duties, keeps a single timer for the next instant of any of them, sends reminders, and honours
extensions, pauses and disruptions. Because the duties are data, receipt, Web UI and search attributes read the very
instants that the timer waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from temporalio import workflow

from domain import details, wording
from domain.clock import Clock
from domain.disruptions import disrupted
from domain.docket_state import DocketState, Pause
from domain.duties import Duty, DutyKind, OpenDuty, Receipt, Shift
from domain.messages import Disruption

RunOn: TypeAlias = Callable[[Duty, datetime, datetime, datetime], datetime]
"""From a duty, when it was stopped, when it was due and when it runs on, to when it is due now (all UTC)."""


@dataclass(frozen=True, slots=True)
class _Alarm:
    """What the one timer waits for: a duty's end, or a reminder of it."""

    at: datetime
    duty: Duty
    reminds: bool

    def same(self, other: _Alarm | None) -> bool:
        """Whether a timer set for this is the right one for `other`, in instant and text."""
        return other is not None and (self.at, self.summary) == (other.at, other.summary)

    @property
    def summary(self) -> str:
        """The timer's text in the Web UI."""
        action = f"{self.duty.owner}: {wording.action(self.duty.kind)} by {wording.moment(self.duty.due or self.at)}"
        if self.reminds:
            return f"Remind {action}"[:200]
        return f"{action}; on silence {wording.consequence(self.duty.on_silence)}"[:200]


class Docket:
    """The open duties of one workflow.

    `remind` is called for a reminder that has come due; `before_waiting` is called before each wait, so that what has
    happened is told first; `longest_disruption` bounds how far disruptions may move a duty.
    All instants are policy time in UTC.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        remind: Callable[[Duty], None],
        before_waiting: Callable[[], None],
        longest_disruption: Callable[[Duty], timedelta],
    ) -> None:
        self._clock = clock
        self._remind = remind
        self._before_waiting = before_waiting
        self._longest_disruption = longest_disruption
        self._duties: dict[DutyKind, Duty] = {}
        self._pauses: dict[str, Pause] = {}
        self._disruptions: dict[str, Disruption] = {}
        self._changed = False
        self._alarm: asyncio.Task[None] | None = None
        self._set_for: _Alarm | None = None

    @property
    def duties(self) -> Mapping[DutyKind, Duty]:
        """The open duties by kind."""
        return self._duties

    @property
    def pauses(self) -> tuple[str, ...]:
        """The causes for which clocks stand still now."""
        return tuple(self._pauses)

    def disruptions_of(self, kind: DutyKind) -> tuple[str, ...]:
        """The disruptions in force that name this clock, open or not."""
        return tuple(name for name, one in self._disruptions.items() if kind in one.clocks)

    def now(self) -> datetime:
        """Policy time now, UTC."""
        return self._clock.now(workflow.now())

    def wake(self) -> None:
        """Let a waiting docket tell what has happened before it goes on waiting."""
        self._changed = True

    def open(self, *duties: Duty) -> None:
        """Owe these duties from now on; one of the same kind is replaced. Pauses and disruptions in force apply."""
        now = self.now()
        for duty in duties:
            # A ladder may begin in the past, as when an extension is granted late: its first rungs are stale.
            self._duties[duty.kind] = self.moved(duty).without_reminders_before(now)
        self.wake()

    def moved(self, duty: Duty) -> Duty:
        """This duty as it would be if it were opened now, moved by the pauses and disruptions in force."""
        for pause in self._pauses.values():
            duty = _stopped(duty, pause)
        return self._disrupted(duty) if self._disruptions else duty

    def close(self, *kinds: DutyKind) -> None:
        """These duties are done or moot; kinds that are not open are fine."""
        for kind in kinds:
            if self._duties.pop(kind, None):
                self.wake()

    def close_all(self) -> None:
        """Nothing is owed any more."""
        self.close(*tuple(self._duties))

    def pause(self, cause: str, kinds: Iterable[DutyKind], since: datetime) -> None:
        """Stop these clocks from `since` on, also for duties yet to open, until `resume`."""
        pause = self._pauses[cause] = Pause(shift=Shift(cause=cause, since=since), kinds=tuple(kinds))
        self._reshift(lambda duty: _stopped(duty, pause))

    def resume(self, cause: str, run_on: RunOn | None = None) -> None:
        """Let the clocks that `cause` stopped run on with the time they had left; none, if it stopped none.

        `run_on` says when a duty is due then, for clocks that count other than elapsed time.
        """
        if pause := self._pauses.pop(cause, None):
            ended = pause.model_copy(update={"shift": pause.shift.model_copy(update={"until": self.now()})})
            self._reshift(lambda duty: _resumed(_stopped(duty, ended), run_on))

    def disrupt(self, disruption: Disruption) -> tuple[DutyKind, ...]:
        """Apply, correct or revoke a disruption; gives the open duties that it moved."""
        before = dict(self._duties)
        if disruption.revoked:
            self._disruptions.pop(disruption.disruption_id, None)
        else:
            self._disruptions[disruption.disruption_id] = disruption
        self._reshift(self._disrupted)
        return tuple(kind for kind, duty in self._duties.items() if duty != before[kind])

    def _disrupted(self, duty: Duty) -> Duty:
        return disrupted(duty, self._disruptions.values(), self._longest_disruption(duty))

    def _reshift(self, change: Callable[[Duty], Duty]) -> None:
        self._duties = {kind: change(duty) for kind, duty in self._duties.items()}
        self.wake()

    def receipt(self, subject: str, state: str) -> Receipt:
        """Every open duty with its exact instant, calendar, reminders left and the consequence of silence."""
        return details.receipt(subject, self.now(), state, (_open(duty) for duty in self._duties.values()))

    def snapshot(self) -> DocketState:
        """All that another run needs to go on; the timer is set anew there."""
        return DocketState(
            duties=tuple(self._duties.values()),
            pauses=tuple(self._pauses.values()),
            disruptions=tuple(self._disruptions.values()),
        )

    def restore(self, state: DocketState) -> None:
        """Go on where another run stopped: its duties keep the instants that they had."""
        self._duties = {duty.kind: duty for duty in state.duties}
        self._pauses = {pause.shift.cause: pause for pause in state.pauses}
        self._disruptions = {disruption.disruption_id: disruption for disruption in state.disruptions}
        self.wake()

    async def lapsed(self, until: Callable[[], bool]) -> Duty | None:
        """Wait until `until` holds, and give none; or until a duty's time is up, close it and give it.

        What `until` sees wins over a duty that lapses at the same time: a message sent in time counts,
        even if the workers were down when the time was up.
        """
        while not until():
            self._changed = False
            now = self.now()
            if lapsed := self._first_lapsed(now):
                del self._duties[lapsed.kind]
                return lapsed
            self._send_reminders(now)
            self._before_waiting()
            if not until() and not self._changed:
                self._set_alarm(self.now())
                await workflow.wait_condition(lambda: until() or self._changed or self._rang())
        return None

    def _first_lapsed(self, now: datetime) -> Duty | None:
        lapsed = (duty for duty in self._duties.values() if duty.lapsed_at(now))
        return min(lapsed, key=lambda duty: (duty.due or now, duty.kind), default=None)

    def _send_reminders(self, now: datetime) -> None:
        """After an outage several reminders may be due at once: only one is sent, the others are stale."""
        for kind, duty in self._duties.items():
            reminder = duty.next_reminder()
            if reminder is not None and reminder <= now:
                self._duties[kind] = duty.without_reminders_before(now)
                self._remind(duty)

    def _set_alarm(self, now: datetime) -> None:
        """Keep the timer that runs if it is still the right one; a new timer costs an action."""
        alarms = (alarm for duty in self._duties.values() for alarm in _alarms(duty))
        wanted = min(alarms, key=lambda alarm: (alarm.at, alarm.duty.kind), default=None)
        if self._set_for is not None and not self._rang() and self._set_for.same(wanted):
            return
        self.stop()
        if wanted is not None:
            delay = max(self._clock.real_delay(wanted.at - now), timedelta())
            self._set_for = wanted
            self._alarm = asyncio.create_task(workflow.sleep(delay, summary=wanted.summary))

    def _rang(self) -> bool:
        return self._alarm is not None and self._alarm.done()

    def stop(self) -> None:
        """Drop the timer; needed before the workflow ends, so that nothing is left running."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._set_for = None


def _stopped(duty: Duty, pause: Pause) -> Duty:
    """A duty that opened while the clock stood still only gets the rest of the pause."""
    if duty.kind not in pause.kinds:
        return duty
    return duty.shifted(pause.shift.model_copy(update={"since": max(pause.shift.since, duty.since)}))


def _resumed(duty: Duty, run_on: RunOn | None) -> Duty:
    """The duty, once nothing stops it any more, moved to where `run_on` says by all that made it stand still."""
    still = [shift for shift in duty.shifts if shift.longest is None and shift.moves is None]
    ended = [shift.until for shift in still if shift.until is not None]
    if run_on is None or not still or len(ended) < len(still):
        return duty
    others = tuple(shift for shift in duty.shifts if shift not in still)
    before = duty.model_copy(update={"shifts": others}).due
    if before is None:
        return duty
    first, *rest = still
    moved = run_on(duty, min(shift.since for shift in still), before, max(ended)) - before
    nothing = timedelta()
    settled = [first.model_copy(update={"moves": moved}), *(one.model_copy(update={"moves": nothing}) for one in rest)]
    return duty.model_copy(update={"shifts": (*others, *settled)})


def _alarms(duty: Duty) -> Iterable[_Alarm]:
    """What a duty waits for: its end and its next reminder."""
    if duty.due is not None:
        yield _Alarm(duty.due, duty, reminds=False)
    if reminder := duty.next_reminder():
        yield _Alarm(reminder, duty, reminds=True)


def _open(duty: Duty) -> OpenDuty:
    moved = (duty.due or duty.agreed_due) - duty.agreed_due
    return OpenDuty(
        kind=duty.kind,
        owner=duty.owner,
        action=wording.action(duty.kind),
        since=duty.since,
        due=duty.due,
        calendar=duty.calendar,
        reminders_left=tuple(at + moved for at in duty.reminders) if duty.due else (),
        on_silence=duty.on_silence,
        consequence=wording.consequence(duty.on_silence),
        rule=duty.rule,
        paused=duty.paused,
        extendable_until=duty.extendable_until,
        shifts=duty.shifts,
    )
