"""The checks of the demo: each holds for what a sound run leaves, and each can fail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from activities.sandbox.payments import Totals, Transfer
from domain.ledger import Account, Entry, EntryKind, Ledger
from domain.money import Money
from domain.parties import Role
from domain.settlement import Decision, Ending, capture, movements
from domain.story import Notice, Outcome
from fastmotion.demo_checks import Check, Told, checks
from fastmotion.stories import PURCHASE, Played, all_stories

STORY = all_stories()["never_shipped"]
ORDER = STORY.draft(STORY.name).order()
PAID = ORDER.price.total
NOW = datetime(2026, 6, 24, tzinfo=UTC)
DECISION = Decision(ending=Ending.NOT_SHIPPED, refund=PAID, rule="resale-v1/shipping.hard", at=NOW)


def settled() -> Ledger:
    """The books after the whole refund."""
    ledger = capture(ORDER)
    for entry in movements(ORDER, ledger, DECISION, NOW):
        ledger = ledger.intend(entry).confirm(entry.key, NOW, "re_1")
    return ledger


def an_outcome(**changes: Any) -> Outcome:
    """What the order became."""
    facts: dict[str, Any] = {
        "order_id": ORDER.order_id,
        "marketplace": ORDER.marketplace,
        "pack": "resale-v1",
        "buyer_id": ORDER.buyer.id,
        "seller_id": ORDER.seller.id,
        "placed_at": PURCHASE,
        "closed_at": NOW,
        "decision": DECISION,
        "ledger": settled(),
    }
    return Outcome(**(facts | changes))


def a_refund(number: int = 1, minor: int = PAID.minor) -> Transfer:
    """What the provider has done."""
    return Transfer(
        reference=f"re_{number}",
        kind="refund",
        key=f"refund-{ORDER.order_id}-{number}",
        payment_ref=ORDER.payment_ref,
        payee=ORDER.buyer.id,
        amount=Money(minor=minor, currency="USD"),
        made_at=NOW,
    )


def a_notice(what: str, role: Role, number: int = 1) -> Notice:
    """What the outbox has."""
    subject = f"order-{ORDER.order_id}"
    return Notice(key=f"{subject}-{what}-{role}-{number}", subject=subject, to=role, party_id="p", kind=what, at=NOW)


NOTICES = tuple(a_notice(what, role) for what in ("opened", "closed") for role in (Role.BUYER, Role.SELLER))


def told(**changes: Any) -> Told:
    """What a sound run leaves of the story, with the given flaws."""
    outcome = an_outcome()
    facts: dict[str, Any] = {
        "story": STORY,
        "order_id": ORDER.order_id,
        "played": Played(outcome=outcome),
        "recorded": outcome,
        "transfers": (a_refund(),),
        "notices": NOTICES,
    }
    return Told(**(facts | changes))


def totals(**changes: int) -> dict[str, Totals]:
    """The provider's own sums."""
    sums = {"captured": PAID.minor, "refunded": PAID.minor, "released": 0, "disputed": 0}
    return {"USD": Totals(**(sums | changes))}


def failing(
    one: Told,
    provider: dict[str, Totals] | None = None,
    duplicates: dict[str, int] | None = None,
    webhooks: dict[str, str] | None = None,
) -> set[str]:
    """The names of the checks that do not hold."""
    reported = {"evt_1": ""} if webhooks is None else webhooks
    found = checks((one,), totals() if provider is None else provider, duplicates or {}, reported)
    return {check.name for check in found if not check.held}


ENDED = "Every story ended as told"
CONSERVED = "Money was conserved in every ledger"
AGREED = "Orders, outcome store and provider agree"
ONCE = "Nobody was paid or refunded twice"
TOLD = "Every notice was given, and once"


def test_a_sound_run_passes_every_check() -> None:
    """Nothing speaks against a story that went as told."""
    assert set() == failing(told())


def test_a_check_without_faults_holds() -> None:
    """A check is what speaks against it, and nothing else."""
    assert [True, False] == [Check(name="x").held, Check(name="x", faults=("y",)).held]


def played(**changes: Any) -> dict[str, Any]:
    """The order and the outcome store agree on another outcome."""
    outcome = an_outcome(**changes)
    return {"played": Played(outcome=outcome), "recorded": outcome}


def unsettled() -> Ledger:
    """The refund is intended and was never made."""
    ledger = capture(ORDER)
    return ledger.intend(movements(ORDER, ledger, DECISION, NOW)[0])


def invented() -> Ledger:
    """More money left escrow than had come in."""
    entry = Entry(
        key="release-x-1",
        kind=EntryKind.RELEASED,
        source=Account.ESCROW,
        target=Account.SELLER,
        amount=Money(minor=1, currency="USD"),
        at=NOW,
    )
    return settled().model_copy(update={"facts": (*settled().facts, entry)})


@pytest.mark.parametrize(
    ("flaw", "expected"),
    [
        ({"played": None, "transfers": ()}, ENDED),
        ({"played": Played(outcome=an_outcome(), surprises=("buyer cancel: refused",))}, ENDED),
        (played(decision=DECISION.model_copy(update={"ending": Ending.LOST})), ENDED),
        (played(rejected=1), ENDED),
        (played(ledger=invented()), CONSERVED),
        (played(ledger=unsettled()), CONSERVED),
        ({"recorded": None}, AGREED),
        ({"recorded": an_outcome(rejected=1)}, AGREED),
        ({"transfers": ()}, AGREED),
        ({"transfers": (a_refund(minor=PAID.minor - 1),)}, AGREED),
        ({"transfers": (a_refund(), a_refund())}, ONCE),
        ({"transfers": (a_refund(1), a_refund(2))}, ONCE),
        ({"notices": NOTICES[1:]}, TOLD),
        ({"notices": (*NOTICES, a_notice("closed", Role.BUYER, 2))}, TOLD),
        ({"notices": (*NOTICES, a_notice("reminded", Role.BUYER, 2))}, TOLD),
    ],
)
def test_every_flaw_is_seen(flaw: dict[str, Any], expected: str) -> None:
    """Each check fails for what it is there to find."""
    assert expected in failing(told(**flaw))


@pytest.mark.parametrize("name", ["captured", "refunded", "released", "disputed"])
def test_the_provider_has_the_last_word_on_sums(name: str) -> None:
    """A sum at the provider that no ledger knows of is a fault, and so is one that it does not have."""
    assert {AGREED} == failing(told(), totals(**{name: 1}))


def test_the_providers_own_report_of_duplicates_counts() -> None:
    """A key that moved money twice is a fault even if no order noticed."""
    assert {ONCE} == failing(told(), duplicates={"refund-x-1": 2})


@pytest.mark.parametrize("webhooks", [{}, {"evt_1": "", "evt_2": "tracker.updated is waiting: no order has named it"}])
def test_a_webhook_that_reached_no_order_is_a_fault(webhooks: dict[str, str]) -> None:
    """What was acknowledged must have been passed on; a demo in which nobody reports anything shows nothing."""
    assert {"Every webhook reached its order"} == failing(told(), webhooks=webhooks)
