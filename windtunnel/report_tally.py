"""Counting a replay while it runs: what is kept of an order is small, so memory stays flat however many there are."""

from __future__ import annotations

import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.ledger import Account, EntryKind
from domain.parties import Role
from domain.settlement import Ending
from domain.story import Outcome
from windtunnel.replay_play import Played
from windtunnel.willing_world import BY_PROVIDER

GROUPS: Final = 200
"""Orders are dealt into this many groups by their id, and intervals are drawn over groups: as good as over orders,
and as fast for a million of them."""

HOURS: Final = 7 * 24

MONEY: Final = "money "
CASE: Final = "case "
ENDING: Final = "ending "
HAND_OVER: Final = "hand-over"
FINAL: Final = "final money"

_FOR_PEOPLE: Final = BY_PROVIDER | {EntryKind.CHARGED_BACK}
_DAY: Final = timedelta(days=1)
_HOW: Final = {
    Role.SELLER: "settled with the seller",
    Role.BUYER: "settled with the buyer",
    Role.SUPPORT: "decided by support",
    Role.PLATFORM: "decided by rule or silence",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report needs of one order under one policy: counts and minor units by name, spans in days by name.

    `hours` are the hours of the week (0 is Monday, 0:00) in which cases came to support, in the desk's own time.
    """

    order_id: str
    sums: Mapping[str, int]
    days: Mapping[str, float]
    hours: tuple[int, ...] = ()

    @property
    def group(self) -> int:
        """The same for an order in every replay."""
        return zlib.crc32(self.order_id.encode()) % GROUPS


def facts(played: Played) -> Facts:
    """Count one order."""
    outcome, notices = played.outcome, played.notices
    ending = outcome.decision.ending
    reminders = sum(times for name, times in notices.items() if name.startswith("reminded "))
    sums = Counter(
        {
            "orders": 1,
            "handed over in time": int(outcome.scanned_at is not None and not outcome.shipped_late),
            "delivered in time": int(outcome.delivered_at is not None and not outcome.delivered_late),
            "reminders": reminders,
            "may cancel": min(1, notices.get("buyer_may_cancel to buyer", 0)),
            "cancelled": int(ending in _CANCELLED),
            "lost": min(1, notices.get("lost to buyer", 0)),
            "complaints": int(bool(outcome.cases_opened or played.refused or played.too_late)),
            "refused": int(bool(played.refused)),
            "too late": int(played.too_late),
            "cases": outcome.cases_opened,
            "upheld": outcome.upheld,
            "with support": len(played.arrivals),
            "breached": notices.get("breached to support", 0),
            "escalated": notices.get("escalated to support", 0),
            f"{ENDING}{ending.replace('_', ' ')}": 1,
        }
    )
    sums.update(_cases(outcome))
    sums.update(_money(outcome))
    placed_at = outcome.placed_at
    days = {FINAL: (_final_at(outcome) - placed_at) / _DAY}
    if outcome.scanned_at:
        days[HAND_OVER] = (outcome.scanned_at - placed_at) / _DAY
    zone = ZoneInfo(outcome.order.policy.support.hours.time_zone) if outcome.order else None
    return Facts(outcome.order_id, dict(sums), days, tuple(_hour(at, zone) for at in played.arrivals))


_CANCELLED: Final = frozenset(
    {Ending.NOT_SHIPPED, Ending.NOT_SCANNED, Ending.CANCELLED_BY_BUYER, Ending.CANCELLED_BY_SELLER}
)


def _hour(at: datetime, zone: ZoneInfo | None) -> int:
    local = at.astimezone(zone)
    return local.weekday() * 24 + local.hour


def _final_at(outcome: Outcome) -> datetime:
    """When the last money of buyer or seller moved."""
    moved = (entry.at for entry in outcome.ledger.facts if entry.kind in _FOR_PEOPLE)
    return max(moved, default=outcome.decision.at)


def _cases(outcome: Outcome) -> Counter[str]:
    last = {case.case_id: case for case in outcome.cases}
    return Counter(
        f"{CASE}{case.reason.replace('_', ' ')}{', after the end' if case.late else ''}: "
        f"{_HOW.get(case.decided_by, str(case.decided_by))}, {(case.remedy or 'withdrawn').replace('_', ' ')}"
        for case in last.values()
    )


def _money(outcome: Outcome) -> Counter[str]:
    ledger = outcome.ledger
    paid = ledger.total(EntryKind.CAPTURED)
    currency = outcome.decision.refund.currency
    minor = {
        "paid by buyers": paid,
        "back to buyers": paid + ledger.balance(Account.BUYER),
        "to sellers": ledger.balance(Account.SELLER),
        "to the platform": ledger.balance(Account.PLATFORM),
        "tax": ledger.balance(Account.TAX),
        "to carriers for returns": ledger.balance(Account.CARRIER),
    }
    return Counter({f"{MONEY}{currency} {name}": value for name, value in minor.items()})


@dataclass(slots=True)
class Tally:
    """All orders under one policy, added up by group."""

    sums: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * GROUPS))
    days: dict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("d")))
    groups: dict[str, array[int]] = field(default_factory=lambda: defaultdict(lambda: array("H")))
    hours: list[int] = field(default_factory=lambda: [0] * HOURS)

    def add(self, one: Facts) -> None:
        """Add one order."""
        group = one.group
        for name, value in one.sums.items():
            self.sums[name][group] += value
        for name, days in one.days.items():
            self.days[name].append(days)
            self.groups[name].append(group)
        for hour in one.hours:
            self.hours[hour] += 1

    def total(self, name: str) -> int:
        """The sum over all orders."""
        return sum(self.sums[name]) if name in self.sums else 0

    def of(self, name: str) -> list[int]:
        """The sums by group."""
        return self.sums[name] if name in self.sums else [0] * GROUPS

    def names(self, prefix: str) -> list[str]:
        """What was counted under names that begin so, in alphabetical order."""
        return sorted(name for name in self.sums if name.startswith(prefix))
