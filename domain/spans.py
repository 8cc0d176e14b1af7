"""Lengths of time as a policy writes them: "72 h", "30 min", "7 CD", "5 BD", "48 BH"."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final, Literal, cast, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Unit = Literal["min", "h", "CD", "BD", "BH"]

MAX_DAYS: Final = 3660
"""The longest span, in days: ten years are beyond any promise, and every calendar search stays bounded."""

_PATTERN: Final = rf"^(0|[1-9][0-9]{{0,6}}) ({'|'.join(get_args(Unit))})$"
_MATCH: Final = re.compile(_PATTERN, re.ASCII)
_PER_DAY: Final[dict[Unit, int]] = {"min": 24 * 60, "h": 24, "CD": 1, "BD": 1, "BH": 24}
_SHOWN: Final = 40
_WORDS: Final[dict[Unit, str]] = {
    "min": "minute",
    "h": "hour",
    "CD": "calendar day",
    "BD": "business day",
    "BH": "business hour",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time and how it is counted.

    `min` and `h` are elapsed time, `CD` calendar days, `BD` business days and `BH` business hours;
    the last three mean something only together with a calendar (see `domain.calendars`).
    In JSON and TOML a span is the string that `str()` gives.

    Raises ValueError for a negative amount or one of more than ten years.
    """

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= MAX_DAYS * _PER_DAY[self.unit]:
            longest = MAX_DAYS * _PER_DAY[self.unit]
            raise ValueError(f"'{self}' is out of range: write 0 to {longest} {self.unit} (ten years)")

    @staticmethod
    def parse(text: str) -> "Span":
        """The span that `text` writes; equal texts give one shared object.

        Raises ValueError, saying how to write a span, for anything else.
        """
        return _parse(text)

    @property
    def elapsed(self) -> timedelta | None:
        """The length of a span of elapsed or, for `BH`, open time; None for days, which vary in length."""
        match self.unit:
            case "min":
                return timedelta(minutes=self.amount)
            case "h" | "BH":
                return timedelta(hours=self.amount)
            case _:
                return None

    def describe(self) -> str:
        """For people, in English: "5 business days"."""
        return f"{self.amount} {_WORDS[self.unit]}{'' if self.amount == 1 else 's'}"

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            json_schema_input_schema=core_schema.str_schema(pattern=_PATTERN),
            serialization=core_schema.to_string_ser_schema(),
        )

    @staticmethod
    def _validate(value: object) -> "Span":
        if isinstance(value, Span):
            return value
        if isinstance(value, str):
            return _parse(value)
        raise ValueError(_refusal(value))


def _refusal(value: object) -> str:
    # A refused text may be megabytes long, and this message is kept in an order's story.
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return (
        f"{shown} is not a span: "
        "write for example 72 h, 7 CD (calendar days), 5 BD (business days) or 24 BH (business hours)"
    )


# Thousands of open orders carry the same few spans: one object for each text keeps them small.
@lru_cache(maxsize=1024)
def _parse(text: str) -> Span:
    found = _MATCH.fullmatch(text)
    if found is None:
        raise ValueError(_refusal(text))
    return Span(int(found[1]), cast(Unit, found[2]))
