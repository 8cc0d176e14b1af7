"""Each story of an order from purchase to its end: outcome, money and notices.

`Play.ends` audits each: the ledger balances and agrees with the provider's books, and nobody is paid twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activities.sandbox import journeys
from domain.duties import DutyKind
from domain.ledger import Account
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import Policy, Remedy
from domain.story import Outcome
from tests.play import Play, a_photo, begin, scan
from tests.world import BEGINNING, SHIPMENT, World, an_order, la, ny, usd

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

RELEASED = {"buyer": -12_900, "seller": 8_800, "platform": 3_100, "tax": 1_000}
REFUNDED = {"buyer": 0, "seller": 0, "platform": 0, "tax": 0}
FAKE = ("photo_front", "photo_back", "photo_sides", "photo_parcel")
"""All that the buyer of a fake is asked to show; it does not come back, and a person looks."""
BORNE_BY_PLATFORM = {"buyer": 0, "seller": 8_800, "platform": -8_800, "tax": 0}


def divided(outcome: Outcome) -> dict[str, int]:
    """Where the money is at the end, in cents; what the buyer has paid and not got back is negative."""
    accounts = (Account.BUYER, Account.SELLER, Account.PLATFORM, Account.TAX)
    return {account.value: outcome.ledger.balance(account) for account in accounts}


async def _shipped(world: World, *, at: timedelta = DAY, policy: Policy | None = None) -> Play:
    """An order whose seller marks it as shipped a day and five minutes after the purchase."""
    changes: dict[str, Any] = {"policy": policy} if policy else {}
    play = await begin(world, **changes)
    await world.at(BEGINNING + at + timedelta(minutes=5))
    await play.ships()
    return play


async def _delivered(world: World) -> Play:
    """An order that was delivered on Tuesday, 3 November, at 11:00 in New York, and that its webhook tells of."""
    play = await begin(world)
    await world.at(ny(11, 3, 11, 30))
    await play.delivered(ny(11, 3, 11))
    return play


async def _contested(world: World) -> Play:
    play = await _delivered(world)
    await play.complains("counterfeit", evidence=[a_photo(world, kind) for kind in FAKE])
    await play.answers(accept=False)
    return play


# --- before the carrier has it ---


async def test_never_shipped(world: World) -> None:
    """A seller who never ships is reminded on both ladders; then the order cancels itself against them."""
    play = await begin(world)
    outcome = await play.ends()

    assert ("not_shipped", True, 6) == (outcome.decision.ending, outcome.against_seller, outcome.reminders)
    assert la(11, 19, 10) == outcome.decision.at.replace(microsecond=0)
    assert REFUNDED == divided(outcome)
    # The buyer is told in advance of the day on which the order ends by itself.
    assert ["opened", "buyer_may_cancel", "reminded", "reminded", "refunded", "closed"] == await play.notices(
        Role.BUYER
    )
    seller = ["opened", *["reminded"] * 4, "buyer_may_cancel", *["reminded"] * 2, "refunded", "closed"]
    assert seller == await play.notices(Role.SELLER)


async def test_marked_but_never_scanned(world: World) -> None:
    """A click is no hand-over: the seller is chased, the buyer may cancel, and at last the order cancels itself."""
    world.scripted(*journeys.never_scanned(BEGINNING + DAY))
    play = await _shipped(world)
    outcome = await play.ends()

    assert ("not_scanned", None) == (outcome.decision.ending, outcome.scanned_at)
    assert REFUNDED == divided(outcome)
    assert "chased" in await play.notices(Role.SELLER)
    assert "buyer_may_cancel" in await play.notices(Role.BUYER)


async def test_last_look_finds_a_scan_in_time(world: World) -> None:
    """Before an order is taken away the carrier is asked once more, and a scan in time saves it."""
    play = await begin(world, shipment=SHIPMENT)
    world.carrier.set_faults(unavailable=1)
    world.scripted(scan(la(11, 19, 9)), scan(la(11, 22, 9), TrackingStatus.DELIVERED))
    await world.at(la(11, 19, 9, 59, 30))
    world.carrier.set_faults()
    outcome = await play.ends()

    assert "window_closed" == outcome.decision.ending
    assert (la(11, 19, 9), True) == (outcome.scanned_at, outcome.shipped_late)


# --- on its way ---


async def test_delivered_and_silence(world: World) -> None:
    """What arrives and is not complained about is paid out when the report window closes."""
    world.scripted(*journeys.direct(BEGINNING + DAY))
    play = await _shipped(world)
    outcome = await play.ends()

    arrived = BEGINNING + 5 * DAY + 6 * HOUR
    assert ("window_closed", arrived) == (outcome.decision.ending, outcome.delivered_at)
    assert arrived + 72 * HOUR == outcome.decision.at.replace(microsecond=0)
    assert RELEASED == divided(outcome)
    assert ["opened", "marked_shipped", "scanned", "delivered", "reminded", "closed"] == await play.notices(Role.BUYER)
    assert ["opened", "scanned", "delivered", "released", "closed"] == await play.notices(Role.SELLER)


async def test_delivered_and_accepted(world: World) -> None:
    """A content buyer ends the wait."""
    play = await _delivered(world)
    await play.accepts()
    outcome = await play.ends()

    assert "accepted" == outcome.decision.ending
    assert RELEASED == divided(outcome)


async def test_late(world: World) -> None:
    """Past the estimate both sides are told; the parcel still arrives, and the order ends well."""
    world.scripted(*journeys.late(BEGINNING + DAY))
    play = await begin(world, estimate=BEGINNING + 6 * DAY)
    await world.at(BEGINNING + DAY + HOUR)
    await play.ships()
    outcome = await play.ends()

    assert ("window_closed", True, False) == (
        outcome.decision.ending,
        outcome.delivered_late,
        outcome.shipped_late,
    )
    assert ("late" in await play.notices(Role.BUYER), "late" in await play.notices(Role.SELLER)) == (True, True)
    assert RELEASED == divided(outcome)


async def test_stalled_then_moving(world: World) -> None:
    """A parcel that stands still is traced once; when it moves on, all goes on."""
    start = BEGINNING + DAY
    journey = journeys.direct(start, transit=12 * DAY)
    world.scripted(*(event for event in journey if event.status != TrackingStatus.IN_TRANSIT))
    play = await _shipped(world)
    outcome = await play.ends()

    assert "window_closed" == outcome.decision.ending
    assert 1 == (await play.told()).count("stalled")
    assert 1 == world.carrier.traces(SHIPMENT)
    assert "stalled" in await play.notices(Role.BUYER)


async def test_lost_at_the_cost_of_the_platform(world: World) -> None:
    """A parcel without a sign for 30 days is lost: the buyer is refunded, and the platform pays the seller."""
    world.scripted(*journeys.lost(BEGINNING + DAY))
    play = await _shipped(world)
    outcome = await play.ends()

    assert ("lost", False) == (outcome.decision.ending, outcome.found_after_loss)
    assert BORNE_BY_PLATFORM == divided(outcome)
    assert ["lost", "refunded", "compensated", "closed"] == (await play.notices(Role.SELLER))[-4:]


async def test_lost_at_the_cost_of_the_seller(world: World) -> None:
    """Where policy lets the seller bear the loss, they get nothing for a lost parcel."""
    world.scripted(*journeys.lost(BEGINNING + DAY))
    play = await _shipped(world, policy=_borne_by_seller())
    outcome = await play.ends()

    assert "lost" == outcome.decision.ending
    assert REFUNDED == divided(outcome)


async def test_lost_then_found(world: World) -> None:
    """A lost parcel that arrives after the refund: the buyer keeps both, and the platform pays the seller."""
    world.scripted(*journeys.lost_then_found(BEGINNING + DAY))
    play = await _shipped(world, policy=_borne_by_seller())
    outcome = await play.ends()

    assert ("lost", True) == (outcome.decision.ending, outcome.found_after_loss)
    assert BORNE_BY_PLATFORM == divided(outcome)
    assert ("found" in await play.notices(Role.BUYER), "found" in await play.notices(Role.SELLER)) == (True, True)


async def test_found_after_the_platform_has_paid(world: World) -> None:
    """Who was paid for the loss is not paid again when the parcel is found."""
    world.scripted(*journeys.lost_then_found(BEGINNING + DAY))
    play = await _shipped(world)
    outcome = await play.ends()

    assert outcome.found_after_loss
    assert BORNE_BY_PLATFORM == divided(outcome)


async def test_returned_to_sender(world: World) -> None:
    """What was not collected goes back: the seller has the parcel and the buyer the money."""
    world.scripted(*journeys.returned(BEGINNING + DAY))
    play = await _shipped(world)
    outcome = await play.ends()

    assert "returned_to_sender" == outcome.decision.ending
    assert REFUNDED == divided(outcome)
    buyer = await play.notices(Role.BUYER)
    # Asked to collect after the attempt, and again once the parcel waits at the pick-up point.
    asked = ["attempt_failed", "attempt_failed", "reminded", "reminded"]
    assert asked == [what for what in buyer if what in asked]
    assert ["returning", "returned", "refunded", "closed"] == buyer[-4:]


async def test_attempted_then_delivered(world: World) -> None:
    """A failed attempt asks the buyer to collect; once delivered, nothing of that is left."""
    world.scripted(*journeys.attempted_then_delivered(BEGINNING + DAY))
    play = await _shipped(world)
    outcome = await play.ends()

    assert "window_closed" == outcome.decision.ending
    assert 1 == (await play.notices(Role.BUYER)).count("attempt_failed")
    assert RELEASED == divided(outcome)


# --- complaints ---


async def test_seller_accepts_a_complaint(world: World) -> None:
    """A seller who accepts gives the buyer the remedy of the reason, at once where nothing has to come back."""
    play = await _delivered(world)
    await play.complains("counterfeit")
    await play.answers(accept=True)
    outcome = await play.ends()

    assert ("case", "case-A-1-1") == (outcome.decision.ending, outcome.decision.case_id)
    assert [("refund_and_keep", "seller", False)] == [
        (case.remedy, case.decided_by, case.automatic) for case in outcome.cases
    ]
    assert REFUNDED == divided(outcome)


@pytest.mark.parametrize(("reason", "money"), [("changed_mind", RELEASED), ("late", REFUNDED)])
async def test_silence_of_the_seller(world: World, reason: str, money: dict[str, int]) -> None:
    """A seller's silence does what policy says for the reason, under that rule."""
    play = await begin(world, estimate=ny(11, 3, 10))
    await world.at(ny(11, 3, 11, 30))
    await (play.scanned(scan(ny(11, 3, 9))) if reason == "late" else play.delivered(ny(11, 3, 11)))
    await play.complains(reason)
    outcome = await play.ends()

    assert ("case", f"resale-v1/reasons.{reason}.reply") == (outcome.decision.ending, outcome.decision.rule)
    assert outcome.cases[0].automatic
    assert money == divided(outcome)


@pytest.mark.parametrize(
    ("remedy", "money"),
    [
        (Remedy.REFUND_AND_KEEP, REFUNDED),
        (Remedy.RELEASE, RELEASED),
        # Of the 79.00 that stay, tax and shipping come first; of the 60.00 left a fifth is the fee.
        (Remedy.PARTIAL_REFUND, {"buyer": -7_900, "seller": 4_800, "platform": 2_100, "tax": 1_000}),
    ],
)
async def test_contested_and_ruled(world: World, remedy: Remedy, money: dict[str, int]) -> None:
    """An agent's ruling decides a contested case, and the order carries it out to the cent."""
    play = await _contested(world)
    reply = await play.ruled(remedy, usd(5_000) if remedy is Remedy.PARTIAL_REFUND else None)
    outcome = await play.ends()

    assert not reply.refused
    assert [(remedy, "support", "kim")] == [(case.remedy, case.decided_by, case.agent) for case in outcome.cases]
    assert money == divided(outcome)


async def test_escalated_and_ruled_by_the_lead(world: World) -> None:
    """What support has not decided in its time goes to the lead; that the lead's time was broken stays on record."""
    play = await _contested(world)
    await world.at(ny(11, 20, 12))
    await play.ruled(Remedy.RELEASE)
    outcome = await play.ends()

    assert [(True, False)] == [(case.breached, case.automatic) for case in outcome.cases]
    support = [notice.kind for notice in world.outbox.notices("case-A-1-1") if notice.to is Role.SUPPORT]
    # First the clock of the first answer, then the one of the decision, then the lead's.
    clocks = ["sla_warning", "breached", "sla_warning", "escalated", "breached"]
    assert ["with_support", *clocks, "undo_window"] == support
    assert RELEASED == divided(outcome)


async def test_last_resort(world: World) -> None:
    """A case that nobody decides is refunded at its last resort."""
    play = await _contested(world)
    outcome = await play.ends()

    assert "resale-v1/support.last_resort" == outcome.decision.rule
    assert ny(1, 2, 11, 30) <= outcome.decision.at <= ny(1, 2, 11, 31)
    assert REFUNDED == divided(outcome)


async def test_withdrawn(world: World) -> None:
    """A withdrawn complaint lets the order go on, with the time that was left of the report window."""
    play = await _delivered(world)
    await world.at(ny(11, 4, 11))
    await play.complains("damaged", at=ny(11, 4, 11))
    await world.at(ny(11, 5, 11))
    await play.withdraws()
    outcome = await play.ends()

    assert ("window_closed", None) == (outcome.decision.ending, outcome.cases[0].remedy)
    assert ny(11, 7, 11) <= outcome.decision.at <= ny(11, 7, 11, 1)
    assert RELEASED == divided(outcome)


async def test_complaint_about_a_parcel_on_its_way(world: World) -> None:
    """A complaint about lateness that is refused before the delivery does not pay the seller for nothing."""
    play = await begin(world, estimate=ny(11, 1, 10))
    await world.at(ny(11, 1, 11))
    await play.scanned(scan(ny(11, 1, 9)))
    await play.complains("late")
    await play.answers(accept=False)
    await play.ruled(Remedy.RELEASE)
    told = await play.told()
    await world.at(ny(11, 6, 11))
    await play.scanned(scan(ny(11, 6, 10), TrackingStatus.DELIVERED))
    outcome = await play.ends()

    assert "decided" not in told
    assert "window_closed" == outcome.decision.ending


async def test_a_late_parcel_that_arrives_after_all(world: World) -> None:
    """Once it is there, the seller's silence about its lateness refunds nothing; the report window runs."""
    play = await begin(world, estimate=ny(11, 1, 10))
    await world.at(ny(11, 1, 11))
    await play.scanned(scan(ny(11, 1, 9)))
    await play.complains("late")
    await world.at(ny(11, 2, 11))
    await play.scanned(scan(ny(11, 2, 10), TrackingStatus.DELIVERED))
    await world.at(ny(11, 2, 12))
    again = await play.complains("late")
    outcome = await play.ends()

    assert ("has_arrived", "window_closed") == (again.code, outcome.decision.ending)
    assert [None] == [case.remedy for case in outcome.cases]
    assert RELEASED == divided(outcome)
    assert "arrived" in await play.case_notices(Role.BUYER)


# --- storms ---


async def test_storm_shifts_and_is_taken_back(world: World) -> None:
    """A storm moves exactly the clocks it names, shows on the receipt, and leaves no trace when taken back."""
    play = await begin(world)
    before = await play.duty(DutyKind.SHIP), await play.duty(DutyKind.SHIP_FINAL)
    await play.disrupted("ship", since=BEGINNING + DAY, until=BEGINNING + 3 * DAY)
    moved, named_not = await play.duty(DutyKind.SHIP), await play.duty(DutyKind.SHIP_FINAL)
    await play.disrupted(since=BEGINNING, revoked=True)
    after = await play.duty(DutyKind.SHIP), await play.duty(DutyKind.SHIP_FINAL)
    await world.at(BEGINNING + HOUR)

    assert la(11, 7, 10) == moved.due
    assert ("storm",) == tuple(shift.cause for shift in moved.shifts)
    assert before[1] == named_not
    assert before == after
    assert ["opened", "disrupted", "disruption_ended"] == await play.notices(Role.SELLER)


async def test_two_storms_share_one_cap(world: World) -> None:
    """Disruptions together move a clock by ten days at most, and taking one back gives its room to the other."""
    play = await begin(world)
    await play.disrupted("ship", since=BEGINNING)
    await play.disrupted("ship", since=BEGINNING, until=BEGINNING + 2 * DAY, name="strike")
    both = await play.duty(DutyKind.SHIP)
    await play.disrupted(since=BEGINNING, revoked=True)
    one = await play.duty(DutyKind.SHIP)

    assert (la(11, 15, 11), la(11, 7, 10)) == (both.due, one.due)


async def test_storm_over_the_report_window(world: World) -> None:
    """A storm that moves the report window moves the last moment for a complaint with it."""
    play = await _delivered(world)
    await play.disrupted("report", since=ny(11, 4, 11), until=ny(11, 5, 11))
    await world.at(ny(11, 7, 10))
    reply = await play.complains("counterfeit")
    await play.answers(accept=True)
    outcome = await play.ends()

    assert (False, ny(11, 7, 11)) == (reply.refused, reply.instant)
    assert REFUNDED == divided(outcome)


async def test_early_report_in_a_storm_is_held_until_its_door_closes(world: World) -> None:
    """An early "not received" holds the money until its own door closes, moved by the storm once, not twice."""
    play = await _delivered(world)
    await play.disrupted("report", since=ny(11, 3, 11), until=ny(11, 4, 11))
    await world.at(ny(11, 3, 12))
    reply = await play.complains("not_received")
    report = await play.duty(DutyKind.REPORT)
    outcome = await play.ends()

    assert reply.refused
    assert ny(11, 9, 11) == report.due
    assert ny(11, 9, 11) == outcome.decision.at.replace(microsecond=0)


# --- chargebacks ---


async def test_chargeback_won(world: World) -> None:
    """A chargeback that is won holds the release up, and changes nothing else."""
    play = await _delivered(world)
    await play.bank_says("opened")
    await world.at(ny(11, 20, 12))
    assert ("frozen", []) == (
        (await play.handle.query("status"))["state"],
        list(world.payments.releases(play.order.payment_ref)),
    )
    await play.bank_says("won")
    outcome = await play.ends()

    assert "window_closed" == outcome.decision.ending
    assert RELEASED == divided(outcome)


@pytest.mark.parametrize("when", ["in transit", "delivered", "in a case"])
async def test_chargeback_lost(world: World, when: str) -> None:
    """A lost chargeback has given the buyer all: nothing is refunded on top, and the seller is not paid."""
    if when == "in transit":
        play = await begin(world)
        await play.scanned(scan(BEGINNING))
    else:
        play = await (_contested(world) if when == "in a case" else _delivered(world))
    await play.bank_says("opened")
    await play.bank_says("lost")
    outcome = await play.ends()

    assert "charged_back" == outcome.decision.ending
    assert REFUNDED == divided(outcome)
    assert ((), ()) == (
        world.payments.refunds(play.order.payment_ref),
        world.payments.releases(play.order.payment_ref),
    )
    assert ("case_overtaken" in await play.notices(Role.BUYER)) == (when == "in a case")
    assert "case_failed" not in await play.notices(Role.BUYER)


async def test_chargeback_that_nobody_reports(world: World) -> None:
    """After 120 days without a result, a chargeback counts as lost."""
    play = await _delivered(world)
    await play.bank_says("opened")
    outcome = await play.ends()

    assert ("charged_back", "resale-v1/chargebacks.longest") == (outcome.decision.ending, outcome.decision.rule)
    assert REFUNDED == divided(outcome)


async def test_chargeback_before_a_refund_is_made(world: World) -> None:
    """Who is refunded by the bank is not refunded by us, and whose fault it was stays on record."""
    play = await begin(world)
    await play.bank_says("opened")
    await world.at(la(11, 20, 10))
    await play.bank_says("lost")
    outcome = await play.ends()

    assert ("not_shipped", True) == (outcome.decision.ending, outcome.against_seller)
    assert () == world.payments.refunds(play.order.payment_ref)
    assert REFUNDED == divided(outcome)


async def test_chargeback_of_a_lost_parcel(world: World) -> None:
    """Where the platform bears a loss, the seller is paid also when the buyer's bank was quicker than the refund."""
    play = await begin(world)
    await play.scanned(scan(BEGINNING))
    await play.bank_says("opened")
    await world.at(BEGINNING + 35 * DAY)
    await play.bank_says("lost")
    outcome = await play.ends()

    assert "lost" == outcome.decision.ending
    assert BORNE_BY_PLATFORM == divided(outcome)


async def test_chargeback_while_the_provider_is_down(world: World) -> None:
    """A refund that could not be made before the bank made it is given up, and the platform recovers its advance."""
    world.payments.set_faults(fail_before=1)
    play = await begin(world)
    await play.cancels(Role.BUYER)
    await world.at(BEGINNING + HOUR)
    await play.bank_says("opened")
    await play.bank_says("lost")
    world.payments.set_faults()
    outcome = await play.ends()

    assert "cancelled_by_buyer" == outcome.decision.ending
    assert () == world.payments.refunds(play.order.payment_ref)
    assert REFUNDED == divided(outcome)


# --- the payment provider ---


async def test_provider_down_for_days(world: World) -> None:
    """A provider that is down for days gets the refund once it is back: once, and with a person told meanwhile."""
    world.payments.set_faults(fail_before=1)
    play = await begin(world)
    await play.cancels(Role.BUYER)
    await world.at(BEGINNING + 3 * DAY)
    world.payments.set_faults(fail_after=0.5, seed=7)
    outcome = await play.ends()

    assert 1 == len(world.payments.refunds(play.order.payment_ref))
    assert REFUNDED == divided(outcome)
    assert "payment_stuck" in [notice.kind for notice in world.outbox.notices("order-A-1") if notice.to is Role.SUPPORT]


async def test_provider_refuses(world: World) -> None:
    """A refusal goes to a person and is tried again a business day later, until the cause is gone."""
    play = await begin(world)
    world.payments.open_dispute(play.order.payment_ref)
    await play.cancels(Role.BUYER)
    await world.at(BEGINNING + HOUR)
    stuck = await play.duty(DutyKind.RECONCILE)
    world.payments.close_dispute(play.order.payment_ref, won=True)
    outcome = await play.ends()

    # Eight business hours from Thursday 13:00: until 18:00 that day without the lunch break, the rest on Friday.
    assert (Role.SUPPORT, 30, 12) == (stuck.owner, stuck.due and stuck.due.day, stuck.due and stuck.due.hour - 4)
    assert 1 == len(world.payments.refunds(play.order.payment_ref))
    assert REFUNDED == divided(outcome)


def _borne_by_seller() -> Policy:
    policy = an_order(BEGINNING).policy
    return policy.model_copy(update={"transit": policy.transit.model_copy(update={"loss_borne_by": Role.SELLER})})
