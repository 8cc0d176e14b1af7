"""What must hold when all stories of the demo have been told. Pure: what was left behind in, the findings out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from activities.sandbox.payments import Totals, Transfer
from domain.base import Model
from domain.ledger import Account, Conservation, EntryKind, Ledger
from domain.parties import Role
from domain.story import Notice, Outcome
from fastmotion.stories import Ends, Played, Story, ended

ENDS = tuple(name for name in Ends.model_fields if name != "notices")
"""What fast motion leaves untouched. Which notices are given depends on it: where days are seconds, a reminder may be
overtaken by its deadline, and news by the answer to it.
"""

RELEASES = (EntryKind.RELEASED, EntryKind.COMPENSATED)
CLAWBACKS = (EntryKind.CLAWED_BACK,)


class Told(Model):
    """What one story has left: with the order, in our own store, at the provider, in the outbox.

    `played` is none if the story did not end in time, `recorded` if the outcome was not kept.
    """

    story: Story
    order_id: str
    played: Played | None = None
    recorded: Outcome | None = None
    transfers: tuple[Transfer, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def ledger(self) -> Ledger:
        """The books of the order; empty if it did not end."""
        return self.played.outcome.ledger if self.played else Ledger()


class Check(Model):
    """One thing that must hold, and all that speaks against it."""

    name: str
    faults: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.faults


def checks(
    told: Sequence[Told], totals: Mapping[str, Totals], duplicates: Mapping[str, int], webhooks: Mapping[str, str]
) -> tuple[Check, ...]:
    """All checks; `totals` and `duplicates` are the payment provider's own reports.

    `webhooks` says of each event that the gateway has acknowledged what is wrong with it, if anything is.
    """
    return (
        Check(name="Every story ended as told", faults=tuple(_endings(told))),
        Check(name="Money was conserved in every ledger", faults=tuple(_conservation(told))),
        Check(name="Orders, outcome store and provider agree", faults=tuple(_books(told, totals))),
        Check(name="Nobody was paid or refunded twice", faults=tuple(_doubles(told, duplicates))),
        Check(name="Every notice was given, and once", faults=tuple(_notices(told))),
        Check(name="Every webhook reached its order", faults=tuple(_webhooks(webhooks))),
    )


def _webhooks(webhooks: Mapping[str, str]) -> Iterator[str]:
    if not webhooks:
        yield "none was sent"
    yield from (f"{event}: {why}" for event, why in webhooks.items() if why)


def _endings(told: Iterable[Told]) -> Iterator[str]:
    for one in told:
        if one.played is None:
            yield f"{one.order_id} did not end in time"
            continue
        yield from (f"{one.order_id}: {surprise}" for surprise in one.played.surprises)
        actual = ended(one.played.outcome, one.notices)
        for name in ENDS:
            wanted, got = getattr(one.story.ends, name), getattr(actual, name)
            if wanted != got:
                yield f"{one.order_id}: {name} should be {wanted}, is {got}"


def _conservation(told: Iterable[Told]) -> Iterator[str]:
    for one in told:
        try:
            one.ledger.check()
        except Conservation as broken:
            yield f"{one.order_id}: {broken}"
        if left := one.ledger.balance(Account.ESCROW):
            yield f"{one.order_id}: {left} minor units are still in escrow"
        yield from (f"{one.order_id}: {intent.key} was intended and never made" for intent in one.ledger.intents)


def _books(told: Sequence[Told], totals: Mapping[str, Totals]) -> Iterator[str]:
    for one in told:
        if one.played and one.recorded != one.played.outcome:
            yield f"{one.order_id}: the outcome store {'differs' if one.recorded else 'has nothing'}"
        for kind, kinds in (("refund", (EntryKind.REFUNDED,)), ("release", RELEASES), ("clawback", CLAWBACKS)):
            ours = {entry.key: entry.amount for entry in one.ledger.facts if entry.kind in kinds}
            theirs = {transfer.key: transfer.amount for transfer in one.transfers if transfer.kind == kind}
            if ours != theirs:
                yield f"{one.order_id}: {kind}s are {_shown(ours)} in the ledger, {_shown(theirs)} at the provider"
    for currency, total in totals.items():
        for name, kinds in (
            ("captured", (EntryKind.CAPTURED,)),
            ("refunded", (EntryKind.REFUNDED,)),
            ("released", RELEASES),
            ("clawed_back", CLAWBACKS),
            ("disputed", (EntryKind.CHARGED_BACK,)),
        ):
            booked = sum(
                entry.amount.minor
                for one in told
                for entry in one.ledger.facts
                if entry.kind in kinds and entry.amount.currency == currency
            )
            if booked != (known := getattr(total, name)):
                yield f"{name} {currency}: {booked} in the ledgers, {known} at the provider"


def _shown(amounts: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {amount}" for key, amount in amounts.items()) or "none"


def _doubles(told: Iterable[Told], duplicates: Mapping[str, int]) -> Iterator[str]:
    yield from (f"{key} moved money {times} times" for key, times in duplicates.items())
    for one in told:
        for key, times in Counter(transfer.key for transfer in one.transfers).items():
            if times > 1 and key not in duplicates:
                yield f"{key} moved money {times} times"
        paid = one.ledger.total(EntryKind.CAPTURED)
        back = sum(transfer.amount.minor for transfer in one.transfers if transfer.kind == "refund")
        back += one.ledger.total(EntryKind.CHARGED_BACK)
        if back > paid:
            yield f"{one.order_id}: the buyer paid {paid} and got {back} back"


def _notices(told: Iterable[Told]) -> Iterator[str]:
    for one in told:
        numbers: dict[str, list[int]] = {}
        for notice in one.notices:
            kind, _, number = notice.key.rpartition("-")
            numbers.setdefault(kind, []).append(int(number))
        for kind, given in numbers.items():
            if sorted(given) != list(range(1, len(given) + 1)):
                yield f"{kind}: given with the numbers {sorted(given)}, not 1 to {len(given)}"
        order = f"order-{one.order_id}"
        for what, role in product(("opened", "closed"), (Role.BUYER, Role.SELLER)):
            if (times := len(numbers.get(f"{order}-{what}-{role}", []))) != 1:
                yield f"{one.order_id}: the {role} was told {times} times that the order was {what}"
