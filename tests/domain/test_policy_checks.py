"""Settings that are well formed and make no sense together are refused, with the line to look at."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import policy_packs
from domain.calendars import after
from domain.duties import Silence
from domain.policy import Courtesy, Policy, Reason, Term
from domain.policy_checks import allowed_silences, contradictions
from domain.policy_packs import PackError
from domain.spans import Span
from tests.domain.packs import TEXT, changed

ALL_WEEK = '["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]'
laws = settings(max_examples=60, deadline=None)
RESALE = policy_packs.load("resale-v1").policy


def told(policy: Policy) -> set[str]:
    """The settings in which something contradicts."""
    return {setting for setting, _ in contradictions(policy)}


def with_chase(span: Span) -> Policy:
    """resale-v1 with another time before the seller is chased."""
    chase = RESALE.shipping.chase.model_copy(update={"within": span})
    return RESALE.model_copy(update={"shipping": RESALE.shipping.model_copy(update={"chase": chase})})


def with_window(term: Term) -> Policy:
    """resale-v1 with another report window."""
    return RESALE.model_copy(update={"protection": RESALE.protection.model_copy(update={"window": term})})


@pytest.mark.parametrize("name", policy_packs.names())
def test_our_packs_hold_no_contradiction(name: str) -> None:
    """A pack that comes with Redress can be used as it is."""
    assert () == contradictions(policy_packs.load(name).policy)


@pytest.mark.parametrize(
    ("block", "old", "new", "message"),
    [
        ("shipping.soft", '"7 CD"', '"22 CD"', "22 CD can end after `shipping.hard.within` (21 CD)"),
        ("shipping.extension", '"21 CD"', '"22 CD"', "22 CD can end after `shipping.hard.within` (21 CD)"),
        ("shipping.soft", '"7 CD"', '"20 BD"', "20 BD can end after `shipping.extension.cap` (21 CD)"),
        ("cancellation", '"3 h"', '"7 CD"', "7 CD must end before `shipping.soft.within` (7 CD)"),
        ("shipping.chase", '"5 BD"', '"15 CD"', "15 CD must end before `shipping.unscanned.within`"),
        (
            "shipping.unscanned",
            '"15 CD"',
            '"30 CD"',
            "30 CD must end before `shipping.unscanned_hard.within`",
        ),
        ("transit.stalled", '"7 CD"', '"30 CD"', "30 CD must end before `transit.lost.within` (30 CD)"),
        ("lookup", '"4 h"', '"25 h"', "25 h can end after `lookup.longest` (24 h)"),
        ("lookup", '"1 h"', '"25 h"', "25 h can end after `lookup.longest` (24 h)"),
        ("lookup", '"48 h"', '"2 CD"', "'2 CD' must be elapsed time"),
        ("lookup", '"48 h"', '"72 h"', "72 h must end before `protection.window.within` (72 h)"),
        ("lookup", '"4 h"', '"0 min"', "'0 min' leaves no time at all"),
        ("cancellation.answer", '"24 h"', '"0 h"', "'0 h' leaves no time at all"),
        ("cancellation.answer", '"24 h"', '"24 BH"', "'24 BH' counts business hours"),
        ("support.decide", '"24 BH"', '"80000 BH"', "'80000 BH' does not end within ten years"),
        ("support.last_resort", '"60 CD"', '"4 CD"', "4 CD must end after `support.decide.within`"),
        ("shipping.soft", '["48 h", "72 h"]', '["48 h", "7 CD"]', "reminding after 7 CD comes when"),
        ("shipping.soft", '["3 CD", "1 CD"]', '["7 CD"]', "reminding 7 CD before the end comes before"),
        ("reasons.late", '"0 h"', '"30 CD"', "30 CD must end before `reasons.late.closes` (30 CD)"),
        ("reasons.not_received", '"48 h"', '"72 h"', "72 h is too late: `protection.window` (72 h)"),
        ("reasons.damaged", '"72 h"', '"73 h"', "73 h is too late: `protection.window` (72 h)"),
        ("transit", '"tell_late"', '"refund"', "`refund` makes no sense here: write `tell_late`"),
        ("chargebacks.longest", '"120 CD"', '"700 CD"', "all clocks in a row run"),
        ("appeals.last_resort", '"60 CD"', '"93 CD"', "all clocks in a row run"),
        ("returns.send_back", '"5 CD"', '"15 CD"', "15 CD must end before `returns.close.within` (15 CD)"),
        ("support.first_answer", '"8 BH"', '"25 BH"', "25 BH can end after `support.decide.within` (24 BH)"),
        ("support.next_answer", '"8 BH"', '"25 BH"', "25 BH can end after `support.decide.within` (24 BH)"),
        ("support.undo", '"1 h"', '"30 CD"', "30 CD must end before `appeals.window.within` (30 CD)"),
        ("appeals.last_resort", '"60 CD"', '"8 CD"', "8 CD must end after `appeals.decide.within` (48 BH)"),
        ("appeals.window", '"30 CD"', '"30 BH"', "'30 BH' counts business hours"),
        ("offers.answer", '"ask_support"', '"refund"', "`refund` makes no sense here: write `ask_support`"),
        ("notices", '"08:00"', '"21:00"', "the quiet hours never end"),
        ("notices", '["09:00"]', '["07:30"]', "07:30 lies in the quiet hours"),
        ("notices", '["09:00"]', '["12:00", "21:00"]', "21:00 lies in the quiet hours"),
        ("notices", '"12 h"', '"1 CD"', "'1 CD' must be elapsed time"),
        ("", '["Saturday", "Sunday"]', ALL_WEEK, "leave at least one business day"),
    ],
)
def test_a_contradiction_is_told_with_its_line(block: str, old: str, new: str, message: str) -> None:
    """Each contradiction is told once, on the line of the setting to look at."""
    text, line = changed(block, old, new)

    with pytest.raises(PackError) as refused:
        policy_packs.read(text)

    assert [line] == [found.line for found in refused.value.problems if message in found.message]


@pytest.mark.parametrize(("left_out", "kept"), [("quiet_from", "quiet_until"), ("quiet_until", "quiet_from")])
def test_quiet_hours_have_two_ends(left_out: str, kept: str) -> None:
    """Half of them is a mistake, while a policy without any is one that writes at once."""
    half = RESALE.notices.model_copy(update={left_out: None})

    assert [f"notices.{kept}"] == [name for name, _ in contradictions(RESALE.model_copy(update={"notices": half}))]
    assert () == contradictions(RESALE.model_copy(update={"notices": Courtesy()}))


def test_business_hours_need_opening_times() -> None:
    """A desk that never opens can decide nothing in business hours."""
    counted = [name for name, term in RESALE.terms() if term.within.unit == "BH"]
    start, end = TEXT.index("Monday = "), TEXT.index("source", TEXT.index("Friday = "))

    with pytest.raises(PackError) as refused:
        policy_packs.read(TEXT[:start] + TEXT[end:])

    assert len(counted) == len(refused.value.problems)
    assert all("`support.hours` opens on no weekday" in found.message for found in refused.value.problems)


def test_a_desk_may_open_at_the_weekend() -> None:
    """A desk's own closed days are its weekend, whatever is weekend for everybody else."""
    text, _ = changed("support.hours", "source", 'Sunday = ["00:00-24:00"]\nsource')

    hours = policy_packs.read(text).policy.support.hours

    assert (5,) == hours.weekend
    assert ("00:00-24:00",) == hours.hours[6]


@pytest.mark.parametrize("setting", [name for name, _ in RESALE.terms()])
def test_only_sensible_silences_are_allowed(setting: str) -> None:
    """For every term, exactly the silence defaults that fit it are let through."""
    allowed = allowed_silences(f"{setting}.on_silence")

    document = RESALE.model_dump(mode="json")
    passed = set()
    for silence in Silence:
        block = document
        for key in setting.split("."):
            block = block[key]
        block["on_silence"] = silence
        if f"{setting}.on_silence" not in told(Policy.model_validate(document)):
            passed.add(silence)

    assert allowed == passed


def test_not_received_may_stay_open_after_the_release() -> None:
    """A complaint that comes before its window opens holds the release, so the window may outlast it."""
    rule = RESALE.reasons[Reason.NOT_RECEIVED]

    assert rule.closes == Span.parse("5 CD")
    assert set() == told(RESALE)


@laws
@given(st.integers(1, 40), st.sampled_from(["h", "CD", "BD"]))
def test_a_chase_that_is_let_through_always_comes_first(amount: int, unit: str) -> None:
    """Whenever a parcel is marked as shipped, a chase that passes the check comes before the buyer may cancel."""
    span = Span.parse(f"{amount} {unit}")
    policy = with_chase(span)
    calendar = RESALE.support.hours.model_copy(update={"time_zone": "UTC", "weekend": RESALE.weekend, "hours": ()})
    starts = [datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=hour) for hour in range(0, 24 * 7, 5)]

    ahead = all(
        after(start, span, calendar) < after(start, policy.shipping.unscanned.within, calendar) for start in starts
    )

    assert ahead is ("shipping.chase.within" not in told(policy))


@laws
@given(st.integers(1, 200), st.integers(1, 200))
def test_a_reminder_that_is_let_through_falls_inside_its_term(within: int, early: int) -> None:
    """A reminder before the end is let through exactly if it comes after the start."""
    term = RESALE.protection.window.model_copy(
        update={"within": Span(within, "h"), "remind_before": (Span(early, "h"),)}
    )

    assert (early >= within) is ("protection.window.remind_before" in told(with_window(term)))


@laws
@given(st.integers(1, 30))
def test_growing_the_soft_date_never_mends_it(days: int) -> None:
    """Once the soft ship-by date is too late, every later one is too."""
    found = []
    for amount in (days, days + 1):
        soft = RESALE.shipping.soft.model_copy(update={"within": Span(amount, "CD")})
        policy = RESALE.model_copy(update={"shipping": RESALE.shipping.model_copy(update={"soft": soft})})
        found.append("shipping.soft.within" in told(policy))

    assert all(first <= second for first, second in pairwise(found))
