"""Photos: known by their content, and developed anew, so that only pixels come in.

What was a photo leaves as a JPEG or PNG without EXIF, position or anything else that a file can carry beside its
pixels. The name and the type that a file claims are never looked at.
"""

from __future__ import annotations

import io
from typing import Final, NamedTuple

from PIL import Image, ImageCms, ImageOps

from gateway.problems import Rejected, wrong_field

MOST_PIXELS: Final = 40_000_000
"""Width times height; a phone of 2026 takes 12 to 50 million, and offers to take fewer."""

TYPES: Final = {"jpg": "image/jpeg", "png": "image/png"}
"""What photos leave as: the media type by the ending of the file."""

# An MPO, a JPEG with more pictures behind the first, is opened as a JPEG.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITY: Final = 90
_ENDINGS: Final = {"JPEG": "jpg", "PNG": "png"}

# Pillow knows some formats only from the first time that it meets a file which none of the others takes.
Image.init()


class Photo(NamedTuple):
    """A developed photo, ready to be stored."""

    content: bytes
    media_type: str
    ending: str
    width: int
    height: int


def developed(data: bytes, *, most_bytes: int) -> Photo:
    """The photo in these bytes, upright, in sRGB, without metadata. Raises Rejected, which says what to send instead.

    A PNG stays one, so that a picture of a screen stays sharp, unless it would have more than `most_bytes`.
    """
    if not data:
        raise _wrong("empty", "there are no bytes", "Send the photo as the body of the request.")
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except Exception:  # noqa: BLE001 a decoder may raise anything on bytes that somebody made up
        raise Rejected(
            "unsupported_media_type",
            "The body is no photo in JPEG, PNG, WebP or GIF.",
            remedy="Convert it to JPEG: phones do so for HEIC when they share a photo. Store films and PDF files "
            "yourself, and hand in their address and SHA-256 as evidence.",
        ) from None
    with image:
        if image.width * image.height > MOST_PIXELS:
            raise _too_many_pixels()
        # The second picture of an MPO is a thumbnail or depth map; of other formats it is what happens next.
        if image.format != "MPO" and getattr(image, "is_animated", False):
            raise _wrong("animated", "the picture moves", "Send a still; films are handed in by their address.")
        try:
            return _printed(image, most_bytes)
        except Exception:  # noqa: BLE001 as above
            raise _wrong("damaged", "the picture cannot be read to its end", "Send the whole file again.") from None


def _printed(image: Image.Image, most_bytes: int) -> Photo:
    kept_sharp = image.format in ("PNG", "GIF")
    upright = _plain(ImageOps.exif_transpose(image))
    if kept_sharp:
        photo = _encoded(upright, "PNG")
        if len(photo.content) <= most_bytes:
            return photo
    return _encoded(_on_white(upright), "JPEG")


def _plain(image: Image.Image) -> Image.Image:
    """8 bits a channel, in grey, RGB or RGBA, and in sRGB."""
    if image.mode in ("I", "I;16", "I;16B", "I;16L", "F"):
        # Pillow would cut 16 bits off at 255 instead of scaling them.
        top = 65_535 if image.mode != "F" else 1.0
        return image.convert("F").point(lambda value: value * (255 / top)).convert("L")
    profile = image.info.get("icc_profile")
    transparent = image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info
    wanted = "RGBA" if transparent else "L" if image.mode in ("1", "L") else "RGB"
    if profile and wanted == "RGB":
        converted = _in_srgb(image, profile)
        if converted is not None:
            return converted
    return image.convert(wanted)


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The image by its colour profile, or none if that is broken: a photo in odd colours is better than none."""
    source = image if image.mode in ("RGB", "CMYK", "LAB") else image.convert("RGB")
    try:
        return ImageCms.profileToProfile(
            source, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _encoded(image: Image.Image, form: str) -> Photo:
    # A fresh image of the same pixels: nothing that the old one carried can come along.
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    file = io.BytesIO()
    bare.save(file, form, **({"quality": _QUALITY, "optimize": True} if form == "JPEG" else {}))
    ending = _ENDINGS[form]
    return Photo(file.getvalue(), TYPES[ending], ending, bare.width, bare.height)


def _too_many_pixels() -> Rejected:
    return _wrong(
        "most_pixels", f"a photo has at most {MOST_PIXELS:,} pixels", "Make it smaller; half the width is enough."
    )


def _wrong(rule: str, detail: str, remedy: str) -> Rejected:
    return wrong_field("body", rule, detail, remedy)
