"""Stories on the command line: which there are, which is meant, and what is told when time cannot pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastmotion.stories import all_stories
from fastmotion.telling import main, named
from fastmotion.virtual_world import NoTestServer, a_test_server
from runtime import Exit
from storefront.errors import BadInput
from tests.record_histories import TRANSCRIPTS

ROOT = Path(__file__).parents[2]


async def test_stories_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name, every story is named with its title, in the language asked for."""
    assert Exit.OK == await main("", locale="zh", as_json=False)
    listed = capsys.readouterr().out.splitlines()
    assert list(all_stories()) == [line.split()[0] for line in listed]
    assert any("李女士" in line for line in listed)


@pytest.mark.parametrize(("name", "told"), [("retrun_lost", "did you mean return_lost?"), ("xyz", "lists them")])
def test_an_unknown_story_is_wrong_usage(name: str, told: str) -> None:
    """A misspelt name is answered with the one that was perhaps meant, and nothing is done."""
    with pytest.raises(BadInput, match=told) as wrong:
        named(name)
    assert Exit.USAGE == wrong.value.code


async def test_without_the_test_server_people_are_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the program that lets time pass is missing, the message says how to get it."""
    monkeypatch.setattr("fastmotion.virtual_world.shutil.which", lambda *_, **__: None)
    with pytest.raises(NoTestServer, match=r"requirements\.lock"):
        async with a_test_server():
            pass


async def test_a_test_server_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ends at once is a message for people, not a traceback."""
    nothing = shutil.which("false")
    monkeypatch.setattr("fastmotion.virtual_world.shutil.which", lambda *_, **__: nothing)
    with pytest.raises(NoTestServer, match="did not start"):
        async with a_test_server():
            pass


def test_a_story_is_the_same_in_every_process() -> None:
    """What `starter.py story li` prints is, to the byte, what was recorded elsewhere."""
    told = subprocess.run([sys.executable, "starter.py", "story", "li"], cwd=ROOT, capture_output=True, check=True)
    assert (TRANSCRIPTS / "li.txt").read_bytes() == told.stdout
