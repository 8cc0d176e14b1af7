"""Files of any length, read a portion at a time and never held as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Final, Protocol

PORTION: Final = 1_048_576
"""How many bytes are read at a time."""


class Readable(Protocol):
    """A file that is open for reading bytes."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


def portions(file: Readable) -> Iterator[bytes]:
    """What is left of an open file, in portions of `PORTION` bytes."""
    while portion := file.read(PORTION):
        yield portion


def hashed(content: Iterable[bytes], *, progress: Callable[[], object]) -> str | None:
    """The SHA-256 of a file in hexadecimal digits; none if reading it raises FileNotFoundError.

    Calls `progress` after each portion; what that raises ends the reading.
    """
    digest = sha256()
    try:
        for portion in content:
            digest.update(portion)
            progress()
    except FileNotFoundError:
        return None
    return digest.hexdigest()
