"""Following a parcel: look-ups that answer when there is news, and the sandbox carrier behind them."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities.carriers import NO_NEWS, REFUSED, UNAVAILABLE, CarrierActivities
from activities.ports import Contact, Refused, Unavailable
from activities.sandbox import journeys
from activities.sandbox.carrier import SandboxCarrier
from activities.sandbox.directory import SandboxDirectory
from domain.clock import REAL_TIME, Clock
from domain.parcel import Parcel, Shipment, TrackingEvent, TrackingStatus
from domain.policy import Lookup
from domain.requests import Label, LabelRefund, LabelRequest, LookUp, News, Trace
from domain.spans import Span

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHIPMENT = Shipment(carrier="usps", tracking_number="9400100000000000000042")
RHYTHM = Lookup(
    first=Span.parse("2 h"),
    growth=2,
    longest=Span.parse("12 h"),
    near=Span.parse("30 min"),
    sparse=Span.parse("48 h"),
)
DIRECT = journeys.direct(START)
SCANNED = DIRECT[:2]


class Answers:
    """A carrier that gives one answer, or raises it."""

    def __init__(self, answer: News | Exception) -> None:
        self._answer = answer
        self.asked: list[datetime] = []

    def news(self, shipment: Shipment, as_of: datetime) -> News:
        self.asked.append(as_of)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def trace(self, shipment: Shipment, reference: str) -> None:
        """Not asked here."""

    def buy_label(
        self, request: LabelRequest, sender: Contact | None, receiver: Contact | None, as_of: datetime
    ) -> Label:
        raise AssertionError("not asked here")

    def refund_label(self, refund: LabelRefund, as_of: datetime) -> bool:
        raise AssertionError("not asked here")


def an_environment(attempt: int = 1) -> ActivityEnvironment:
    """An attempt that the server started just now."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt, started_time=datetime.now(UTC))
    return environment


def look_up(answer: News | Exception, *, attempt: int = 1, **ask: Any) -> News:
    """What a look-up returns when the carrier answers `answer`."""
    environment = an_environment(attempt)
    asked = LookUp(order_id="o-1", shipment=SHIPMENT, rhythm=RHYTHM, **ask)
    return environment.run(CarrierActivities(Answers(answer), SandboxDirectory()).look_up, asked)


def failure(answer: News | Exception, *, attempt: int = 1, **ask: Any) -> ApplicationError:
    """What a look-up raises, which Temporal must be allowed to retry."""
    with pytest.raises(ApplicationError) as caught:
        look_up(answer, attempt=attempt, **ask)
    assert not caught.value.non_retryable
    return caught.value


def clock_at(speed: float, policy_now: datetime = START) -> Clock:
    """A clock that shows `policy_now` at this moment."""
    return Clock(real_anchor=datetime.now(UTC), policy_anchor=policy_now, speed=speed)


def test_news_ends_the_look_up() -> None:
    """One event more than is known is news."""
    news = News(events=SCANNED, estimate=START + timedelta(days=4))

    assert look_up(news, known=SCANNED[:1]) == news


def test_what_is_known_is_no_news() -> None:
    """Nothing new fails benignly, names the next delay and tells ops since when it is silent."""
    error = failure(News(events=SCANNED), known=SCANNED, attempt=2)

    assert error.type == NO_NEWS
    assert error.category == ApplicationErrorCategory.BENIGN
    assert error.next_retry_delay == timedelta(hours=4)
    assert error.message == "usps …0042: no news since 2026-03-02 15:00 UTC; asked again in 4 h"


def test_repeated_and_disordered_events_are_no_news() -> None:
    """Events that are known are no news, however often and in whatever order the carrier tells them."""
    error = failure(News(events=(*reversed(SCANNED), *SCANNED)), known=SCANNED)

    assert error.type == NO_NEWS


def test_news_is_told_in_order_and_once() -> None:
    """What goes into the workflow's history is oldest first and without repeats."""
    assert look_up(News(events=(*reversed(DIRECT), *DIRECT))) == News(events=DIRECT)


def test_an_unknown_number_is_no_news() -> None:
    """A fresh number is often unknown for hours, so that is no failure."""
    error = failure(Refused("unknown_number", "never seen"))

    assert error.type == NO_NEWS
    assert error.category == ApplicationErrorCategory.BENIGN
    assert error.message == "usps …0042: the carrier does not know this number yet; asked again in 2 h"


@pytest.mark.parametrize("answer", [News(events=SCANNED), Refused("unknown_number", "never seen")])
def test_an_urgent_look_up_answers_at_once(answer: News | Refused) -> None:
    """Urgent: what there is, even if it is nothing new."""
    expected = answer if isinstance(answer, News) else News()

    assert look_up(answer, known=SCANNED, urgent=True) == expected


@pytest.mark.parametrize(
    ("error", "urgent", "delay"),
    [
        (Unavailable("503"), False, timedelta(hours=2)),
        (Unavailable("503"), True, timedelta(minutes=10)),
        (Unavailable("429", retry_after=90), False, timedelta(seconds=90)),
        (Unavailable("429", retry_after=90), True, timedelta(seconds=90)),
        (Unavailable("429", retry_after=float("inf")), False, timedelta(hours=12)),
        (Unavailable("429", retry_after=-1), False, timedelta(0)),
        (Refused("account_suspended", "unpaid"), False, timedelta(hours=12)),
        (Refused("account_suspended", "unpaid"), True, timedelta(minutes=10)),
    ],
)
def test_a_carrier_without_an_answer_is_asked_again(
    error: Unavailable | Refused, urgent: bool, delay: timedelta
) -> None:
    """An outage is retried after the carrier's hint or the first pause, soon if urgent; ops see it."""
    failed = failure(error, urgent=urgent, attempt=7)

    assert failed.type == (UNAVAILABLE if isinstance(error, Unavailable) else REFUSED)
    assert failed.category == ApplicationErrorCategory.UNSPECIFIED
    assert failed.next_retry_delay == delay


def test_fast_motion_shortens_the_delay() -> None:
    """Delays are policy time: at a policy hour a second, four hours are four seconds."""
    fast = clock_at(speed=3600)

    assert failure(News(), clock=fast, attempt=2).next_retry_delay == timedelta(seconds=4)
    assert failure(News(), clock=fast, estimate=START).next_retry_delay == timedelta(seconds=0.5)


def test_real_time_never_hammers() -> None:
    """In real time a second passes between look-ups, even if a pack says nothing."""
    now = Span.parse("0 min")
    hasty = RHYTHM.model_copy(update={"first": now, "longest": now, "near": now})
    ask = LookUp(order_id="o-1", shipment=SHIPMENT, rhythm=hasty)

    with pytest.raises(ApplicationError) as caught:
        ActivityEnvironment().run(CarrierActivities(Answers(News()), SandboxDirectory()).look_up, ask)

    assert ask.clock == REAL_TIME
    assert caught.value.next_retry_delay == timedelta(seconds=1)


def test_the_carriers_estimate_sets_the_rhythm() -> None:
    """Near its own estimate the carrier is asked often, also if the order knows none."""
    error = failure(News(estimate=START), clock=clock_at(speed=1))

    assert error.next_retry_delay == timedelta(minutes=30)


def test_the_carrier_is_asked_for_policy_time() -> None:
    """In fast motion the carrier is asked for what has happened by the policy's clock."""
    answers = Answers(News(events=SCANNED))
    policy_now = datetime(2031, 1, 1, tzinfo=UTC)
    ask = LookUp(order_id="o-1", shipment=SHIPMENT, rhythm=RHYTHM, clock=clock_at(1, policy_now))

    an_environment().run(CarrierActivities(answers, SandboxDirectory()).look_up, ask)

    assert [2031] == [asked.year for asked in answers.asked]


def test_an_unknown_status_survives() -> None:
    """A status unknown to this version passes through file and activity as its text."""
    event = TrackingEvent(status="held_by_customs", at=START)

    (told,) = look_up(News(events=(event,))).events

    assert told == event
    assert News.model_validate_json(News(events=(told,)).model_dump_json()).events == (event,)


@pytest.fixture
def carrier(tmp_path: Path) -> SandboxCarrier:
    """A new sandbox carrier."""
    return SandboxCarrier(tmp_path / "world" / "carrier.db")


def test_the_sandbox_tells_what_has_happened(carrier: SandboxCarrier) -> None:
    """Events appear at their own instant, that instant included."""
    carrier.script(SHIPMENT, DIRECT, estimate=START + timedelta(days=4))

    told = [len(carrier.news(SHIPMENT, event.at).events) for event in DIRECT]

    assert told == [1, 2, 3, 4, 5]
    assert carrier.news(SHIPMENT, START).estimate == START + timedelta(days=4)
    assert carrier.calls(SHIPMENT) == 6


def test_the_sandbox_refuses_unknown_numbers(carrier: SandboxCarrier) -> None:
    """A number without a journey, or before its journey, is unknown; asking is counted."""
    other = Shipment(carrier="usps", tracking_number="1")
    carrier.script(other, DIRECT)

    for shipment in (SHIPMENT, other):
        with pytest.raises(Refused) as caught:
            carrier.news(shipment, START - timedelta(seconds=1))
        assert caught.value.code == "unknown_number"
        assert carrier.calls(shipment) == 1


def test_a_journey_can_be_continued_and_replaced(carrier: SandboxCarrier) -> None:
    """`append` keeps what was scripted and its estimate; without it the journey is another one."""
    end = START + timedelta(days=90)
    carrier.script(SHIPMENT, SCANNED, estimate=end)

    carrier.script(SHIPMENT, DIRECT[2:], append=True)
    assert carrier.news(SHIPMENT, end) == News(events=DIRECT, estimate=end)

    carrier.script(SHIPMENT, SCANNED)
    assert carrier.news(SHIPMENT, end) == News(events=SCANNED)


def test_journeys_and_faults_outlive_a_restart(carrier: SandboxCarrier, tmp_path: Path) -> None:
    """Another process that opens the file finds journeys, counters and faults as they were."""
    held = TrackingEvent(status="held_by_customs", at=START)
    carrier.script(SHIPMENT, (held,))
    assert carrier.news(SHIPMENT, START).events == (held,)
    carrier.set_faults(rate_limited=1)

    reopened = SandboxCarrier(tmp_path / "world" / "carrier.db")

    with pytest.raises(Unavailable) as caught:
        reopened.news(SHIPMENT, START)
    assert caught.value.retry_after == 1.0
    assert reopened.calls(SHIPMENT) == 2
    reopened.set_faults()
    assert carrier.news(SHIPMENT, START).events == (held,)


def faulty_run(carrier: SandboxCarrier, seed: int) -> list[News | None]:
    """Forty answers of a carrier with every fault, None for each failure."""
    carrier.set_faults(unavailable=0.3, rate_limited=0.1, duplicate=0.5, shuffle=True, seed=seed)
    carrier.script(SHIPMENT, DIRECT)
    answers: list[News | None] = []
    for _ in range(40):
        try:
            answers.append(carrier.news(SHIPMENT, DIRECT[-1].at))
        except Unavailable:
            answers.append(None)
    return answers


def test_faults_repeat_with_their_seed(tmp_path: Path) -> None:
    """The same seed gives the same faults, another one others; some calls fail and some do not."""
    first, again, other = (
        faulty_run(SandboxCarrier(tmp_path / name), seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )

    assert first == again
    assert first != other
    assert None in first
    assert any(first)


def test_a_faulty_carrier_changes_no_parcel(carrier: SandboxCarrier) -> None:
    """Whatever outages, repeats and disorder: what a parcel has heard in the end is the journey."""
    parcel = Parcel(shipment=SHIPMENT)
    for news in faulty_run(carrier, seed=7):
        parcel, _ = parcel.hearing(news.events if news else ())

    assert parcel.events == DIRECT


statuses = st.sampled_from(TrackingStatus) | st.sampled_from(["held_by_customs", "weighed"])
scans = st.lists(
    st.builds(
        TrackingEvent,
        status=statuses,
        at=st.integers(0, 500).map(lambda hours: START + timedelta(hours=hours)),
        event_id=st.sampled_from(["", "e1", "e2"]),
    ),
    unique_by=lambda event: event.at,
    max_size=12,
)


@given(scans, st.randoms(use_true_random=False))
def test_hearing_is_the_same_in_any_order(events: list[TrackingEvent], chance: random.Random) -> None:
    """Law: events of different instants give one parcel in any order, portions and repetition."""
    told = [*events, *chance.choices(events, k=len(events))] if events else []
    chance.shuffle(told)
    cut = chance.randint(0, len(told))

    at_once, _ = Parcel().hearing(events)
    in_parts, _ = Parcel().hearing(told[:cut])
    in_parts, _ = in_parts.hearing(told[cut:])

    assert at_once == in_parts
    assert in_parts.hearing(told) == (in_parts, ())


@pytest.mark.parametrize(
    ("journey", "last"),
    [
        (journeys.never_scanned(START), TrackingStatus.LABEL_MADE),
        (journeys.direct(START), TrackingStatus.DELIVERED),
        (journeys.signed_for(START), TrackingStatus.DELIVERED),
        (journeys.late(START), TrackingStatus.DELIVERED),
        (journeys.stalled_for_ever(START), TrackingStatus.IN_TRANSIT),
        (journeys.lost(START), TrackingStatus.EXCEPTION),
        (journeys.lost_then_found(START), TrackingStatus.DELIVERED),
        (journeys.attempted_then_delivered(START), TrackingStatus.DELIVERED),
        (journeys.collected(START), TrackingStatus.DELIVERED),
        (journeys.returned(START), TrackingStatus.RETURNED),
    ],
)
def test_journeys_are_in_order(journey: journeys.Journey, last: TrackingStatus) -> None:
    """Every journey starts with its label, is oldest first without repeats, and ends as its name says."""
    parcel, news = Parcel().hearing(journey)

    assert news == journey == parcel.events
    assert journey[0] == TrackingEvent(status=TrackingStatus.LABEL_MADE, at=START)
    assert journey[-1].status == last


def test_a_direct_journey_keeps_its_transit() -> None:
    """From first scan to delivery is exactly the transit asked for, however short."""
    for transit in (timedelta(hours=1), timedelta(days=4)):
        parcel, _ = Parcel().hearing(journeys.direct(START, transit))
        assert parcel.scanned_at == START + journeys.FIRST_SCAN
        assert parcel.delivered_at == START + journeys.FIRST_SCAN + transit


def test_a_trace_is_asked_for_once(tmp_path: Path) -> None:
    """The same reference, tried again after a crash, is one search for the parcel."""
    carrier = SandboxCarrier(tmp_path / "carrier.sqlite")
    ask = Trace(reference="trace-o-1-1", shipment=SHIPMENT)

    for _ in range(2):
        ActivityEnvironment().run(CarrierActivities(carrier, SandboxDirectory()).trace, ask)

    assert carrier.traces(SHIPMENT) == 1
