"""The docket and the journal of an order or case: set up alike in every workflow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from domain import clocks
from domain.clock import Clock
from domain.courtesy import Manner
from domain.duties import Duty, Owed
from domain.parties import Party, Role
from domain.policy import Policy
from workflows.docket import Docket
from workflows.journal import Journal


class Deal(Protocol):
    """What an order and the file of its case have alike: the parties, the policy they agreed on, and the clock."""

    @property
    def buyer(self) -> Party:
        """Who bought."""

    @property
    def seller(self) -> Party:
        """Who sold."""

    @property
    def policy(self) -> Policy:
        """The rules that both agreed on."""

    @property
    def clock(self) -> Clock:
        """From real time to policy time."""


def docket_of(deal: Deal, *, remind: Callable[[Duty], None], before_waiting: Callable[[], None]) -> Docket:
    """An empty docket whose disruptions are bounded by the policy; see `Docket` for what is called when."""
    longest = partial(clocks.longest_disruption, deal.policy, deal.buyer)
    return Docket(deal.clock, remind=remind, before_waiting=before_waiting, longest_disruption=longest)


def journal_of(subject: str, deal: Deal, docket: Docket) -> Journal:
    """An empty journal of this subject, in the docket's time; each entry wakes the docket, so that it is told."""
    parties = {Role.BUYER: deal.buyer, Role.SELLER: deal.seller}
    return Journal(
        subject,
        parties,
        limit=deal.policy.limits.story_entries,
        now=docket.now,
        noted=docket.wake,
        owed=lambda: tuple(Owed(kind=duty.kind, due=duty.due) for duty in docket.duties.values()),
        manner=Manner(courtesy=deal.policy.notices, clock=deal.clock),
    )
