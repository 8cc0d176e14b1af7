"""Photos are developed anew, and what is none is refused with what to send instead."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.photos import MOST_PIXELS, Photo, developed
from gateway.problems import Rejected
from tests.gateway import photo_files as files

MOST = 25_000_000


def develop(data: bytes) -> Photo:
    """The photo, with room for any."""
    return developed(data, most_bytes=MOST)


def opened(photo: Photo) -> Image.Image:
    """The photo as a viewer sees it."""
    return Image.open(io.BytesIO(photo.content))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_gone_and_the_photo_upright(form: str) -> None:
    """Neither position nor camera nor comment leaves, and a photo taken sideways stands upright."""
    photo = develop(files.with_exif(form))

    image = opened(photo)
    assert (40, 60) == image.size == (photo.width, photo.height)
    assert {} == dict(image.getexif())
    assert b"Secret" not in photo.content
    assert {"exif", "comment", "icc_profile", "xmp"}.isdisjoint(image.info)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (files.saved(files.picture(), "JPEG"), "image/jpeg"),
        (files.saved(files.picture("CMYK"), "JPEG"), "image/jpeg"),
        (files.saved(files.picture("L"), "JPEG"), "image/jpeg"),
        (files.saved(files.picture(), "WEBP"), "image/jpeg"),
        (files.saved(files.picture(), "MPO", save_all=True, append_images=[files.picture()]), "image/jpeg"),
        (files.saved(files.picture("RGBA"), "PNG"), "image/png"),
        (files.saved(files.picture("P"), "PNG"), "image/png"),
        (files.saved(files.picture("1"), "PNG"), "image/png"),
        (files.saved(files.picture("P"), "GIF"), "image/png"),
    ],
)
def test_every_kind_of_picture_is_understood_by_its_content(data: bytes, media_type: str) -> None:
    """Whatever the mode, what leaves is a plain JPEG or PNG in which left is still dark and right still light."""
    photo = develop(data)

    image = opened(photo).convert("L")
    assert media_type == photo.media_type
    assert (60, 40) == image.size
    left, right = image.resize((2, 1), Image.Resampling.BOX).tobytes()
    assert left + 80 < right


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    """Half of white stays half of white."""
    assert opened(develop(files.sixteen_bits())).convert("L").getpixel((5, 5)) in (127, 128)


def test_transparency_becomes_white_where_a_jpeg_must_do() -> None:
    """A PNG that would be too large leaves as a JPEG, on white ground."""
    clear = files.saved(Image.new("RGBA", (50, 50), (0, 0, 0, 0)), "PNG")

    photo = developed(clear, most_bytes=10)

    assert ("image/jpeg", (255, 255, 255)) == (photo.media_type, opened(photo).getpixel((20, 20)))


def test_the_same_photo_is_the_same_file() -> None:
    """Developing is the same every time, also of what was developed as a PNG: the hash tells a repetition."""
    once = develop(files.saved(files.picture(), "PNG"))

    assert once == develop(files.saved(files.picture(), "PNG"))
    assert once.content == develop(once.content).content


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (b"", "malformed", "there are no bytes"),
        (files.SVG, "unsupported_media_type", "no photo"),
        (files.HEIC, "unsupported_media_type", "no photo"),
        (files.PDF, "unsupported_media_type", "no photo"),
        (files.EXECUTABLE, "unsupported_media_type", "no photo"),
        (files.saved(files.picture(), "BMP"), "unsupported_media_type", "no photo"),
        (files.saved(files.picture(), "TIFF"), "unsupported_media_type", "no photo"),
        (files.moving("GIF"), "malformed", "moves"),
        (files.moving("WEBP"), "malformed", "moves"),
        (files.moving("PNG"), "malformed", "moves"),
        (files.saved(files.picture(size=(600, 400)), "JPEG")[:2_000], "malformed", "to its end"),
        (files.bomb(8_000, 5_001), "malformed", "pixels"),
        (files.bomb(50_000, 50_000), "malformed", "pixels"),
    ],
)
def test_what_is_no_photo_is_refused(data: bytes, kind: str, text: str) -> None:
    """Each kind of wrong file is told what is wrong, before its pixels are unfolded."""
    with pytest.raises(Rejected) as caught:
        develop(data)

    assert kind == caught.value.kind
    assert text in caught.value.detail


def test_largest_photo_is_taken() -> None:
    """The limit itself is within the limit."""
    exactly = files.saved(Image.new("1", (8_000, 5_000)), "PNG")

    photo = develop(exactly)

    assert MOST_PIXELS == photo.width * photo.height


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_photos_never_break_anything(data: st.DataObject) -> None:
    """Bytes exchanged anywhere in a photo give a photo or a refusal, and nothing else."""
    whole = bytearray(files.saved(files.picture(), data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    try:
        photo = develop(bytes(whole[: data.draw(st.integers(1, len(whole)))]))
    except Rejected:
        return

    assert photo.media_type in ("image/jpeg", "image/png")
