"""Evidence files in the form in which Stripe takes them: one of each kind, PDF, JPEG or PNG, 4.5 MB together.

docs.stripe.com/disputes/responding. Several pictures of one kind become the pages of one PDF, made smaller until all
fit. What is of another type, or a PDF beside others of its kind, is left out and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from time import gmtime
from typing import Final

from PIL import Image, ImageOps

from activities.ports import FileContents
from domain.base import Model

LARGEST_FILES: Final = 4_500_000
"""Bytes of all files of a submission together."""

MOST_PAGES: Final = 19
"""Of one PDF; Mastercard takes no more."""

_LARGEST_READ: Final = 40_000_000
_SIDES: Final = (2_000, 1_400, 1_000, 700)
_LARGEST_PIXELS: Final = 100_000_000
_DATE: Final = gmtime(datetime(2000, 1, 1, tzinfo=UTC).timestamp())


class Document(Model):
    """One file to upload: the name of its kind of evidence, a file name, and its bytes."""

    name: str
    filename: str
    content: bytes


def documents(files: Mapping[str, str], contents: FileContents) -> tuple[list[Document], list[str]]:
    """The files of a submission, one of each kind, and the URIs of those that cannot be handed in.

    `files` is as in `Submission`: by kind, a line `URI SHA-256` for each file. Raises `Unavailable`.
    """
    left_out: list[str] = []
    pdfs: dict[str, bytes] = {}
    pictures: dict[str, list[bytes]] = {}
    for name, lines in files.items():
        for line in lines.splitlines():
            uri = line.split(" ")[0]
            content = contents.read(uri, most=_LARGEST_READ)
            if content is not None and _is_picture(content) and len(pictures.get(name, ())) < MOST_PAGES:
                pictures.setdefault(name, []).append(content)
            elif content is not None and content.startswith(b"%PDF-") and len(content) <= LARGEST_FILES // 2:
                taken = name if name not in pdfs else "uncategorized_file"
                if taken in pdfs:
                    left_out.append(uri)
                else:
                    pdfs[taken] = content
            else:
                left_out.append(uri)
    return _fitted(pdfs, pictures, left_out)


def _fitted(
    pdfs: dict[str, bytes], pictures: dict[str, list[bytes]], left_out: list[str]
) -> tuple[list[Document], list[str]]:
    made = [Document(name=name, filename=f"{name}.pdf", content=content) for name, content in pdfs.items()]
    free = {name: shots for name, shots in pictures.items() if name not in pdfs}
    left_out += [f"{len(pictures[name])} pictures beside a PDF of {name}" for name in pictures.keys() - free.keys()]
    room = LARGEST_FILES - sum(len(document.content) for document in made)
    for side in _SIDES:
        shown = [
            Document(name=name, filename=f"{name}.pdf", content=_pages(shots, side)) for name, shots in free.items()
        ]
        if sum(len(document.content) for document in shown) <= room:
            return made + shown, left_out
    return made, [*left_out, *(f"{len(shots)} pictures of {name}" for name, shots in free.items())]


def _pages(pictures: Iterable[bytes], side: int) -> bytes:
    """A PDF with a picture a page, none longer than so many pixels; the same pictures give the same bytes."""
    pages = [_page(content, side) for content in pictures]
    out = BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], quality=80, creationDate=_DATE, modDate=_DATE)
    return out.getvalue()


def _page(content: bytes, side: int) -> Image.Image:
    with Image.open(BytesIO(content)) as picture:
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((side, side))
        return upright.convert("RGB")


def _is_picture(content: bytes) -> bool:
    if not content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return False
    try:
        with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as picture:
            fits = picture.width * picture.height <= _LARGEST_PIXELS
            picture.load() if fits else None
            return fits
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return False
