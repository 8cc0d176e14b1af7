"""Where each key of a TOML document stands, since `tomllib` reads values without their lines."""

import re
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str, ...]

# The longer quotes come first, so that a multi-line string is not read as an empty one.
_STRING: Final = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL)
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE: Final = re.compile(r"[^,\]}#\r\n]+")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPED: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, on which each table and key of a valid TOML document first stands.

    Keys of inline tables have lines too; an entry of an array does not.
    """
    return _Scan(text).document()


class _Scan:
    """A walk over a document that `tomllib` has accepted, so that nothing here need be checked again."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}

    def document(self) -> dict[Path, int]:
        table: Path = ()
        self._skip_blank()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                self.at += 2 if self.text.startswith("[[", self.at) else 1
                table = self._key(())
                self._skip("]")
                self._skip("]")
            else:
                self._pair(table)
            self._skip_blank()
        return self.found

    def _pair(self, table: Path) -> None:
        path = self._key(table)
        self._skip("=")
        self._value(path)

    def _key(self, table: Path) -> Path:
        """Read a dotted key below `table` and note the line of each of its parts."""
        path = table
        while True:
            self._skip_blank()
            line = self.text.count("\n", 0, self.at) + 1
            path = (*path, self._part())
            self.found.setdefault(path, line)
            if not self._skip("."):
                return path

    def _part(self) -> str:
        quoted = _STRING.match(self.text, self.at)
        found = quoted or _BARE.match(self.text, self.at)
        if found is None:
            raise ValueError("not a TOML document")
        self.at = found.end()
        if quoted is None:
            return found[0]
        inner = found[0][1:-1]
        return inner if found[0][0] == "'" else _ESCAPE.sub(_unescape, inner)

    def _value(self, path: Path) -> None:
        self._skip_blank()
        match self.text[self.at]:
            case "{":
                self.at += 1
                while not self._skip("}"):
                    self._pair(path)
                    self._skip(",")
            case "[":
                self.at += 1
                while not self._skip("]"):
                    self._value(path)
                    self._skip(",")
            case _:
                found = _STRING.match(self.text, self.at) or _PLAIN_VALUE.match(self.text, self.at)
                if found is None:
                    raise ValueError("not a TOML document")
                self.at = found.end()

    def _skip(self, mark: str) -> bool:
        """Step over blanks and, if it comes next, over `mark`; says whether it did."""
        self._skip_blank()
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def _skip_blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        if found is not None:
            self.at = found.end()


def _unescape(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(found[3], found[3])
