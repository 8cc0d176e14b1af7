"""Results and goals, as a table for people and as JSON for machines."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Goal:
    """A bound that a figure has to keep: at most or at least."""

    bound: float
    at_most: bool = True

    def __str__(self) -> str:
        """For people: `<= 14`."""
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}"

    def reached_by(self, value: float) -> bool:
        """Whether the figure keeps the bound."""
        return value <= self.bound if self.at_most else value >= self.bound


@dataclass(frozen=True)
class Figure:
    """One figure; of several rounds the median, with all of them in `rounds`."""

    name: str
    value: float
    unit: str
    goal: Goal | None = None
    rounds: Sequence[float] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; none without a goal."""
        return None if self.goal is None else self.goal.reached_by(self.value)


def median(name: str, rounds: Sequence[float], unit: str, goal: Goal | None = None) -> Figure:
    """The median of some rounds."""
    return Figure(name, statistics.median(rounds), unit, goal, tuple(rounds))


def table(figures: Sequence[Figure]) -> Table:
    """All figures with their goals."""
    drawn = Table("Figure", "Median", "Min – max", "Goal", "Reached", title="Bench")
    for figure in figures:
        spread = f"{min(figure.rounds):.3g} – {max(figure.rounds):.3g}" if figure.rounds else ""
        verdict = {True: "[green]reached", False: "[red]not reached", None: ""}[figure.reached]
        drawn.add_row(figure.name, f"{figure.value:.3g} {figure.unit}", spread, str(figure.goal or ""), verdict)
    return drawn


def machine(**run: object) -> dict[str, object]:
    """What was measured on, and when (UTC), with what else is to be said of the run."""
    return {
        "at": datetime.now(UTC),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "system": platform.platform(),
        **run,
    }


def save(figures: Sequence[Figure], path: Path, measured_on: Mapping[str, object]) -> None:
    """Write everything that was measured, and on what."""
    shown = [{**asdict(figure), "reached": figure.reached} for figure in figures]
    whole = {"machine": measured_on, "figures": shown}
    path.write_text(json.dumps(whole, indent=2, default=str) + "\n", encoding="utf-8")


def show(console: Console, figures: Sequence[Figure]) -> None:
    """Print the table, and what is not reached in one line."""
    console.print(table(figures))
    missed = [figure.name for figure in figures if figure.reached is False]
    console.print("Every goal is reached." if not missed else f"Not reached: {'; '.join(missed)}.")
