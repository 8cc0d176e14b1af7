"""What a preview says of an action on an order is what then happens, and asking changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.cases.record import StandingRule
from domain.duties import OpenDuty
from domain.ledger import Account, EntryKind
from domain.messages import Reply
from domain.money import Money
from domain.order_preview import ACTIONS
from domain.parties import Role
from domain.preview import Intent, Owed, Preview
from domain.settlement import Division
from domain.story import Outcome
from tests.play import Play, begin, scan
from tests.world import BEGINNING, SHIPMENT, World, la, ny, usd
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow

HOUR = timedelta(hours=1)
ANSWERED = ("open_case", "cancel", "extend")
SHIPPED = {"carrier": SHIPMENT.carrier, "tracking_number": SHIPMENT.tracking_number}
Prelude = Callable[[Play], Awaitable[object]]


async def nothing(_: Play) -> None:
    """The order has just been placed."""


async def later(play: Play) -> None:
    """The grace period has passed, without anything having woken the order."""
    await play.world.at(BEGINNING + 4 * HOUR)


async def cancellation_asked(play: Play) -> None:
    """The buyer has asked for a cancellation."""
    await later(play)
    await play.cancels(Role.BUYER)


async def extension_asked(play: Play) -> None:
    """The seller has asked for three days more."""
    await later(play)
    await play.extends(Role.SELLER, la(11, 8, 12))


async def shipped(play: Play) -> None:
    """The seller has marked the order as shipped."""
    await later(play)
    await play.ships()


async def stormy(play: Play) -> None:
    """A storm holds up the clocks of the first scan until the next evening."""
    await play.disrupted("get_scanned", "scan_right", since=BEGINNING, until=BEGINNING + 30 * HOUR)
    await later(play)


async def delivered(play: Play) -> None:
    """The parcel was delivered on Thursday, 5 November, and an hour has passed."""
    await shipped(play)
    await play.world.at(ny(11, 5, 12))
    await play.scanned(scan(ny(11, 3, 12)))
    await play.delivered(ny(11, 5, 11))
    await play.world.at(ny(11, 5, 13))


SCENES: list[tuple[Prelude, str, dict[str, Any]]] = [
    (nothing, "cancel", {"by": "buyer"}),
    (nothing, "cancel", {"by": "seller"}),
    (nothing, "cancel", {"by": "support"}),
    (later, "cancel", {"by": "buyer"}),
    (cancellation_asked, "cancel", {"by": "buyer"}),
    (cancellation_asked, "cancel", {"by": "seller", "answer": "agree"}),
    (cancellation_asked, "cancel", {"by": "seller", "answer": "refuse"}),
    (delivered, "cancel", {"by": "buyer"}),
    (later, "extend", {"by": "seller", "until": la(11, 8, 12)}),
    (later, "extend", {"by": "buyer", "until": la(11, 8, 12)}),
    (later, "extend", {"by": "seller"}),
    (extension_asked, "extend", {"by": "buyer", "answer": "agree"}),
    (extension_asked, "extend", {"by": "buyer", "answer": "refuse"}),
    (extension_asked, "shipped", SHIPPED),
    (stormy, "shipped", SHIPPED),
    (shipped, "shipped", SHIPPED),
    (later, "shipped", SHIPPED | {"tracking_number": "?"}),
    (later, "buyer_accepts", {}),
    (delivered, "buyer_accepts", {}),
    (later, "open_case", {"reason": "damaged"}),
    (delivered, "open_case", {"reason": "damaged", "text": "The zip is torn."}),
    (delivered, "open_case", {"reason": "not_received"}),
    (delivered, "buyer_complaint", {"reason": "not_received"}),
]


async def foretold(play: Play, message: str, fields: dict[str, Any]) -> Preview:
    """The preview; asking for it has left story and duties as they were."""
    before = (await play.story(), await duties(play))
    preview = await play.handle.query(OrderWorkflow.preview, Intent(message=message, fields=fields))
    assert before == (await play.story(), await duties(play))
    return preview


async def done(play: Play, message: str, fields: dict[str, Any]) -> Reply | None:
    """The action itself, and its reply if it has one."""
    said = ACTIONS[message].model_validate(fields)
    if message not in ANSWERED:
        await play.handle.signal(message, said)
        return None
    reply: Reply = await play.handle.execute_update(message, said, result_type=Reply)
    return reply


async def duties(play: Play) -> dict[str, OpenDuty]:
    """The open duties of the order by kind."""
    return {duty.kind: duty for duty in (await play.handle.query(OrderWorkflow.receipt)).duties}


def owed(*open_duties: OpenDuty) -> set[Owed]:
    """Duties of a receipt in short."""
    return {Owed.model_validate(duty.model_dump()) for duty in open_duties}


@pytest.mark.parametrize(
    ("prelude", "message", "fields"),
    SCENES,
    ids=[f"{prelude.__name__}-{message}-{number}" for number, (prelude, message, _) in enumerate(SCENES)],
)
async def test_a_preview_is_what_then_happens(
    world: World, prelude: Prelude, message: str, fields: dict[str, Any]
) -> None:
    """Reply, duties opened and duties closed are those of the action; a refusal is refused in the same words."""
    play = await begin(world)
    await prelude(play)
    fields = fields | {"submitted_at": await world.now()}
    before = await duties(play)
    preview = await foretold(play, message, fields)
    reply = await done(play, message, fields)
    after = await duties(play)
    opened = [duty for kind, duty in after.items() if before.get(kind) != duty]
    if preview.reply.code == "case_opens":
        opened = list((await play.case.query(CaseWorkflow.receipt)).duties)
    refused = await play.refusals()

    assert reply in (None, preview.reply)
    assert preview.reply.refused == bool(refused)
    assert owed(*opened) == set(preview.opens)
    assert before.keys() - after.keys() == set(preview.closes) - {duty.kind for duty in opened}


MONEY: list[tuple[Prelude, str, dict[str, Any]]] = [
    (nothing, "cancel", {"by": "buyer"}),
    (cancellation_asked, "cancel", {"by": "seller", "answer": "agree"}),
    (delivered, "buyer_accepts", {}),
]


def had(outcome: Outcome) -> Division:
    """What each has in the end, by the ledger."""
    ledger = outcome.ledger
    return Division(
        buyer=usd(ledger.total(EntryKind.REFUNDED, EntryKind.CHARGED_BACK)),
        seller=usd(ledger.balance(Account.SELLER)),
        platform=usd(ledger.balance(Account.PLATFORM)),
        tax=usd(ledger.balance(Account.TAX)),
    )


@pytest.mark.parametrize("lost", [None, usd(4_000)], ids=["whole", "after a lost chargeback"])
@pytest.mark.parametrize(("prelude", "message", "fields"), MONEY, ids=[prelude.__name__ for prelude, _, _ in MONEY])
async def test_the_money_of_a_preview_is_the_ledgers(
    world: World, prelude: Prelude, message: str, fields: dict[str, Any], lost: Money | None
) -> None:
    """The refund and each share are what the ledger holds in the end; what the bank took before counts."""
    play = await begin(world)
    if lost:
        await play.charged_back("lost", lost)
    await prelude(play)
    fields = fields | {"submitted_at": await world.now()}
    preview = await foretold(play, message, fields)
    await done(play, message, fields)
    outcome = await play.handle.result()

    assert had(outcome) == preview.money
    assert had(outcome).buyer == preview.refund


async def test_standing_rules_that_meet_are_foretold(world: World) -> None:
    """A complaint that the standing rules of both sides settle has its refund in the preview, and gets it."""
    gives = StandingRule(by=Role.SELLER, percent=30)
    takes = StandingRule(by=Role.BUYER, percent=20)
    play = await begin(world, standing=(gives,))
    await delivered(play)
    fields = {"reason": "damaged", "standing": (takes.model_dump(),), "submitted_at": await world.now()}
    preview = await foretold(play, "open_case", fields)
    await done(play, "open_case", fields)
    outcome = await play.handle.result()

    assert preview.refund is not None
    assert 0 < preview.refund.minor == outcome.ledger.total(EntryKind.REFUNDED)


async def test_a_preview_is_judged_when_it_says_it_is_sent(world: World) -> None:
    """The order has slept since the purchase; the preview still knows that the grace period is over."""
    play = await begin(world)
    late = BEGINNING + 4 * HOUR
    early = await foretold(play, "cancel", {"by": "buyer"})
    preview = await foretold(play, "cancel", {"by": "buyer", "submitted_at": late})

    assert "cancelled_in_grace" == early.reply.code
    assert "seller_asked" == preview.reply.code


@pytest.mark.parametrize(
    ("message", "fields", "code"),
    [
        ("fly", {}, "preview_unknown"),
        ("cancel", {}, "preview_malformed"),
        ("open_case", {"text": 7}, "preview_malformed"),
    ],
)
async def test_what_cannot_be_read_is_refused(world: World, message: str, fields: dict[str, Any], code: str) -> None:
    """An unknown action and malformed fields get a refusal that says what to write, and nothing is kept of it."""
    play = await begin(world)
    preview = await foretold(play, message, fields)

    assert (True, code) == (preview.reply.refused, preview.reply.code)
