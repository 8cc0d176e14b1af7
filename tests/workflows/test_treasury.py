"""The treasury, over the sandbox provider: its ledger and the provider's books agree, whatever is decided later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio import workflow
from temporalio.testing import ActivityEnvironment

from activities.payments import PaymentActivities
from activities.sandbox.payments import SandboxPayments, Totals
from domain.ledger import Account, Conservation, EntryKind
from domain.money import Money
from domain.parties import Role
from domain.requests import LabelFact, Movement, Paid
from domain.settlement import Decision, Ending
from tests.world import an_order, usd
from workflows.docket import Docket
from workflows.journal import Journal
from workflows.treasury import Treasury

NOW = datetime(2026, 11, 5, 18, tzinfo=UTC)


class QuietDocket:
    """A docket on which nothing lapses."""

    def now(self) -> datetime:
        return NOW

    async def lapsed(self, until: Callable[[], bool]) -> None:
        assert until()


class Told:
    """A journal that keeps what was noted, and for whom."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, tuple[Role, ...]]] = []

    def note(self, what: str, *told: Role, **facts: object) -> None:
        self.notes.append((what, told))


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[SandboxPayments]:
    """A provider that has captured the ordinary order of USD 129.00."""
    sandbox = SandboxPayments(tmp_path / "payments.db", sleep=lambda _: None)
    sandbox.capture("ch_1", usd(12_900))
    yield sandbox
    sandbox.close()


@pytest.fixture
def told() -> Told:
    """What the parties hear."""
    return Told()


@pytest.fixture
def purse(told: Told, provider: SandboxPayments, monkeypatch: pytest.MonkeyPatch) -> Treasury:
    """The treasury of the ordinary order, whose activities run at once."""

    async def execute(method: Any, movement: Movement, **options: object) -> Paid:
        run: Callable[[Movement], Paid] = method.__get__(PaymentActivities(provider))
        return ActivityEnvironment().run(run, movement)

    monkeypatch.setattr(workflow, "execute_activity_method", execute)
    docket, journal = cast(Docket, QuietDocket()), cast(Journal, told)
    return Treasury(an_order(NOW), docket, journal, bank_says=lambda *_: None)


def decision(refund: int, borne_by: Role = Role.SELLER) -> Decision:
    """That the buyer is to have `refund` cents back."""
    return Decision(ending=Ending.CASE, refund=usd(refund), rule="test", at=NOW, borne_by=borne_by)


async def test_an_appeal_moves_money_back(purse: Treasury, provider: SandboxPayments, told: Told) -> None:
    """A release turned into a full refund is clawed back, told to both sides, and refunded once."""
    await purse.carry_out(lambda: decision(0))
    await purse.carry_out(lambda: decision(12_900))
    await purse.carry_out(lambda: decision(12_900))

    expected = Totals(captured=12_900, refunded=12_900, released=8_800, disputed=0, clawed_back=8_800)
    assert {"USD": expected} == provider.totals()
    both = (Role.BUYER, Role.SELLER)
    assert [("released", (Role.SELLER,)), ("clawed_back", both), ("refunded", both)] == told.notes
    assert {0} == {purse.ledger.balance(account) for account in Account}


async def test_a_platform_that_bears_the_loss_refunds_after_the_release(
    purse: Treasury, provider: SandboxPayments
) -> None:
    """The seller keeps the payout, the buyer gets everything, and the provider's books agree."""
    await purse.carry_out(lambda: decision(0))
    await purse.carry_out(lambda: decision(12_900, Role.PLATFORM))

    expected = Totals(captured=12_900, refunded=12_900, released=8_800, disputed=0)
    assert {"USD": expected} == provider.totals()
    assert (8_800, -8_800) == (purse.ledger.balance(Account.SELLER), purse.ledger.balance(Account.PLATFORM))


def test_a_label_is_written_down_once(purse: Treasury) -> None:
    """Said twice it costs once; given back it costs nothing; a free one is no movement."""
    bought = LabelFact(reference="label-1", cost=usd(600))
    purse.label(bought)
    purse.label(bought)
    purse.label(LabelFact(reference="label-2", cost=usd(0)))
    assert (600, -600) == (purse.ledger.total(EntryKind.LABEL), purse.ledger.balance(Account.PLATFORM))

    given_back = bought.model_copy(update={"refunded": True})
    purse.label(given_back)
    purse.label(given_back)
    assert (600, 0) == (purse.ledger.total(EntryKind.LABEL_REFUNDED), purse.ledger.balance(Account.CARRIER))
    assert purse.held == usd(12_900)


def test_a_label_in_another_currency_is_refused(purse: Treasury) -> None:
    """One ledger has one currency."""
    with pytest.raises(Conservation, match="in EUR, the order is not"):
        purse.label(LabelFact(reference="label-1", cost=Money(minor=600, currency="EUR")))
