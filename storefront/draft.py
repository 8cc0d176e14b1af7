"""An order as a storefront writes it: the purchase and the name of a policy pack, not yet the policy itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Self

from pydantic import ValidationError, model_validator

from domain import clocks, policy_packs
from domain.order import Order, Purchase
from domain.policy_packs import Pack
from domain.wording import moment
from storefront.errors import BadInput

REOPENED: Final = "reopened-"
OWN_PREFIXES = ("order-", "case-", REOPENED)
"""How the ids of workflows begin; order ids must not, so that an id always says what it is the id of."""

_CLOCKS_DIFFER: Final = timedelta(days=1)
_MOST: Final = 20
_LONGEST: Final = 40
_TEXTS: Final = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field; check its spelling",
    "model_type": "must be a JSON object",
}


class OrderDraft(Purchase):
    """A purchase under the pack of this name. The policy is pinned when the order starts."""

    pack: str = "resale-v1"

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        if self.order_id.startswith(OWN_PREFIXES):
            raise ValueError(f"order_id begins with {' or '.join(OWN_PREFIXES)}, which Redress itself puts before it")
        return self

    def order(self, pack: Pack | None = None) -> Order:
        """The order with its policy: of `pack` if given, else of the pack it names, with both parties' holidays.

        Raises BadInput for a pack that does not exist and for a country whose holidays are unknown.
        """
        try:
            chosen = pack or policy_packs.load(self.pack)
            countries = (self.buyer.country, self.seller.country)
            policy = policy_packs.pin(chosen, placed_at=self.placed_at, countries=countries)
        except ValueError as error:
            raise BadInput(f"Order {self.order_id} cannot be started", [f"pack or country: {error}"]) from error
        known = {name: getattr(self, name) for name in Purchase.model_fields}
        return Order(**known, policy=policy)


def problems(error: ValidationError) -> tuple[str, ...]:
    """What pydantic found, a line each: the field, then what is wrong with it; never the value that was given."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    told = tuple(f"{_field(one['loc'])}: {_text(one['type'], one['msg'])}" for one in found[:_MOST])
    return told if len(found) <= _MOST else (*told, f"and {len(found) - _MOST:,} more")


def _field(place: tuple[int | str, ...]) -> str:
    path = ".".join(str(part)[:_LONGEST] for part in place) or "order"
    return "".join(char if char.isprintable() else "?" for char in path)


def _text(kind: str, text: str) -> str:
    return _TEXTS.get(kind, text.removeprefix("Value error, "))


def too_early(order: Order, now: datetime) -> str | None:
    """Why an order would start before its purchase at `now`; clocks of two machines may differ by a day at most."""
    if order.placed_at <= now + _CLOCKS_DIFFER:
        return None
    return f"placed_at: the purchase on {moment(order.placed_at)} lies in the future; correct placed_at or leave it out"


def overdue(order: Order, now: datetime) -> str | None:
    """Why an order would start with a deadline that has passed at `now`; none if all its deadlines lie ahead."""
    for duty in (clocks.ship(order), clocks.ship_final(order)):
        if duty.lapsed_at(now):
            return (
                f"placed_at: with a purchase on {moment(order.placed_at)}, the deadline to ship "
                f"({duty.rule}) passed on {moment(duty.agreed_due)}; correct placed_at or ship_by, "
                "or say that the order is backdated (--backdated) to replay what happened"
            )
    return None
