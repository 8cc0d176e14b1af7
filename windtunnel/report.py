"""The report of a policy replay: the same orders under two policies, figure by figure, with intervals.

Pure arithmetic over two tallies. An interval is the middle 95 % of the differences that come out when the orders are
drawn anew, with repetition (bootstrap, percentile method): how far the difference hangs on which orders there were.
It says nothing of whether the assumptions are right.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from operator import mul
from typing import Final

from domain.base import Model
from windtunnel.behaviour import Assumption
from windtunnel.report_tally import CASE, ENDING, FINAL, HAND_OVER, HOURS, MONEY, Tally

RESAMPLES: Final = 400
"""The ends of a 95 % interval then rest on ten draws each."""

FEWEST: Final = 30
"""With fewer orders no interval is given: it would look surer than it is. Own choice."""

CURVE_DAYS: Final = 60

QUANTILES: Final = (0.5, 0.9)


class Unit(StrEnum):
    """What a figure counts. Money is in minor units of `currency`."""

    ORDERS = "orders"
    TIMES = "times"
    SHARE = "share"
    DAYS = "days"
    MONEY = "money"


class Figure(Model):
    """One figure under both policies. `difference` is that of the second policy less that of the first.

    `low` and `high` bound it; none where there are too few orders. A share is a fraction of one.
    """

    section: str
    name: str
    unit: Unit
    first: float
    second: float
    difference: float
    low: float | None = None
    high: float | None = None
    currency: str = ""

    @property
    def clear(self) -> bool:
        """Whether the interval leaves no doubt in which direction the difference goes."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class Failure(Model):
    """An order that broke a law, or whose workflow failed, and the command that does it again."""

    order_id: str
    pack: str
    why: str
    command: str


class Curve(Model):
    """How much of the orders had their final money by the end of each day after the purchase: shares, day 0 first."""

    first: tuple[float, ...]
    second: tuple[float, ...]


class Load(Model):
    """Cases that came to support by hour of the week, Monday 0:00 first, in the time of the desk (`zone`)."""

    zone: str
    by_hour: tuple[int, ...]


class Source(Model):
    """Where the orders came from, and what was left out on the way."""

    name: str
    read: int
    without_base_rates: int
    unplayable: dict[str, int]
    sampled: bool


class Report(Model):
    """A whole policy replay. `orders` came to their end under both policies; `failures` did not and count nowhere."""

    first: str
    second: str
    orders: int
    seed: int
    behaviour: bool
    source: Source
    figures: tuple[Figure, ...]
    final_money: Curve
    load_first: Load
    load_second: Load
    resamples: int
    assumptions: tuple[Assumption, ...]
    told_assumptions: tuple[str, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether every order kept every law."""
        return not self.failures

    def figure(self, name: str) -> Figure:
        """The figure of this name. Raises KeyError."""
        for one in self.figures:
            if one.name == name:
                return one
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class _Measure:
    """What to take from a tally: a sum, a share of another sum, or a quantile of days."""

    section: str
    name: str
    unit: Unit
    key: str
    of: str = ""
    quantile: float = 0.0
    currency: str = ""


def figures(first: Tally, second: Tally, seed: int) -> tuple[Figure, ...]:
    """Every figure of two tallies of the same orders, with its interval."""
    draws = tuple(_draws(first, seed)) if first.total("orders") >= FEWEST else ()
    drawn_first, drawn_second = _Drawn(first, draws), _Drawn(second, draws)
    return tuple(_figure(one, drawn_first.of(one), drawn_second.of(one)) for one in _measures(first, second))


def _measures(first: Tally, second: Tally) -> Iterator[_Measure]:
    def share(section: str, name: str, key: str, of: str = "orders") -> _Measure:
        return _Measure(section, name, Unit.SHARE, key, of)

    def orders(section: str, name: str, key: str) -> _Measure:
        return _Measure(section, name, Unit.ORDERS, key)

    def times(section: str, name: str, key: str) -> _Measure:
        return _Measure(section, name, Unit.TIMES, key)

    def days(section: str, name: str, key: str, quantile: float) -> _Measure:
        return _Measure(section, name, Unit.DAYS, key, quantile=quantile)

    shipping, money = "Shipping", "Money"
    yield share(shipping, "handed over by the policy's ship-by date", "handed over in time")
    yield days(shipping, "days to hand-over, median", HAND_OVER, 0.5)
    yield days(shipping, "days to hand-over, 90th percentile", HAND_OVER, 0.9)
    yield share(shipping, "delivered by the estimate", "delivered in time")
    yield times(shipping, "reminders sent", "reminders")
    yield orders(shipping, "buyer got the right to cancel", "may cancel")
    yield orders(shipping, "cancelled before shipping", "cancelled")
    yield orders(shipping, "lost", "lost")
    for name in _names(first, second, ENDING):
        yield orders("How orders ended", name.removeprefix(ENDING), name)
    cases = "Cases"
    yield orders(cases, "complaints", "complaints")
    yield orders(cases, "complaints refused by a rule", "refused")
    yield orders(cases, "complaints after the end", "too late")
    yield times(cases, "cases opened", "cases")
    yield share(cases, "cases that gave the buyer something", "upheld", "cases")
    for name in _names(first, second, CASE):
        yield times("Cases by reason, and how they ended", name.removeprefix(CASE), name)
    desk = "Support"
    yield times(desk, "cases that came to support", "with support")
    yield times(desk, "clocks breached", "breached")
    yield times(desk, "escalations to the lead", "escalated")
    yield days(money, "days to final money, median", FINAL, 0.5)
    yield days(money, "days to final money, 90th percentile", FINAL, 0.9)
    for name in _names(first, second, MONEY):
        currency, what = name.removeprefix(MONEY).split(" ", 1)
        yield _Measure(money, f"{what}, {currency}", Unit.MONEY, name, currency=currency)


def _names(first: Tally, second: Tally, prefix: str) -> list[str]:
    return sorted({*first.names(prefix), *second.names(prefix)})


def _draws(tally: Tally, seed: int) -> Iterator[list[int]]:
    """How often each group is drawn, in each of the resamples."""
    luck = random.Random(f"{seed} intervals")
    filled = [group for group, orders in enumerate(tally.of("orders")) if orders]
    for _ in range(RESAMPLES):
        times = [0] * len(tally.of("orders"))
        for group in luck.choices(filled, k=len(filled)):
            times[group] += 1
        yield times


def _figure(measure: _Measure, first: Sequence[float], second: Sequence[float]) -> Figure:
    """From the values of both policies: over all orders first, then over each draw."""
    difference, *drawn = (after - before for before, after in zip(first, second, strict=True))
    low = high = None
    if drawn:
        drawn.sort()
        tail = len(drawn) // 40
        low, high = drawn[tail], drawn[-1 - tail]
    return Figure(
        section=measure.section,
        name=measure.name,
        unit=measure.unit,
        first=first[0],
        second=second[0],
        difference=difference,
        low=low,
        high=high,
        currency=measure.currency,
    )


class _Drawn:
    """The values of any figure of a tally: over all its orders first, then over each draw."""

    def __init__(self, tally: Tally, draws: Sequence[Sequence[int]]) -> None:
        self._tally = tally
        self._times = ([1] * len(tally.of("orders")), *draws)
        self._spans: dict[str, list[tuple[float, ...]]] = {}

    def of(self, measure: _Measure) -> list[float]:
        """The values of one figure."""
        if measure.unit is Unit.DAYS:
            place = QUANTILES.index(measure.quantile)
            return [found[place] for found in self._quantiles(measure.key)]
        parts = self._sums(measure.key)
        if not measure.of:
            return parts
        return [part / (whole or 1) for part, whole in zip(parts, self._sums(measure.of), strict=True)]

    def _sums(self, key: str) -> list[float]:
        parts = self._tally.of(key)
        return [float(sum(map(mul, times, parts))) for times in self._times]

    def _quantiles(self, key: str) -> list[tuple[float, ...]]:
        # Kept for the next quantile: to add up the orders of each draw is what takes the time.
        if key not in self._spans:
            ordered = sorted(zip(self._tally.days.get(key, ()), self._tally.groups.get(key, ()), strict=True))
            days, groups = [one for one, _ in ordered], [group for _, group in ordered]
            self._spans[key] = [_quantiles_of(days, groups, times) for times in self._times]
        return self._spans[key]


def _quantiles_of(days: Sequence[float], groups: Sequence[int], times: Sequence[int]) -> tuple[float, ...]:
    if not days:
        return (0.0,) * len(QUANTILES)
    counted = list(accumulate(map(times.__getitem__, groups)))
    return tuple(days[min(bisect_left(counted, part * counted[-1]), len(days) - 1)] for part in QUANTILES)


def curve(first: Tally, second: Tally) -> Curve:
    """How fast money became final under both policies."""
    return Curve(first=tuple(_by_day(first.days.get(FINAL, ()))), second=tuple(_by_day(second.days.get(FINAL, ()))))


def _by_day(days: Iterable[float]) -> Iterator[float]:
    ordered = sorted(days)
    for day in range(CURVE_DAYS + 1):
        yield bisect_left(ordered, day + 1) / len(ordered) if ordered else 0.0


def load(tally: Tally, zone: str) -> Load:
    """The support load of one policy."""
    assert len(tally.hours) == HOURS, "a week has so many hours"  # noqa: S101 -- what the page draws
    return Load(zone=zone, by_hour=tuple(tally.hours))
