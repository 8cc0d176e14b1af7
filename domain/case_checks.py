"""Contradictions in how a policy has cases run: remedies, money, checklists and who bears what.

Those of clocks are in `domain/policy_checks.py`, which asks here too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from domain.duties import Silence
from domain.money import Money
from domain.parties import Role
from domain.policy import NOTHING_CAME, Anchor, CaseState, Policy, Reason, ReasonRule, Remedy

Finding: TypeAlias = tuple[str, str]
"""A setting and what is wrong with it."""

_CAN_PAY: Final = (Role.PLATFORM, Role.BUYER, Role.SELLER)
_CAN_BEAR_A_LOSS: Final = (Role.PLATFORM, Role.SELLER)
_THE_DESK_ACTS: Final = (
    CaseState.WITH_SUPPORT,
    CaseState.WITH_LEAD,
    CaseState.AWAITING_CONFIRMATION,
    CaseState.APPEALED,
)
_LONGEST_CATEGORY: Final = 64
_SHOWN: Final = 40


def case_contradictions(policy: Policy) -> Iterator[Finding]:
    """Each contradiction that needs no clock: the setting to look at, and a message that says what to do."""
    for reason, rule in policy.reasons.items():
        yield from _reason(reason, rule)
    yield from _payers(policy)
    yield from _amounts(policy)
    yield from _lists(policy)
    yield from _evidence(policy)
    for state in policy.support.paused_in:
        if state in _THE_DESK_ACTS:
            yield "support.paused_in", f"in `{state}` the desk itself must act, so its clocks must run: take it out"
    text, conversation = policy.limits.text_characters, policy.limits.conversation_characters
    if text > conversation:
        yield (
            "limits.text_characters",
            f"{text} is more than `limits.conversation_characters` ({conversation}) leaves room for: write less",
        )


def remedies(reason: Reason) -> tuple[Remedy, ...]:
    """What a complaint for this reason can give if it is upheld: goods that never came cannot go back."""
    return (Remedy.CANCELLATION if reason in NOTHING_CAME else Remedy.RETURN_FOR_REFUND), Remedy.REFUND_AND_KEEP


def _reason(reason: Reason, rule: ReasonRule) -> Iterator[Finding]:
    if reason not in NOTHING_CAME and rule.anchor is not Anchor.DELIVERED:
        yield (
            f"reasons.{reason}.anchor",
            f"`{rule.anchor}` is for what has not come, and a complaint for this reason needs goods: write `delivered`",
        )
    fitting = remedies(reason)
    if rule.remedy not in fitting:
        yield (
            f"reasons.{reason}.remedy",
            f"`{rule.remedy}` {_why_not(rule.remedy)}: write {_or(fitting)}",
        )
    if rule.fast_track.largest and rule.reply.on_silence is Silence.RELEASE:
        yield (
            f"reasons.{reason}.fast_track.largest",
            f"approves at once what `reasons.{reason}.reply.on_silence` gives to the seller: take one of them away",
        )


def _why_not(remedy: Remedy) -> str:
    match remedy:
        case Remedy.PARTIAL_REFUND:
            return "needs an amount, which a rule does not know"
        case Remedy.RELEASE:
            return "gives the buyer nothing"
        case Remedy.RETURN_FOR_REFUND:
            return "needs goods that have arrived"
        case _:
            return "is for goods that never came"


def _payers(policy: Policy) -> Iterator[Finding]:
    for reason, rule in policy.reasons.items():
        if rule.label_paid_by not in _CAN_PAY:
            yield (
                f"reasons.{reason}.label_paid_by",
                f"`{rule.label_paid_by}` has no part in the order's money: write {_or(_CAN_PAY)}",
            )
    for block, role in (("transit", policy.transit.loss_borne_by), ("returns", policy.returns.loss_borne_by)):
        if role not in _CAN_BEAR_A_LOSS:
            yield (
                f"{block}.loss_borne_by",
                f"`{role}` cannot bear it, since the buyer is refunded: write {_or(_CAN_BEAR_A_LOSS)}",
            )


def _amounts(policy: Policy) -> Iterator[Finding]:
    limits = {
        "seller_protection.signature_above": policy.seller_protection.signature_above,
        "support.second_pair_above": policy.support.second_pair_above,
    }
    tracks = {
        f"reasons.{reason}.fast_track.largest": rule.fast_track.largest for reason, rule in policy.reasons.items()
    }
    for setting, amounts in {**limits, **tracks}.items():
        for currency in _twice(amount.currency for amount in amounts):
            yield setting, f"has two amounts in {currency}: take one out"
        for amount in amounts:
            if amount.minor < 0 or (setting in tracks and not amount):
                yield setting, f"{amount} {_nothing(amount)}: write more, or take it out"


def _nothing(amount: Money) -> str:
    return "approves nothing" if not amount else "is less than nothing"


def _lists(policy: Policy) -> Iterator[Finding]:
    lists: dict[str, Iterable[str]] = {
        f"reasons.{reason}.evidence": rule.evidence for reason, rule in policy.reasons.items()
    }
    lists["evidence.media_types"] = policy.evidence.media_types
    lists["seller_protection.tracked_delivery"] = policy.seller_protection.tracked_delivery
    lists["seller_protection.disruption"] = policy.seller_protection.disruption
    lists["support.paused_in"] = policy.support.paused_in
    for setting, names in lists.items():
        for name in _twice(names):
            yield setting, f"names `{name}` twice: take one out"


def _evidence(policy: Policy) -> Iterator[Finding]:
    rules = policy.evidence
    if not rules.media_types:
        yield "evidence.media_types", 'allows no file at all: write for example ["image/jpeg"]'
    for media_type in rules.media_types:
        kind, _, subtype = media_type.partition("/")
        if not (kind and subtype) or media_type != media_type.strip().lower():
            yield "evidence.media_types", f"{media_type!r} is not a media type: write for example image/jpeg"
    for category, checklist in rules.by_category.items():
        if not category.strip() or category != category.strip() or len(category) > _LONGEST_CATEGORY:
            yield (
                "evidence.by_category",
                f"{category[:_SHOWN]!r} is no category: write it as orders do, in up to {_LONGEST_CATEGORY} letters",
            )
        if not checklist:
            yield "evidence.by_category", f"asks nothing for {category!r}: name what to show, or take it out"
    most = max((len(rule.evidence) for rule in policy.reasons.values()), default=0)
    most += max(map(len, rules.by_category.values()), default=0)
    if rules.most_items < most:
        yield "evidence.most_items", f"{rules.most_items} leaves no room for a checklist of {most}: write more"


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _or(names: Iterable[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)
