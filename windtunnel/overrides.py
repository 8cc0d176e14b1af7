"""The pack of a real marketplace: what it has published, laid over resale-v1.

A file in `windtunnel/packs/` holds only what is known of one marketplace, each value with its source; the rest is
resale-v1, and its source says so. The result is an ordinary policy pack, with every check of one.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from domain import policy_packs
from domain.policy import NOTHING_CAME, Reason
from domain.policy_packs import Pack

Table: TypeAlias = dict[str, Any]

FOLDER: Final = Path(__file__).parent / "packs"
BASE: Final = Path(policy_packs.__file__).parent / "packs" / "resale-v1.toml"
NOT_PUBLISHED: Final = "Not published; as resale-v1"
GROUPS: Final = {
    "arrived": tuple(reason for reason in Reason if reason not in NOTHING_CAME),
    "never_came": tuple(reason for reason in Reason if reason in NOTHING_CAME),
}
"""Blocks below `reasons` that speak of several reasons; what a reason says in its own block counts more."""

_ABOUT: Final = ("pack", "title")


def names() -> tuple[str, ...]:
    """The marketplaces that have a pack here, in alphabetical order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load(name: str) -> Pack:
    """The pack of one of `names()`; raises PackError for one with mistakes, for example a value without a source."""
    return policy_packs.read(written_out(known(name)))


def known(name: str) -> str:
    """What is known of one of `names()`, as written (TOML)."""
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def written_out(overrides: str) -> str:
    """The whole pack (TOML) that these overrides make of resale-v1, with a source for every value that has one.

    Raises TOMLDecodeError.
    """
    own = _spelled_out(tomllib.loads(overrides))
    reasons = own.get("reasons", {})
    for group, members in GROUPS.items():
        common = reasons.pop(group, {})
        for reason in members if common else ():
            reasons[reason] = _merged(common, reasons.get(reason, {}))
    base = _unpublished(_spelled_out(tomllib.loads(BASE.read_text(encoding="utf-8"))))
    return "\n".join(_toml(_merged(base, own), ()))


def _is_block(value: object) -> bool:
    # One setting is a table itself: evidence.by_category, whose values are lists.
    return isinstance(value, dict) and not all(isinstance(item, list) for item in value.values())


def _spelled_out(block: Table) -> Table:
    """The block with a source for each of its settings, where it gave one for all."""
    told = block.get("source", {})
    spelled: Table = {}
    settings = [key for key, value in block.items() if key not in ("source", *_ABOUT) and not _is_block(value)]
    for key, value in block.items():
        if key != "source":
            spelled[key] = _spelled_out(value) if _is_block(value) else value
    if settings or told:
        spelled["source"] = dict.fromkeys(settings, told) if isinstance(told, str) else dict(told)
    return spelled


def _unpublished(block: Table) -> Table:
    return {
        key: dict.fromkeys(value, NOT_PUBLISHED)
        if key == "source"
        else (_unpublished(value) if _is_block(value) else value)
        for key, value in block.items()
    }


def _merged(base: Table, own: Table) -> Table:
    merged = base | own
    for key in base.keys() & own.keys():
        if key != "source" and _is_block(base[key]):
            merged[key] = _merged(base[key], own[key])
    if "source" in base or "source" in own:
        # A value that is replaced loses the source of the old one, so that it cannot pass for a sourced one.
        kept = {key: told for key, told in base.get("source", {}).items() if key not in own}
        merged["source"] = kept | own.get("source", {})
    return merged


def _toml(block: Table, path: tuple[str, ...]) -> Iterator[str]:
    if path:
        yield f"[{'.'.join(path)}]"
    for key, value in block.items():
        if key == "source" or not _is_block(value):
            yield f"{key} = {_value(value)}"
    for key, value in block.items():
        if key != "source" and _is_block(value):
            yield from _toml(value, (*path, key))


def _value(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + "}"
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)
