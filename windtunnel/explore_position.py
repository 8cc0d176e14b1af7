"""One order in the tunnel, and what an exploration may read of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count, takewhile
from typing import Any, Final

from domain.cases.case import Matter
from domain.messages import Reply
from domain.order import Order
from domain.rights import Standing
from storefront.draft import REOPENED
from windtunnel.explore_world import ExploredWorld
from windtunnel.order_tunnel import order_tunnel
from workflows.case import CaseWorkflow
from workflows.order import OrderWorkflow
from workflows.reopened import Books

WHATEVER_IT_SAYS: Final = frozenset(
    {
        *("order_over", "case_open_already", "cancel_delivered", "cancel_under_way", "nothing_to_extend"),
        *("case_frozen", "seller_has_time", "ruling_waits", "ruling_made", "sides_negotiate", "not_with_support"),
        *("nothing_to_confirm", "nothing_to_undo", "nothing_to_inspect", "offer_not_open", "offer_after_decision"),
    }
)
"""Refusals that do not depend on what the message says, so that a door need be tried only once in a state."""

_MOST_EVENTS: Final = 20_000


class NothingHappens(Exception):
    """An order is open, and nothing will ever happen to it again."""


class Position:
    """An order that has been started, with its cases and what it became after its end.

    When `hurried`, what the next message sets off waits until the one after it.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.world = ExploredWorld()
        self.tunnel = order_tunnel(self.world, began=order.placed_at, by_reference=True)
        self.order_id = f"order-{order.order_id}"
        self.reopened_id = f"{REOPENED}{order.order_id}"
        self.hurried = False
        self._stopped_until = order.placed_at
        self._looked_at: tuple[int, datetime] | None = None
        self._case_id = ""
        self._matter: Matter | None = None
        self._shut: set[str] = set()
        self._standing: Standing | None = None
        self.tunnel.start("OrderWorkflow", order, self.order_id)
        self.settle()

    def close(self) -> None:
        """Let go of everything."""
        self.tunnel.close()

    @property
    def now(self) -> datetime:
        """Virtual time (UTC)."""
        return self.tunnel.now

    @property
    def running(self) -> tuple[str, ...]:
        """The ids of all workflows that have not ended."""
        return self.tunnel.running

    def runs(self, workflow_id: str) -> bool:
        """Whether a workflow has been started and has not ended."""
        return self.tunnel.runs(workflow_id)

    @property
    def order_workflow(self) -> OrderWorkflow:
        """The order, running or ended."""
        inside: OrderWorkflow = self.tunnel.inside(self.order_id)
        return inside

    @property
    def books(self) -> Books | None:
        """The order taken up again, if it was and its outcome was found."""
        if self.reopened_id not in self.tunnel.executions:
            return None
        books: Books | None = self.tunnel.inside(self.reopened_id).books
        return books

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The cases of the order so far, oldest first."""
        names = (f"case-{self.order.order_id}-{number}" for number in count(1))
        return tuple(takewhile(self.tunnel.executions.__contains__, names))

    @property
    def case_id(self) -> str:
        """The case that is open; empty if none is."""
        self._look()
        return self._case_id

    def _look(self) -> None:
        """Read anew what is asked for by every move, once anything has happened."""
        at = (self.tunnel.activations, self.tunnel.now)
        if at != self._looked_at:
            self._looked_at = at
            self._case_id = next((name for name in reversed(self.case_ids) if self.runs(name)), "")
            self._matter = self._standing = None
            self._shut.clear()

    def shut(self, door: str) -> bool:
        """Whether a message at this door was refused here whatever it says."""
        self._look()
        return door in self._shut

    def judged(self, door: str, reply: Reply | None) -> bool:
        """Whether a message would be accepted; remembers a refusal that holds for every message at the door."""
        if reply is not None and reply.code in WHATEVER_IT_SAYS:
            self._shut.add(door)
        return reply is not None and not reply.refused

    def case(self, case_id: str) -> CaseWorkflow:
        """A case, running or ended."""
        inside: CaseWorkflow = self.tunnel.inside(case_id)
        return inside

    @property
    def matter(self) -> Matter | None:
        """The open case as a step judges it now."""
        self._look()
        if self._matter is None and self._case_id:
            case = self.case(self._case_id)
            self._matter = Matter(file=case.case, record=case.record, duties=case.docket.duties, now=self.now)
        return self._matter

    @property
    def standing(self) -> Standing:
        """The order as a message to it is judged."""
        self._look()
        if self._standing is None:
            self._standing = self.order_workflow._standing()  # noqa: SLF001 -- the very one by which the order judges
        return self._standing

    @property
    def heard(self) -> int:
        """How many events the carrier has told, of the parcel and of what came back."""
        transits = [self.case(name).transit for name in self.case_ids]
        parcels = [self.order_workflow.watch.parcel, *(transit.parcel for transit in transits if transit)]
        return sum(len(parcel.events) for parcel in parcels)

    @property
    def subjects(self) -> tuple[tuple[str, Any], ...]:
        """Each running workflow that has a docket, with what holds the docket."""
        held = []
        for name in self.running:
            inside = self.books if name == self.reopened_id else self.tunnel.inside(name)
            if inside is not None:
                held.append((name, inside))
        return tuple(held)

    # --- time ---

    def settle(self) -> None:
        """Let everything happen that takes no time."""
        self.tunnel.run(self.tunnel.now)

    @property
    def unsettled(self) -> bool:
        """Whether something is still to happen that takes no time."""
        return self.tunnel.next_at is not None and self.tunnel.next_at <= self.now

    @property
    def stopped(self) -> bool:
        """Whether no worker runs now."""
        return self.now < self._stopped_until

    def stop_workers(self, length: timedelta) -> None:
        """No worker runs for so long."""
        self._stopped_until = self.now + length
        self.tunnel.outage(self._stopped_until)

    def wait(self) -> None:
        """Let time pass until something happens. Raises NothingHappens."""
        self.hurried = False
        before = self.tunnel.activations
        for _ in range(_MOST_EVENTS):
            if self.tunnel.activations != before:
                break
            if not self.tunnel.step():
                if self.running:
                    raise NothingHappens(f"{', '.join(self.running)}: open, and nothing is left to happen")
                return
        else:
            raise NothingHappens(f"{', '.join(self.running)}: only retries go on, nothing else happens")
        self.settle()

    @property
    def next_due(self) -> datetime | None:
        """The next instant at which silence means something."""
        dues = [duty.due for _, inside in self.subjects for duty in inside.docket.duties.values() if duty.due]
        return min(dues, default=None)
