"""Contradictions in a policy: settings that are each well formed and make no sense together.

Spans in different units have no order of their own ("5 BD" is longer than "6 CD" only over a weekend), so
they are compared by running both from several instants. What can go wrong on one of them is a contradiction.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.calendars import Calendar, after, before
from domain.case_checks import Finding, case_contradictions
from domain.duties import Silence
from domain.policy import Anchor, Policy, Term
from domain.spans import Span

HOLIDAY_YEARS: Final = 3
"""An order takes the holidays of the year it is placed in and of the two after it."""

HORIZON: Final = timedelta(days=365 * (HOLIDAY_YEARS - 1))
"""How far ahead of any order its holidays are surely known."""

_REPLY: Final = "reply"
_SILENCES: Final[dict[str, frozenset[Silence]]] = {
    "cancellation.answer": frozenset({Silence.GRANT_CANCELLATION, Silence.REFUSE_CANCELLATION}),
    "shipping.soft": frozenset({Silence.BUYER_MAY_CANCEL}),
    "shipping.hard": frozenset({Silence.CANCEL_ORDER}),
    "shipping.extension.answer": frozenset({Silence.GRANT_EXTENSION, Silence.REFUSE_EXTENSION}),
    "shipping.chase": frozenset({Silence.CHASE_SELLER}),
    "shipping.unscanned": frozenset({Silence.BUYER_MAY_CANCEL}),
    "shipping.unscanned_hard": frozenset({Silence.CANCEL_ORDER}),
    "transit.stalled": frozenset({Silence.TRACE}),
    "transit.lost": frozenset({Silence.DECLARE_LOST}),
    "transit.collect": frozenset({Silence.EXPECT_RETURN}),
    "transit.bring_back": frozenset({Silence.DECLARE_LOST}),
    "transit.reappear": frozenset({Silence.CLOSE}),
    "protection.window": frozenset({Silence.RELEASE}),
    "evidence.top_up": frozenset({Silence.CONTINUE}),
    "offers.answer": frozenset({Silence.ASK_SUPPORT}),
    "returns.send_back": frozenset({Silence.CHASE_BUYER}),
    "returns.close": frozenset({Silence.RELEASE}),
    "returns.inspect": frozenset({Silence.REFUND}),
    "support.first_answer": frozenset({Silence.RECORD_BREACH}),
    "support.next_answer": frozenset({Silence.RECORD_BREACH}),
    "support.decide": frozenset({Silence.ESCALATE}),
    "support.lead": frozenset({Silence.RECORD_BREACH}),
    "support.last_resort": frozenset({Silence.REFUND, Silence.RELEASE}),
    "support.reconcile": frozenset({Silence.TRY_AGAIN}),
    "support.confirm": frozenset({Silence.ESCALATE}),
    "support.undo": frozenset({Silence.TAKE_EFFECT}),
    "appeals.window": frozenset({Silence.CLOSE}),
    "appeals.decide": frozenset({Silence.ESCALATE}),
    "appeals.last_resort": frozenset({Silence.UPHOLD}),
    "chargebacks.longest": frozenset({Silence.COUNT_AS_LOST}),
    _REPLY: frozenset({Silence.ASK_SUPPORT, Silence.REFUND, Silence.RELEASE}),
}
_LATE: Final = frozenset({Silence.TELL_LATE})
_OWED_BY_THE_DESK: Final = ("support.", "appeals.decide.", "appeals.last_resort.")

# These clocks end before another one that counts below; that they do is checked in `_order_of_clocks`.
_INSIDE_ANOTHER: Final = frozenset(
    {
        "shipping.soft",
        "shipping.chase",
        "shipping.unscanned",
        "transit.stalled",
        "returns.send_back",
        "support.first_answer",
        "support.next_answer",
        "support.decide",
        "support.lead",
        "appeals.decide",
    }
)
_ON_THE_WAY_BACK_TOO: Final = (
    "transit.lost.within",
    "transit.collect.within",
    "transit.bring_back.within",
    "transit.estimate",
)
_SIDES: Final = 2

# A whole week, by day and by night, of a time of year without a clock change anywhere.
_MONDAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
_INSTANTS: Final = tuple(_MONDAY + timedelta(hours=11 * step, minutes=30) for step in range(16))


def allowed_silences(setting: str) -> frozenset[Silence]:
    """What silence may mean for a setting, for example `shipping.soft.on_silence`.

    Raises KeyError for a setting that has no silence default.
    """
    if setting == "transit.late":
        return _LATE
    term = setting.removesuffix(".on_silence")
    if term.startswith("reasons."):
        return _SILENCES[term.rpartition(".")[2]]
    return _SILENCES[term]


def contradictions(policy: Policy) -> tuple[Finding, ...]:
    """Every contradiction in `policy`: the setting to look at, and a message that says what to do.

    Spans that cannot be run at all are reported alone, since nothing can be compared with them.
    """
    uncountable = tuple(_uncountable(policy))
    if uncountable:
        return uncountable
    compare = _Comparison(policy)
    return (
        *_empty(policy),
        *_senseless_silences(policy),
        *_reminders(policy, compare),
        *_order_of_clocks(policy, compare),
        *_complaint_windows(policy, compare),
        *_notices(policy),
        *case_contradictions(policy),
        *_beyond_known_holidays(policy, compare),
    )


class _Comparison:
    """Spans run on a plain calendar: UTC, the policy's weekend, and the hours of the support desk."""

    def __init__(self, policy: Policy) -> None:
        self.days = Calendar(name="plain", time_zone="UTC", weekend=policy.weekend)
        self.hours = policy.support.hours.model_copy(update={"holidays": ()})

    def ends(self, start: datetime, *spans: Span) -> datetime:
        for span in spans:
            start = after(start, span, self.calendar(span))
        return start

    def calendar(self, span: Span) -> Calendar:
        return self.hours if span.unit == "BH" else self.days

    def may_be_longer(self, first: Span, *others: Span) -> bool:
        """Whether `first` can end after `others`, run one after the other."""
        return any(self.ends(at, first) > self.ends(at, *others) for at in _INSTANTS)

    def may_reach(self, first: Span, other: Span) -> bool:
        """Whether `first` can end when `other` does, or after it."""
        return any(self.ends(at, first) >= self.ends(at, other) for at in _INSTANTS)


def _spans(policy: Policy) -> Iterator[tuple[str, Span]]:
    for name, term in policy.terms():
        yield f"{name}.within", term.within
        for ladder in ("remind_after", "remind_before"):
            for span in getattr(term, ladder):
                yield f"{name}.{ladder}", span
    yield "cancellation.grace", policy.cancellation.grace
    yield "shipping.extension.cap", policy.shipping.extension.cap
    yield "transit.estimate", policy.transit.estimate
    for name in ("first", "longest", "near", "sparse"):
        yield f"lookup.{name}", getattr(policy.lookup, name)
    for reason, rule in policy.reasons.items():
        yield f"reasons.{reason}.opens", rule.opens
        yield f"reasons.{reason}.closes", rule.closes
    yield "disruptions.cap", policy.disruptions.cap


def _uncountable(policy: Policy) -> Iterator[Finding]:
    if not set(range(7)) > set(policy.weekend):
        yield "weekend", "must hold weekdays and leave at least one business day"
        return
    compare = _Comparison(policy)
    for setting, span in _spans(policy):
        if setting.startswith("lookup.") and span.unit not in ("min", "h"):
            yield setting, f"'{span}' must be elapsed time: a rhythm of look-ups is written in min or h"
        elif span.unit == "BH" and not setting.startswith(_OWED_BY_THE_DESK):
            yield (
                setting,
                f"'{span}' counts business hours, which only the support desk has: write h, CD or BD",
            )
        elif span.unit == "BH" and not any(policy.support.hours.hours):
            yield (
                setting,
                f"'{span}' counts business hours, but `support.hours` opens on no weekday: name hours",
            )
        else:
            try:
                compare.ends(_MONDAY, span)
            except ValueError:
                yield setting, f"'{span}' does not end within ten years: shorten it"


def _empty(policy: Policy) -> Iterator[Finding]:
    may_be_empty = {f"reasons.{reason}.opens" for reason in policy.reasons}
    may_be_empty |= {"cancellation.grace", "disruptions.cap"}
    for setting, span in _spans(policy):
        if span.amount == 0 and setting not in may_be_empty:
            yield setting, f"'{span}' leaves no time at all: write a longer span"


def _senseless_silences(policy: Policy) -> Iterator[Finding]:
    defaults = [(f"{name}.on_silence", term.on_silence) for name, term in policy.terms()]
    for setting, silence in [*defaults, ("transit.late", policy.transit.late)]:
        allowed = allowed_silences(setting)
        if silence not in allowed:
            choice = " or ".join(f"`{one}`" for one in sorted(allowed))
            yield setting, f"`{silence}` makes no sense here: write {choice}"


def _reminders(policy: Policy, compare: _Comparison) -> Iterator[Finding]:
    for name, term in policy.terms():
        for span in term.remind_after:
            if compare.may_reach(span, term.within):
                yield (
                    f"{name}.remind_after",
                    f"reminding after {span} comes when `{name}.within` ({term.within}) is over",
                )
        for span in term.remind_before:
            if any(_comes_before(start, span, term, compare) for start in _INSTANTS):
                yield (
                    f"{name}.remind_before",
                    f"reminding {span} before the end comes before `{name}.within` ({term.within}) begins",
                )


def _comes_before(start: datetime, span: Span, term: Term, compare: _Comparison) -> bool:
    return before(compare.ends(start, term.within), span, compare.calendar(span)) <= start


def _notices(policy: Policy) -> Iterator[Finding]:
    rules = policy.notices
    if rules.margin.unit not in ("min", "h"):
        yield "notices.margin", f"'{rules.margin}' must be elapsed time: write the margin in min or h"
    if (rules.quiet_from is None) != (rules.quiet_until is None):
        named, missing = ("quiet_from", "quiet_until") if rules.quiet_from else ("quiet_until", "quiet_from")
        yield f"notices.{named}", f"quiet hours need both ends: write `notices.{missing}` too"
    elif rules.quiet_from is not None and rules.quiet_from == rules.quiet_until:
        yield "notices.quiet_until", "the quiet hours never end: write another time, or leave both out"
    for at in rules.digest_at:
        if rules.quiet_at(at):
            yield "notices.digest_at", f"{at} lies in the quiet hours: write a time outside them"


def _order_of_clocks(policy: Policy, compare: _Comparison) -> Iterator[Finding]:
    shipping, transit, support, lookup = policy.shipping, policy.transit, policy.support, policy.lookup
    must_not_be_longer = (
        ("shipping.soft.within", shipping.soft.within, "shipping.hard.within", shipping.hard.within),
        ("shipping.extension.cap", shipping.extension.cap, "shipping.hard.within", shipping.hard.within),
        ("shipping.soft.within", shipping.soft.within, "shipping.extension.cap", shipping.extension.cap),
        ("lookup.first", lookup.first, "lookup.longest", lookup.longest),
        ("lookup.near", lookup.near, "lookup.longest", lookup.longest),
        (
            "support.first_answer.within",
            support.first_answer.within,
            "support.decide.within",
            support.decide.within,
        ),
        (
            "support.next_answer.within",
            support.next_answer.within,
            "support.decide.within",
            support.decide.within,
        ),
    )
    for name, span, limit_name, limit in must_not_be_longer:
        if compare.may_be_longer(span, limit):
            yield name, f"{span} can end after `{limit_name}` ({limit}): shorten it, or lengthen the other"
    must_be_shorter = (
        (
            "cancellation.grace",
            policy.cancellation.grace,
            "shipping.soft.within",
            shipping.soft.within,
        ),
        (
            "shipping.chase.within",
            shipping.chase.within,
            "shipping.unscanned.within",
            shipping.unscanned.within,
        ),
        (
            "shipping.unscanned.within",
            shipping.unscanned.within,
            "shipping.unscanned_hard.within",
            shipping.unscanned_hard.within,
        ),
        ("transit.stalled.within", transit.stalled.within, "transit.lost.within", transit.lost.within),
        # A delivery that only a look-up shows must be seen before the buyer's time to report it is over.
        ("lookup.longest", lookup.longest, "protection.window.within", policy.protection.window.within),
        ("lookup.sparse", lookup.sparse, "protection.window.within", policy.protection.window.within),
        (
            "returns.send_back.within",
            policy.returns.send_back.within,
            "returns.close.within",
            policy.returns.close.within,
        ),
        ("support.undo.within", support.undo.within, "appeals.window.within", policy.appeals.window.within),
    )
    for name, span, limit_name, limit in must_be_shorter:
        if compare.may_reach(span, limit):
            yield name, f"{span} must end before `{limit_name}` ({limit}): shorten it, or lengthen the other"
    lead = support.lead.within
    for block, decide, last in (
        ("support", support.decide.within, support.last_resort.within),
        ("appeals", policy.appeals.decide.within, policy.appeals.last_resort.within),
    ):
        if any(compare.ends(at, decide, lead) >= compare.ends(at, last) for at in _INSTANTS):
            yield (
                f"{block}.last_resort.within",
                f"{last} must end after `{block}.decide.within` ({decide}) and `support.lead.within` ({lead})",
            )


def _complaint_windows(policy: Policy, compare: _Comparison) -> Iterator[Finding]:
    window = policy.protection.window.within
    for reason, rule in policy.reasons.items():
        setting = f"reasons.{reason}"
        if compare.may_reach(rule.opens, rule.closes):
            yield (
                f"{setting}.opens",
                f"{rule.opens} must end before `{setting}.closes` ({rule.closes}): open earlier",
            )
        if rule.anchor is not Anchor.DELIVERED:
            continue
        if compare.may_reach(rule.opens, window):
            yield (
                f"{setting}.opens",
                f"{rule.opens} is too late: `protection.window` ({window}) has released the money by then",
            )
        # An early complaint holds the release until its own window ends; one that cannot be early never does.
        if rule.opens.amount == 0 and compare.may_be_longer(rule.closes, window):
            yield (
                f"{setting}.closes",
                f"{rule.closes} is too late: `protection.window` ({window}) has released the money by then",
            )


def _beyond_known_holidays(policy: Policy, compare: _Comparison) -> Iterator[Finding]:
    """No order may outlast the holidays pinned to it, even if its clocks all run, one after the other.

    A clock that can run again does: each side has its offers, its evidence and its appeal, and goods travel back.
    """
    apart = _INSIDE_ANOTHER | {f"reasons.{reason}.reply" for reason in policy.reasons}
    clocks = {f"{name}.within": term.within for name, term in policy.terms() if name not in apart}
    clocks["transit.estimate"] = policy.transit.estimate
    clocks["disruptions.cap"] = policy.disruptions.cap
    times = {
        "offers.answer.within": _SIDES * policy.offers.most,
        "evidence.top_up.within": _SIDES * policy.evidence.requests,
        "appeals.window.within": _SIDES,
        "appeals.last_resort.within": _SIDES,
        **dict.fromkeys(_ON_THE_WAY_BACK_TOO, 2),
    }
    lengths = {name: (compare.ends(_MONDAY, span) - _MONDAY) * times.get(name, 1) for name, span in clocks.items()}
    case = max(
        (compare.ends(_MONDAY, rule.closes, rule.reply.within) - _MONDAY for rule in policy.reasons.values()),
        default=timedelta(),
    )
    together = sum(lengths.values(), case)
    if together > HORIZON:
        longest = max(lengths, key=lambda name: lengths[name])
        yield (
            longest,
            f"all clocks in a row run {together.days} days, but holidays cover {HORIZON.days}: shorten it",
        )
