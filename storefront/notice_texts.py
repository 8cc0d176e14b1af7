"""The page with the text of every notice, from the catalogues.

`python -m storefront.notice_texts docs/notices.md` writes it anew; a test fails when it is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from activities.dispatch.letters import letter
from domain import wording
from domain.courtesy import DIGESTED
from domain.moot import ASKS, REMINDERS
from domain.parties import Role
from domain.story import Notice

_HEAD: Final = """# The text of every notice

<!-- Written by `make notices` from domain/catalogues; change it there. -->

Each notice has a title, which is the subject of its mail, and a text, in English and Chinese.
`{fact}` stands for a fact:
codes are named in the reader's language, instants are those of the reader's time zone, amounts are in their format.
[Delivery](delivery.md) says how notices are sent, and when one is held or dropped;
the [contract](contract.md#notices) says who gets which.
"""

_EXAMPLES: Final = (("en-US", "America/Los_Angeles"), ("zh-CN", "Asia/Shanghai"))


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join((_HEAD, *_examples(), "\n## All notices\n", *_notices()))


def _examples() -> Iterator[str]:
    yield "\n## A whole letter\n"
    yield "The same reminder for a seller in California and one in Shanghai, as plain text; there is HTML beside it.\n"
    for locale, zone in _EXAMPLES:
        content = letter([_example(locale, zone)])
        yield f"```text\nSubject: {content.subject}\n\n{content.text}```\n"


def _example(locale: str, zone: str) -> Notice:
    return Notice(
        key="order-A-1-reminded-seller-1",
        subject="order-A-1",
        to=Role.SELLER,
        party_id="s-4",
        kind="reminded",
        at=datetime(2026, 11, 28, 8, tzinfo=UTC),
        locale=locale,
        time_zone=zone,
        facts={
            "owner": "seller",
            "action": "ship",
            "due": "2026-12-01 08:00 UTC",
            "consequence": "buyer_may_cancel",
        },
    )


def _notices() -> Iterator[str]:
    for kind in wording.codes("titles"):
        yield f"\n### `{kind}`\n"
        for locale in wording.LOCALES:
            yield f"- **{wording.template('titles', kind, locale)}**: {wording.template('events', kind, locale)}"
        if notes := list(_notes(kind)):
            yield "\n" + "\n".join(notes)


def _notes(kind: str) -> Iterator[str]:
    if kind in REMINDERS:
        yield "Moot once the duty in `action` is not owed by that date any more, or a newer one asks for it."
    elif kind in ASKS:
        yield f"Moot once `{ASKS[kind]}` is not owed any more, or a newer one asks for it."
    if kind in DIGESTED:
        yield "Comes with the next digest, if the policy has one."


def main() -> None:
    """Write the page into the file named on the command line."""
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/notices.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
