"""What a replay found: how the orders ended under the policy, against what really happened. Pure arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median, quantiles
from typing import Final

from activities.sandbox.payments import Totals
from domain.base import Model
from domain.ledger import Account, Conservation, EntryKind
from domain.messages import Cancel, Complaint, Message, Reply
from domain.parties import Role
from domain.settlement import Ending
from domain.story import Outcome
from fastmotion.recorded import RecordedOrder, Withdrawn
from fastmotion.reenactment import Script, sent_at

PAID_BY_PROVIDER: Final = (EntryKind.RELEASED, EntryKind.COMPENSATED)


@dataclass(frozen=True, slots=True)
class Said:
    """A message and its answer; no reply: the order had ended before it came."""

    message: Message
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class Played:
    """An order that came to its end. `told` are the notices to each party about the order itself."""

    script: Script
    outcome: Outcome
    said: tuple[Said, ...] = ()
    told: frozenset[tuple[str, str]] = frozenset()

    @property
    def recorded(self) -> RecordedOrder:
        """What really happened."""
        return self.script.recorded

    def was_told(self, role: Role, kind: str) -> bool:
        """Whether this party got a notice of this kind."""
        return (role.value, kind) in self.told


@dataclass(frozen=True, slots=True)
class Broken:
    """An order that did not come to an end, and why."""

    order_id: str
    why: str


class Check(Model):
    """A law that must hold over all orders."""

    law: str
    holds: bool
    detail: str = ""


class Report(Model):
    """All figures of a replay: counts of orders unless named otherwise; money in minor units by currency.

    `table` counts, for what really happened, how Redress ended the orders. `lag_hours` is in policy time.
    `overtaken` orders ended although a message sent earlier was on its way: the replay was too fast for them.
    """

    orders: int
    facts: dict[str, dict[str, int]]
    table: dict[str, dict[str, int]]
    money: dict[str, dict[str, int]]
    notices: dict[str, int]
    lag_hours: dict[str, float]
    overtaken: int
    checks: tuple[Check, ...]

    @property
    def sound(self) -> bool:
        """Whether every check holds."""
        return all(check.holds for check in self.checks)


class Drawn(Model):
    """Where the orders came from, and what was left out on the way."""

    source: str
    read: int
    without_base_rates: int
    unplayable: dict[str, int]
    playable: int


class Result(Model):
    """A whole replay, as `--json` prints it."""

    drawn: Drawn
    pack: str
    seed: int
    day: float
    seconds: float
    report: Report


def really(order: RecordedOrder) -> str:
    """What became of an order in reality, as one of a few classes."""
    if order.handed_over_at is None:
        match order.withdrawn:
            case Withdrawn.CANCELLED:
                return "cancelled"
            case Withdrawn.UNAVAILABLE:
                return "unavailable"
            case _:
                return "never handed over"
    if order.delivered_at is None:
        return "handed over, never delivered"
    when = "late" if delivered_late(order) else "on time"
    unhappy = ", unhappy" if order.review and order.review.unhappy else ""
    return f"delivered {when}{unhappy}"


def delivered_late(order: RecordedOrder) -> bool:
    """Delivered after the recorded estimate; without one, nothing was promised."""
    return order.delivered_at is not None and order.estimate is not None and order.delivered_at > order.estimate


def ended(outcome: Outcome) -> str:
    """How Redress ended an order."""
    ending = outcome.decision.ending
    if ending is Ending.CASE:
        remedy = next((case.remedy for case in outcome.cases if case.case_id == outcome.decision.case_id), None)
        return f"case: {(remedy or 'withdrawn').replace('_', ' ')}"
    return ending.value.replace("_", " ")


def report(
    played: Sequence[Played],
    broken: Sequence[Broken],
    *,
    notices: Mapping[str, int],
    provider: Mapping[str, Totals],
    duplicates: Mapping[str, int],
    lags: Sequence[timedelta],
) -> Report:
    """The report over all orders. `provider` and `duplicates` are the payment provider's own word."""
    table: dict[str, Counter[str]] = {}
    for one in played:
        table.setdefault(really(one.recorded), Counter())[ended(one.outcome)] += 1
    return Report(
        orders=len(played) + len(broken),
        facts={
            "hand-over": _hand_over(played),
            "delivery": _delivery(played),
            "reviews": _reviews(played),
            "refused complaints, by rule": _refusals(played),
            "cases": _cases(played),
        },
        table={name: dict(sorted(row.items())) for name, row in sorted(table.items())},
        money=_money(played),
        notices=dict(sorted(notices.items())),
        lag_hours=_lags(lags),
        overtaken=sum(map(_overtaken, played)),
        checks=tuple(_checks(played, broken, provider, duplicates)),
    )


def _count(played: Iterable[Played], wanted: Mapping[str, Callable[[Played], bool]]) -> dict[str, int]:
    seen = tuple(played)
    return {name: sum(map(holds, seen)) for name, holds in wanted.items()}


def _hand_over(played: Sequence[Played]) -> dict[str, int]:
    late = [one for one in played if (at := one.recorded.handed_over_at) and at >= one.script.ship_by]
    never = [one for one in played if one.recorded.handed_over_at is None]
    what: dict[str, Callable[[Played], bool]] = {
        "seller reminded": lambda one: one.was_told(Role.SELLER, "reminded"),
        "buyer got the right to cancel": lambda one: one.was_told(Role.BUYER, "buyer_may_cancel"),
        "cancelled by the hard deadline": lambda one: one.outcome.decision.ending is Ending.NOT_SHIPPED,
        "cancelled by the buyer": lambda one: one.outcome.decision.ending is Ending.CANCELLED_BY_BUYER,
        "cancelled by the seller": lambda one: one.outcome.decision.ending is Ending.CANCELLED_BY_SELLER,
    }
    counts = {"on time": len(played) - len(late) - len(never)}
    for name, group in (("late", late), ("never", never)):
        counts[name] = len(group)
        counts |= {f"{name}: {key}": number for key, number in _count(group, what).items()}
    return counts


def _delivery(played: Sequence[Played]) -> dict[str, int]:
    handed = [one for one in played if one.recorded.handed_over_at]
    delivered = [one for one in handed if one.recorded.delivered_at]
    late = [one for one in delivered if delivered_late(one.recorded)]
    never = [one for one in handed if not one.recorded.delivered_at]
    return {
        "on time": len(delivered) - len(late),
        "late": len(late),
        "late: buyer and seller told": sum(one.was_told(Role.BUYER, "late") for one in late),
        "late: ended before it came": sum(one.outcome.delivered_at is None for one in late),
        "never": len(never),
        "never: lost, refunded": sum(one.outcome.decision.ending is Ending.LOST for one in never),
        "never: refunded by a case": sum(one.outcome.decision.ending is Ending.CASE for one in never),
    }


def _reviews(played: Sequence[Played]) -> dict[str, int]:
    reviewed = [one for one in played if one.recorded.review]
    unhappy = [one for one in reviewed if one.recorded.review and one.recorded.review.unhappy]
    answers = Counter(_answer(one) for one in unhappy)
    return {
        "with a review": len(reviewed),
        "unhappy": len(unhappy),
        "unhappy: complaint accepted": answers["accepted"],
        "unhappy: complaint refused by a rule": answers["refused"],
        "unhappy: complaint after the order had ended": answers["ended"],
        "unhappy: cancelled or asked to, nothing was sent yet": answers["cancelled"],
        "unhappy: order had ended, nothing was sent": answers["moot"],
    }


def _answer(one: Played) -> str:
    """What came of an unhappy buyer's message; an order that ends sooner leaves nothing to say."""
    for said in one.said:
        if isinstance(said.message, Complaint):
            if said.reply is None:
                return "ended"
            return "refused" if said.reply.refused else "accepted"
        if isinstance(said.message, Cancel) and said.reply is not None:
            return "cancelled"
    return "moot"


def _refusals(played: Sequence[Played]) -> dict[str, int]:
    rules = Counter(
        said.reply.rule if said.reply else f"{one.outcome.decision.rule} (order ended)"
        for one in played
        for said in one.said
        if isinstance(said.message, Complaint) and (said.reply is None or said.reply.refused)
    )
    return dict(sorted(rules.items()))


def _cases(played: Sequence[Played]) -> dict[str, int]:
    by = {Role.SELLER: "accepted by the seller", Role.SUPPORT: "ruled by support", Role.PLATFORM: "ended by silence"}
    cases = [case for one in played for case in one.outcome.cases]
    counts = Counter(
        f"{case.reason.replace('_', ' ')}: {by.get(case.decided_by, case.decided_by)}, "
        f"{(case.remedy or 'withdrawn').replace('_', ' ')}"
        for case in cases
    )
    return {"all": len(cases), **dict(sorted(counts.items()))}


def _money(played: Sequence[Played]) -> dict[str, dict[str, int]]:
    sums: dict[str, Counter[str]] = {}
    for one in played:
        ledger = one.outcome.ledger
        counts = sums.setdefault(one.outcome.decision.refund.currency, Counter())
        counts["paid by buyers"] += ledger.total(EntryKind.CAPTURED)
        counts["refunded to buyers"] += ledger.total(EntryKind.REFUNDED)
        counts["paid to sellers"] += ledger.balance(Account.SELLER)
        counts["of that borne by the platform"] += ledger.total(EntryKind.COMPENSATED)
        counts["left with the platform"] += ledger.balance(Account.PLATFORM)
        counts["tax"] += ledger.balance(Account.TAX)
    return {currency: dict(counts) for currency, counts in sorted(sums.items())}


def _lags(lags: Sequence[timedelta]) -> dict[str, float]:
    hours = sorted(lag / timedelta(hours=1) for lag in lags)
    if len(hours) < 2:  # noqa: PLR2004 -- quantiles need two
        return {}
    return {
        "median": round(median(hours), 2),
        "95 of 100": round(quantiles(hours, n=20, method="inclusive")[-1], 2),
        "longest": round(hours[-1], 2),
    }


def _overtaken(one: Played) -> bool:
    return any(said.reply is None and sent_at(said.message) < one.outcome.decision.at for said in one.said)


def _checks(
    played: Sequence[Played], broken: Sequence[Broken], provider: Mapping[str, Totals], duplicates: Mapping[str, int]
) -> Iterator[Check]:
    yield _check("every order came to its end", [f"{one.order_id}: {one.why}" for one in broken])
    yield _check("every ledger conserves its money and is empty of escrow", list(_unbalanced(played)))
    twice = [f"{key} moved money {times} times" for key, times in duplicates.items()]
    twice += [f"{one.outcome.order_id} was refunded {n} times" for one in played if (n := _refunds(one.outcome)) > 1]
    twice += [f"{one.outcome.order_id}: its seller was paid {n} times" for one in played if (n := _payouts(one)) > 1]
    yield _check("nobody was refunded or paid twice", twice)
    yield _check("the payment provider agrees with the ledgers", list(_disagreements(played, provider)))


def _check(law: str, offences: Sequence[str]) -> Check:
    return Check(law=law, holds=not offences, detail="; ".join(offences[:5]))


def _unbalanced(played: Sequence[Played]) -> Iterator[str]:
    for one in played:
        ledger = one.outcome.ledger
        try:
            ledger.check()
        except Conservation as error:
            yield f"{one.outcome.order_id}: {error}"
        if ledger.balance(Account.ESCROW) or ledger.intents:
            yield f"{one.outcome.order_id}: {ledger.balance(Account.ESCROW)} left in escrow"


def _refunds(outcome: Outcome) -> int:
    return sum(entry.kind is EntryKind.REFUNDED for entry in outcome.ledger.facts)


def _payouts(one: Played) -> int:
    return sum(entry.kind in PAID_BY_PROVIDER for entry in one.outcome.ledger.facts)


def _disagreements(played: Sequence[Played], provider: Mapping[str, Totals]) -> Iterator[str]:
    for currency, totals in provider.items():
        ledgers = [one.outcome.ledger for one in played if one.outcome.decision.refund.currency == currency]
        sums = (
            ("captured", totals.captured, (EntryKind.CAPTURED,)),
            ("refunded", totals.refunded, (EntryKind.REFUNDED,)),
            ("released", totals.released, PAID_BY_PROVIDER),
        )
        for name, minor, kinds in sums:
            ours = sum(ledger.total(*kinds) for ledger in ledgers)
            if ours != minor:
                yield f"{currency} {name}: the provider says {minor}, the ledgers {ours}"
