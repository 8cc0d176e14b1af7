"""Where cases begin in tests: what has happened before the part that a test is about.

The parcel arrives on Tuesday, 3 November, at 11:00 in New York, and is complained about at 11:30.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from domain.cases.record import EvidenceItem
from domain.ledger import Account
from domain.order import Line, PriceSplit
from domain.parties import Role
from domain.policy import Policy
from domain.story import Outcome
from tests.play import Play, a_photo, begin
from tests.world import BEGINNING, World, an_order, ny, usd

ARRIVED = ny(11, 3, 11)
REPORTED = ny(11, 3, 11, 30)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

FOUR_PHOTOS = ("photo_front", "photo_back", "photo_sides", "photo_parcel")
"""The checklist of most reasons."""

RELEASED = {"buyer": -12_900, "seller": 8_800, "platform": 3_100, "tax": 1_000}
REFUNDED = {"buyer": 0, "seller": 0, "platform": 0, "tax": 0}
LABEL = 990
"""What a label with a pickup costs at the sandbox carrier, in US cents."""

COSTLY: Mapping[str, Any] = {
    "price": PriceSplit(items=usd(70_000), shipping=usd(900), tax=usd(1_000), platform_fee=usd(2_200)),
    "lines": (Line(listing_id="L-1", price=usd(70_000)),),
}
"""An order above the amount from which on a ruling needs two agents."""


def divided(outcome: Outcome) -> dict[str, int]:
    """Where the money is at the end, in cents; what the buyer has paid and not got back is negative."""
    accounts = (Account.BUYER, Account.SELLER, Account.PLATFORM, Account.TAX)
    return {account.value: outcome.ledger.balance(account) for account in accounts}


def photos(world: World) -> list[EvidenceItem]:
    """The four photos that most reasons ask for."""
    return [a_photo(world, kind) for kind in FOUR_PHOTOS]


def policy_with(**blocks: Mapping[str, Any]) -> Policy:
    """The ordinary policy with these settings of its blocks changed, for example `limits={"history_events": 200}`."""
    policy = an_order(BEGINNING).policy
    changed = {name: getattr(policy, name).model_copy(update=dict(block)) for name, block in blocks.items()}
    return policy.model_copy(update=changed)


async def delivered(world: World, **order: Any) -> Play:
    """An order whose webhook tells, half an hour later, that its parcel has arrived."""
    play = await begin(world, **order)
    await world.at(REPORTED)
    await play.delivered(ARRIVED)
    return play


async def contested(world: World, **order: Any) -> Play:
    """A fake, with all evidence that is asked for, which the seller denies: a person must decide."""
    play = await delivered(world, **order)
    await play.complains("counterfeit", evidence=photos(world))
    await play.answers(accept=False)
    return play


async def to_be_returned(world: World, **order: Any) -> Play:
    """A complaint about damage that the seller accepts: the goods go back, and a label is there."""
    play = await delivered(world, **order)
    await play.complains("damaged")
    await play.answers(accept=True)
    await world.at(REPORTED + MINUTE)
    return play


async def back_with_the_seller(world: World, **order: Any) -> Play:
    """A return that the seller has had since Friday, 6 November, at 12:00 in New York, and is to inspect."""
    play = await to_be_returned(world, **order)
    await world.at(ny(11, 6, 12, 30))
    await play.came_back(ny(11, 6, 12))
    return play


async def codes(play: Play, role: Role, *wanted: str) -> list[str]:
    """Which of these notices about the case a party has got, in order."""
    return [code for code in await play.case_notices(role) if code in wanted]
