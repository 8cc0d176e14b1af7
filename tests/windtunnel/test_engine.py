"""The engine does with tiny workflows, and with the real ones, what a server would do."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, FailureError, TerminatedError
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

from bench import lives, stand_ins
from domain.story import Outcome
from tests.windtunnel.tiny import ALL, DAY, HOUR, Ask, Begin, Text, Waits
from windtunnel.activities import RealActivities
from windtunnel.contract import AlreadyRunning, Answer, Call, NotRunning, Stuck
from windtunnel.engine import Tunnel
from windtunnel.order_tunnel import order_tunnel
from workflows.order import OrderWorkflow
from workflows.search_attributes import ORDER_STATE, of_new_order

BEGAN = datetime(2026, 6, 2, 16, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class Script:
    """A world that gives these answers, the last one for ever, and remembers when it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = answers or (Answer("said"),)
        self.calls: list[Call] = []

    def perform(self, call: Call) -> Answer:
        """The next answer."""
        self.calls.append(call)
        return self.answers[min(len(self.calls), len(self.answers)) - 1]

    @property
    def after(self) -> list[timedelta]:
        """How long after the beginning it was asked."""
        return [call.at - BEGAN for call in self.calls]


@pytest.fixture
def script() -> Script:
    """A willing world."""
    return Script()


@pytest.fixture
def tunnel(script: Script) -> Iterator[Tunnel]:
    """A tunnel with the tiny workflows."""
    with a_tunnel(script) as tunnel:
        yield tunnel


def a_tunnel(script: Script, **options: Any) -> Tunnel:
    """A tunnel with the tiny workflows before this script."""
    return Tunnel(ALL, script, pydantic_data_converter, began=BEGAN, **options)


def down(seconds: float | None = None, *, final: bool = False, kind: str = "Down") -> Answer:
    """A failure, with the delay that it asks for."""
    delay = None if seconds is None else timedelta(seconds=seconds)
    return Answer(failure=ApplicationError("down", type=kind, non_retryable=final, next_retry_delay=delay))


# --- messages ---


def test_signals_come_in_order_and_end_a_wait(tunnel: Tunnel) -> None:
    """What is said at an instant is heard in the order in which it was said, and the timer is dropped."""
    tunnel.start("Waits", Text(text="begun"), "w")
    for text in ("one", "two", "end"):
        tunnel.at(BEGAN + HOUR, partial(tunnel.signal, "w", "tell", Text(text=text)))

    tunnel.run()

    assert ("begun", "one", "two", "end") == tunnel.result_of("w", tuple[str, ...])
    assert BEGAN + HOUR == tunnel.now


def test_a_signal_with_the_start_is_heard_in_the_first_task(tunnel: Tunnel) -> None:
    """It is handled before the workflow waits for the first time."""
    tunnel.start("Waits", Text(text="begun"), "w", signal=("tell", Text(text="end")))

    assert ("begun", "end") == tuple(sorted(tunnel.result_of("w", tuple[str, ...])))
    assert 1 == tunnel.executions["w"].tasks


def test_time_passes_until_an_update_is_answered(tunnel: Tunnel, script: Script) -> None:
    """An update whose handler sleeps and calls an activity is answered an hour later."""
    tunnel.start("Waits", Text(), "w")

    assert "said" == tunnel.update("w", "patiently", Text(text="slow"), str)
    assert BEGAN + HOUR == tunnel.now
    assert "said" == tunnel.update("w", "echo", Text(text="said"), str)


@pytest.mark.parametrize(("text", "why"), [("fail", "cannot say that"), ("", "say something")])
def test_an_update_raises_what_its_handler_or_validator_raised(tunnel: Tunnel, text: str, why: str) -> None:
    """The workflow goes on."""
    tunnel.start("Waits", Text(), "w")

    with pytest.raises(ApplicationError, match=why):
        tunnel.update("w", "echo", Text(text=text), str)

    assert tunnel.executions["w"].closed_at is None


def test_an_update_that_is_never_answered_says_so(tunnel: Tunnel) -> None:
    """The workflow ends first, by its own timer."""
    tunnel.start("Waits", Text(), "w")

    with pytest.raises(NotRunning, match="ended before it answered never"):
        tunnel.update("w", "never", Text(), str)


def test_a_query_is_answered_also_after_the_end(tunnel: Tunnel) -> None:
    """It changes nothing, and raises what its handler raised."""
    tunnel.start("Waits", Text(text="begun"), "w")
    tunnel.run()
    before = tunnel.executions["w"].history

    assert ("begun", "a day") == tunnel.query("w", "all", tuple[str, ...])
    with pytest.raises(ApplicationError, match="no answer to this"):
        tunnel.query("w", "broken", str)
    assert before == tunnel.executions["w"].history


@pytest.mark.parametrize(
    "say",
    [
        lambda tunnel: tunnel.signal("w", "tell", Text()),
        lambda tunnel: tunnel.update("w", "echo", Text(), str),
        lambda tunnel: tunnel.cancel("w"),
    ],
)
def test_nobody_hears_what_is_said_to_a_workflow_that_has_ended(tunnel: Tunnel, say: Callable[[Tunnel], None]) -> None:
    """Nor to one that never was."""
    with pytest.raises(NotRunning):
        say(tunnel)
    tunnel.start("Waits", Text(), "w")
    tunnel.run()
    with pytest.raises(NotRunning):
        say(tunnel)


def test_an_id_is_used_by_one_running_workflow(tunnel: Tunnel) -> None:
    """Once that has ended, the id is free."""
    tunnel.start("Waits", Text(), "w")
    with pytest.raises(AlreadyRunning):
        tunnel.start("Waits", Text(), "w")
    tunnel.run()

    tunnel.start("Waits", Text(text="again"), "w")

    assert ("again",) == tunnel.query("w", "all", tuple[str, ...])


# --- activities ---


@pytest.mark.parametrize(
    ("ask", "answers", "asked_at", "ends"),
    [
        pytest.param(Ask(), [down(), down(), Answer("said")], [0, 1, 3], "said", id="doubling"),
        pytest.param(
            Ask(coefficient=10, longest=timedelta(seconds=20)),
            [down(), down(), down(), Answer("said")],
            [0, 1, 11, 31],
            "said",
            id="longest pause",
        ),
        pytest.param(Ask(), [down(90), Answer("said")], [0, 90], "said", id="the failure's own delay"),
        pytest.param(Ask(attempts=3), [down()], [0, 1, 3], "MAXIMUM_ATTEMPTS_REACHED", id="attempts"),
        pytest.param(
            Ask(attempts=2), [down(90)], [0, 90], "MAXIMUM_ATTEMPTS_REACHED", id="attempts count with a delay too"
        ),
        pytest.param(
            Ask(schedule_to_close=timedelta(seconds=7)), [down()], [0, 1, 3, 7], "TIMEOUT", id="schedule to close"
        ),
        pytest.param(Ask(final=("Down",)), [down()], [0], "NON_RETRYABLE_FAILURE", id="a final type"),
        pytest.param(Ask(final=("Down",)), [down(kind="Other"), Answer("said")], [0, 1], "said", id="another type"),
        pytest.param(
            Ask(final=("ValueError",)),
            [Answer(failure=ValueError("bad"))],
            [0],
            "NON_RETRYABLE_FAILURE",
            id="a final exception class",
        ),
        pytest.param(Ask(), [down(final=True)], [0], "NON_RETRYABLE_FAILURE", id="a final failure"),
        pytest.param(
            Ask(start_to_close=timedelta(seconds=5), attempts=2),
            [Answer("too late", after=timedelta(seconds=9))],
            [0, 6],
            "MAXIMUM_ATTEMPTS_REACHED",
            id="start to close",
        ),
        pytest.param(
            Ask(schedule_to_close=timedelta(seconds=5)),
            [Answer("too late", after=timedelta(seconds=9))],
            [0],
            "TIMEOUT",
            id="an answer after schedule to close",
        ),
        pytest.param(Ask(), [Answer("said", after=timedelta(minutes=50))], [0], "said", id="an answer takes its time"),
    ],
)
def test_an_activity_is_tried_again_as_its_call_says(
    ask: Ask, answers: list[Answer], asked_at: list[int], ends: str
) -> None:
    """The instants of the attempts in seconds, and how it ends: the result, or why it is not tried again."""
    script = Script(*answers)
    with a_tunnel(script) as tunnel:
        tunnel.start("Calls", ask, "w")
        tunnel.run()

        assert asked_at == [after.total_seconds() for after in script.after]
        assert list(range(1, len(asked_at) + 1)) == [call.attempt for call in script.calls]
        assert ends == how_it_ended(tunnel)


def how_it_ended(tunnel: Tunnel) -> str:
    """The result of the workflow `w`, or the name of its activity's last state."""
    try:
        return tunnel.result_of("w", str)
    except ActivityError as error:
        return error.retry_state.name if error.retry_state else "unknown"


def test_a_short_pause_of_a_local_activity_is_no_timer_and_a_long_one_is() -> None:
    """Up to a minute it is sat out within the task; the attempts count on beyond a timer."""
    script = Script(down(), down(3 * 60), Answer("said"))
    with a_tunnel(script) as tunnel:
        tunnel.start("Calls", Ask(local=True), "w")
        tunnel.run()

        assert "said" == tunnel.result_of("w", str)
        assert [0, 1, 181] == [after.total_seconds() for after in script.after]
        assert [1, 2, 3] == [call.attempt for call in script.calls]
        assert ["record_marker", "start_timer", "record_marker"] == [
            command.kind for command in tunnel.executions["w"].commands[:-1]
        ]


def test_an_activity_that_is_given_up_is_cancelled_at_once() -> None:
    """What the world answers later is heard by nobody, and it is not tried again."""
    script = Script(Answer("said", after=2 * HOUR))
    with a_tunnel(script) as tunnel:
        tunnel.start("CancelsCall", Text(), "w")
        tunnel.run()

        assert "cancelled" == tunnel.result_of("w", str)
        assert BEGAN + HOUR == tunnel.now
        assert 1 == len(script.calls)


# --- children and other workflows ---


def test_a_workflow_that_continues_as_new_is_one_child_to_its_parent(tunnel: Tunnel) -> None:
    """The result of its last run is the child's, and every run knows the parent."""
    tunnel.start("Parent", Begin(kind="Counts", text="3"), "p")

    tunnel.run()

    assert "p" == tunnel.result_of("p", str)
    assert BEGAN + 4 * HOUR == tunnel.now
    info = tunnel.executions["child"].details.info
    assert info.first_execution_run_id != info.run_id
    assert ["start_child_workflow_execution", "complete_workflow_execution"] == [
        command.kind for command in tunnel.executions["p"].commands
    ]


def test_what_is_said_while_a_workflow_continues_as_new_is_heard(tunnel: Tunnel) -> None:
    """At that very instant it goes to the new run."""
    tunnel.start("Counts", 1, "w")
    tunnel.at(BEGAN + HOUR, partial(tunnel.cancel, "w"))

    tunnel.run()

    assert BEGAN + HOUR == tunnel.executions["w"].closed_at
    with pytest.raises(CancelledError):
        tunnel.result_of("w", str)


@pytest.mark.parametrize("text", ["fail", "stuck"])
def test_a_failure_of_a_child_is_its_parents_to_judge(script: Script, text: str) -> None:
    """A foreseen failure reaches the parent; a task that fails stops everything."""
    with a_tunnel(script, reproduce="make it again") as tunnel:
        tunnel.start("Parent", Begin(kind="Fails", text=text), "p")
        if text == "fail":
            tunnel.run()
            assert "ApplicationError: Foreseen: this had to come" == tunnel.result_of("p", str)
        else:
            with pytest.raises(Stuck) as stuck:
                tunnel.run()
            said = str(stuck.value)
            assert "child (Fails) is stuck at 2026-06-02 17:00:00 UTC" in said
            assert "RuntimeError" in said or "nobody has thought of this" in said
            assert said.endswith("To see it again: make it again")


def test_a_cancelled_workflow_ends_as_cancelled(tunnel: Tunnel) -> None:
    """It hears of it, and may tidy up."""
    tunnel.start("Waits", Text(text="begun"), "w")
    tunnel.at(BEGAN + HOUR, partial(tunnel.cancel, "w", "enough"))

    tunnel.run()

    assert ("begun", "cancelled") == tunnel.query("w", "all", tuple[str, ...])
    assert BEGAN + HOUR == tunnel.executions["w"].closed_at
    with pytest.raises(CancelledError):
        tunnel.result_of("w", str)


@pytest.mark.parametrize("how", ChildWorkflowCancellationType)
def test_a_parent_that_is_cancelled_cancels_its_child(tunnel: Tunnel, how: ChildWorkflowCancellationType) -> None:
    """As it chose when it started it; an abandoned child runs on."""
    tunnel.start("Parent", Begin(kind="Waits", cancellation=int(how), policy=int(ParentClosePolicy.ABANDON)), "p")
    tunnel.at(BEGAN + HOUR, partial(tunnel.cancel, "p"))

    tunnel.run(BEGAN + HOUR)

    assert "CancelledError" in tunnel.result_of("p", str)
    ended = tunnel.executions["child"].closed_at
    assert (None if how is ChildWorkflowCancellationType.ABANDON else BEGAN + HOUR) == ended


@pytest.mark.parametrize(
    "policy", [ParentClosePolicy.TERMINATE, ParentClosePolicy.ABANDON, ParentClosePolicy.REQUEST_CANCEL]
)
def test_what_becomes_of_a_child_that_is_left_behind(tunnel: Tunnel, policy: ParentClosePolicy) -> None:
    """Its parent's close policy says so."""
    tunnel.start("Parent", Begin(kind="Waits", text="begun", policy=int(policy), leave=True), "p")

    tunnel.run()

    assert "left" == tunnel.result_of("p", str)
    child = tunnel.executions["child"]
    if policy is ParentClosePolicy.ABANDON:
        assert BEGAN + DAY == child.closed_at
    else:
        assert BEGAN == child.closed_at
        kind = TerminatedError if policy is ParentClosePolicy.TERMINATE else CancelledError
        assert kind is type(child.failure)


def test_a_child_whose_id_is_taken_does_not_start(tunnel: Tunnel) -> None:
    """The parent fails as it would on a server."""
    tunnel.start("Waits", Text(), "child")
    tunnel.start("Parent", Begin(kind="Waits"), "p")

    tunnel.run()

    with pytest.raises(FailureError, match="already started"):
        tunnel.result_of("p", str)


@pytest.mark.parametrize("what", ["hello", "cancel"])
def test_a_workflow_speaks_to_another(tunnel: Tunnel, what: str) -> None:
    """It learns whether that was there."""
    tunnel.start("Speaks", Text(text=what), "nobody there")
    tunnel.run()
    tunnel.start("Waits", Text(text="begun"), "other")
    tunnel.start("Speaks", Text(text=what), "s")
    tunnel.run()

    assert "not found" in tunnel.result_of("nobody there", str)
    assert "told" == tunnel.result_of("s", str)
    heard = {"hello": ("begun", "hello", "a day"), "cancel": ("begun", "cancelled")}
    assert heard[what] == tunnel.query("other", "all", tuple[str, ...])


# --- time ---


def test_what_is_dropped_does_not_happen(tunnel: Tunnel) -> None:
    """A cancelled timer is no event: time does not pass for its sake."""
    tunnel.start("Waits", Text(), "w")
    assert BEGAN + DAY == tunnel.next_at

    tunnel.signal("w", "tell", Text(text="end"))

    assert not tunnel.step()
    assert BEGAN == tunnel.now


def test_time_passes_up_to_an_instant_with_or_without_what_is_due_then(tunnel: Tunnel) -> None:
    """Whoever wants to be first at an instant stops before it."""
    tunnel.start("Waits", Text(), "w")

    tunnel.run(BEGAN + DAY, before=True)
    assert (BEGAN + DAY, None) == (tunnel.now, tunnel.executions["w"].closed_at)

    tunnel.run(BEGAN + DAY)
    assert BEGAN + DAY == tunnel.executions["w"].closed_at


def test_after_an_outage_a_late_message_is_heard_before_the_timer_that_rang_meanwhile(tunnel: Tunnel) -> None:
    """All that has waited comes in one task, messages first."""
    tunnel.start("Waits", Text(text="begun"), "w")
    tunnel.at(BEGAN + HOUR, partial(tunnel.outage, BEGAN + 3 * DAY))
    tunnel.at(BEGAN + 2 * DAY, partial(tunnel.signal, "w", "tell", Text(text="end")))

    tunnel.run()

    assert ("begun", "end") == tunnel.result_of("w", tuple[str, ...])
    assert BEGAN + 3 * DAY == tunnel.executions["w"].closed_at


def test_during_an_outage_no_activity_is_performed(script: Script, tunnel: Tunnel) -> None:
    """It is performed when the workers are back."""
    tunnel.start("Calls", Ask(), "w")
    tunnel.outage(BEGAN + HOUR)

    tunnel.run()

    assert [HOUR] == script.after
    assert "said" == tunnel.result_of("w", str)


def test_a_workflow_that_is_started_during_an_outage_begins_after_it(tunnel: Tunnel) -> None:
    """What it is told meanwhile comes with its first task."""
    tunnel.outage(BEGAN + DAY)
    tunnel.start("Waits", Text(text="begun"), "w")
    tunnel.signal("w", "tell", Text(text="end"))

    tunnel.run()

    assert BEGAN + DAY == tunnel.executions["w"].closed_at
    assert 1 == tunnel.executions["w"].tasks


def test_a_schedule_ends(tunnel: Tunnel) -> None:
    """It does the same after every pause, up to its last instant."""
    done: list[timedelta] = []

    tunnel.every(HOUR, BEGAN + 3 * HOUR, lambda: done.append(tunnel.now - BEGAN))
    tunnel.run()

    assert [HOUR, 2 * HOUR, 3 * HOUR] == done


def test_a_long_history_is_suggested_to_end(script: Script) -> None:
    """As a server suggests it, by the number of events."""
    with a_tunnel(script, long_history=50) as tunnel:
        tunnel.start("Long", Text(), "w")
        tunnel.run()

        assert 5 < tunnel.result_of("w", int) < 15


def test_the_callers_event_loop_is_left_as_it_was(tunnel: Tunnel) -> None:
    """A coroutine may use the tunnel."""

    async def use() -> str:
        tunnel.start("Waits", Text(), "w", signal=("tell", Text(text="end")))
        await asyncio.sleep(0)
        return type(asyncio.get_running_loop()).__name__

    assert asyncio.run(use()).endswith("EventLoop")


# --- determinism, and being thrown away ---


def chance(seed: int, *before: str) -> str:
    """What chance gives the workflow `w` under this seed, after others were started."""
    with a_tunnel(Script(), seed=seed) as tunnel:
        for other in before:
            tunnel.start("Patched", Text(), other)
        tunnel.start("Patched", Text(), "w")
        tunnel.run()
        return tunnel.result_of("w", str)


def test_chance_is_fixed_by_the_seed_and_the_workflows_id() -> None:
    """Another seed, or another id, gives something else; what runs beside it does not."""
    assert chance(1) == chance(1, "x", "y")
    assert chance(1) != chance(2)


def test_a_rebuilt_workflow_goes_the_same_way(script: Script) -> None:
    """Patches, chance and timers are as before."""
    with a_tunnel(script, seed=1) as tunnel:
        tunnel.crashes = True
        tunnel.start("Patched", Text(), "w")
        tunnel.run()

        assert tunnel.result_of("w", str).startswith("new ")
        assert chance(1) == tunnel.result_of("w", str)


# --- the real workflows ---


def live(tunnel: Tunnel, number: int) -> Outcome:
    """An undisturbed order from its purchase to its end."""
    life = lives.PLATFORM_ACCEPTED
    order = lives.order(life, number, tunnel.now)
    name = f"order-{order.order_id}"
    tunnel.start("OrderWorkflow", order, name, attributes=of_new_order(order))
    for instant, signal, message in life.messages(tunnel.now, lives.shipment(number)):
        tunnel.at(instant, partial(tunnel.signal, name, signal, message))
    tunnel.run()
    assert "released" == tunnel.attributes(name)[ORDER_STATE]
    outcome = tunnel.result_of(name, Outcome)
    tunnel.forget(name)
    return outcome


def the_real(*, by_reference: bool = False) -> Tunnel:
    """A tunnel with the real workflows and activities."""
    return order_tunnel(RealActivities(stand_ins.activities()), began=BEGAN, by_reference=by_reference)


def test_models_handed_on_as_they_are_change_nothing() -> None:
    """The outcome is the same as through JSON."""
    with the_real() as through_json, the_real(by_reference=True) as as_they_are:
        assert live(through_json, 1) == live(as_they_are, 1)


@pytest.mark.parametrize("by_reference", [False, True])
def test_nothing_is_left_of_a_forgotten_order(*, by_reference: bool) -> None:
    """Memory does not grow with the number of orders: no workflow, no event, no payload stays."""
    with the_real(by_reference=by_reference) as tunnel:
        live(tunnel, 0)
        gc.collect()
        before = len(gc.get_objects())

        for number in range(1, 13):
            live(tunnel, number)

        gc.collect()
        assert not [one for one in gc.get_objects() if isinstance(one, OrderWorkflow)]
        assert len(gc.get_objects()) - before < 100
        assert tunnel.next_at is None


def test_forgetting_takes_the_children_along(tunnel: Tunnel) -> None:
    """Also those that still run; what is not known may be forgotten too."""
    tunnel.start("Parent", Begin(kind="Waits"), "p")
    tunnel.run(BEGAN + HOUR)
    assert {"p", "child"} == set(tunnel.executions)

    tunnel.forget("p")
    tunnel.forget("p")

    gc.collect()
    assert {} == tunnel.executions
    assert tunnel.next_at is None
    assert not [one for one in gc.get_objects() if isinstance(one, Waits)]


def test_nobody_is_told_of_the_child_of_one_who_came_before(tunnel: Tunnel) -> None:
    """A new workflow of the parent's id does not hear of it."""
    left = Begin(kind="Waits", policy=int(ParentClosePolicy.ABANDON), leave=True)
    tunnel.start("Parent", left, "p")
    tunnel.run(BEGAN)
    tunnel.start("Waits", Text(text="another"), "p")

    tunnel.run()

    assert BEGAN + DAY == tunnel.executions["child"].closed_at
    assert ("another", "a day") == tunnel.result_of("p", tuple[str, ...])
