"""Policy replay: recorded orders under two policies, side by side, over the same people and the same dice."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

from domain import policy_packs
from domain.policy_packs import Pack
from storefront.errors import BadInput
from windtunnel import report
from windtunnel.behaviour import Assumption
from windtunnel.replay_play import Rules, Theatre
from windtunnel.replay_records import Intake, Recording
from windtunnel.report import Failure, Report, Source
from windtunnel.report_tally import Facts, Tally, facts

CHUNK: Final = 50
"""Orders that a process gets at once: enough to hide the sending, few enough to share the end fairly."""

_AHEAD: Final = 3
_MOST_FAILURES: Final = 20

TOLD: Final = (
    "Everybody does what the record says they did, at that instant, unless a number below says otherwise.",
    "A record with no fee: the platform takes 10 % of the items. A return label costs what the way there cost.",
    "A seller marks an order as shipped at its first scan; parcels on their way are scanned every 5 days.",
    "A review of 3 or better means that the buyer accepts, once the parcel has come.",
    "A review of 1 or 2 is a complaint: late, or not as described; of what was not sent yet, a cancellation.",
    "Support gives all back after a score of 1, else half; a complaint after the end of the order it turns down.",
    "Both sides are new to the marketplace: no history makes them trusted or suspect. Nobody appeals.",
    "Nobody changes their ways because of a rule alone: an earlier date makes more sellers late, not quicker.",
)


# Read once: what the report says at the end is what was played, also if somebody has edited the file meanwhile.
@lru_cache(maxsize=64)
def pack_of(name: str) -> Pack:
    """The pack of this name, or the one in this file, whose name ends in `.toml`. Raises BadInput."""
    try:
        return policy_packs.read(Path(name)) if Path(name).suffix == ".toml" else policy_packs.load(name)
    except OSError as error:
        raise BadInput(f"The policy pack {name} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInput(str(error)) from error


@dataclass(frozen=True, slots=True)
class Pair:
    """The two policies, by name or file as in `pack_of`, and what both are played by.

    Names, since a pack itself cannot be sent to another process.
    """

    first: str
    second: str
    rules: Rules

    @property
    def packs(self) -> tuple[Pack, Pack]:
        """Both, in the order in which they are named. Raises BadInput."""
        return pack_of(self.first), pack_of(self.second)


@dataclass(frozen=True, slots=True)
class Compared:
    """One order under both policies; without facts if it failed under one of them, and why."""

    order_id: str
    facts: tuple[Facts, Facts] | None
    failures: tuple[tuple[str, str], ...] = ()


class Comparer:
    """Plays orders under both policies in this process."""

    def __init__(self, pair: Pair) -> None:
        self._theatres = tuple((pack.policy.pack, Theatre(pack, pair.rules)) for pack in pair.packs)

    def compare(self, recording: Recording) -> Compared:
        """Play one order under both policies."""
        counted: list[Facts] = []
        failures: list[tuple[str, str]] = []
        for pack, theatre in self._theatres:
            try:
                counted.append(facts(theatre.play(recording)))
            except Exception as error:  # noqa: BLE001 -- whatever fails an order is reported, with how to repeat it
                failures.append((pack, f"{type(error).__name__}: {error}"))
        both = (counted[0], counted[1]) if not failures else None
        return Compared(recording.order.order_id, both, tuple(failures))


@dataclass(slots=True)
class Collected:
    """What has come of the orders so far."""

    orders: int = 0
    first: Tally = field(default_factory=Tally)
    second: Tally = field(default_factory=Tally)
    failed: list[Compared] = field(default_factory=list)

    def add(self, one: Compared) -> None:
        """Count one order, or keep that it failed."""
        if one.facts is None:
            self.failed.append(one)
            return
        self.orders += 1
        self.first.add(one.facts[0])
        self.second.add(one.facts[1])


def collect(
    pair: Pair, recordings: Iterable[Recording], *, jobs: int = 1, played: Callable[[int], object] = lambda _: None
) -> Collected:
    """Play all orders under both policies on `jobs` processes; `played` hears of how many were done at once.

    What comes out does not depend on the number of processes.
    """
    collected = Collected()
    chunks = _chunks(recordings)
    results = _here(pair, chunks) if jobs == 1 else _elsewhere(pair, chunks, jobs)
    for compared in results:
        for one in compared:
            collected.add(one)
        played(len(compared))
    return collected


def _chunks(recordings: Iterable[Recording]) -> Iterator[list[Recording]]:
    left = iter(recordings)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def _here(pair: Pair, chunks: Iterator[list[Recording]]) -> Iterator[list[Compared]]:
    comparer = Comparer(pair)
    for chunk in chunks:
        yield [comparer.compare(one) for one in chunk]


_comparer: Comparer


def _begin(pair: Pair) -> None:
    global _comparer  # noqa: PLW0603 -- what a process is started with has no other place to live
    _comparer = Comparer(pair)


def _compare(chunk: Sequence[Recording]) -> list[Compared]:
    return [_comparer.compare(one) for one in chunk]


def _elsewhere(pair: Pair, chunks: Iterator[list[Recording]], jobs: int) -> Iterator[list[Compared]]:
    waiting: deque[Future[list[Compared]]] = deque()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(pair,)) as pool:
        for chunk in chunks:
            waiting.append(pool.submit(_compare, chunk))
            # Never read far ahead of the processes: memory stays flat.
            if len(waiting) >= jobs * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def reported(pair: Pair, collected: Collected, intake: Intake, *, sampled: bool, again: Callable[[str], str]) -> Report:
    """The report; `again` gives the command that repeats the order of an id."""
    rules, packs = pair.rules, pair.packs
    first, second = collected.first, collected.second
    zones = [pack.policy.support.hours.time_zone for pack in packs]
    behaviour: tuple[Assumption, ...] = rules.behaviour.assumptions() if rules.behaviour else ()
    return Report(
        first=packs[0].policy.pack,
        second=packs[1].policy.pack,
        orders=collected.orders,
        seed=rules.seed,
        behaviour=rules.behaviour is not None,
        source=Source(
            name=intake.source,
            read=intake.read,
            without_base_rates=intake.without_base_rates,
            unplayable=dict(sorted(intake.unplayable.items())),
            sampled=sampled,
        ),
        figures=report.figures(first, second, rules.seed),
        final_money=report.curve(first, second),
        load_first=report.load(first, zones[0]),
        load_second=report.load(second, zones[1]),
        resamples=report.RESAMPLES,
        assumptions=(*behaviour, *rules.desk.assumptions()),
        told_assumptions=(*TOLD, _ship_by(rules)),
        failures=tuple(
            Failure(order_id=one.order_id, pack=pack, why=why, command=again(one.order_id))
            for one in collected.failed[:_MOST_FAILURES]
            for pack, why in one.failures
        ),
    )


def _ship_by(rules: Rules) -> str:
    if rules.recorded_ship_by:
        return "The ship-by date is the recorded one, under both policies."
    return "The ship-by date is the policy's own, whatever date the marketplace had promised then."
