"""Every clock of resale-v1: at its instant, and not one second before.

The instants are written out, or counted on a calendar by hand: nothing here asks the code under test what to expect.
Clocks are set back on Sunday, 1 November 2026; Wednesday 11 (Veterans Day) and Thursday 26 November are holidays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain import policy_packs
from domain.base import Model
from domain.messages import Verdict
from domain.order import Line, PriceSplit
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import EvidenceKind, Reason, Remedy, Term
from domain.spans import Span
from tests.play import Play, a_photo, a_statement, begin, scan
from tests.world import BEGINNING, World, la, ny, usd

SECOND = timedelta(seconds=1)


# --- clocks that act by themselves ---

Act = Callable[[Play], Awaitable[object]]


@dataclass(frozen=True)
class Plot:
    """What starts the clocks of a group of rows: what the parties do, and when."""

    acts: Mapping[datetime, Act] = field(default_factory=dict)
    order: Mapping[str, Any] = field(default_factory=dict)


async def _asks_to_cancel(play: Play) -> None:
    await play.cancels(Role.BUYER)


async def _asks_for_time(play: Play) -> None:
    await play.extends(Role.SELLER, until=la(11, 15, 10))


async def _ships_and_webhook_speaks(play: Play) -> None:
    await play.ships()
    await play.scanned(scan(la(11, 4, 9), TrackingStatus.LABEL_MADE))
    play.world.scripted(scan(la(11, 6, 8, 59, 59)))


async def _cancels_a_disputed_payment(play: Play) -> None:
    play.world.payments.open_dispute(play.order.payment_ref)
    await play.cancels(Role.SELLER)


async def _dispute_is_over(play: Play) -> None:
    play.world.payments.close_dispute(play.order.payment_ref, won=True)


def _ships_and_carrier_speaks_at(at: datetime) -> Act:
    async def act(play: Play) -> None:
        play.world.scripted(scan(at, TrackingStatus.LABEL_MADE))
        await play.ships()

    return act


def _is_scanned(*statuses: TrackingStatus, at: datetime) -> tuple[datetime, Act]:
    events = (scan(ny(10, 30, 9)), *(scan(at, status) for status in statuses))
    return at, lambda play: play.scanned(*events)


_DELIVERED = _is_scanned(TrackingStatus.DELIVERED, at=ny(11, 5, 12))
_PHOTOS = ("photo_front", "photo_back", "photo_sides", "photo_parcel")
_COSTLY = PriceSplit(items=usd(70_000), shipping=usd(900), tax=usd(1_000), platform_fee=usd(2_200))


async def _reports_a_fake(play: Play) -> None:
    await play.complains("counterfeit", evidence=[a_photo(play.world, EvidenceKind(kind)) for kind in _PHOTOS])


async def _writes_to_support(play: Play) -> None:
    await play.says(Role.SUPPORT, "Good evening")
    await play.says(Role.BUYER, "When will it be decided?")


_REPORTED: dict[datetime, Act] = {**dict([_DELIVERED]), ny(11, 6, 9): _reports_a_fake}
_HEARD: dict[datetime, Act] = {**_REPORTED, ny(11, 6, 20): lambda play: play.answers(accept=False)}
_RETURNED: dict[datetime, Act] = {
    **dict([_DELIVERED]),
    ny(11, 6, 9): lambda play: play.complains("damaged"),
    ny(11, 6, 10): lambda play: play.answers(accept=True),
}
_RULED: dict[datetime, Act] = {**_HEARD, ny(11, 9, 10): lambda play: play.ruled(Remedy.REFUND_AND_KEEP)}

PLOTS: dict[str, Plot] = {
    "bought on Thu 29 Oct, 10:00 in LA": Plot(),
    "marked as shipped on Wed 4 Nov, 9:00 in LA": Plot(
        {la(11, 4, 9): _ships_and_carrier_speaks_at(la(11, 4, 12, 59, 59))}
    ),
    "marked, and the carrier is silent for 3 days": Plot(
        {la(11, 4, 9): _ships_and_carrier_speaks_at(la(11, 7, 17, 44, 59))}
    ),
    "marked, and promised for Thu 5 Nov, 12:00 in LA": Plot(
        {la(11, 4, 9): _ships_and_carrier_speaks_at(la(11, 4, 13, 59, 59))}, {"estimate": la(11, 5, 12)}
    ),
    "a webhook speaks on Wed 4 Nov, 9:00 in LA": Plot({la(11, 4, 9): _ships_and_webhook_speaks}),
    "asked to cancel on Thu 29 Oct, 14:00 in LA": Plot({la(10, 29, 14): _asks_to_cancel}),
    "asked for time on Fri 30 Oct, 9:00 in LA": Plot({la(10, 30, 9): _asks_for_time}),
    "scanned on Fri 30 Oct, 12:00 in NY, then silence": Plot(
        dict([_is_scanned(TrackingStatus.IN_TRANSIT, at=ny(10, 30, 12))])
    ),
    "attempted on Tue 3 Nov, 12:00 in NY": Plot(dict([_is_scanned(TrackingStatus.ATTEMPT_FAILED, at=ny(11, 3, 12))])),
    "turned back on Mon 16 Nov, 9:00 in LA": Plot(dict([_is_scanned(TrackingStatus.RETURNING, at=la(11, 16, 9))])),
    "delivered on Thu 5 Nov, 12:00 in NY": Plot(dict([_DELIVERED])),
    "reported on Fri 6 Nov, 9:00 in NY, contested at night": Plot(_HEARD),
    "refund refused on Fri 30 Oct, at night": Plot(
        {ny(10, 30, 20): _cancels_a_disputed_payment, ny(11, 3, 20): _dispute_is_over}
    ),
    "chargeback on Fri 30 Oct, 10:00 in NY": Plot({ny(10, 30, 10): lambda play: play.charged_back("opened")}),
    "a storm without end from the purchase on": Plot({BEGINNING: lambda play: play.disrupted("ship", since=BEGINNING)}),
    "reported on Fri 6 Nov, 9:00 in NY, without a photo": Plot(
        {**dict([_DELIVERED]), ny(11, 6, 9): lambda play: play.complains("damaged")}
    ),
    "offered on Fri 6 Nov, 10:00 in NY": Plot(
        {**_REPORTED, ny(11, 6, 10): lambda play: play.offers(Role.SELLER, Remedy.PARTIAL_REFUND, usd(3_000))}
    ),
    # A word of the carrier at 11:00, so that no look-up is due at the instant of a reminder.
    "to be sent back from Fri 6 Nov, 10:00 in NY on": Plot(
        {**_RETURNED, ny(11, 6, 11): lambda play: play.sent_back(scan(ny(11, 6, 11), TrackingStatus.LABEL_MADE))}
    ),
    "back on Mon 9 Nov, 9:00 in LA": Plot({**_RETURNED, la(11, 9, 9): lambda play: play.came_back(la(11, 9, 9))}),
    "written to support on Fri 6 Nov, at night": Plot({**_HEARD, ny(11, 6, 21): _writes_to_support}),
    "ruled on Mon 9 Nov, 10:00 in NY": Plot(_RULED),
    "appealed on Mon 9 Nov, at night": Plot(
        {**_RULED, ny(11, 9, 20): lambda play: play.appeals(Role.SELLER, a_statement("It is genuine"))}
    ),
    "ruled on much money on Fri 6 Nov, at night": Plot(
        {**_HEARD, ny(11, 6, 21): lambda play: play.ruled(Remedy.REFUND_AND_KEEP)},
        {"price": _COSTLY, "lines": (Line(listing_id="L-1", price=usd(70_000)),)},
    ),
}


@dataclass(frozen=True)
class Clock:
    """One clock: a second before `instant` nothing has happened, at it `event` is in the story."""

    setting: str
    plot: str
    instant: datetime
    event: str
    of_case: bool = False


_BOUGHT, _MARKED, _SILENT, _PROMISED, _WEBHOOK, _ASKED, _MORE_TIME, _SCANNED, _ATTEMPTED, _TURNED = list(PLOTS)[:10]
_ARRIVED, _CONTESTED, _REFUSED, _CHARGED_BACK, _STORM, _NO_PHOTO, _OFFERED, _SEND_BACK, _BACK = list(PLOTS)[10:19]
_WRITTEN, _DECIDED, _APPEALED, _COSTLY_RULING = list(PLOTS)[19:]


def _of_case(setting: str, plot: str, instant: datetime, event: str) -> Clock:
    return Clock(setting, plot, instant, event, of_case=True)


CLOCKS = (
    Clock("shipping.soft.remind_after[0]", _BOUGHT, la(10, 31, 10), "reminded"),
    Clock("shipping.soft.remind_after[1]", _BOUGHT, la(11, 1, 9), "reminded"),
    Clock("shipping.soft.remind_before[0]", _BOUGHT, la(11, 2, 10), "reminded"),
    Clock("shipping.soft.remind_before[1]", _BOUGHT, la(11, 4, 10), "reminded"),
    Clock("shipping.soft", _BOUGHT, la(11, 5, 10), "buyer_may_cancel"),
    Clock("shipping.hard.remind_before[0]", _BOUGHT, la(11, 16, 10), "reminded"),
    Clock("shipping.hard.remind_before[1]", _BOUGHT, la(11, 18, 10), "reminded"),
    Clock("shipping.hard", _BOUGHT, la(11, 19, 10), "decided"),
    Clock("lookup.first", _MARKED, la(11, 4, 13), "tracking"),
    Clock("shipping.chase", _MARKED, la(11, 12, 9), "chased"),
    Clock("shipping.unscanned", _MARKED, la(11, 19, 9), "buyer_may_cancel"),
    Clock("shipping.unscanned_hard.remind_before[0]", _MARKED, la(12, 1, 9), "reminded"),
    Clock("shipping.unscanned_hard.remind_before[1]", _MARKED, la(12, 3, 9), "reminded"),
    Clock("shipping.unscanned_hard", _MARKED, la(12, 4, 9), "decided"),
    # From 13:00: 4, 6, 9, 13.5 and 20.25 h; the next would be 30.4 h, and is cut to 24 h.
    Clock("lookup.longest", _SILENT, la(11, 7, 17, 45), "tracking"),
    Clock("lookup.near", _PROMISED, la(11, 4, 14), "tracking"),
    Clock("lookup.sparse", _WEBHOOK, la(11, 6, 9), "tracking"),
    Clock("cancellation.answer", _ASKED, la(10, 30, 14), "decided"),
    Clock("shipping.extension.answer", _MORE_TIME, la(11, 1, 8), "extension_refused"),
    Clock("transit.stalled", _SCANNED, ny(11, 6, 12), "stalled"),
    Clock("transit.estimate", _SCANNED, ny(11, 9, 9), "late"),
    Clock("transit.lost", _SCANNED, ny(11, 29, 12), "lost"),
    Clock("transit.reappear", _SCANNED, ny(12, 13, 12), "closed"),
    Clock("transit.collect.remind_before[0]", _ATTEMPTED, ny(11, 10, 12), "reminded"),
    Clock("transit.collect.remind_before[1]", _ATTEMPTED, ny(11, 12, 12), "reminded"),
    Clock("transit.collect", _ATTEMPTED, ny(11, 13, 12), "not_collected"),
    Clock("transit.bring_back", _TURNED, la(12, 16, 9), "lost"),
    Clock("protection.window.remind_before[0]", _ARRIVED, ny(11, 7, 12), "reminded"),
    Clock("protection.window", _ARRIVED, ny(11, 8, 12), "decided"),
    _of_case("evidence.top_up", _NO_PHOTO, ny(11, 7, 9), "evidence_round_over"),
    _of_case("offers.answer.remind_before[0]", _OFFERED, ny(11, 7, 10), "reminded"),
    _of_case("offers.answer", _OFFERED, ny(11, 8, 10), "offer_expired"),
    _of_case("returns.send_back.remind_before[0]", _SEND_BACK, ny(11, 8, 10), "reminded"),
    _of_case("returns.send_back.remind_before[1]", _SEND_BACK, ny(11, 10, 10), "reminded"),
    _of_case("returns.send_back", _SEND_BACK, ny(11, 11, 10), "return_chased"),
    _of_case("returns.close.remind_before[0]", _SEND_BACK, ny(11, 18, 10), "reminded"),
    _of_case("returns.close.remind_before[1]", _SEND_BACK, ny(11, 20, 10), "reminded"),
    _of_case("returns.close", _SEND_BACK, ny(11, 21, 10), "resolved_by_rule"),
    _of_case("returns.inspect.remind_before[0]", _BACK, la(11, 10, 9), "reminded"),
    _of_case("returns.inspect", _BACK, la(11, 11, 9), "final"),
    # 24 business hours from Monday 9:00 on are Monday, Tuesday and Thursday; 18 of them end on Thursday at 11:00.
    _of_case("support.first_answer", _CONTESTED, ny(11, 9, 18), "breached"),
    _of_case("support.warn_at", _CONTESTED, ny(11, 12, 11), "sla_warning"),
    _of_case("support.decide", _CONTESTED, ny(11, 12, 18), "escalated"),
    _of_case("support.lead", _CONTESTED, ny(11, 17, 18), "breached"),
    _of_case("support.last_resort", _CONTESTED, ny(1, 5, 9), "resolved_by_rule"),
    _of_case("support.next_answer", _WRITTEN, ny(11, 9, 18), "breached"),
    _of_case("support.confirm", _COSTLY_RULING, ny(11, 9, 18), "escalated"),
    _of_case("support.undo", _DECIDED, ny(11, 9, 11), "resolved"),
    _of_case("appeals.window.remind_before[0]", _DECIDED, ny(12, 6, 11), "reminded"),
    _of_case("appeals.window", _DECIDED, ny(12, 9, 11), "final"),
    # 48 business hours from Tuesday on: 10, 12, 13, 16, 17 and 18 November.
    _of_case("appeals.decide", _APPEALED, ny(11, 18, 18), "escalated"),
    _of_case("appeals.last_resort", _APPEALED, ny(1, 8, 20), "resolved_by_rule"),
    Clock("support.reconcile", _REFUSED, ny(11, 2, 18), "payment_stuck"),
    Clock("chargebacks.longest", _CHARGED_BACK, ny(2, 27, 10), "charged_back"),
    # Ten calendar days in New York from the purchase are an hour longer than 240 h.
    Clock("disruptions.cap", _STORM, la(11, 15, 11), "buyer_may_cancel"),
)


@pytest.mark.parametrize("plot", PLOTS)
async def test_clock_acts_at_its_instant(plot: str, world: World) -> None:
    """A clock acts once, at its instant and not a second before."""
    clocks = {clock.instant: clock for clock in CLOCKS if clock.plot == plot}
    acts = PLOTS[plot].acts
    play = await begin(world, **PLOTS[plot].order)
    for instant in sorted({*acts, *clocks}):
        if act := acts.get(instant):
            await world.at(instant)
            await act(play)
        if clock := clocks.get(instant):
            await _acts_at_its_instant(play, clock)


async def _acts_at_its_instant(play: Play, clock: Clock) -> None:
    await play.world.at(clock.instant - SECOND)
    before = await _when(play, clock)
    await play.world.at(clock.instant)
    after = await _when(play, clock)
    assert [*before, clock.instant] == after, clock.setting


async def _when(play: Play, clock: Clock) -> list[datetime]:
    story = await (play.case_story() if clock.of_case else play.story())
    return [entry.at for entry in story if entry.what == clock.event]


# --- doors: what is accepted until an instant, or from an instant on ---


@dataclass(frozen=True)
class Complaints:
    """One reason: what happens to the parcel, when its door opens and closes, and what the seller's silence brings.

    `too_early` and `too_late` are the rules of the refusals; where the order ends as the door closes, of its end.
    """

    reason: Reason
    opens: datetime
    closes: datetime
    too_early: str
    too_late: str
    silence: str = "with_support"
    order: Mapping[str, Any] = field(default_factory=dict)
    news: tuple[tuple[datetime, TrackingStatus], ...] = ((ny(11, 5, 12), TrackingStatus.DELIVERED),)

    @property
    def clock(self) -> str:
        """The setting that all its clocks are below."""
        return f"reasons.{self.reason}"


def _on_arrival(reason: Reason, silence: str = "with_support") -> Complaints:
    return Complaints(
        reason,
        opens=ny(11, 5, 12),
        closes=ny(11, 8, 12),
        too_early=f"reasons.{reason}.anchor",
        too_late="protection.window",
        silence=silence,
    )


REASONS = (
    _on_arrival(Reason.NOT_AS_DESCRIBED),
    _on_arrival(Reason.DAMAGED),
    _on_arrival(Reason.WRONG_ITEM),
    _on_arrival(Reason.MISSING_ITEM),
    _on_arrival(Reason.COUNTERFEIT),
    _on_arrival(Reason.REFUND_REFUSED),
    _on_arrival(Reason.CHANGED_MIND, silence="resolved_by_rule"),
    Complaints(
        Reason.NOT_RECEIVED,
        opens=ny(11, 7, 12),
        closes=ny(11, 10, 12),
        too_early="reasons.not_received.opens",
        too_late="protection.window",
        # Its tracking says that it was delivered in time.
        silence="resolved_by_rule",
    ),
    Complaints(
        Reason.LATE,
        opens=ny(11, 5, 12),
        closes=ny(12, 5, 12),
        too_early="reasons.late.opens",
        too_late="reasons.late.closes",
        silence="resolved_by_rule",
        order={"estimate": ny(11, 5, 12)},
        news=((ny(11, 4, 12), TrackingStatus.IN_TRANSIT), (ny(11, 20, 12), TrackingStatus.IN_TRANSIT)),
    ),
    Complaints(
        Reason.LOST,
        opens=ny(11, 8, 15),
        closes=ny(12, 1, 15),
        too_early="reasons.lost.opens",
        too_late="transit.lost",
        silence="resolved_by_rule",
        news=((ny(11, 1, 15), TrackingStatus.IN_TRANSIT),),
    ),
)


@pytest.mark.parametrize("row", REASONS, ids=lambda row: row.reason)
async def test_reason_opens_and_closes(row: Complaints, world: World) -> None:
    """A complaint is refused a second before its door opens, heard from then until it closes, and not after."""
    plays = [await begin(world, f"A-{number}", **row.order) for number in (1, 2, 3)]
    await _bring_news(plays, row, until=row.opens - SECOND)
    too_early = [await play.complains(row.reason, row.opens - SECOND) for play in plays]
    await _bring_news(plays, row, until=row.opens + SECOND)
    just_open = await plays[0].complains(row.reason, row.opens + SECOND)
    await _bring_news(plays[1:], row, until=row.closes - SECOND)
    still_open = await plays[1].complains(row.reason, row.closes - SECOND)
    await world.at(row.closes + SECOND)
    too_late = await _rule_after_closing(plays[2], row)

    pack = "resale-v1/"
    assert [(Verdict.REFUSED, pack + row.too_early)] * 3 == [(reply.verdict, reply.rule) for reply in too_early]
    assert (Verdict.ACCEPTED, pack + row.clock) == (just_open.verdict, just_open.rule)
    assert (Verdict.ACCEPTED, pack + row.clock) == (still_open.verdict, still_open.rule)
    assert pack + row.too_late == too_late


async def _bring_news(plays: Sequence[Play], row: Complaints, *, until: datetime) -> None:
    """Let time pass until an instant, with the news of the parcel that come on the way."""
    now = await plays[0].world.now()
    for at, status in row.news:
        if now < at <= until:
            await plays[0].world.at(at)
            for play in plays:
                await play.scanned(scan(at, status))
    await plays[0].world.at(until)


async def _rule_after_closing(play: Play, row: Complaints) -> str:
    if row.too_late.endswith("closes"):
        reply = await play.complains(row.reason)
        assert (True, row.closes) == (reply.refused, reply.instant)
        return reply.rule
    decision = (await play.ends()).decision
    assert row.closes == decision.at.replace(microsecond=0)
    return decision.rule


@pytest.mark.parametrize("row", REASONS, ids=lambda row: row.reason)
async def test_seller_is_reminded_and_silence_counts(row: Complaints, world: World) -> None:
    """A seller is reminded 24 h after a complaint; after 72 h their silence does what the reason says."""
    opened = row.opens + timedelta(hours=1)
    play = await begin(world, **row.order)
    await _bring_news([play], row, until=opened)
    await play.complains(row.reason, opened)

    for hours, setting, event in ((24, "reply.remind_after[0]", "reminded"), (72, "reply", row.silence)):
        instant = opened + timedelta(hours=hours)
        await _acts_at_its_instant(play, Clock(f"{row.clock}.{setting}", "", instant, event, of_case=True))


async def test_grace_of_a_cancellation(world: World) -> None:
    """Three hours after the purchase, a buyer cancels no longer by themselves but asks the seller."""
    before, after = await begin(world, "A-1"), await begin(world, "A-2")
    await world.at(la(10, 29, 12, 59, 59))
    in_grace = await before.cancels(Role.BUYER, at=la(10, 29, 12, 59, 59))
    await world.at(la(10, 29, 13, 0, 1))
    too_late = await after.cancels(Role.BUYER, at=la(10, 29, 13, 0, 1))

    assert (Verdict.ACCEPTED, "resale-v1/cancellation.grace") == (in_grace.verdict, in_grace.rule)
    assert (Verdict.ASKED, "resale-v1/cancellation.answer") == (too_late.verdict, too_late.rule)


async def test_cap_of_extensions(world: World) -> None:
    """No extension goes beyond 21 calendar days after the purchase."""
    cap = la(11, 19, 10)
    play = await begin(world)
    beyond = await play.extends(Role.SELLER, until=cap + SECOND)
    within = await play.extends(Role.SELLER, until=cap - SECOND)

    assert (Verdict.REFUSED, "resale-v1/shipping.extension.cap", cap) == (beyond.verdict, beyond.rule, beyond.instant)
    assert Verdict.ASKED == within.verdict


# --- nothing is left out ---


def _clocks_of(model: Model, prefix: str = "") -> Iterator[str]:
    for name in type(model).model_fields:
        yield from _clocks_in(getattr(model, name), f"{prefix}{name}")


def _clocks_in(value: object, name: str) -> Iterator[str]:
    if isinstance(value, Span):
        yield name
    elif isinstance(value, Term):
        yield name
        yield from (f"{name}.remind_after[{number}]" for number in range(len(value.remind_after)))
        yield from (f"{name}.remind_before[{number}]" for number in range(len(value.remind_before)))
    elif isinstance(value, Model):
        yield from _clocks_of(value, f"{name}.")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _clocks_in(item, f"{name}.{key}")


def test_every_clock_of_the_policy_is_tested() -> None:
    """A new clock in the policy needs its row in this file."""
    tested = {clock.setting for clock in CLOCKS} | {"cancellation.grace", "shipping.extension.cap"}
    # No workflow waits for it: tests/domain/test_courtesy.py.
    tested |= {"notices.margin"}
    for row in REASONS:
        tested |= {f"{row.clock}.{door}" for door in ("opens", "closes", "reply", "reply.remind_after[0]")}

    assert {*_clocks_of(policy_packs.load("resale-v1").policy), "support.warn_at"} == tested


def test_rows_of_one_plot_do_not_share_an_instant() -> None:
    """Two clocks of one plot at one instant would hide each other."""
    keys = [(clock.plot, clock.instant) for clock in CLOCKS]

    assert len(keys) == len(set(keys))
