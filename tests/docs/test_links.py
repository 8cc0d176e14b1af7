"""The Markdown files of the project: their links lead somewhere, and their excerpts are what the code says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
)
NO_PROSE = re.compile(r"^```.*?^```$|<!--.*?-->", re.MULTILINE | re.DOTALL)
EXCERPT = re.compile(r"^```python (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    prose = NO_PROSE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose)}


def broken(page: Path) -> list[str]:
    """The links of a page to files or headings that are not there; links to other sites are not followed."""
    found = []
    for link in LINK.findall(NO_PROSE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


def dedented(text: str) -> str:
    """A text whose lines all begin at the margin."""
    return "\n".join(line.strip() for line in text.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_resolve(page: Path) -> None:
    """Every relative link of a page leads to a file, and to a heading if it names one."""
    assert [] == broken(page)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_excerpts_are_in_the_code(page: Path) -> None:
    """A block of Python that names its file stands in that file, line by line, whatever its indentation."""
    missing = [
        (path, text)
        for path, text in EXCERPT.findall(page.read_text(encoding="utf-8"))
        if dedented(text) not in dedented((ROOT / path).read_text(encoding="utf-8"))
    ]

    assert [] == missing
