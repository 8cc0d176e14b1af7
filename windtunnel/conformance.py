"""Conformance: what real marketplaces have published, rule by rule, against the real workflow in virtual time.

Each file in `windtunnel/rules/` holds the rules of one marketplace, checked under its pack of `windtunnel/packs/`,
and those that a policy cannot express, with the reason. `windtunnel/sources.toml` says where each was published.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime

from domain.policy_packs import Pack
from windtunnel import overrides
from windtunnel.checks import CHECKS
from windtunnel.contract import Stuck
from windtunnel.rulebook import Book, Rule
from windtunnel.trial import ITEMS, NotPlayable, Trial


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one rule: `findings` are the ways in which the workflow does otherwise, none if it conforms."""

    marketplace: str
    rule: Rule
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the rule is reproduced exactly."""
        return not self.findings


def check(book: Book, pack: Pack | None = None) -> tuple[Result, ...]:
    """Check each rule of a marketplace, under its own pack or another one."""
    under = pack or overrides.load(book.pack)
    return tuple(Result(book.marketplace, rule, _findings(rule, under)) for rule in book.rules)


def _findings(rule: Rule, pack: Pack) -> tuple[str, ...]:
    with ExitStack() as trials:

        def start(*, items: int = ITEMS, category: str = "", ship_by: datetime | None = None) -> Trial:
            return trials.enter_context(closing(Trial(pack, items=items, category=category, ship_by=ship_by)))

        try:
            return tuple(CHECKS[rule.check](rule, start))
        except (Stuck, NotPlayable) as failure:
            return (f"cannot be played to its end: {failure}",)
