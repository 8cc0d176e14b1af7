"""The arguments and options that commands share, and the way to what they do.

Choices are written out, since importing the models would delay help; a test holds them to the models.
"""

from __future__ import annotations

from types import ModuleType
from typing import Annotated, Literal, TypeAlias

import typer

Side: TypeAlias = Literal["buyer", "seller"]
Voice: TypeAlias = Literal["buyer", "seller", "support"]
Word: TypeAlias = Literal["agree", "refuse"]
Stage: TypeAlias = Literal["opened", "won", "lost"]
Verdict: TypeAlias = Literal["return_for_refund", "refund_and_keep", "partial_refund", "release", "cancellation"]
Found: TypeAlias = Literal["as_sent", "worse", "another_item", "incomplete", "empty"]
Way: TypeAlias = Literal["chat", "mail", "phone"]
Language: TypeAlias = Literal["en", "zh"]
NoticeState: TypeAlias = Literal["waiting", "held", "sent", "moot", "dead"]

Order: TypeAlias = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.", show_default=False)]
Case: TypeAlias = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, as in case-A-1-1.")]
Subject: TypeAlias = Annotated[
    str, typer.Argument(metavar="ORDER|CASE", help="An order's id, or a case's, as in case-A-1-1.")
]

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for machines; errors too, on stderr.")]
Lang: TypeAlias = Annotated[Language, typer.Option("--lang", help="The language of its texts.")]
At: TypeAlias = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="When it was said, if not now: 2026-11-24T09:00:00Z."),
]
RequestId: TypeAlias = Annotated[
    str, typer.Option("--request-id", help="Makes a repetition safe: give the id of the first try.")
]
Text: TypeAlias = Annotated[str, typer.Option("--text", help="What they wrote; - reads standard input.")]
Until: TypeAlias = Annotated[
    str | None, typer.Option("--until", metavar="INSTANT", help="Until when, as in 2026-12-01T18:00:00Z.")
]
Agent: TypeAlias = Annotated[str, typer.Option("--agent", help="The id of the agent who does it.")]
Amount: TypeAlias = Annotated[str | None, typer.Option("--amount", help='For a partial refund, as in "USD 25.00".')]

Evidence: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--evidence", metavar="ITEM", help="KIND@FILE or KIND=TEXT, as in photo_front@front.jpg; repeatable."),
]
Uris: TypeAlias = Annotated[
    list[str] | None, typer.Option("--uri", help="Where a file is stored; once for each file, in their order.")
]
Sandbox: TypeAlias = Annotated[bool, typer.Option("--sandbox", help="Put the files into the sandbox's store instead.")]


def work() -> ModuleType:
    """The module that does what commands say, imported by the command that runs, so that help appears at once."""
    from storefront import commands

    return commands


def notice_work() -> ModuleType:
    """The same for the commands about notices."""
    from storefront import notices

    return notices
