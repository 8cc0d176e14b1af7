"""Every story, on the time-skipping server: its ending, its money, its notices and its transcript."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from domain import wording
from fastmotion.stories import Story, all_stories, ended
from fastmotion.telling import transcript
from tests.record_histories import TRANSCRIPTS
from tests.story_world import Recording, record

every_story = pytest.mark.parametrize("story", all_stories().values(), ids=lambda story: story.name)
_told: dict[str, Recording] = {}


async def told(story: Story) -> Recording:
    """The story, played once for all tests."""
    if story.name not in _told:
        _told[story.name] = await record(story)
    return _told[story.name]


@every_story
async def test_a_story_ends_as_it_says(story: Story) -> None:
    """The same people doing the same things at the same times get the ending, the money and the notices promised."""
    telling = (await told(story)).telling
    assert story.ends == ended(telling.played.outcome, telling.notices)
    assert () == telling.played.surprises


@every_story
async def test_money_is_conserved_and_moved_once(story: Story) -> None:
    """Nothing stays in escrow, nothing is made or lost, and no business key moves money twice."""
    recording = await told(story)
    ledger = recording.telling.played.outcome.ledger
    ledger.check()
    assert (0, ()) == (ledger.available, ledger.intents)
    assert {} == recording.duplicates


@every_story
async def test_a_transcript_is_stable(story: Story) -> None:
    """What people read of a story changes only on purpose: then record it anew with `make histories`."""
    assert (TRANSCRIPTS / f"{story.name}.txt").read_text(encoding="utf-8") == transcript((await told(story)).telling)


@every_story
async def test_a_story_is_told_in_chinese_without_english(story: Story) -> None:
    """Whatever happens in a story and whyever, a Chinese reader meets no English but ids, units and people's words."""
    telling = (await told(story)).telling
    told_in_chinese = [
        (entry.what, wording.event(entry.what, entry.facts, "zh"), entry.facts)
        for timeline in telling.timelines.values()
        for entry in timeline
    ]
    told_in_chinese += [
        (sentence.code, sentence.text["zh"], sentence.facts)
        for made in telling.reasons.values()
        for statement in made
        for sentence in statement.sentences
    ]
    assert {} == {code: words for code, text, facts in told_in_chinese if (words := _english(text, facts))}


def _english(text: str, facts: Mapping[str, str]) -> list[str]:
    for fact, value in facts.items():
        if fact.removeprefix(wording.REPLIED) in wording.PLAIN:
            text = text.replace(value, "")
    words = set(re.findall(r"[A-Za-z_]{3,}", text))
    return sorted(words - {"UTC", "USD"} - set(re.findall(r"[A-Za-z_]{3,}", facts.get("rule", ""))))
