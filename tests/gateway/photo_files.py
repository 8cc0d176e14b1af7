"""Photos and what claims to be one, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

GPS = 0x8825
ORIENTATION = 0x0112


def picture(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """A picture that is dark on the left and light on the right."""
    grey = Image.linear_gradient("L").rotate(90).resize(size)
    return grey.convert(mode)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """The file of this picture."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def with_exif(form: str = "JPEG") -> bytes:
    """A photo lying on its side, that knows where it was taken and by what."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "SecretMaker"
    exif.get_ifd(GPS)[1] = "N"
    return saved(picture(), form, exif=exif, **({"comment": b"SecretComment"} if form == "JPEG" else {}))


def sixteen_bits() -> bytes:
    """A PNG of 16 bits in which everything is at half of white."""
    return saved(Image.new("I;16", (20, 10), 32_768), "PNG")


def moving(form: str) -> bytes:
    """Two pictures, one after the other."""
    return saved(picture(), form, save_all=True, append_images=[picture().rotate(180)], duration=100)


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that would unfold into so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1_000))
        + chunk(b"IEND", b"")
    )


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
EXECUTABLE = b"MZ" + b"\0" * 200
