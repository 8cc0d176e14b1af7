"""Charts as inline SVG, drawn here: nothing is loaded from elsewhere, and every chart says in words what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

FIRST: Final = "#3a6ea5"
SECOND: Final = "#d07a1f"
PARTS: Final = ("#3a6ea5", "#4d9078", "#8a6fb0", "#9a9a9a", "#c98b5a")

_WIDTH: Final = 720
_LETTER: Final = 6.3
_NUMBER: Final = 90
_ROW: Final = 40
_BAR: Final = 14
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MARGIN: Final = 6


def paired_bars(title: str, rows: Sequence[tuple[str, float, float, str, str]]) -> str:
    """Two bars for each row: its name, both values, and both as text. Values are drawn from zero."""
    most = max((max(first, second) for _, first, second, _, _ in rows), default=0) or 1
    left = 16 + _LETTER * max((len(name) for name, *_ in rows), default=0)
    room = _WIDTH - left - _NUMBER

    def drawn() -> Iterator[str]:
        for number, (name, first, second, text, other) in enumerate(rows):
            top = number * _ROW + 4
            yield _text(left - 10, top + _BAR + 4, name, "end")
            for line, (value, said, colour) in enumerate(((first, text, FIRST), (second, other, SECOND))):
                y, length = top + line * (_BAR + 2), max(room * value / most, 1)
                yield f'<rect x="{left:.0f}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{colour}"/>'
                yield _text(left + length + 6, y + 11, said)

    return _svg(title, len(rows) * _ROW + 8, drawn())


def stacked_bars(title: str, bars: Sequence[tuple[str, Sequence[tuple[str, float, str]]]]) -> str:
    """One bar for each entry, divided into named parts, each with its text; each bar has the full width."""
    room = _WIDTH - 150

    def drawn() -> Iterator[str]:
        for number, (name, parts) in enumerate(bars):
            y, x = number * _ROW + 4, 150.0
            whole = sum(max(value, 0) for _, value, _ in parts) or 1
            yield _text(140, y + 18, name, "end")
            for (part, value, said), colour in zip(parts, PARTS, strict=False):
                length = room * max(value, 0) / whole
                yield (
                    f'<rect x="{x:.1f}" y="{y}" width="{length:.1f}" height="26" fill="{colour}">'
                    f"<title>{escape(f'{part}: {said}')}</title></rect>"
                )
                if length > _LETTER * len(said) + 2 * _MARGIN:
                    yield _text(x + _MARGIN, y + 18, said, fill="#fff")
                x += length
        y = len(bars) * _ROW + 16
        x = 150
        for (part, _, _), colour in zip(bars[0][1] if bars else (), PARTS, strict=False):
            yield f'<rect x="{x}" y="{y - 10}" width="10" height="10" fill="{colour}"/>{_text(x + 14, y, part)}'
            x += 24 + 7 * len(part)

    return _svg(title, len(bars) * _ROW + 28, drawn())


def curves(title: str, first: Sequence[float], second: Sequence[float]) -> str:
    """Two rising curves of shares over days; the first point is the end of day 0."""
    left, top, width, height = 50, 10, _WIDTH - 70, 220

    def point(day: int, share: float) -> str:
        return f"{left + width * day / max(len(first) - 1, 1):.1f},{top + height * (1 - share):.1f}"

    def drawn() -> Iterator[str]:
        for quarter in range(5):
            y = top + height * (1 - quarter / 4)
            yield f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            yield _text(left - 6, y + 4, f"{quarter * 25} %", "end")
        for day in range(0, len(first), 10):
            yield _text(left + width * day / max(len(first) - 1, 1), top + height + 18, str(day), "middle")
        for shares, colour in ((first, FIRST), (second, SECOND)):
            line = " ".join(point(day, share) for day, share in enumerate(shares))
            yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        yield _text(left + width / 2, top + height + 36, "days after the purchase", "middle")

    return _svg(title, top + height + 44, drawn())


def week(title: str, by_hour: Sequence[int], most: int, colour: str) -> str:
    """A week as seven rows of hours; the darker an hour, the more came in it. `most` is the darkest."""
    left, cell = 44, 27

    def drawn() -> Iterator[str]:
        for hour in range(0, 24, 3):
            yield _text(left + hour * cell + 2, 12, f"{hour}:00")
        for day, name in enumerate(_DAYS):
            yield _text(left - 8, 34 + day * 22, name, "end")
            for hour in range(24):
                count = by_hour[day * 24 + hour]
                shade = 0.06 if not count else 0.15 + 0.85 * count / max(most, 1)
                yield (
                    f'<rect x="{left + hour * cell}" y="{18 + day * 22}" width="{cell - 2}" height="20" '
                    f'fill="{colour}" fill-opacity="{shade:.2f}"><title>{name} {hour}:00, {count}</title></rect>'
                )

    return _svg(title, 18 + 7 * 22 + 4, drawn())


def _svg(title: str, height: float, parts: Iterator[str]) -> str:
    name = escape(title, quote=True)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{name}"><title>{name}</title>'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "start", fill: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
