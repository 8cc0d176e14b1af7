"""Where the orders of a policy replay come from: a CSV file, the Olist tables, or the store of our own outcomes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from activities.outcomes import SqlOutcomes
from activities.store import StoreOutdated, open_store
from domain.base import Instant, Model
from domain.cases.record import Resolution
from domain.money import Money
from domain.parties import Role
from domain.policy import NOTHING_CAME, Reason, Remedy
from domain.settlement import Ending
from domain.story import Outcome
from fastmotion.recorded import RecordedOrder, Review, Withdrawn, csv_file, olist, olist_folder
from fastmotion.reenactment import fault
from storefront.errors import BadInput

CONTENT: Final = 5
"""The review score that stands for a recorded acceptance."""

_SOON: Final = timedelta(hours=1)
_WITHDRAWALS: Final = {
    Ending.CANCELLED_BY_BUYER: Withdrawn.CANCELLED,
    Ending.CANCELLED_BY_SELLER: Withdrawn.UNAVAILABLE,
}


class Heard(Model):
    """A recorded case: what it was about, when the buyer complained (UTC), and how it was decided.

    `amount` is what the buyer got back. A complaint that was taken back is no case here.
    """

    reason: Reason
    complained_at: Instant
    decided_by: Role
    remedy: Remedy
    amount: Money


class Recording(Model):
    """An order as it was recorded, and its case, which only our own outcomes tell."""

    order: RecordedOrder
    heard: Heard | None = None


@dataclass(slots=True)
class Intake:
    """What was read and what was left out on the way; filled while the orders are read."""

    source: str
    read: int = 0
    without_base_rates: int = 0
    unplayable: Counter[str] = field(default_factory=Counter)


def of_path(path: Path | None) -> tuple[Iterator[Recording], str]:
    """The orders of a CSV file, or of the Olist tables in a folder; without a path, where they usually are.

    Raises BadInput, also while reading, for what cannot be used.
    """
    if path and path.is_file():
        return map(_plain, csv_file(path)), path.name
    return map(_plain, olist(olist_folder(path))), "the Olist tables"


def _plain(order: RecordedOrder) -> Recording:
    return Recording(order=order)


def of_store(url: str) -> Iterator[Recording]:
    """The orders of an outcome store, by its SQLAlchemy URL, in the order of closing.

    Raises BadInput if it cannot be opened or read. The text never shows the URL, which may hold a password.
    """
    try:
        for outcome in SqlOutcomes(open_store(url)).outcomes():
            if outcome.order is not None:
                yield of_outcome(outcome)
    except (ArgumentError, ImportError, ValueError):
        raise BadInput(
            "--store is no database URL that is understood here: write for example sqlite:///var/redress.sqlite"
        ) from None
    except StoreOutdated as error:
        raise BadInput(f"The database of --store cannot be used. {error}") from None
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or type(error).__name__
        raise BadInput(f"The database of --store cannot be used: {cause}") from None


def of_outcome(outcome: Outcome) -> Recording:
    """An order of our own as a record. Raises ValueError if the outcome was kept without its order.

    An outcome does not tell when the buyer complained: the delivery is taken, or the estimate for what never came.
    """
    order = outcome.order
    if order is None:
        raise ValueError(f"The outcome of {outcome.order_id} was recorded without its order")
    ending, decided = outcome.decision.ending, outcome.decision.at
    recorded = RecordedOrder(
        order_id=order.order_id,
        marketplace=order.marketplace,
        buyer=order.buyer,
        seller=order.seller,
        lines=order.lines,
        items=order.price.items,
        shipping=order.price.shipping,
        tax=order.price.tax,
        platform_fee=order.price.platform_fee,
        purchased_at=order.placed_at,
        ship_by=order.ship_by,
        handed_over_at=outcome.scanned_at,
        delivered_at=outcome.delivered_at,
        estimate=order.estimate,
        withdrawn=_WITHDRAWALS.get(ending),
        withdrawn_at=decided if ending in _WITHDRAWALS else None,
        review=Review(score=CONTENT, at=decided) if ending is Ending.ACCEPTED else None,
    )
    return Recording(order=recorded, heard=_heard(recorded, outcome.cases[-1]) if outcome.cases else None)


def _heard(order: RecordedOrder, resolution: Resolution) -> Heard | None:
    if resolution.remedy is None:
        return None
    began = order.delivered_at or order.handed_over_at or order.purchased_at
    if resolution.reason in NOTHING_CAME and order.estimate:
        began = max(order.estimate, order.purchased_at)
    return Heard(
        reason=resolution.reason,
        complained_at=min(began + _SOON, max(resolution.at, order.purchased_at)),
        decided_by=resolution.decided_by,
        remedy=resolution.remedy,
        amount=resolution.amount,
    )


def playable(recordings: Iterable[Recording], intake: Intake, *, every_order: bool) -> Iterator[Recording]:
    """The recordings that can be played; `intake` counts what is left out, as they are read.

    Left out are those with a fault and, unless `every_order`, those that were recorded because of their fate, since
    a share over them means nothing.
    """
    for one in recordings:
        intake.read += 1
        if not (every_order or one.order.base_rates):
            intake.without_base_rates += 1
        elif found := fault(one.order):
            intake.unplayable[found.value] += 1
        else:
            yield one


def sample(recordings: Iterable[Recording], count: int | None, seed: int) -> Iterable[Recording]:
    """A random sample of `count`; the same seed draws the same ones. All of them, one by one, without a count.

    Only the sample is held in memory (reservoir sampling: Vitter 1985, algorithm R).
    """
    if count is None:
        return recordings
    chosen: list[Recording] = []
    luck = random.Random(seed)
    for number, one in enumerate(recordings):
        if number < count:
            chosen.append(one)
        elif (place := luck.randrange(number + 1)) < count:
            chosen[place] = one
    return chosen


def only(order_id: str) -> Callable[[Recording], bool]:
    """Whether a recording is that of one order."""
    return lambda one: one.order.order_id == order_id
