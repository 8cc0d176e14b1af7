"""A story told from beginning to end in virtual time: what happened, who was told, the money, and the reasons.

No message of a story may fall on the instant of a timer: when both come at once, the test server loses the task.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import typer

from domain import wording
from domain.cases.statements import Statement
from domain.clock import Clock
from domain.ledger import Entry, EntryKind
from domain.story import Notice, Outcome, StoryEntry
from fastmotion.sandbox_world import SandboxWorld
from fastmotion.stories import PURCHASE, Played, Story, all_stories, ended, play
from fastmotion.virtual_world import VirtualWorld, a_test_server
from runtime import Exit
from storefront.client import Redress
from storefront.draft import REOPENED
from storefront.errors import BadInput

SERVER_BEGINS: Final = datetime(2030, 1, 1, tzinfo=UTC)
"""The server's clock is moved on to here first, so that a story runs at the same instants whenever it is told."""

_GLANCE: Final = 0.02
_RANKS: Final = {"case_resolved": 1, "case_withdrawn": 1, "case_overtaken": 1, "case_arrived": 1, "closed": 2}
_LABELS: Final = (EntryKind.LABEL, EntryKind.LABEL_REFUNDED)


@dataclass(frozen=True, slots=True)
class Telling:
    """A story as it went. `timelines` are those of the order and its cases, `reasons` those of its cases."""

    story: Story
    played: Played
    timelines: Mapping[str, tuple[StoryEntry, ...]]
    notices: tuple[Notice, ...]
    reasons: Mapping[str, tuple[Statement, ...]]

    @classmethod
    def of(
        cls,
        story: Story,
        played: Played,
        timelines: Mapping[str, Iterable[StoryEntry]],
        reasons: Mapping[str, tuple[Statement, ...]],
        notices: Callable[[str], Iterable[Notice]],
    ) -> Self:
        """The telling in one order wherever the story was told; `notices` gives what was told under a subject."""
        settled = {subject: _settled(timeline) for subject, timeline in timelines.items()}
        told = (
            notice
            for subject, timeline in settled.items()
            for notice in _in_order_of_story(notices(_told_under(subject)), timeline)
        )
        return cls(story=story, played=played, timelines=settled, notices=tuple(told), reasons=reasons)

    @property
    def as_written(self) -> bool:
        """Whether it ended as the story says, and everything was answered as it says."""
        return not self.played.surprises and self.story.ends == ended(self.played.outcome, self.notices)


async def main(name: str, *, locale: str, as_json: bool) -> int:
    """Tell one story on standard output; without a name, list them all.

    Gives `Exit.OK` if it went as it is written. Raises BadInput for an unknown name, NoTestServer if there is none.
    """
    if not name:
        stories = [_listed(story, locale) for story in all_stories().values()]
        lines = [f"{story['name']:{_widest(stories)}}  {story['title']}" for story in stories]
        typer.echo(_json(stories) if as_json else "\n".join(lines))
        return Exit.OK
    story = named(name)
    with tempfile.TemporaryDirectory() as folder:
        async with a_test_server() as environment:
            world = VirtualWorld(environment, Path(folder))
            async with world.at_work():
                telling = await tell(story, world)
    typer.echo(f"{_json(as_data(telling))}\n" if as_json else transcript(telling, locale), nl=False)
    return Exit.OK if telling.as_written else Exit.FAILED


def named(name: str) -> Story:
    """The story of this name. Raises BadInput, with the name that was perhaps meant."""
    stories = all_stories()
    if name in stories:
        return stories[name]
    close = difflib.get_close_matches(name, stories, n=1)
    hint = f"did you mean {close[0]}?" if close else "`starter.py story` lists them."
    raise BadInput(f"There is no story {name!r}; {hint}")


async def tell(story: Story, world: VirtualWorld) -> Telling:
    """Play a story from beginning to end in a fresh world whose worker runs."""
    clock = Clock(real_anchor=SERVER_BEGINS, policy_anchor=PURCHASE, speed=1)
    await world.until(SERVER_BEGINS)
    redress = Redress(world.client)
    stage = SandboxWorld(
        redress,
        world,
        until=lambda instant: world.until(clock.real_instant(instant)),
        pause=lambda: asyncio.sleep(_GLANCE),
    )
    played = await play(story, stage, clock=clock)
    orders, cases = orders_of(played.outcome), cases_of(played.outcome)
    timelines = {subject: await redress.timeline(subject) for subject in (*orders, *cases)}
    reasons = {case: await redress.reasons(case) for case in cases}
    return Telling.of(story, played, timelines, reasons, world.outbox.notices)


def orders_of(outcome: Outcome) -> tuple[str, ...]:
    """The workflows of an order: its own and, if its outcome was recorded anew, the one that took it up again."""
    own = f"order-{outcome.order_id}"
    return (own, f"{REOPENED}{outcome.order_id}") if outcome.revision else (own,)


def cases_of(outcome: Outcome) -> tuple[str, ...]:
    """The workflows of an order's cases, in the order in which they were opened."""
    return tuple(f"case-{outcome.order_id}-{number}" for number in range(1, outcome.cases_opened + 1))


def _told_under(subject: str) -> str:
    """The subject of notices: an order that was taken up again tells them under the number of its new outcome."""
    return f"{subject}-1" if subject.startswith(REOPENED) else subject


def _settled(timeline: Iterable[StoryEntry]) -> tuple[StoryEntry, ...]:
    """In one order wherever it is told: how a case ends and its money moves, an order hears in either order."""
    return tuple(sorted(timeline, key=lambda entry: (_minute(entry), _RANKS.get(entry.what, 0))))


def _minute(moment: StoryEntry | Entry) -> datetime:
    return moment.at.replace(second=0, microsecond=0)


def _in_order_of_story(notices: Iterable[Notice], timeline: Sequence[StoryEntry]) -> list[Notice]:
    """Notices of one moment in the order in which things happened; to the second, as a replay may differ by less."""
    told = [(entry.at.replace(microsecond=0), entry.what) for entry in timeline]
    return sorted(notices, key=lambda notice: (told.index((notice.at.replace(microsecond=0), notice.kind)), notice.key))


def transcript(telling: Telling, locale: str = "en") -> str:
    """A story as text in one language: the order and its cases, the notices, the money, the reasons.

    The same wherever and whenever it is told; instants are UTC.
    """
    title, moral = _title(telling.story, locale)
    lines = [title, moral]
    for subject, entries in telling.timelines.items():
        lines += ["", subject]
        lines += [f"{entry.at:%m-%d %H:%M}  {wording.event(entry.what, entry.facts, locale)}" for entry in entries]
    lines += ["", wording.name("heading.notices", locale)]
    lines += [
        f"{notice.at:%m-%d %H:%M}  {_padded(wording.name(notice.to, locale), 8)}  {notice.kind}"
        for notice in telling.notices
    ]
    lines += ["", wording.name("heading.money", locale)]
    facts = telling.played.outcome.ledger.facts
    lines += [
        _moved(entry, locale) for entry in sorted(facts, key=lambda entry: (_minute(entry), entry.kind in _LABELS))
    ]
    for case, made in telling.reasons.items():
        for statement in made:
            lines += ["", f"{case}: {wording.name('heading.reasons', locale)} {statement.number}"]
            lines += [sentence.text[locale] for sentence in statement.sentences]
    return "\n".join(lines) + "\n"


def as_data(telling: Telling) -> dict[str, Any]:
    """A story for machines, with the names of the models' fields."""
    outcome = telling.played.outcome
    return {
        "story": telling.story.name,
        "as_written": telling.as_written,
        "outcome": outcome.model_dump(mode="json", exclude={"ledger", "order"}),
        "ledger": [entry.model_dump(mode="json") for entry in outcome.ledger.facts],
        "notices": [notice.model_dump(mode="json") for notice in telling.notices],
        "reasons": [made.model_dump(mode="json") for each in telling.reasons.values() for made in each],
        "timelines": {
            subject: [entry.model_dump(mode="json") for entry in entries]
            for subject, entries in telling.timelines.items()
        },
    }


def _moved(entry: Entry, locale: str) -> str:
    kind = _padded(wording.name(f"moved.{entry.kind}", locale), 14)
    between = f"{_account(entry.source, locale)} → {_account(entry.target, locale)}"
    return f"{entry.at:%m-%d %H:%M}  {kind}  {_padded(between, 22)}  {entry.amount}"


def _account(account: str, locale: str) -> str:
    return wording.name(account, locale, of="account")


def _padded(text: str, width: int) -> str:
    """Chinese characters are as wide as two others."""
    return text + " " * (width - len(text) - sum("\u2e80" <= char <= "\uffef" for char in text))


def _title(story: Story, locale: str) -> tuple[str, str]:
    told = story.zh if locale == "zh" and story.zh else story
    return told.title, told.moral


def _listed(story: Story, locale: str) -> dict[str, str]:
    title, moral = _title(story, locale)
    return {"name": story.name, "title": title, "moral": moral}


def _widest(stories: Iterable[Mapping[str, str]]) -> int:
    return max(len(story["name"]) for story in stories)


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)
