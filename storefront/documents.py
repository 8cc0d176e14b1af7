"""Orders from JSON: one object, an array, or one object after the other (JSON lines), in files or standard input."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from storefront.draft import OrderDraft, problems
from storefront.errors import BadInput

STDIN: Final = "-"

_SPACE: Final = re.compile(r"[ \t\r\n]*")


def drafts(sources: Iterable[str], now: datetime) -> tuple[OrderDraft, ...]:
    """All orders in these files (`-` is standard input), or none: BadInput tells everything there is to put right.

    An order without `placed_at` was placed now. Fields that no order has are refused: most often they are misspelt.
    """
    good, wrong = [], []
    for source in sources:
        name = "standard input" if source == STDIN else source
        for place, value in _documents(name, read(source)):
            try:
                dated = {"placed_at": now} | value if isinstance(value, dict) else value
                good.append(OrderDraft.model_validate(dated, extra="forbid"))
            except ValidationError as error:
                wrong += [f"{place}{problem}" for problem in problems(error)]
    if wrong:
        raise BadInput("Nothing was started, because of", wrong)
    return tuple(good)


def read(source: str) -> str:
    """The text of a file, or of standard input for `-`. Raises BadInput if it cannot be read as UTF-8."""
    try:
        data = sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{source} cannot be read ({error.strerror}). Check the path.") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{source} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from None


def _documents(name: str, text: str) -> Iterator[tuple[str, Any]]:
    """Each JSON object in the text, and how to say where it stands."""
    values = list(_values(name, text))
    if not values:
        raise BadInput(f"{name} is empty. Give it an order in JSON; examples/orders has some.")
    for number, value in enumerate(values, 1):
        yield (f"{name}: " if len(values) == 1 else f"{name}, order {number}: "), value


def _values(name: str, text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    at = _after_space(text, 0)
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise BadInput(
                f"{name} is not JSON from line {error.lineno}, column {error.colno} on: {error.msg}. "
                "Put it right there and try again; nothing was started."
            ) from None
        except RecursionError:
            raise BadInput(f"{name} is nested too deeply to be an order.") from None
        yield from value if isinstance(value, list) else (value,)
        at = _after_space(text, at)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
