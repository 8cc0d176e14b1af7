"""Policy replay: what is played, what people do about it, what is counted, and what is found to be broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from activities.outcomes import SqlOutcomes
from activities.store import open_store
from domain import policy_packs
from domain.ledger import EntryKind
from domain.parties import Role
from domain.policy import Remedy
from domain.requests import Movement
from domain.settlement import Ending
from fastmotion.recorded import RecordedOrder
from storefront.errors import BadInput
from tests.fastmotion.recorded_orders import a_record, a_review, on_day, usd
from windtunnel import report_html
from windtunnel.__main__ import app
from windtunnel.behaviour import Assumption, Behaviour, Desk, Luck
from windtunnel.contract import Call
from windtunnel.replay import Pair, collect, pack_of, reported
from windtunnel.replay_play import Broken, Played, Rules, Theatre
from windtunnel.replay_records import Intake, Recording, of_outcome, of_store, playable, sample
from windtunnel.replay_world import Doubled, ReplayWorld
from windtunnel.report import Figure, Report, Unit, curve, figures
from windtunnel.report_show import interval, value
from windtunnel.report_tally import GROUPS, Facts, Tally, facts

PACK = policy_packs.load("resale-v1")
STRICT = "examples/resale-strict.toml"
EXAMPLE = "examples/orders.csv"

BRISK = Desk(answers_after=0.01, decides_after=1.0, confirms_after=0.5)
OBEDIENT = Behaviour(
    reminded_seller_ships=1,
    buyer_cancels=0,
    complains_at_one=1,
    complains_at_two=1,
    heeds_window=1,
    seller_accepts=1,
    seller_offers=0,
    seller_contests=0,
    people_answer_after=0.5,
    evidence_given=1,
    sends_back=1,
    seller_inspects=1,
)
UNHAPPY = a_record(review=a_review(1, 6))


def played(order: RecordedOrder, behaviour: Behaviour | None = None, pack: str = "resale-v1") -> Played:
    """The order under a pack, with everybody as told."""
    rules = Rules(behaviour=behaviour, desk=BRISK)
    return Theatre(pack_of(pack), rules).play(Recording(order=order), stories=True)


def but(**changes: float) -> Behaviour:
    """Everybody does as asked, but for these numbers."""
    return OBEDIENT.model_copy(update=changes)


def remedies(one: Played) -> list[tuple[Remedy | None, Role]]:
    """How the cases of an order were decided."""
    return [(case.remedy, case.decided_by) for case in one.outcome.cases]


# --- one order ---


def test_an_order_without_trouble_is_paid_out() -> None:
    """The record has a delivery and no word of the buyer, so the window closes and the seller is paid."""
    one = played(a_record())

    assert Ending.WINDOW_CLOSED == one.outcome.decision.ending
    assert usd(9_900).minor == one.outcome.ledger.total(EntryKind.RELEASED)
    assert on_day(5) == one.outcome.delivered_at


def test_one_theatre_plays_orders_of_any_date_one_after_another() -> None:
    """Virtual time begins anew with each order, also with one that was bought before the last."""
    theatre = Theatre(PACK, Rules())
    first = a_record()
    again = a_record(
        order_id="R-2",
        purchased_at=on_day(-700),
        handed_over_at=on_day(-698),
        delivered_at=on_day(-690),
        estimate=on_day(-692),
    )

    theatre.play(Recording(order=first))
    outcome = theatre.play(Recording(order=again)).outcome

    assert on_day(-690) == outcome.delivered_at
    assert outcome.closed_at < on_day(-680)


def test_a_replay_of_an_order_is_the_same_each_time() -> None:
    """Seed, order and policy decide everything."""
    order = a_record(review=a_review(2, 6), handed_over_at=on_day(9), delivered_at=on_day(12))

    assert played(order, Behaviour()).stories == played(order, Behaviour()).stories


def test_without_a_behaviour_a_reminder_moves_nobody() -> None:
    """People do only what the record says."""
    late = a_record(handed_over_at=on_day(9), delivered_at=on_day(12))

    one = played(late)

    assert one.notices["reminded to seller"] > 0
    assert on_day(9) == one.outcome.scanned_at


def test_a_reminded_seller_ships_sooner_and_all_that_follows_comes_sooner() -> None:
    """The parcel takes as long as it took, from an earlier hand-over."""
    late = a_record(handed_over_at=on_day(9), delivered_at=on_day(12))

    outcome = played(late, OBEDIENT).outcome

    assert outcome.scanned_at is not None
    assert outcome.scanned_at < on_day(4)
    assert outcome.scanned_at + timedelta(days=3) == outcome.delivered_at


def test_a_seller_who_is_in_time_is_not_moved() -> None:
    """Only a seller about to miss the date hurries."""
    assert on_day(2) == played(a_record(), OBEDIENT).outcome.scanned_at


def test_buyers_may_cancel_what_is_late() -> None:
    """With a share of one, the buyer takes the right that the policy gives."""
    late = a_record(handed_over_at=on_day(15), delivered_at=on_day(18))

    one = played(late, but(reminded_seller_ships=0, buyer_cancels=1))

    assert Ending.CANCELLED_BY_BUYER == one.outcome.decision.ending


def test_goods_come_back_before_the_refund() -> None:
    """The seller accepts, the buyer sends back, the seller confirms."""
    one = played(UNHAPPY, OBEDIENT)

    assert [(Remedy.RETURN_FOR_REFUND, Role.SELLER)] == remedies(one)
    assert usd(12_000).minor == one.outcome.ledger.total(EntryKind.REFUNDED)
    assert 1 == one.notices["return_delivered to seller"]


def test_goods_that_never_come_back_are_paid_for() -> None:
    """The case closes for the seller."""
    one = played(UNHAPPY, but(sends_back=0))

    assert 0 == one.outcome.ledger.total(EntryKind.REFUNDED)


def test_an_offer_is_taken_or_left() -> None:
    """A buyer who takes it gets that part; one who leaves it gets support's ruling."""
    offers = but(seller_accepts=0, seller_offers=1, buyer_takes_offer=1)

    taken = played(UNHAPPY, offers)
    left = played(UNHAPPY, offers.model_copy(update={"buyer_takes_offer": 0.0}))

    assert [(Remedy.PARTIAL_REFUND, Role.BUYER)] == remedies(taken)
    assert usd(3_300).minor == taken.outcome.ledger.total(EntryKind.REFUNDED)
    assert [(Remedy.RETURN_FOR_REFUND, Role.SUPPORT)] == remedies(left)


def test_support_decides_also_where_nobody_else_does_anything() -> None:
    """The desk is part of the platform: it works without a behaviour, and asks for no goods then."""
    one = played(UNHAPPY)

    assert [(Remedy.REFUND_AND_KEEP, Role.SUPPORT)] == remedies(one)
    assert 1 == len(one.arrivals)


def test_a_large_ruling_waits_for_a_second_agent() -> None:
    """Above the policy's amount, the desk confirms."""
    dear = a_record(
        review=a_review(1, 6), items=usd(90_000), lines=(a_record().lines[0].model_copy(update={"price": usd(90_000)}),)
    )

    one = played(dear)

    assert 1 == one.notices["ruling_to_confirm to support"]
    assert [(Remedy.REFUND_AND_KEEP, Role.SUPPORT)] == remedies(one)


def test_a_complaint_after_the_end_is_looked_at_by_support() -> None:
    """The order is taken up again, as the storefront's client would."""
    one = played(a_record(review=a_review(1, 30)))

    assert one.too_late
    assert [(Remedy.RELEASE, Role.SUPPORT)] == remedies(one)


def test_who_heeds_the_window_complains_in_time() -> None:
    """A review shows when a buyer was asked, not when they knew."""
    one = played(a_record(review=a_review(1, 30)), OBEDIENT)

    assert not one.too_late
    assert [(Remedy.RETURN_FOR_REFUND, Role.SELLER)] == remedies(one)


def test_a_policy_sets_its_own_ship_by_date_unless_told_otherwise() -> None:
    """What the marketplace promised then would hide what the policies differ in."""
    order = Recording(order=a_record(ship_by=on_day(4)))

    by_policy = Theatre(PACK, Rules()).play(order)
    by_record = Theatre(PACK, Rules(recorded_ship_by=True)).play(order)

    assert by_record.ship_by == on_day(4)
    assert by_policy.ship_by > on_day(6)


# --- laws ---


def test_a_provider_that_moved_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A negative control: money moved beside the ledger."""

    def book(self: ReplayWorld, _: str, movement: Movement) -> None:
        less = usd(movement.amount.minor - 1)
        self.moved[movement.key] = movement.model_copy(update={"amount": less})

    monkeypatch.setattr(ReplayWorld, "_book", book)

    with pytest.raises(Broken, match="ledger and payment provider differ"):
        played(a_record())


def test_a_movement_that_comes_twice_moves_money_once() -> None:
    """The same key again is the same fact; with another amount it is an error."""
    world = ReplayWorld()
    world.begin(usd(0), lambda _: None)
    first = Movement(key="k", order_id="R-1", payment_ref="ch", payee="s-4", amount=usd(5), purpose=EntryKind.RELEASED)

    def call(movement: Movement) -> Call:
        return Call("payments.release", 1, on_day(0), "order-R-1", lambda _: movement)

    assert world.perform(call(first)) == world.perform(call(first))
    with pytest.raises(Doubled, match="k was"):
        world.perform(call(first.model_copy(update={"amount": usd(6)})))


def test_a_failing_order_is_left_out_and_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report names the order, the policy, the reason and the command; the exit code is 1."""
    monkeypatch.setattr("windtunnel.replay_play.MOST_STEPS", 3)

    result = CliRunner().invoke(app, ["replay", EXAMPLE, "--orders", "1", "--seed", "4", "--no-behaviour", "--json"])

    found = json.loads(result.stdout)
    assert 1 == result.exit_code
    assert 0 == found["orders"]
    assert "not ended after 3 steps" in found["failures"][0]["why"]
    order_id = found["failures"][0]["order_id"]
    expected = f"python -m windtunnel replay {EXAMPLE} --order {order_id} --pack resale-v1 --against resale-v1 --seed 4"
    assert f"{expected} --no-behaviour" == found["failures"][0]["command"]


# --- records ---


def test_our_own_outcomes_are_records_too(tmp_path: Path) -> None:
    """An order from the store, played again under its own policy, ends as it ended."""
    store = f"sqlite:///{tmp_path / 'redress.sqlite'}"
    kept = SqlOutcomes(open_store(store))
    orders = (
        a_record(),
        a_record(order_id="R-4", handed_over_at=None, delivered_at=None),
        a_record(order_id="R-2", review=a_review(5, 6)),
        UNHAPPY.model_copy(update={"order_id": "R-3"}),
    )
    outcomes = {order.order_id: played(order, OBEDIENT).outcome for order in orders}
    for outcome in outcomes.values():
        kept.record(outcome)

    again = {one.order.order_id: one for one in of_store(store)}

    assert outcomes.keys() == again.keys()
    for order_id, recording in again.items():
        rules = Rules(behaviour=OBEDIENT, desk=BRISK)
        repeated = Theatre(PACK, rules).play(recording).outcome
        assert outcomes[order_id].decision.ending == repeated.decision.ending
        assert outcomes[order_id].decision.refund == repeated.decision.refund


def test_a_recorded_offer_is_made_and_taken_again() -> None:
    """Also without a model of how people react, for the record tells what they did."""
    offers = but(seller_accepts=0, seller_offers=1, buyer_takes_offer=1)
    recording = of_outcome(played(UNHAPPY, offers).outcome)

    again = Theatre(PACK, Rules(behaviour=None, desk=BRISK)).play(recording)

    assert [(Remedy.PARTIAL_REFUND, Role.BUYER)] == remedies(again)
    assert usd(3_300).minor == again.outcome.ledger.total(EntryKind.REFUNDED)


def test_an_outcome_without_its_order_is_no_record() -> None:
    """There would be nothing to play."""
    outcome = played(a_record()).outcome.model_copy(update={"order": None})

    with pytest.raises(ValueError, match="without its order"):
        of_outcome(outcome)


def test_a_store_that_cannot_be_read_is_refused_without_its_url() -> None:
    """A URL may hold a password."""
    with pytest.raises(BadInput, match="no database URL") as refused:
        next(of_store("nonsense://user:secret@host/db"))

    assert "secret" not in str(refused.value)


def test_what_is_left_out_is_counted() -> None:
    """Faults by name, and orders that were recorded for their fate unless they are wanted."""
    orders = [a_record(), a_record(base_rates=False), a_record(handed_over_at=on_day(-1))]
    records = [Recording(order=order) for order in orders]
    intake, every = Intake("here"), Intake("here")

    some = list(playable(records, intake, every_order=False))
    more = list(playable(records, every, every_order=True))

    assert (1, 2) == (len(some), len(more))
    assert (3, 1, {"handed over before the purchase": 1}) == (
        intake.read,
        intake.without_base_rates,
        dict(intake.unplayable),
    )


@given(count=st.integers(1, 30), seed=st.integers(0, 9))
def test_a_sample_has_no_order_twice_and_depends_on_the_seed_alone(count: int, seed: int) -> None:
    """Reservoir sampling, for any size."""
    records = [Recording(order=a_record(order_id=f"R-{number}")) for number in range(20)]

    drawn = [one.order.order_id for one in sample(records, count, seed)]

    assert min(count, 20) == len(set(drawn)) == len(drawn)
    assert drawn == [one.order.order_id for one in sample(records, count, seed)]


# --- the model of how people react ---


def test_every_number_has_a_meaning_and_a_source() -> None:
    """Nothing is assumed silently."""
    assumptions = (*Behaviour().assumptions(), *Desk().assumptions())

    assert len(Behaviour.model_fields) + len(Desk.model_fields) == len(assumptions)
    assert all(one.means and one.source for one in assumptions)


@given(seed=st.integers(0, 99), question=st.text(max_size=10))
def test_chance_is_the_same_for_the_same_question(seed: int, question: str) -> None:
    """So that two policies are compared over the same people."""
    luck = Luck(seed, "R-1")

    assert luck.of(question) == Luck(seed, "R-1").of(question)
    assert 0 <= luck.of(question) < 1
    assert luck.wait(question, 24) >= timedelta()


# --- the report ---


def tallies(values: Iterator[tuple[int, int]], name: str = "reminders") -> tuple[Tally, Tally]:
    """Two tallies of orders whose count of `name` is given for both policies."""
    both = Tally(), Tally()
    for number, counts in enumerate(values):
        for tally, count in zip(both, counts, strict=True):
            sums = {"orders": 1, name: count}
            tally.add(Facts(f"R-{number}", sums, {"final money": float(count)}))
    return both


def named(found: tuple[Figure, ...], name: str) -> Figure:
    """The figure of this name."""
    return next(one for one in found if one.name == name)


def test_the_same_policy_twice_differs_in_nothing() -> None:
    """The comparison is over the same orders, so chance cannot show where there is no difference."""
    figure = named(figures(*tallies(iter([(n % 3, n % 3) for n in range(100)])), seed=0), "reminders sent")

    assert (0, 0, 0) == (figure.difference, figure.low, figure.high)
    assert not figure.clear


def test_a_difference_beyond_chance_is_clear_and_inside_its_interval() -> None:
    """One reminder more for each order."""
    figure = named(figures(*tallies(iter([(n % 3, n % 3 + n % 2) for n in range(200)])), seed=0), "reminders sent")

    assert 100 == figure.difference
    assert figure.clear
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < 100 < figure.high


def test_few_orders_have_no_interval() -> None:
    """It would look surer than it is."""
    figure = named(figures(*tallies(iter([(1, 2)] * 10)), seed=0), "reminders sent")

    assert (None, None) == (figure.low, figure.high)


@given(st.lists(st.integers(0, 59), min_size=1, max_size=80))
def test_quantiles_and_curve_are_those_of_the_orders(days: list[int]) -> None:
    """The median is one of the values, half of them are no larger, and the curve ends at all of them."""
    first, second = tallies(iter([(day, day) for day in days]))

    median = named(figures(first, second, seed=0), "days to final money, median").first

    assert median in days
    assert sum(day <= median for day in days) * 2 >= len(days)
    assert 1.0 == curve(first, second).first[-1]


def test_a_tally_adds_up_whatever_the_groups() -> None:
    """Groups are only a way to count: their sums are the total."""
    one = facts(played(UNHAPPY, OBEDIENT))
    tally = Tally()
    tally.add(one)
    tally.add(one)

    assert 2 == tally.total("orders")
    assert 2 * one.sums["money USD back to buyers"] == sum(tally.of("money USD back to buyers"))
    assert 0 <= one.group < GROUPS


def test_money_to_each_side_adds_up_to_what_was_paid() -> None:
    """What buyers paid is with the buyer, the seller, the platform, the carrier or the tax office."""
    sums = facts(played(UNHAPPY, OBEDIENT)).sums
    parts = ("back to buyers", "to sellers", "to the platform", "tax", "to carriers for returns")

    assert sums["money USD paid by buyers"] == sum(sums[f"money USD {part}"] for part in parts)


def test_numbers_are_written_in_their_unit() -> None:
    """Shares in per cent, their differences in percentage points, money with its currency."""
    share = Figure(section="", name="", unit=Unit.SHARE, first=0.5, second=0.25, difference=-0.25, low=-0.3, high=0.1)
    money = share.model_copy(update={"unit": Unit.MONEY, "currency": "USD"})

    assert "50.0 %" == value(share, share.first)
    assert "-30.0 pp to +10.0 pp" == interval(share)
    assert "+USD 12.00" == value(money, 1200.0, signed=True)


@pytest.fixture(scope="module")
def small() -> Report:
    """Thirty orders under both packs."""
    orders = [
        a_record(order_id=f"R-{number}", review=a_review(number % 5 + 1, 7), handed_over_at=on_day(number % 9))
        for number in range(30)
    ]
    records = [Recording(order=order.model_copy(update={"delivered_at": on_day(11)})) for order in orders]
    pair = Pair("resale-v1", STRICT, Rules())
    collected = collect(pair, records)
    return reported(pair, collected, Intake("<here>"), sampled=False, again=lambda order_id: order_id)


def test_a_stricter_policy_shows(small: Report) -> None:
    """The same orders keep an earlier date less often."""
    assert small.sound
    assert 30 == small.orders
    promise = small.figure("handed over by the policy's ship-by date")
    assert promise.second < promise.first
    assert promise.clear


def test_the_page_needs_nothing_from_elsewhere_and_says_what_is_assumed(small: Report) -> None:
    """One file, no script, no address; what comes from outside is never taken for markup."""
    page = report_html.page(small)

    assert "<script" not in page
    assert "http" not in page
    assert "&lt;here&gt;" in page
    assert "<here>" not in page
    assert all(one.source.split(":", maxsplit=1)[0] in page for one in small.assumptions)
    assert page.count("<svg") == page.count("</svg>") >= 6


def test_processes_change_nothing_but_the_time() -> None:
    """Two processes count what one does."""
    records = [Recording(order=a_record(order_id=f"R-{number}", review=a_review(1, 6))) for number in range(4)]
    pair = Pair("resale-v1", STRICT, Rules())

    alone, together = collect(pair, records), collect(pair, records, jobs=2)

    assert (alone.orders, alone.first.sums, alone.second.sums) == (
        together.orders,
        together.first.sums,
        together.second.sums,
    )


# --- the command ---


def test_the_command_reports_and_writes_the_page(tmp_path: Path) -> None:
    """A table on the screen, a page in the file."""
    page = tmp_path / "report.html"

    result = CliRunner().invoke(app, ["replay", EXAMPLE, "--against", STRICT, "--html", str(page)])

    assert 0 == result.exit_code
    assert "3 orders under resale-v1 and resale-strict-v1" in result.stdout
    assert "reminded seller ships" in result.stdout
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_command_tells_one_order() -> None:
    """What happened under both policies, entry by entry."""
    result = CliRunner().invoke(app, ["replay", EXAMPLE, "--against", STRICT, "--order", "R-1002"])

    assert 0 == result.exit_code
    assert "R-1002 under resale-v1" in result.stdout
    assert "R-1002 under resale-strict-v1" in result.stdout
    assert "order-R-1002" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pack", "resale-v9"], "There is no policy pack 'resale-v9'"),
        (["--against", "nowhere.toml"], "The policy pack nowhere.toml cannot be read"),
        (["--order", "R-9"], "There is no order R-9 there"),
        (["--store", "sqlite://"], "not from both"),
    ],
)
def test_what_cannot_be_used_is_refused(words: list[str], said: str) -> None:
    """Exit code 2, and what to do."""
    result = CliRunner().invoke(app, ["replay", EXAMPLE, *words])

    assert 2 == result.exit_code
    assert said in result.stderr


# --- the page in docs ---


@pytest.mark.parametrize("one", [*Behaviour().assumptions(), *Desk().assumptions()], ids=lambda one: one.name)
def test_the_docs_have_every_number_as_it_is(one: Assumption) -> None:
    """Who reads the page reads what is played."""
    page = Path("docs/windtunnel.md").read_text(encoding="utf-8")

    assert f"| {one.name.replace('_', ' ')} | {one.value:g} | {one.means} | {one.source} |" in page


def test_the_stricter_pack_differs_in_what_its_head_says() -> None:
    """What both packs set is the same but for the windows that are compared, so a difference has a known cause."""
    strict = pack_of(STRICT).policy.model_dump(mode="json")
    usual = PACK.policy.model_dump(mode="json")

    differing = {block for block, values in usual.items() if values != strict[block]}

    assert {"pack", "shipping", "protection", "reasons", "support"} == differing
