"""A policy pack as its owner writes it, in TOML, and everything that can be wrong with it.

All mistakes are told at once, each with its line. The models ignore settings they do not know, as messages
between versions must, so what is unknown is found here.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeGuard, get_args, get_origin

from pydantic import ValidationError, field_validator
from pydantic_core import ErrorDetails

from domain.base import Model
from domain.calendars import Calendar
from domain.holidays_data import holidays_of_region
from domain.money import Money
from domain.parties import TimeZone
from domain.policy import Policy
from domain.policy_checks import allowed_silences, contradictions
from domain.toml_lines import Path, lines_of

_Table: TypeAlias = dict[str, Any]
_Node: TypeAlias = "type[Model] | dict[str, type[Model]]"

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ABOUT: Final = ("pack", "title")
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-v[1-9][0-9]*")
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_A_YEAR: Final = range(2026, 2027)
_SHOWN: Final = 40
_AN_AMOUNT: Final = 'is not an amount: write it as currency and number, for example "USD 150.00"'


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right: the line on which it stands, counted from 1, and what to do."""

    line: int
    message: str


class PackError(ValueError):
    """A pack that cannot be used. `file` names it; `problems` are all its mistakes, by line."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        many = "1 thing" if len(self.problems) == 1 else f"{len(self.problems)} things"
        told = (f"  {file}:{problem.line}: {problem.message}" for problem in self.problems)
        super().__init__("\n".join((f"{file} cannot be used, {many} to put right:", *told)))


@dataclass(frozen=True, eq=False, slots=True)
class Pack:
    """The rules of a marketplace, where each comes from, and a title for people.

    `policy` holds no holidays yet: `policy_packs.pin` adds those that an order needs.
    `sources` has a sentence for each setting, for example under `shipping.soft.within`.
    """

    title: str
    policy: Policy
    sources: Mapping[str, str]


class _Hours(Model):
    """The support desk's opening times, weekday by weekday; a weekday that is not named is closed."""

    name: str
    time_zone: TimeZone
    holidays_of: str = ""
    Monday: tuple[str, ...] = ()
    Tuesday: tuple[str, ...] = ()
    Wednesday: tuple[str, ...] = ()
    Thursday: tuple[str, ...] = ()
    Friday: tuple[str, ...] = ()
    Saturday: tuple[str, ...] = ()
    Sunday: tuple[str, ...] = ()

    @field_validator(*_WEEKDAYS)
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # The calendar knows what opening times are; asked day by day, it leads to the right line.
        try:
            Calendar(name="one day", time_zone="UTC", weekend=(), hours=(value, *((),) * 6))
        except ValidationError as refused:
            raise ValueError(_plain(refused.errors()[0])) from None
        return value

    @field_validator("holidays_of")
    @classmethod
    def _known(cls, value: str) -> str:
        if value:
            holidays_of_region(value, _A_YEAR)
        return value

    def calendar(self, weekend: tuple[int, ...]) -> Calendar:
        """The desk's calendar, without holidays. Closed weekdays are its weekend, whatever the pack's is."""
        hours: tuple[tuple[str, ...], ...] = tuple(getattr(self, day) for day in _WEEKDAYS)
        closed = tuple(day for day, intervals in enumerate(hours) if not intervals)
        never_open = len(closed) == len(_WEEKDAYS)
        return Calendar(
            name=self.name,
            time_zone=self.time_zone,
            weekend=weekend if never_open else closed,
            hours=() if never_open else hours,
            holiday_region=self.holidays_of,
        )


class Document:
    """The text of one pack; `file` names it in messages. Raises PackError if the text is not TOML."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        try:
            self._table: _Table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as refused:
            raise PackError(file, [_syntax(str(refused), text)]) from None
        self._lines = lines_of(text)
        self._problems: list[Problem] = []
        self._sources: dict[str, str] = {}
        self._meant: set[Path] = set()

    def pack(self) -> Pack:
        """The pack that the text describes; raises PackError with all that is wrong."""
        known = self._known(self._table, Policy, ())
        title = self._title(known)
        policy = self._policy(known)
        if policy is not None:
            for setting, message in contradictions(policy):
                self._note(tuple(setting.split(".")), f"`{setting}`: {message}")
        if policy is None or self._problems:
            raise PackError(self.file, self._problems)
        return Pack(title=title, policy=policy, sources=MappingProxyType(self._sources))

    def refuse(self, setting: str, message: str) -> PackError:
        """The error for one setting of a pack that is well formed in itself."""
        return PackError(self.file, [Problem(self._line(tuple(setting.split("."))), message)])

    def _known(self, table: _Table, node: _Node, path: Path) -> _Table:
        """What of a block has a meaning; notes what has none, and takes the sources down."""
        children = _children(node)
        known: _Table = {}
        for key, value in table.items():
            child = children.get(key)
            if key not in children:
                if key != "source":
                    self._unknown((*path, key), (*children, "source"))
            elif child is not None and isinstance(value, dict):
                known[key] = self._known(value, child, (*path, key))
            elif isinstance(value, dict) and "source" in value:
                self._note(
                    (*path, key, "source"),
                    f"`{_dotted((*path, key))}` is one setting: write source.{key} in [{_dotted(path)}] instead",
                )
                known[key] = {name: item for name, item in value.items() if name != "source"}
            else:
                known[key] = value
        settings = [key for key, child in children.items() if child is None and key not in _ABOUT]
        if settings:
            self._take_sources(table, settings, path)
        elif "source" in table:
            self._note((*path, "source"), f"`{_dotted(path)}` holds only blocks: write the source inside each")
        return known

    def _unknown(self, path: Path, names: tuple[str, ...]) -> None:
        close = get_close_matches(path[-1], names, n=1)
        if close:
            meant = (*path[:-1], close[0])
            self._meant.add(meant)
            hint = f", did you mean `{_dotted(meant)}`?"
        else:
            hint = f": here are {', '.join(names)}"
        self._note(path, f"unknown setting `{_dotted(path)}`{hint}")

    def _take_sources(self, table: _Table, settings: list[str], path: Path) -> None:
        source = table.get("source")
        if isinstance(source, dict):
            for key in source:
                if key not in settings:
                    self._unknown((*path, "source", key), tuple(settings))
            told = {key: source.get(key) for key in settings if key in table}
        else:
            told = {key: source for key in settings if key in table}
            if (*path, "source") in self._meant:
                return
            if not _says_something(source):
                where = f"the block `{_dotted(path)}`" if path else "the first block"
                self._note((*path, "source"), f'{where} has no source: write source = "where its values come from"')
                return
        for key, sentence in told.items():
            setting = (*path, key)
            if _says_something(sentence):
                self._sources[_dotted(setting)] = sentence.strip()
            else:
                self._note(
                    setting,
                    f'`{_dotted(setting)}` has no source: write source.{key} = "where its value comes from"',
                )

    def _title(self, known: _Table) -> str:
        title = known.pop("title", None)
        if not _says_something(title):
            self._note(("title",), 'missing title: write title = "what people call these rules"')
        name = known.get("pack")
        if isinstance(name, str) and not _NAME.fullmatch(name):
            self._note(("pack",), f"{name[:_SHOWN]!r} is not the name of a pack: write for example resale-v2")
        return str(title)

    def _policy(self, known: _Table) -> Policy | None:
        weekend = self._weekend(known)
        if weekend is not None:
            known["weekend"] = weekend
        support = known.get("support")
        if isinstance(support, dict) and "hours" in support:
            calendar = self._calendar(support["hours"], weekend or ())
            support["hours"] = calendar.model_dump(mode="json")
        try:
            policy = Policy.model_validate_json(json.dumps(known, default=str), strict=True)
        except ValidationError as refused:
            self._note_all(refused, known, ())
            return None
        for reason in _children(_children(Policy)["reasons"] or {}):
            if reason not in policy.reasons and ("reasons", reason) not in self._meant:
                self._note(("reasons", reason), f"missing setting `reasons.{reason}`")
        return policy

    def _weekend(self, known: _Table) -> tuple[int, ...] | None:
        """The weekend as numbers; none where the pack leaves it to the model, or writes it wrongly."""
        names = known.pop("weekend", None)
        if names is None:
            return None
        if isinstance(names, list) and all(name in _WEEKDAYS for name in names):
            return tuple(sorted({_WEEKDAYS.index(name) for name in names}))
        self._note(("weekend",), '`weekend` needs weekdays by name: write for example ["Saturday", "Sunday"]')
        return None

    def _calendar(self, hours: object, weekend: tuple[int, ...]) -> Calendar:
        try:
            return _Hours.model_validate_json(json.dumps(hours, default=str), strict=True).calendar(weekend)
        except ValidationError as refused:
            self._note_all(refused, hours, ("support", "hours"))
            # Lets the rest be read, so that its mistakes are told too.
            return Calendar(name="unreadable", time_zone="UTC")

    def _note_all(self, refused: ValidationError, given: object, prefix: Path) -> None:
        for error in refused.errors(include_url=False):
            path = (*prefix, *(part for part in _setting(error["loc"]) if isinstance(part, str)))
            if _setting(error["loc"]) != error["loc"]:
                self._note(path, f"`{_dotted(path)}`: {_AN_AMOUNT}")
            elif error["type"] == "missing":
                if path not in self._meant:
                    self._note(path, f"missing setting `{_dotted(path)}`")
            else:
                self._note(path, f"`{_dotted(path)}`: {_in_words(error, path, _at(given, error['loc']))}")

    def _note(self, path: Path, message: str) -> None:
        problem = Problem(self._line(path), message)
        if problem not in self._problems:
            self._problems.append(problem)

    def _line(self, path: Path) -> int:
        """The line of a setting or, where it is missing, of the block it belongs in."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


def _children(node: _Node) -> dict[str, _Node | None]:
    """What may stand in a block: blocks by their form, and settings as none."""
    if isinstance(node, dict):
        return dict(node)
    children: dict[str, _Node | None] = {}
    for name, field in node.model_fields.items():
        kind = field.annotation
        if get_origin(kind) is dict:
            keys, inner = get_args(kind)
            by_name = isinstance(keys, type) and issubclass(keys, StrEnum)
            children[name] = {str(key): inner for key in keys} if by_name else None
        elif kind is Calendar:
            children[name] = _Hours
        else:
            children[name] = kind if isinstance(kind, type) and issubclass(kind, Model) else None
    if node is Policy:
        # A pack names rules; which countries' holidays count depends on the order.
        del children["holidays"]
        children = {"pack": None, "title": None, **children}
    return children


def _setting(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The place of a mistake, cut where it lies inside one entry of a list: people write an entry as one word."""
    entry = next((at for at, part in enumerate(loc) if isinstance(part, int)), len(loc))
    return loc[: entry + 1]


def _in_words(error: ErrorDetails, path: Path, value: object) -> str:
    match error["type"]:
        case "enum":
            setting = _dotted(path)
            if path[-1] == "on_silence" or setting == "transit.late":
                choice = sorted(allowed_silences(setting))
            else:
                choice = re.findall(r"'([a-z_]+)'", error["ctx"]["expected"])
            close = get_close_matches(str(value), choice, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"write {' or '.join(f'`{one}`' for one in choice)}"
            return f"{str(value)[:_SHOWN]!r} is not known here, {hint}"
        case "model_type" if error["ctx"]["class_name"] == Money.__name__:
            return f"{_shown(value)} {_AN_AMOUNT}"
        case "tuple_type":
            return f"{_shown(value)} is not a list: write it in brackets, [{_shown(value)}]"
        case "bool_type":
            return f"{_shown(value)} is neither true nor false: write one of them, without quotes"
        case "model_type" | "dict_type":
            return f"is a block of settings: write [{_dotted(path)}] and its settings below"
        case _:
            return _plain(error)


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _plain(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ")


def _at(given: object, loc: tuple[int | str, ...]) -> object:
    for part in loc:
        if isinstance(given, dict):
            given = given.get(part)
        elif isinstance(given, list) and isinstance(part, int):
            given = given[part]
    return given


def _says_something(source: object) -> TypeGuard[str]:
    return isinstance(source, str) and bool(source.strip())


def _dotted(path: Path) -> str:
    return ".".join(path)


def _syntax(message: str, text: str) -> Problem:
    place = _PLACE.search(message)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    return Problem(line, f"is not TOML: {_PLACE.sub('', message)}")
