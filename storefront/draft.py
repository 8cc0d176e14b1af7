"""An order as a storefront writes it: the purchase and the name of a policy pack, not yet the policy itself."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import ValidationError, model_validator

from domain import clocks, policy_packs
from domain.order import Order, Purchase
from domain.policy_packs import Pack
from domain.wording import moment
from storefront.errors import BadInput

OWN_PREFIXES = ("order-", "case-")
"""How the ids of workflows begin; order ids must not, so that an id always says what it is the id of."""


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


def read(document: str | bytes, name: str = "The order") -> OrderDraft:
    """The draft in a JSON document; fields that no order has are refused, since they are most often misspelt.

    Raises BadInput with a line for each thing to put right; `name` tells people which document it was.
    """
    try:
        return OrderDraft.model_validate_json(document, extra="forbid")
    except ValidationError as error:
        raise BadInput(f"{name} cannot be used", problems(error)) from None


def problems(error: ValidationError) -> tuple[str, ...]:
    """What pydantic found, a line each: the field, then what is wrong with it; never the value that was given."""
    return tuple(
        f"{'.'.join(str(part) for part in found['loc']) or 'order'}: {_plain(found['msg'])}"
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )


def _plain(text: str) -> str:
    return text.removeprefix("Value error, ")


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
