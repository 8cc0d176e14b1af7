"""Facts as a reader of mail sees them: instants where they live, money in their format, and no living links.

The catalogues have the words; Babel's data have the forms of dates and amounts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_datetime_format, get_timezone_name
from babel.numbers import format_currency, get_currency_precision

from domain import wording
from domain.courtesy import zone_of
from domain.money import Money
from domain.story import Notice
from domain.wording import Shown

_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)")
_CODE: Final = re.compile(r"(?<=[A-Z]{3})(?=\d)")
_LIVE: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://|\b(?:mailto|tel|javascript|data):|@|(?<=[a-z0-9\u0080-\U0010ffff])\.(?=[a-z\u0080-\U0010ffff])",
    re.IGNORECASE,
)
"""What makes mail programs turn plain text into a link: a scheme, an address, a dot between the parts of a name."""


def for_reader(notice: Notice) -> Shown:
    """How the facts of this notice are shown to its reader."""
    locale, zone = locale_of(notice.locale), zone_of(notice)

    def shown(fact: str) -> str:
        if (at := wording.instant(fact)) is not None:
            return instant(at, locale, zone)
        if (amount := _amount(fact)) is not None:
            return money(amount, locale)
        return harmless(fact)

    return shown


@lru_cache(maxsize=256)
def locale_of(code: str) -> Locale:
    """The locale whose forms go with the catalogue that serves `code`: its own, if both are of one language."""
    language = wording.catalogue_of(code)
    try:
        locale = Locale.parse(code.replace("-", "_")[:32])
    except (ValueError, UnknownLocaleError):
        return Locale(language)
    return locale if locale.language == language else Locale(language)


def instant(at: datetime, locale: Locale, zone: tzinfo) -> str:
    """An instant in a place, to the minute, with the name or offset of its time: December 1, 2026, 8:00 AM PST."""
    local = at.astimezone(zone)
    name = _OFFSET.sub(_offset, get_timezone_name(local, "short", locale=locale))
    clock = format_time(local, "short", locale=locale).replace("\u202f", " ")
    form = str(get_datetime_format("long", locale=locale)).replace("'", "")
    return form.replace("{0}", f"{clock} {name}").replace("{1}", format_date(local, "long", locale=locale))


def zone_name(notice: Notice) -> str:
    """The reader's time zone in words, with its name in the database: Pacific Time (America/Los_Angeles)."""
    zone = zone_of(notice)
    if zone == UTC or str(zone) == "UTC":
        return "UTC"
    return f"{get_timezone_name(zone, 'long', locale=locale_of(notice.locale))} ({zone})"


def _offset(found: re.Match[str]) -> str:
    sign, hours, minutes = found.groups()
    return f"UTC{sign}{int(hours)}" + (f":{minutes}" if minutes != "00" else "")


def money(amount: Money, locale: Locale) -> str:
    """An amount in the format of a locale: $129.00, US$129.00."""
    units = Decimal(amount.minor).scaleb(-get_currency_precision(amount.currency))
    # A currency without a sign of its own is a code, which Babel puts right before the digits.
    return _CODE.sub("\N{NO-BREAK SPACE}", format_currency(units, amount.currency, locale=locale))


def _amount(fact: str) -> Money | None:
    try:
        return Money.parse(fact)
    except ValueError:
        return None


def harmless(text: str) -> str:
    """Text from elsewhere, on one line, that no mail program makes a link of: what is live in it is put in brackets."""
    return _LIVE.sub(lambda found: f"[{found[0]}]", one_line(text))


def one_line(text: str) -> str:
    """Text without control characters and line breaks, so that it fits into a header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
