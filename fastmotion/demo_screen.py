"""What the demo shows: stories side by side and the tale as it is told; then what came of them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from domain import wording
from domain.ledger import Account, EntryKind, Ledger
from domain.money import Money
from domain.story import Status, StoryEntry
from fastmotion.demo_checks import Check, Told
from fastmotion.stories import Story
from storefront.show import clean

_AROUND_THE_TALE: Final = 5
_SHORTEST_TALE: Final = 4
_QUIET: Final = frozenset({"tracking", "decided"})
"""Events whose story another event tells better."""

_SENTENCE_END: Final = re.compile(r"\.(?= [A-Z])|\.$|; ")

_GOOD, _BAD, _DIM, _STRONG = "green", "bold red", "dim", "bold"


class Row:
    """One story on the screen."""

    def __init__(self, story: Story, order_id: str) -> None:
        self.story = story
        self.order_id = order_id
        self.begun = False
        self.status: Status | None = None
        self.cases: dict[str, None] = {}
        self.ending = ""
        self.told = False

    def cells(self) -> tuple[Text, Text, Text]:
        """Its title, its state, and what happens next."""
        if self.ending:
            return Text(self.story.title), Text(f"✓ {self.ending}", _GOOD), Text("")
        if not self.begun:
            return Text(self.story.title, _DIM), Text("·", _DIM), Text("")
        if self.status is None:
            return Text(self.story.title), Text("…", _DIM), Text("")
        state = self.status.open_case or self.status.state.replace("_", " ")
        style = "yellow" if self.status.frozen or self.status.open_case else "cyan"
        return Text(self.story.title), Text(state, style), Text(self._next(self.status))

    @staticmethod
    def _next(status: Status) -> str:
        who = status.next_action.partition(":")[0]
        return f"{who} by {status.next_due:%m-%d %H:%M}" if status.next_due else who


class Screen:
    """A live table on a terminal, plain lines anywhere else."""

    def __init__(self, console: Console, rows: Sequence[Row]) -> None:
        self._console = console
        self._rows = rows
        self._tale: deque[Text] = deque(maxlen=60)
        self._live = Live(self, console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self.share = 0.0
        self.weather = Text()
        self.day = ""

    def __enter__(self) -> Screen:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def tell(self, order_id: str, entry: StoryEntry) -> None:
        """Something happened in a story."""
        if entry.what not in _QUIET:
            text = clean(wording.event(entry.what, entry.facts))
            if self._live:
                # A line has little room; the Web UI and `timeline` have the whole text.
                text = _SENTENCE_END.split(text, maxsplit=1)[0]
            self._say(Text.assemble((f"{entry.at:%m-%d %H:%M}  ", _DIM), (f"{order_id:16}", _STRONG), text))

    def announce(self, text: str, style: str = "bold magenta") -> None:
        """Something happened to the machinery."""
        self._say(Text(f"━━ {text}", style))

    def refresh(self) -> None:
        """Draw anew."""
        if self._live:
            self._live.refresh()

    def _say(self, line: Text) -> None:
        line.no_wrap, line.overflow = True, "ellipsis"
        if self._live:
            self._tale.append(line)
        else:
            self._console.print(line.plain, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = (options.max_height or console.height) - len(self._rows) - _AROUND_THE_TALE
        told = list(self._tale)[-max(room, _SHORTEST_TALE) :]
        table = Table(box=None, padding=(0, 2, 0, 0), expand=True, show_header=True, header_style=_DIM)
        for name, ratio in (("story", 46), ("state", 24), ("next", 26)):
            table.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis")
        for row in self._rows:
            table.add_row(*row.cells())
        yield Group(self._bar(options.max_width), Text(""), table, Rule(style=_DIM), *told)

    def _bar(self, width: int) -> Text:
        before = Text.assemble(("Redress", _STRONG), "  ", (self.day, _DIM), "  ")
        after = Text.assemble("  ", self.weather) if self.weather else Text()
        length = max(width - len(before) - len(after), 10)
        full = min(int(length * self.share), length)
        return Text.assemble(before, ("━" * full, "cyan"), ("━" * (length - full), _DIM), after, no_wrap=True)


def outcomes(console: Console, told: Iterable[Told]) -> None:
    """How each story ended, and what each side got."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style=_DIM)
    for name in ("order", "ended"):
        table.add_column(name, no_wrap=True)
    for name in ("paid, USD", "to buyer", "to seller"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("by the rule", no_wrap=True, overflow="ellipsis")
    for one in told:
        if one.played is None:
            table.add_row(one.order_id, Text("did not end", _BAD))
            continue
        outcome, ledger = one.played.outcome, one.ledger
        table.add_row(
            one.order_id,
            outcome.decision.ending.replace("_", " ") + (", and found" if outcome.found_after_loss else ""),
            *(_amount(ledger, *kinds) for kinds in _SIDES),
            Text(outcome.decision.rule, _DIM),
        )
    console.print(table)


_SIDES = (
    (EntryKind.CAPTURED,),
    (EntryKind.REFUNDED, EntryKind.CHARGED_BACK),
    (EntryKind.RELEASED, EntryKind.COMPENSATED),
)


def _amount(ledger: Ledger, *kinds: EntryKind) -> str:
    currency = ledger.facts[0].amount.currency
    minor = ledger.total(*kinds)
    return str(Money(minor=minor, currency=currency)).removeprefix(f"{currency} ") if minor else "–"


def totals(console: Console, told: Sequence[Told]) -> None:
    """All ledgers together: what came in, and where it is now."""
    currency = "USD"
    accounts = {account: sum(one.ledger.balance(account) for one in told) for account in Account}
    where = ", ".join(
        f"{name} {Money(minor=accounts[account], currency=currency)}"
        for name, account in (
            ("sellers", Account.SELLER),
            ("platform", Account.PLATFORM),
            ("tax", Account.TAX),
            ("carriers", Account.CARRIER),
            ("escrow", Account.ESCROW),
        )
        if account is not Account.CARRIER or accounts[account]
    )
    paid = sum(one.ledger.total(EntryKind.CAPTURED) for one in told)
    back = sum(one.ledger.total(EntryKind.REFUNDED, EntryKind.CHARGED_BACK) for one in told)
    console.print(
        f"Buyers paid {Money(minor=paid, currency=currency)} and got {Money(minor=back, currency=currency)} back."
    )
    console.print(f"The rest went to {where}.")


def findings(console: Console, found: Iterable[Check]) -> None:
    """Each check with what speaks against it."""
    for check in found:
        console.print(Text.assemble(("✓ ", _GOOD) if check.held else ("✗ ", _BAD), check.name))
        for fault in check.faults:
            console.print(Text(f"    {clean(fault)}", _BAD), soft_wrap=True)


def look_at(console: Console, links: Iterable[tuple[str, str]], report: Path) -> None:
    """Where to look now."""
    console.print("Look at", style=_STRONG)
    for name, link in links:
        console.print(Text.assemble(f"  {name:18}", (link, f"blue link {link}")), soft_wrap=True)
    console.print(Text.assemble(f"  {'The whole report':18}", (str(report), "blue")), soft_wrap=True)
