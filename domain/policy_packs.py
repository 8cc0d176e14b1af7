"""Policy packs: by name or from a file, and pinned to an order. Their form is in `docs/policy.md`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Final

from domain.base import utc
from domain.holidays_data import holidays_of_region
from domain.pack_document import Document, Pack, PackError, Problem
from domain.policy import Policy, share
from domain.policy_checks import HOLIDAY_YEARS

__all__ = ["Pack", "PackError", "Problem", "load", "names", "pin", "read"]

_FOLDER: Final = Path(__file__).parent / "packs"


def names() -> tuple[str, ...]:
    """The names of the packs that come with Redress, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@lru_cache(maxsize=64)
def load(name: str) -> Pack:
    """The pack of this name that comes with Redress.

    Raises ValueError, with the names there are, for an unknown name, and PackError for a pack with mistakes.
    """
    if name not in names():
        close = get_close_matches(name, names(), n=1)
        hint = f", did you mean {close[0]!r}?" if close else "."
        raise ValueError(f"There is no policy pack {name[:40]!r}{hint} There are: {', '.join(names())}.")
    document = Document(f"{name}.toml", (_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    pack = document.pack()
    if pack.policy.pack != name:
        raise document.refuse("pack", f"`pack` must be the name of its file, {name!r}")
    return pack


def read(source: Path | str) -> Pack:
    """The pack in a file (a `Path`) or in a text (a `str`), for a policy owner's own rules.

    Raises PackError for a pack with mistakes, or whose name belongs to a pack of Redress with other rules;
    OSError if the file cannot be read.
    """
    if isinstance(source, Path):
        try:
            document = Document(str(source), source.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise PackError(str(source), [Problem(1, "is not UTF-8 text: save it as UTF-8")]) from None
    else:
        document = Document("policy pack", source)
    pack = document.pack()
    name = pack.policy.pack
    if name in names() and load(name).policy != pack.policy:
        raise document.refuse("pack", f"{name!r} is a pack of Redress with other rules: choose another name")
    return pack


def pin(pack: Pack, *, placed_at: datetime, countries: Iterable[str]) -> Policy:
    """The policy that an order placed at that instant keeps: with holidays of these countries and its desk.

    Holidays cover the order's year and the two after it; no pack is read whose clocks together run longer.
    Equal orders get one shared object.

    Raises ValueError for a naive instant, and for a country whose holidays are unknown.
    """
    placed_at = utc(placed_at)
    # On New Year's morning in UTC, it is still the old year in half the world.
    first = (placed_at - timedelta(days=1)).year
    return _pin(pack, first, placed_at.year + HOLIDAY_YEARS, tuple(sorted(set(countries))))


@lru_cache(maxsize=512)
def _pin(pack: Pack, first: int, end: int, countries: tuple[str, ...]) -> Policy:
    support = pack.policy.support
    region = support.hours.holiday_region
    desk = _holidays(region, first, end) if region else ()
    hours = support.hours.model_copy(update={"holidays": desk})
    return share(
        pack.policy.model_copy(
            update={
                "holidays": {country: _holidays(country, first, end) for country in countries},
                "support": support.model_copy(update={"hours": hours}),
            }
        )
    )


@lru_cache(maxsize=1024)
def _holidays(region: str, first: int, end: int) -> tuple[date, ...]:
    return holidays_of_region(region, range(first, end))
