"""The table of a policy pack for people, in Markdown: setting, value, what silence means, source.

`python -m storefront.policy_table docs/policy.md` writes the tables between the marks of that page anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from domain.calendars import Calendar
from domain.policy import Term
from domain.policy_packs import Pack, load

_MARKED: Final = re.compile(r"(<!-- pack ([a-z0-9-]+) -->\n).*?(<!-- end of pack -->)", re.DOTALL)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BLOCKS_BY_NAME: Final = ("reasons",)
_Row = tuple[str, str, str, str]


def table(pack: Pack) -> str:
    """A Markdown table with a row for each term and each other setting, in the order of the model."""
    head: tuple[_Row, ...] = (("Setting", "Value", "On silence", "Source"), ("---",) * 4)
    rows = (*head, *_rows(pack, pack.policy, ""))
    lines = (" | ".join(cell.replace("|", r"\|") for cell in row) for row in rows)
    return "".join(f"| {line} |\n" for line in lines)


def renew(page: str) -> str:
    """The page with each table between `<!-- pack NAME -->` and `<!-- end of pack -->` as it is now.

    Raises ValueError for a name that is no pack.
    """
    return _MARKED.sub(lambda found: f"{found[1]}\n{table(load(found[2]))}\n{found[3]}", page)


def _rows(pack: Pack, value: object, path: str) -> Iterator[_Row]:
    inside = f"{path}." if path else ""
    match value:
        case Term():
            yield f"`{path}`", _in_words(value), f"`{value.on_silence}`", _sources(pack, inside)
        case Calendar():
            yield f"`{path}`", _opening_times(value), "", _sources(pack, inside)
        case BaseModel():
            for name in type(value).model_fields:
                if inside or name not in ("pack", "holidays"):
                    yield from _rows(pack, getattr(value, name), f"{inside}{name}")
        case dict() if path in _BLOCKS_BY_NAME:
            for key, item in value.items():
                yield from _rows(pack, item, f"{inside}{key}")
        case _:
            yield f"`{path}`", _value(value, path), "", pack.sources.get(path, "Not in the pack: the default")


def _value(value: object, path: str) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple() if path == "weekend":
            return ", ".join(_WEEKDAYS[day] for day in value)
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return "; ".join(f"{key}: {_value(item, path)}" for key, item in value.items()) or "none"
        case int():
            return f"{value:,}"
        case _:
            return str(value)


def _in_words(term: Term) -> str:
    parts = [str(term.within)]
    if term.remind_after:
        parts.append(f"reminders after {', '.join(map(str, term.remind_after))}")
    if term.remind_before:
        parts.append(f"reminders {', '.join(map(str, term.remind_before))} before the end")
    return "; ".join(parts)


def _opening_times(hours: Calendar) -> str:
    days = (f"{day} {', '.join(times)}" for day, times in zip(_WEEKDAYS, hours.hours, strict=False) if times)
    region = f"; without {hours.holiday_region} holidays" if hours.holiday_region else ""
    return f"{hours.name}, {hours.time_zone}: {'; '.join(days)}{region}"


def _sources(pack: Pack, inside: str) -> str:
    told = dict.fromkeys(sentence for setting, sentence in pack.sources.items() if setting.startswith(inside))
    return ". ".join(told)


def main() -> None:
    """Renew the pages named on the command line."""
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(renew(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
