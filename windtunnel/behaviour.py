"""How people react to a policy: every number that no record tells, with its source. It is small on purpose.

A record says what people did under the rules of their time. What they would have done under others is assumed here,
in one place, printed on every report, and can be switched off. Change a number with what you have measured yourself.
"""

from __future__ import annotations

import math
import random
from datetime import timedelta

from pydantic import Field

from domain.base import Model

OWN: str = "own choice"


def _share(default: float, means: str, source: str) -> float:
    value: float = Field(default, ge=0, le=1, description=means, json_schema_extra={"source": source})
    return value


def _hours(default: float, means: str, source: str) -> float:
    value: float = Field(default, gt=0, le=10_000, description=means, json_schema_extra={"source": source})
    return value


class Assumption(Model):
    """One number of a model, in words for people."""

    name: str
    value: float
    means: str
    source: str


class _Numbers(Model):
    @classmethod
    def _source(cls, name: str) -> str:
        extra = cls.model_fields[name].json_schema_extra
        return str(extra["source"]) if isinstance(extra, dict) else OWN

    def assumptions(self) -> tuple[Assumption, ...]:
        """Every number with what it means and where it comes from."""
        return tuple(
            Assumption(name=name, value=getattr(self, name), means=str(field.description), source=self._source(name))
            for name, field in type(self).model_fields.items()
        )


class Behaviour(_Numbers):
    """What buyers and sellers do that the record does not say. Shares are between 0 and 1, times in hours."""

    reminded_seller_ships: float = _share(
        0.15,
        "share of sellers about to miss the ship-by date who ship within the day after a reminder, for each reminder",
        "own choice: no open data set tells who was reminded; measure it with your own reminders",
    )
    buyer_cancels: float = _share(
        0.05,
        "share of buyers who cancel once they may, half a day after they are told",
        "own choice: in the Olist tables nearly all buyers waited, but nobody had offered them a way out",
    )
    complains_at_one: float = _share(
        0.8, "share of buyers with a review score of 1 who open a case", "own choice: a survey costs less than a case"
    )
    complains_at_two: float = _share(
        0.5, "share of buyers with a review score of 2 who open a case", "own choice: a survey costs less than a case"
    )
    heeds_window: float = _share(
        0.6,
        "share of unhappy buyers who complain before the window closes, where their review came after it",
        "own choice: in the Olist tables 91 % of surveys were sent out on the day of delivery or the next, so a review "
        "shows when people were asked, not when they knew",
    )
    seller_accepts: float = _share(0.45, "share of sellers who accept a complaint", "own choice: no record tells")
    seller_offers: float = _share(
        0.15, "share of sellers who offer a part of the price instead", "own choice: no record tells"
    )
    seller_contests: float = _share(
        0.25, "share of sellers who contest a complaint; the rest stay silent", "own choice: no record tells"
    )
    offered_part: float = _share(0.3, "part of the items' price that is offered", "own choice: a usual discount")
    buyer_takes_offer: float = _share(0.5, "share of buyers who accept such an offer", "own choice: no record tells")
    people_answer_after: float = _hours(
        24,
        "hours until somebody who answers does so, on average (exponential); a shorter window catches fewer",
        "own choice: Vinted reminds a seller after 24 h (docs/policy.md: VT2)",
    )
    evidence_given: float = _share(
        0.6, "share of buyers who hand in the evidence they are asked for, after 6 hours", "own choice: no record tells"
    )
    sends_back: float = _share(
        0.85,
        "share of buyers who send the goods back, within two days of the label",
        "own choice: no record tells",
    )
    seller_inspects: float = _share(
        0.8,
        "share of sellers who confirm what came back, after a day; the rest stay silent",
        "own choice: no record tells",
    )

    def complains(self, score: int) -> float:
        """The share of buyers with this review score, 1 or 2, who open a case."""
        return self.complains_at_one if score == 1 else self.complains_at_two


class Desk(_Numbers):
    """How the support desk works, in hours of its own calendar. It is part of the platform, so it is never off."""

    answers_after: float = _hours(
        3, "business hours until support's first word in a case, on average (exponential)", "own choice"
    )
    decides_after: float = _hours(
        12,
        "business hours until support decides a case, on average (exponential)",
        "own choice: half of the 24 BH that resale-v1 allows, so about one case in seven is late",
    )
    confirms_after: float = _hours(2, "business hours until a second agent confirms a ruling", "own choice")


class Luck:
    """Chance that is the same for the same seed, order and question, whatever the policy and whatever came before.

    Two policies are thus compared over the same people: a difference is the policies', not the dice's.
    """

    def __init__(self, seed: int, order_id: str) -> None:
        self._stem = f"{seed} {order_id}"

    def of(self, question: str) -> float:
        """A number from 0 up to 1."""
        return random.Random(f"{self._stem} {question}").random()

    def wait(self, question: str, mean_hours: float) -> timedelta:
        """An exponential wait with this mean."""
        return timedelta(hours=-math.log(1 - self.of(question)) * mean_hours)
