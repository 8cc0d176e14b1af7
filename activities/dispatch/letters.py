"""Notices as letters: subject, plain text and HTML, in the language of their reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from activities.dispatch.localised import for_reader, harmless, zone_name
from domain import wording
from domain.story import Notice

LONGEST_SUBJECT: Final = 150
"""Characters; mail programs show fewer."""

_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without its envelope. `language` is that of the text, for example `zh`."""

    subject: str
    text: str
    html: str
    language: str


@dataclass(frozen=True, slots=True)
class _Entry:
    title: str
    text: str
    about: str
    heading: str


def letter(notices: Sequence[Notice], reader: str = "") -> Letter:
    """The letter with these notices, which are to one reader of this name; of several, the newest sets the language."""
    last = notices[-1]
    entries = [_entry(notice) for notice in notices]
    locale, language = last.locale, wording.catalogue_of(last.locale)
    one = len(entries) == 1
    title = entries[0].title if one else wording.letter("digest_title", {"count": str(len(entries))}, locale)
    greeting = ("greeting", {"reader": harmless(reader)}) if reader.strip() else ("greeting_unnamed", {})
    words = {
        "language": language,
        "title": title,
        "entries": entries,
        "greeting": wording.letter(*greeting, locale),
        "digest": "" if one else wording.letter("digest", {}, locale),
        "zone": wording.letter("zone", {"zone": zone_name(last)}, locale),
        "why": wording.letter("why", {"role": last.to}, locale),
    }
    subject = entries[0].heading if one else title
    return Letter(
        subject=subject[:LONGEST_SUBJECT],
        text=_environment().get_template("letter.txt.j2").render(words),
        html=_inliner().inline(_environment().get_template("letter.html.j2").render(words)),
        language=language,
    )


def _entry(notice: Notice) -> _Entry:
    shown = for_reader(notice)
    prefix, _, subject_id = notice.subject.partition("-")
    about = wording.letter("case" if prefix == "case" else "order", {"subject": harmless(subject_id)}, notice.locale)
    title = wording.title(notice, shown)
    heading = wording.letter("heading", {"subject": about, "title": title}, notice.locale)
    return _Entry(title, wording.notice(notice, shown), about, heading)


@cache
def _environment() -> Environment:
    # Only HTML is escaped, so that a plain text does not show "&amp;".
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _inliner() -> css_inline.CSSInliner:
    # Mail programs ignore most of a style sheet, so its rules move to the elements; nothing is fetched for it.
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)
