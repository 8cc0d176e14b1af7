"""The files that people in stories show: real, small, and the same bytes on every machine."""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import Final

from domain.base import Model
from domain.cases.record import EvidenceItem

MEDIA_TYPE: Final = "image/png"

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_ONE_PIXEL: Final = bytes((0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0))


class Exhibit(Model):
    """One piece of evidence: a text, or else a file, which may be `tampered` with after it was handed in.

    `origin` says who shows it where, so that no two exhibits are the same file.
    """

    kind: str
    origin: str
    text: str = ""
    tampered: bool = False

    @property
    def name(self) -> str:
        """The name of the file."""
        return f"{self.kind}.png"

    @property
    def content(self) -> bytes:
        """What was handed in."""
        return picture(f"{self.origin} {self.kind}")

    @property
    def exchanged(self) -> bytes:
        """What is found in its place, if it is tampered with."""
        return picture(f"{self.origin} {self.kind}, exchanged")

    def item(self, uri: str, digest: str) -> EvidenceItem:
        """The exhibit as it goes into a message."""
        if self.text:
            return EvidenceItem(kind=self.kind, text=self.text)
        return EvidenceItem(kind=self.kind, uri=uri, sha256=digest, media_type=MEDIA_TYPE, size=len(self.content))


def picture(caption: str) -> bytes:
    """A picture (PNG) of one pixel, whose colour comes from its caption."""
    colour = sha256(caption.encode()).digest()[:3]
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", _ONE_PIXEL),
            _chunk(b"tEXt", b"Comment\0" + caption.encode("latin-1")),
            _chunk(b"IDAT", _stored(b"\0" + colour)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def _stored(data: bytes) -> bytes:
    """In zlib's format without compression, which one library does differently from the next."""
    size = len(data).to_bytes(2, "little")
    inverted = bytes(255 - byte for byte in size)
    return b"\x78\x01\x01" + size + inverted + data + zlib.adler32(data).to_bytes(4, "big")
