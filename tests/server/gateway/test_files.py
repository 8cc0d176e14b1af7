"""Photos from the upload to the case, and who may see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from gateway.keys import KeyRole
from tests.gateway import photo_files as files
from tests.server.gateway.doors import Doors
from tests.server.processes import eventually


@pytest.fixture
async def photo(doors: Doors) -> dict[str, str]:
    """A photo that was uploaded, as the gateway tells of it."""
    answer = await doors.shop.post("/v1/files", content=files.with_exif())
    assert 201 == answer.status_code, answer.text
    told: dict[str, str] = answer.json()
    return told


async def test_uploaded_photo_becomes_evidence_that_the_worker_has_compared(
    doors: Doors, photo: dict[str, str]
) -> None:
    """What the gateway keeps is what the worker finds behind the address: the item matches its seal."""
    item = {name: photo[name] for name in ("uri", "sha256", "media_type", "size")} | {"kind": "photo_front"}
    case = await doors.complained("F-1", evidence=[item])

    async def compared() -> bool:
        exhibits = (await doors.shop.get(f"/v1/cases/{case}/exhibits")).json()["exhibits"]
        return any(item["checked"] and item["matches"] for one in exhibits for item in one["buyer"])

    await eventually(compared)


async def test_address_shows_the_photo_to_whoever_has_it(doors: Doors, photo: dict[str, str]) -> None:
    """No key is needed; the bytes are those of the hash, and a browser is told to make nothing else of them."""
    shown = await doors.bare().get(photo["url"])

    assert (200, "image/jpeg", photo["sha256"]) == (
        shown.status_code,
        shown.headers["content-type"],
        sha256(shown.content).hexdigest(),
    )
    assert "nosniff" == shown.headers["x-content-type-options"]
    assert "sandbox" in shown.headers["content-security-policy"]
    assert b"Secret" not in shown.content


async def test_address_cannot_be_changed(doors: Doors, photo: dict[str, str]) -> None:
    """A later expiry, another signature, another file and another marketplace open nothing."""
    address = httpx.URL(photo["url"])
    query = dict(parse_qsl(urlsplit(photo["url"]).query))
    forged = [
        address.copy_merge_params({"expires": int(query["expires"]) + 1}),
        address.copy_merge_params({"signature": "0" * 64}),
        address.copy_with(path=address.path.replace(photo["sha256"], "0" * 64)),
        address.copy_with(path=address.path.replace("demo", "other")),
    ]

    assert [404] * 4 == [(await doors.bare().get(url)).status_code for url in forged]


async def test_address_expires(doors: Doors, photo: dict[str, str]) -> None:
    """Once its time has passed the address is as good as none; a fresh one can be had."""
    room = doors.app.state.gateway.files
    path = urlsplit(photo["url"]).path
    old = room.signer.address(path, datetime.now(UTC) - timedelta(seconds=1))

    fresh = await doors.desk.get(f"/v1/files/{photo['sha256']}")

    assert 404 == (await doors.bare().get(old)).status_code
    assert 200 == (await doors.bare().get(fresh.json()["url"])).status_code


async def test_files_belong_to_their_marketplace(doors: Doors, photo: dict[str, str]) -> None:
    """Another marketplace is given no address of it, though it knows the hash."""
    stranger = doors.as_(KeyRole.STOREFRONT, marketplace="other")

    assert 404 == (await stranger.get(f"/v1/files/{photo['sha256']}")).status_code


async def test_upload_has_a_limit(doors: Doors) -> None:
    """More bytes than a photo may have are refused by what the header says, or as they come without one."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 1_000_000

    told = await doors.shop.post("/v1/files", content=b"x" * (doors.settings.largest_photo_bytes + 1))
    untold = await doors.shop.post("/v1/files", content=endless())

    assert [(413, "/problems/too_large")] * 2 == [(one.status_code, one.json()["type"]) for one in (told, untold)]


async def test_what_is_no_photo_is_told_what_to_send(doors: Doors) -> None:
    """An SVG is refused by its content, whatever its type says."""
    answer = await doors.shop.post("/v1/files", content=files.SVG, headers={"Content-Type": "image/jpeg"})

    assert (415, "/problems/unsupported_media_type") == (answer.status_code, answer.json()["type"])
    assert "Convert it to JPEG" in answer.json()["remedy"]
