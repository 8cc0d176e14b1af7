"""The addresses of orders and cases, and the ids in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Path

from storefront.client import order_of

OrderId = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$",
        description="the storefront's id of the order, or `reopened-` and it for an order that was taken up again",
        examples=["A-1"],
    ),
]
CaseId = Annotated[
    str,
    Path(
        pattern=r"^case-[A-Za-z0-9][A-Za-z0-9._-]{0,63}-[0-9]{1,4}$",
        description="the id of the case, as the answer to the complaint gave it",
        examples=["case-A-1-1"],
    ),
]


async def _order(order_id: OrderId) -> str:
    order_of(order_id)  # raises BadInput for the id of a case
    return order_id


async def _case(case_id: CaseId) -> str:
    return case_id


@dataclass(frozen=True, slots=True)
class Subjects:
    """What can be asked and told. `one` is the name of one of them, `id_of` gives a route the id in its address."""

    one: str
    id_of: Any

    @property
    def tag(self) -> str:
        """The heading of their routes in the OpenAPI document."""
        return f"{self.one}s"

    @property
    def path(self) -> str:
        """The path of one of them."""
        return f"/v1/{self.tag}/{{{self.one}_id}}"


ORDERS: Final = Subjects("order", Depends(_order))
CASES: Final = Subjects("case", Depends(_case))
