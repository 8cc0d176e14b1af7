"""What every model of the domain shares: immutability, and instants that are always in UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

FIRST_YEAR = 1970
LAST_YEAR = 2999


class Model(BaseModel):
    """An immutable, hashable value.

    Unknown fields are ignored, so that a worker can read what a newer one wrote.
    Errors leave out the input, since they end up in logs and in the Web UI, and the input may be personal.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


def utc(value: datetime) -> datetime:
    """The same instant in UTC.

    Raises ValueError for a datetime without a time zone, and for one outside the years 1970 to 2999:
    beyond them, later arithmetic could leave the range of `datetime` in the middle of an order.
    """
    if value.tzinfo is not UTC:
        if value.utcoffset() is None:
            raise ValueError("needs a time zone, for example 2026-11-24T09:00:00Z")
        try:
            value = value.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}") from None
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return value


Instant = Annotated[datetime, AfterValidator(utc)]
"""A point in time: aware, in UTC; any offset is accepted and normalised, a naive datetime is refused."""
