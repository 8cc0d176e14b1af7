"""What real marketplaces have published, as data: rules, where each is from, and what no policy can express."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, ConfigDict, Field

from domain.base import Model
from domain.duties import Silence
from domain.policy import EvidenceKind, Reason

RULES: Final = Path(__file__).parent / "rules"
SOURCES: Final = Path(__file__).parent / "sources.toml"


class _Strict(Model):
    model_config = ConfigDict(extra="forbid")


class Source(_Strict):
    """A page, and whose: P the platform's own, R code or a docs repository, S a copy, guide or report of others."""

    grade: Annotated[str, Field(pattern="^[PRS]$")]
    page: str


@cache
def sources() -> dict[str, Source]:
    """Every page that rules are taken from, by key."""
    read = tomllib.loads(SOURCES.read_text(encoding="utf-8"))
    return {key: Source.model_validate(source) for key, source in read.items()}


def _known(key: str) -> str:
    if key not in sources():
        raise ValueError(f"{key} is no source: add it to {SOURCES.name}")
    return key


class Published(_Strict):
    """What a marketplace has published, and the keys of its sources."""

    rule: str
    value: str
    source: tuple[Annotated[str, AfterValidator(_known)], ...] = Field(min_length=1)


class Rule(Published):
    """A rule with the name of its executable check, and what else that check needs to know.

    `reasons` are the complaints that it is about, `then` is what silence brings, `before_end` the span whose end a
    reminder comes before (else it counts from the start), `kinds` the evidence that is asked for in this `category`.
    """

    check: str
    reasons: tuple[Reason, ...] = (Reason.NOT_AS_DESCRIBED,)
    then: Silence | None = None
    before_end: str = ""
    kinds: tuple[EvidenceKind, ...] = ()
    category: str = ""


class NotExpressible(Published):
    """A rule that no policy can state, and why."""

    why: str


class Book(_Strict):
    """The rules of one marketplace and the name of its pack, by default that of the file."""

    marketplace: str
    pack: str
    rules: tuple[Rule, ...]
    not_expressible: tuple[NotExpressible, ...] = ()


@cache
def books() -> tuple[Book, ...]:
    """The rules of every marketplace, in alphabetical order of the files."""
    return tuple(_book(path) for path in sorted(RULES.glob("*.toml"), key=lambda path: path.stem))


def _book(path: Path) -> Book:
    return Book.model_validate({"pack": path.stem} | tomllib.loads(path.read_text(encoding="utf-8")))
