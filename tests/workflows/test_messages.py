"""What parties say, accepted or refused: each refusal names its rule, is kept in the story and told to its sender."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.service import RPCError, RPCStatusCode

from domain.duties import DutyKind
from domain.messages import Answer, Complaint, Reply, Verdict
from domain.money import Money
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import Remedy
from domain.tracking_numbers import sandbox_number
from tests.play import Play, begin, scan
from tests.world import BEGINNING, World, la, ny, usd
from workflows.order import OrderWorkflow

HOUR = timedelta(hours=1)
LONG = "x" * 100_000


def _rule(reply: Reply) -> tuple[str, str]:
    return reply.verdict.value, reply.rule.removeprefix("resale-v1/")


async def _refused(play: Play, *expected: tuple[str, Role, str]) -> None:
    """The order has refused exactly these messages, visibly and with a notice to each sender."""
    await play.world.at(await play.world.now() + timedelta(seconds=1))
    refusals = [(message, by, rule.removeprefix("resale-v1/")) for message, by, rule in await play.refusals()]
    assert [(message, by.value, rule) for message, by, rule in expected] == refusals
    assert len(expected) == (await play.handle.query(OrderWorkflow.status)).rejected
    for role in {by for _, by, _ in expected}:
        assert sum(by is role for _, by, _ in expected) == (await play.notices(role)).count("refused")


# --- cancelling ---


async def test_seller_agrees_to_a_cancellation(world: World) -> None:
    """A seller who agrees to the buyer's wish cancels for the buyer, and it does not count against the seller."""
    play = await begin(world)
    await world.at(BEGINNING + 4 * HOUR)
    asked = await play.cancels(Role.BUYER)
    agreed = await play.cancels(Role.SELLER, Answer.AGREE)
    outcome = await play.ends()

    assert (Verdict.ASKED, BEGINNING + 28 * HOUR) == (asked.verdict, asked.instant)
    assert Verdict.ACCEPTED == agreed.verdict
    assert ("cancelled_by_buyer", False, usd(12_900)) == (
        outcome.decision.ending,
        outcome.against_seller,
        outcome.decision.refund,
    )


async def test_seller_refuses_a_cancellation(world: World) -> None:
    """After a refusal the order goes on, and the buyer learns from when they may cancel by themselves."""
    play = await begin(world)
    await world.at(BEGINNING + 4 * HOUR)
    await play.cancels(Role.BUYER)
    twice = await play.cancels(Role.BUYER)
    refusal = await play.cancels(Role.SELLER, Answer.REFUSE)
    again = await play.cancels(Role.BUYER)
    owed = await play.owed()
    await _refused(play, ("cancel", Role.BUYER, "cancellation.answer"))

    assert ("asked", "cancellation.answer") == _rule(twice)
    assert ("accepted", "cancellation.answer") == _rule(refusal)
    assert (("refused", "cancellation.answer"), la(11, 5, 10)) == (_rule(again), again.instant)
    assert {"ship", "ship_final"} == owed


async def test_buyer_cancels_by_right(world: World) -> None:
    """Once the soft ship-by date has passed, the buyer cancels at once, even if the seller refused before."""
    play = await begin(world)
    await world.at(BEGINNING + 4 * HOUR)
    await play.cancels(Role.BUYER)
    await play.cancels(Role.SELLER, Answer.REFUSE)
    await world.at(la(11, 5, 11))
    reply = await play.cancels(Role.BUYER)
    outcome = await play.ends()

    assert (("accepted", "shipping.soft"), la(11, 5, 10)) == (_rule(reply), reply.instant)
    assert "cancelled_by_buyer" == outcome.decision.ending


async def test_seller_cancels(world: World) -> None:
    """A seller may cancel until the first scan; the buyer gets all back, and it counts against the seller."""
    play = await begin(world)
    await play.ships()
    reply = await play.cancels(Role.SELLER)
    outcome = await play.ends()

    assert ("accepted", "cancellation") == _rule(reply)
    assert ("cancelled_by_seller", True) == (outcome.decision.ending, outcome.against_seller)


async def test_cancellations_that_are_refused(world: World) -> None:
    """Nobody answers a wish that is not there, only the seller answers, and after the scan nobody cancels."""
    play = await begin(world)
    replies = [
        await play.cancels(Role.SELLER, Answer.REFUSE),
        await play.cancels(Role.BUYER, Answer.REFUSE),
        await play.cancels(Role.SUPPORT),
        await play.cancels(Role.BUYER, text=LONG),
    ]
    await play.scanned(scan(BEGINNING))
    replies += [await play.cancels(Role.BUYER), await play.cancels(Role.SELLER)]
    await _refused(
        play,
        ("cancel", Role.SELLER, "cancellation.answer"),
        ("cancel", Role.BUYER, "cancellation.answer"),
        ("cancel", Role.SUPPORT, ""),
        ("cancel", Role.BUYER, "limits.text_characters"),
        ("cancel", Role.BUYER, "protection.window"),
        ("cancel", Role.SELLER, "protection.window"),
    )

    assert all(reply.refused and reply.text for reply in replies)


async def test_handing_over_overtakes_a_cancellation(world: World) -> None:
    """A parcel that is handed over before the seller has answered goes on its way, and both sides are told."""
    play = await begin(world)
    await world.at(BEGINNING + 4 * HOUR)
    await play.cancels(Role.BUYER)
    await play.scanned(scan(BEGINNING + 4 * HOUR))
    await world.at(BEGINNING + 30 * HOUR)

    assert ["opened", "cancellation_overtaken", "scanned"] == await play.notices(Role.BUYER)
    assert "answer_cancellation" not in await play.owed()


# --- more time ---


async def test_extension_is_granted_once(world: World) -> None:
    """A granted extension moves the ship-by date; the seller may not ask again, while the buyer may give more."""
    play = await begin(world)
    asked = await play.extends(Role.SELLER, until=la(11, 10, 9))
    meanwhile = await play.extends(Role.SELLER, until=la(11, 11, 9))
    granted = await play.extends(Role.BUYER, answer=Answer.AGREE)
    due = (await play.duty(DutyKind.SHIP)).due
    again = await play.extends(Role.SELLER, until=la(11, 12, 9))
    given = await play.extends(Role.BUYER, until=la(11, 12, 9))
    due_then = (await play.duty(DutyKind.SHIP)).due
    await _refused(
        play,
        ("extend", Role.SELLER, "shipping.extension.requests"),
        ("extend", Role.SELLER, "shipping.extension.requests"),
    )

    assert (Verdict.ASKED, BEGINNING + 48 * HOUR) == (asked.verdict, asked.instant)
    assert (Verdict.ACCEPTED, la(11, 10, 9)) == (granted.verdict, granted.instant)
    assert (True, True) == (meanwhile.refused, again.refused)
    assert Verdict.ACCEPTED == given.verdict
    assert (la(11, 10, 9), la(11, 12, 9)) == (due, due_then)


async def test_extension_is_refused(world: World) -> None:
    """A refused extension leaves the ship-by date, and the seller is told."""
    play = await begin(world)
    await play.extends(Role.SELLER, until=la(11, 10, 9))
    reply = await play.extends(Role.BUYER, answer=Answer.REFUSE)
    await world.at(BEGINNING + HOUR)

    assert ("accepted", "shipping.extension.answer") == _rule(reply)
    assert la(11, 5, 10) == (await play.duty(DutyKind.SHIP)).due
    assert ["opened", "extension_refused"] == await play.notices(Role.SELLER)


async def test_only_the_buyer_extends_after_the_soft_date(world: World) -> None:
    """After the soft date the seller's wish comes too late; the buyer's grant takes the right to cancel away again."""
    play = await begin(world)
    await world.at(la(11, 5, 11))
    late = await play.extends(Role.SELLER, until=la(11, 10, 9))
    granted = await play.extends(Role.BUYER, until=la(11, 10, 9))
    cancelling = await play.cancels(Role.BUYER)
    reminders_left = (await play.duty(DutyKind.SHIP)).reminders_left
    await world.at(la(11, 5, 12))

    assert ("refused", "shipping.soft") == _rule(late)
    assert Verdict.ACCEPTED == granted.verdict
    assert Verdict.ASKED == cancelling.verdict
    # 3 and 1 calendar days before; the rungs that lie in the past are not sent again.
    assert (la(11, 7, 9), la(11, 9, 9)) == reminders_left
    assert 4 == (await play.told()).count("reminded")


async def test_extensions_that_are_refused(world: World) -> None:
    """A wish for time needs a date that is later than the one in force and within the cap, before the hand-over."""
    play = await begin(world)
    replies = [
        await play.extends(Role.SELLER),
        await play.extends(Role.SELLER, until=la(11, 5, 10)),
        await play.extends(Role.BUYER, until=la(11, 20, 10)),
        await play.extends(Role.BUYER, answer=Answer.AGREE),
        await play.extends(Role.CARRIER, until=la(11, 10, 10)),
        await play.extends(Role.SELLER, until=la(11, 10, 10), text=LONG),
    ]
    await play.ships()
    replies.append(await play.extends(Role.SELLER, until=la(11, 10, 10)))

    assert [
        ("refused", "shipping.extension.cap"),
        ("refused", "shipping.soft"),
        ("refused", "shipping.extension.cap"),
        ("refused", "shipping.extension.answer"),
        ("refused", "shipping.extension.cap"),
        ("refused", "limits.text_characters"),
        ("refused", "shipping.extension"),
    ] == [_rule(reply) for reply in replies]
    assert (la(11, 19, 10), la(11, 5, 10)) == (replies[0].instant, replies[1].instant)


# --- handing over ---


async def test_implausible_shipments_are_refused(world: World) -> None:
    """A number that its carrier cannot have given is refused with the reason, and the order goes on."""
    play = await begin(world)
    await play.ships(number=sandbox_number(1)[:-1] + "0")
    await play.ships(number="")
    await play.ships(number="9" * 200)
    await play.ships(carrier="")
    await play.ships(carrier="c" * 1_000)
    await _refused(play, *[("shipped", Role.SELLER, "tracking_number")] * 5)
    await play.ships()
    told = await play.told()
    await play.scanned(scan(BEGINNING))
    await play.ships()
    refusals = await play.refusals()

    assert "marked_shipped" == told[-1]
    assert 6 == len(refusals), "after the scan there is nothing to mark"


async def test_marking_again_buys_no_time(world: World) -> None:
    """A repeated mark changes nothing, and a corrected number is followed on the clocks of the first mark."""
    play = await begin(world)
    await world.at(la(11, 4, 9))
    await play.ships()
    first = await play.duty(DutyKind.SCAN_FINAL)
    await world.at(la(11, 10, 9, 30))
    await play.ships()
    told = await play.told()
    await play.ships(number=sandbox_number(2))

    assert 1 == told.count("marked_shipped")
    assert 2 == (await play.told()).count("marked_shipped")
    assert first.due == (await play.duty(DutyKind.SCAN_FINAL)).due


async def test_news_survive_repetition_disorder_and_unknown_words(world: World) -> None:
    """News may come twice, out of order, and in words that this version does not know: nothing is lost or doubled."""
    start = ny(10, 30, 9)
    label, accepted, moved = (
        scan(start, TrackingStatus.LABEL_MADE),
        scan(start + 2 * HOUR),
        scan(start + 4 * HOUR, TrackingStatus.IN_TRANSIT),
    )
    play = await begin(world)
    await world.at(start + HOUR)
    await play.scanned(scan(start + HOUR, "teleported"))
    before = await play.told()
    await world.at(start + 5 * HOUR)
    await play.scanned(moved, accepted)
    await play.scanned(label, moved, accepted, accepted)
    await world.at(start + 6 * HOUR)
    story = await play.story()

    assert ["opened", "tracking"] == before, "an unknown word is no scan"
    news = [entry.facts["status"] for entry in story if entry.what == "tracking"]
    assert ["teleported", "accepted", "in_transit", "label_made"] == news
    assert 1 == [entry.what for entry in story].count("scanned")


@pytest.mark.parametrize("year", [1970, 2106, 2999])
async def test_a_delivery_in_a_year_that_cannot_be(world: World, year: int) -> None:
    """The buyer has the whole window from when it was heard, and the order still comes to its end by itself."""
    heard = BEGINNING + 24 * HOUR
    play = await begin(world)
    await world.at(heard)
    never = heard.replace(year=year)
    await play.scanned(scan(never, TrackingStatus.DELIVERED), estimate=never)
    outcome = await play.ends()

    assert (heard, "window_closed") == (
        outcome.delivered_at and outcome.delivered_at.replace(microsecond=0),
        outcome.decision.ending,
    )
    assert heard + 72 * HOUR <= outcome.decision.at


async def test_new_estimate_alone_moves_the_promise(world: World) -> None:
    """A carrier that only changes its estimate moves the day on which the parcel counts as late."""
    play = await begin(world)
    await world.at(ny(10, 30, 12))
    await play.scanned(scan(ny(10, 30, 12)), estimate=ny(11, 3, 18))
    await play.scanned(estimate=ny(11, 5, 18))
    await world.at(ny(11, 5, 17))

    assert ny(11, 5, 18) == (await play.duty(DutyKind.DELIVER)).due
    assert "late" not in await play.told()


# --- after delivery ---


async def test_acceptance_before_delivery_is_refused(world: World) -> None:
    """Nobody accepts what has not arrived; after delivery, acceptance releases the money at once."""
    play = await begin(world)
    await play.accepts()
    await _refused(play, ("buyer_accepts", Role.BUYER, "protection.window"))
    await world.at(ny(11, 3, 12))
    await play.delivered(ny(11, 3, 11))
    await play.accepts()
    outcome = await play.ends()

    assert ("accepted", 1) == (outcome.decision.ending, outcome.rejected)


async def test_complaints_that_are_refused(world: World) -> None:
    """An unknown reason, a long letter and a second case are refused with the rule, through either door."""
    play = await begin(world)
    early = await play.complains("damaged")
    await world.at(ny(11, 3, 12))
    await play.delivered(ny(11, 3, 11))
    replies = [
        await play.complains("ugly"),
        await play.complains("r" * 100_000),
        await play.complains("damaged", text=LONG),
    ]
    first = await play.complains("damaged")
    second = await play.complains("wrong_item")
    await play.handle.signal(OrderWorkflow.buyer_complaint, Complaint(reason="wrong_item"))
    await play.accepts()
    await _refused(
        play,
        ("open_case", Role.BUYER, "reasons.damaged.anchor"),
        ("open_case", Role.BUYER, "reasons"),
        ("open_case", Role.BUYER, "reasons"),
        ("open_case", Role.BUYER, "limits.text_characters"),
        ("open_case", Role.BUYER, "reasons.wrong_item"),
        ("buyer_complaint", Role.BUYER, "reasons.wrong_item"),
        ("buyer_accepts", Role.BUYER, ""),
    )
    stored = sum(len(str(entry.facts)) for entry in await play.story())

    assert early.refused
    assert all(reply.refused for reply in replies)
    assert ("case-A-1-1", "case-A-1-1") == (first.case_id, second.case_id)
    assert stored < 10_000, "what was refused is not kept"


async def test_complaint_by_signal_opens_a_case(world: World) -> None:
    """The durable door opens the same case as the one that answers, and stops the release."""
    play = await begin(world)
    await world.at(ny(11, 3, 12))
    await play.delivered(ny(11, 3, 11))
    await play.handle.signal(OrderWorkflow.buyer_complaint, Complaint(reason="damaged", text="a crack"))
    status = await play.handle.query(OrderWorkflow.status)
    report = await play.duty(DutyKind.REPORT)

    assert "case-A-1-1" == status.open_case
    assert (None, True) == (report.due, report.paused)


async def test_what_a_case_refuses(world: World) -> None:
    """A ruling waits for the seller and stays within what is at stake; nobody contests twice; texts are bounded."""
    play = await begin(world)
    await world.at(ny(11, 3, 12))
    await play.delivered(ny(11, 3, 11))
    await play.complains("damaged")
    replies = [
        await play.ruled(Remedy.RELEASE),
        await play.answers(accept=True, text=LONG),
    ]
    contested = await play.answers(accept=False)
    replies += [
        await play.answers(accept=False),
        await play.ruled(Remedy.PARTIAL_REFUND),
        await play.ruled(Remedy.PARTIAL_REFUND, Money(minor=100, currency="EUR")),
        await play.ruled(Remedy.PARTIAL_REFUND, usd(12_901)),
        await play.ruled(Remedy.PARTIAL_REFUND, usd(0)),
        await play.ruled(Remedy.REFUND_AND_KEEP, reason=LONG),
    ]
    await world.at(ny(11, 3, 13))
    facts = [entry.facts for entry in await play.case_story() if entry.what == "refused"]
    notices = [notice.to for notice in world.outbox.notices("case-A-1-1") if notice.kind == "refused"]

    assert Verdict.ACCEPTED == contested.verdict
    assert [True] * 8 == [reply.refused for reply in replies]
    senders = ["support", "seller", "seller", "support", "support", "support", "support", "support"]
    assert senders == [fact["by"] for fact in facts]
    assert sorted(senders) == sorted(notices)


# --- banks and operations ---


async def test_chargebacks_that_cannot_be(world: World) -> None:
    """A chargeback in another currency, of nothing, of more than was paid or in an unknown state freezes nothing."""
    play = await begin(world)
    await play.charged_back("opened", Money(minor=100, currency="EUR"))
    await play.charged_back("opened", usd(0))
    await play.charged_back("opened", usd(12_901))
    await play.charged_back("considered")
    await _refused(play, *[("chargeback", Role.PLATFORM, "chargebacks")] * 4)

    assert not (await play.handle.query(OrderWorkflow.status)).frozen


async def test_repeated_chargebacks_count_once(world: World) -> None:
    """A bank that repeats itself freezes once and takes once, and only what it has claimed."""
    play = await begin(world)
    for state in ("opened", "opened", "lost", "lost", "won"):
        await play.charged_back(state, usd(5_000) if state == "opened" else None)
    story = await play.told()
    await play.cancels(Role.SELLER)
    outcome = await play.ends()

    assert (1, 1, 0) == tuple(story.count(what) for what in ("frozen", "charged_back", "unfrozen"))
    amounts = [(entry.kind, entry.amount.minor) for entry in outcome.ledger.facts]
    assert [("captured", 12_900), ("charged_back", 5_000), ("refunded", 7_900)] == amounts


async def test_disruption_of_an_unknown_clock(world: World) -> None:
    """An unknown clock is refused with the names there are; the known ones of the same report move."""
    play = await begin(world)
    await play.disrupted("ship", "weather", since=BEGINNING, until=BEGINNING + 24 * HOUR)
    await _refused(play, ("disruption", Role.PLATFORM, "disruptions"))

    assert la(11, 6, 10) == (await play.duty(DutyKind.SHIP)).due
    assert la(11, 19, 10) == (await play.duty(DutyKind.SHIP_FINAL)).due


async def test_an_ended_order_hears_nobody(world: World) -> None:
    """Who speaks to an order that has ended gets an error, not silence."""
    play = await begin(world)
    await play.cancels(Role.BUYER)
    await play.ends()
    with pytest.raises(RPCError) as error:
        await play.accepts()

    assert RPCStatusCode.NOT_FOUND == error.value.status
