"""Who takes part. Ids, locale, time zone and country only: names and addresses stay in the directory."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.base import Model
from domain.calendars import known_time_zone

Id = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="1 to 64 letters, digits, dots, hyphens or underscores; no slash, since ids travel in URLs",
    ),
]
TimeZone = Annotated[str, AfterValidator(known_time_zone)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2, for example US")]


class Role(StrEnum):
    """The part somebody plays in an order."""

    BUYER = "buyer"
    SELLER = "seller"
    SUPPORT = "support"
    CARRIER = "carrier"
    PLATFORM = "platform"


class Party(Model):
    """A buyer or seller, known by an id; the directory port knows the rest."""

    id: Id
    locale: str = "en"
    time_zone: TimeZone = "UTC"
    country: Country = "US"
