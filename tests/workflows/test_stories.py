"""Every story, in the tunnel: its ending, its money, its notices, its words; and some of them on a server.

Transcripts and histories are recorded on the time-skipping server (`make histories`), and the tunnel must tell all of
them to the letter (`tests/windtunnel/test_parity.py`). That today's server still tells what is recorded, a few show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from domain import wording
from fastmotion.stories import Story, all_stories, ended
from fastmotion.telling import transcript
from tests.record_histories import TRANSCRIPTS
from tests.story_world import record
from tests.windtunnel.calm import EVERY_ACTIVITY, calm

every_story = pytest.mark.parametrize("story", all_stories().values(), ids=lambda story: story.name)


@every_story
async def test_a_story_ends_as_it_says(story: Story) -> None:
    """The same people doing the same things at the same times get the ending, the money and the notices promised."""
    telling = (await calm(story.name)).telling
    assert story.ends == ended(telling.played.outcome, telling.notices)
    assert () == telling.played.surprises


@every_story
async def test_money_is_conserved_and_moved_once(story: Story) -> None:
    """Nothing stays in escrow, nothing is made or lost, and no business key moves money twice."""
    told = await calm(story.name)
    ledger = told.telling.played.outcome.ledger
    ledger.check()
    assert (0, ()) == (ledger.available, ledger.intents)
    assert () == told.doubled


@pytest.mark.parametrize("name", EVERY_ACTIVITY)
async def test_a_story_on_a_server_is_told_as_recorded(name: str) -> None:
    """Stories in which every activity runs: they end as they say, move money once and have the same transcript."""
    recording = await record(all_stories()[name])
    assert recording.telling.as_written
    assert {} == recording.duplicates
    assert (TRANSCRIPTS / f"{name}.txt").read_text(encoding="utf-8") == transcript(recording.telling)


@every_story
async def test_a_story_is_told_in_chinese_without_english(story: Story) -> None:
    """Whatever happens in a story and whyever, a Chinese reader meets no English but ids, units and people's words."""
    telling = (await calm(story.name)).telling
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
