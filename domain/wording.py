"""What people read, in English and Chinese: the texts of `domain/catalogues`, filled with facts.

Facts travel as codes, so that one event is told to each party in their own language.
A code without a text shows as it is and a fact that is missing as "?": a text is never worth an error.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:  # the story holds what cases say, and they speak through this module
    from domain.story import Notice

LOCALES: Final = ("en", "zh")
"""The languages there are; the first serves where a party's own is missing."""

LONGEST_FACT: Final = 300
"""Characters of one fact; facts travel with every notice and in every workflow's history."""

PLAIN: Final = frozenset(
    {"agent", "author", "carrier", "case", "chargeback", "codes", "disruption", "example", "key", "known", "offer"}
    | {"pack", "reader", "reference", "rule", "shipment", "stray", "subject", "text", "title", "type", "types"}
    | {"word", "words", "wrong", "zone"}
)
"""Facts that are shown as they are, even if they look like a code: ids, people's words, and what has to be typed."""

Shown: TypeAlias = Callable[[str], str]
"""How a medium shows a fact that is not a code: an instant, an amount, an id or people's words."""

RULING: Final = "ruling of "
"""What comes before the agent's id where a ruling stands in the place of a rule."""

REPLIED: Final = "reply."
"""What the facts of a reply begin with among those of a refusal, so that the two never clash."""

_ITEM: Final = re.compile("[a-z][0-9]+")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", re.ASCII)

_FOLDER: Final = Path(__file__).parent / "catalogues"

# Read at import, since workflow code may read no file while it runs.
_CATALOGUES: Final[dict[str, dict[str, Any]]] = {
    locale: tomllib.loads((_FOLDER / f"{locale}.toml").read_text(encoding="utf-8")) for locale in LOCALES
}


class _Gaps(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


@lru_cache(maxsize=256)
def catalogue_of(locale: str) -> str:
    """The catalogue that serves a locale (`zh-Hans-CN`, `zh_CN`, `en`): that of its language, or else English."""
    language = locale.replace("_", "-").split("-")[0].lower()
    return language if language in LOCALES else LOCALES[0]


def codes(table: str) -> tuple[str, ...]:
    """The codes that have a text in a table of the catalogues, for example `events`."""
    return tuple(_CATALOGUES[LOCALES[0]][table])


def template(table: str, code: str, locale: str = "en") -> str:
    """The text of a code before its facts are filled in. Raises KeyError if there is none."""
    return _table(table, locale)[code]


def action(kind: str, locale: str = "en") -> str:
    """What a duty of this kind asks of its owner."""
    return _table("actions", locale).get(kind, kind)


def consequence(silence: str, locale: str = "en") -> str:
    """What happens if the owner of a duty stays silent."""
    return _table("consequences", locale).get(silence, silence)


def name(code: str, locale: str = "en", of: str = "") -> str:
    """The name of a code; where it depends on the fact that has the code (`of`), the name for that fact."""
    return _named(code, locale, of) or code


def event(what: str, facts: Mapping[str, str], locale: str = "en", shown: Shown = str) -> str:
    """The text of an event of a story. Where its facts hold a reply (`refusal`), that fills the fact `text`."""
    if "code" in facts:
        # The reply is shown as a text of its own, and then stands in the event's as it is.
        return _filled("events", what, facts, locale, shown, text=_refusal(facts, locale, shown))
    return _filled("events", what, facts, locale, shown)


def notice(notice: Notice, shown: Shown = str) -> str:
    """The text of a notice in the language of its reader."""
    return event(notice.kind, notice.facts, notice.locale, shown)


def title(notice: Notice, shown: Shown = str) -> str:
    """What a notice is about, in a few words of its reader's language."""
    return _filled("titles", notice.kind, notice.facts, notice.locale, shown)


def letter(code: str, facts: Mapping[str, str], locale: str = "en") -> str:
    """What stands around the text of a notice when it goes out as a letter."""
    return _filled("letters", code, facts, locale)


def reply(code: str, facts: Mapping[str, str], locale: str = "en") -> str:
    """What a message was answered, without the full stop at its end."""
    return _filled("replies", code, facts, locale)


def sentence(code: str, facts: Mapping[str, str], locale: str = "en") -> str:
    """A sentence of a statement of reasons or preview."""
    return _filled("sentences", code, facts, locale)


def refusal(code: str, facts: Mapping[str, str], rule: str, instant: datetime | None) -> dict[str, str]:
    """The facts by which the story keeps the reply to a refused message."""
    kept = {"code": code, "rule": rule, "instant": moment(instant) if instant else ""}
    return kept | {f"{REPLIED}{fact}": value for fact, value in facts.items()}


def replied(facts: Mapping[str, str]) -> dict[str, str]:
    """The facts of the reply itself, among those that `refusal` has kept."""
    return {fact.removeprefix(REPLIED): value for fact, value in facts.items() if fact.startswith(REPLIED)}


def moment(at: datetime) -> str:
    """An instant for people: UTC, to the minute."""
    return f"{at.isoformat(' ', 'minutes')[:16]} UTC"


def instant(text: str) -> datetime | None:
    """The instant (UTC) that `moment` has written, to the minute; none for any other text."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)
    except ValueError:
        return None


def fact(value: object) -> str:
    """A value as the fact of an event or reply: instants to the minute, several codes with commas between them."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Collection) and not isinstance(value, str):
        return ", ".join(str(part) for part in value)[:LONGEST_FACT]
    return str(value)[:LONGEST_FACT]


def _table(name: str, locale: str) -> Mapping[str, str]:
    table: Mapping[str, str] = _CATALOGUES[catalogue_of(locale)][name]
    return table


def _filled(table: str, code: str, facts: Mapping[str, str], locale: str, shown: Shown = str, **finished: str) -> str:
    text = _table(table, locale).get(code)
    if text is None:
        return code
    told = {fact: _shown(fact, value, locale, shown) for fact, value in facts.items()}
    return text.format_map(_Gaps(told | finished))


def _shown(fact: str, value: str, locale: str, shown: Shown = str) -> str:
    """A fact in a language: codes by their names, everything else as the medium shows it."""
    if fact == "rule":
        if value.startswith(RULING):
            return sentence("ruling_of", {"agent": shown(value.removeprefix(RULING))}, locale)
        return value
    if fact in PLAIN:
        return shown(value)
    if fact == "consequence":
        return consequence(value, locale)
    separator: str = _CATALOGUES[catalogue_of(locale)]["separator"]
    return separator.join(_part(part, locale, fact, shown) for part in value.split(", "))


def _part(part: str, locale: str, fact: str, shown: Shown) -> str:
    """One of several codes, which may follow an id: `e1 photo_front`."""
    item, space, code = part.rpartition(" ")
    named = _named(part, locale, fact) or (_named(code, locale, fact) if _ITEM.fullmatch(item) else None)
    return shown(part) if named is None else f"{item}{space}{named}"


def _named(code: str, locale: str, of: str) -> str | None:
    names, actions = _table("names", locale), _table("actions", locale)
    return names.get(f"{of}.{code}") or names.get(code) or actions.get(code)


def _refusal(facts: Mapping[str, str], locale: str, shown: Shown) -> str:
    text = _filled("replies", facts["code"], {**facts, **replied(facts)}, locale, shown)
    when, rule = facts.get("instant"), facts.get("rule")
    grounds = ", ".join(ground for ground in (when and shown(when), rule) if ground)
    return sentence("grounds", {"text": text, "grounds": grounds}, locale) if grounds else text
