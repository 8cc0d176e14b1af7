"""The ids in addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

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
