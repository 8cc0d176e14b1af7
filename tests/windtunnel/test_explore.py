"""Exploration: what it walks, that it is deterministic, and that a counter-example can be played again."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from windtunnel.__main__ import app
from windtunnel.explore import Bounds, Explorer
from windtunnel.explore_laws import Broken, kept, promised
from windtunnel.explore_move import WAIT
from windtunnel.explore_moves import MOVES, open_moves
from windtunnel.explore_orders import ORDERS, ROOTS
from windtunnel.explore_play import CounterExample, broken_by, replayed
from windtunnel.explore_state import key_of

A_MINUTE = 60


@pytest.mark.parametrize("order", ORDERS)
def test_no_order_is_stuck(order: str) -> None:
    """In every state walked, money is conserved, silence keeps its promises and leads to the end."""
    explored = Explorer(seed=1, bounds=Bounds(states=200, seconds=A_MINUTE), orders=(order,)).run()

    assert explored.broken is None
    assert explored.states >= 200
    assert explored.ends > 0
    assert explored.promises > 0


def test_the_same_seed_walks_the_same_way() -> None:
    """A run is reproduced by its seed: the same states in the same number of transitions."""
    bounds = Bounds(states=60, seconds=A_MINUTE)

    first, second = (Explorer(seed=3, bounds=bounds, orders=("dear",)).run() for _ in range(2))

    assert (first.states, first.transitions, first.promises) == (second.states, second.transitions, second.promises)


@pytest.mark.parametrize("order", ORDERS)
def test_every_way_into_a_phase_leads_there(order: str) -> None:
    """The moves by which an exploration begins mean something where they are made: none is refused."""
    needed_above_a_limit = {"bo confirms"}
    idle = set()
    for moves in ROOTS:
        with replayed(order, ()) as position:
            for move in moves:
                if move != WAIT and move not in open_moves(position):
                    idle.add(move)
                MOVES[move].make(position)

    assert idle <= needed_above_a_limit


def test_a_state_is_the_same_whenever_it_is_reached() -> None:
    """Instants are no part of a state: two ways that differ in time alone lead to one."""
    keys = []
    for moves in (("seller ships", "carrier accepted"), ("wait", "seller ships", "carrier accepted")):
        with replayed("dear", moves) as position:
            keys.append(key_of(position, ()))

    assert keys[0] == keys[1]


def test_silence_alone_breaks_nothing() -> None:
    """An order about which nobody ever says anything ends by itself, and keeps its promises on the way."""
    assert broken_by("cheap", ()) is None


def test_silence_waits_for_evidence_that_is_being_read() -> None:
    """What came in time is compared with what was sealed before silence decides, for minutes at most.

    `make explore` found that a clock was 15 seconds late, as the files did not answer when a worker came back.
    """
    moves = ("carrier delivered", "buyer complains: not_as_described")
    away = ("no worker for a day", "files down for two days", "buyer shows more")
    assert None is broken_by("dear", moves + away)


def test_what_is_still_owed_breaks_the_law_at_the_very_instant() -> None:
    """Nothing has happened at the deadline, or, while files are read, when they must have been."""
    with replayed("dear", ()) as position:
        owed = promised(position)
        assert owed
        reading = replace(owed, latest=owed.due + timedelta(minutes=5))

        position.tunnel.now = owed.due
        kept(position, reading)
        with pytest.raises(Broken, match="nothing has happened"):
            kept(position, owed)
        position.tunnel.now = reading.latest
        with pytest.raises(Broken, match="nothing has happened"):
            kept(position, reading)


def test_a_counter_example_that_breaks_nothing_is_played_to_the_end(tmp_path: Path) -> None:
    """`--play` makes the moves of a file again and says that every law held."""
    file = tmp_path / "example.json"
    example = CounterExample(law="none", order="dear", moves=("seller ships", "carrier accepted", "wait"))
    file.write_text(example.model_dump_json(), encoding="utf-8")

    played = CliRunner().invoke(app, ["explore", "--play", str(file)])

    assert (0, True) == (played.exit_code, "every law held" in played.output)


def test_a_file_that_is_no_counter_example_is_refused(tmp_path: Path) -> None:
    """`--play` of another file is wrong usage."""
    file = tmp_path / "example.json"
    file.write_text("{}", encoding="utf-8")

    assert 2 == CliRunner().invoke(app, ["explore", "--play", str(file)]).exit_code
