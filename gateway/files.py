"""Photos for evidence: uploaded once, kept by hash, shown at addresses that expire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from activities.files import StoredFiles, uri_of
from activities.ports import Unavailable
from domain.base import Instant, Model
from gateway import bodies
from gateway.access import Caller, open_to, open_to_anyone
from gateway.keys import KeyRole
from gateway.photos import TYPES, developed
from gateway.problems import Rejected, retry_after
from gateway.signing import LIFETIME, Signer

router = APIRouter(tags=["files"])

AT_ONCE: Final = 2
"""Photos that are developed side by side: each may take 200 MB while it is."""

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD: Final = {
    "requestBody": {
        "required": True,
        "description": "The photo itself; what it is is told by its content.",
        "content": {f"image/{form}": _BINARY for form in ("jpeg", "png", "webp", "gif")},
    }
}
_LOCKED: Final = {
    # What is shown is a picture and nothing else, whatever a browser makes of it.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "private, max-age=600",
}

_Got = TypeVar("_Got")

Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="the file's SHA-256")]


class StoredPhoto(Model):
    """A photo as it is kept. The first four fields go into an item of evidence as they are."""

    uri: str
    sha256: str
    media_type: str
    size: int = Field(description="bytes")
    width: int = Field(description="pixels")
    height: int = Field(description="pixels")
    url: str = Field(description="shows the photo until `expires_at`, to whoever has it")
    expires_at: Instant


class Address(Model):
    """An address that shows a file for a while."""

    url: str
    expires_at: Instant


class FileRoom:
    """The store of files, and room to develop photos for it."""

    def __init__(self, store: StoredFiles, signer: Signer, most_bytes: int) -> None:
        self.store = store
        self.signer = signer
        self.most_bytes = most_bytes
        self.developing = asyncio.Semaphore(AT_ONCE)

    def address(self, marketplace: str, name: str) -> Address:
        """Where the file can be seen from now on, for `LIFETIME`."""
        until = (datetime.now(UTC) + LIFETIME).replace(microsecond=0) + timedelta(seconds=1)
        return Address(url=self.signer.address(f"/files/{marketplace}/{name}", until), expires_at=until)

    async def ask(self, work: Callable[[StoredFiles], _Got]) -> _Got:
        """What the store answers, asked in a thread. Raises Rejected if it does not."""
        try:
            return await asyncio.to_thread(work, self.store)
        except Unavailable as error:
            detail = f"The store of files does not answer: {error}."
            raise Rejected("unavailable", detail, headers=retry_after()) from error


@router.post(
    "/v1/files",
    summary="Upload a photo",
    operation_id="upload_photo",
    status_code=201,
    responses={415: {}},
    openapi_extra=_UPLOAD,
)
@open_to(KeyRole.STOREFRONT, KeyRole.SUPPORT)
async def upload(request: Request, key: Caller) -> StoredPhoto:
    """The photo is developed anew: upright, in sRGB, without EXIF. The same photo again is the same file."""
    room: FileRoom = request.app.state.gateway.files
    data = await bodies.read(request, room.most_bytes)
    async with room.developing:
        photo = await asyncio.to_thread(developed, data, most_bytes=room.most_bytes)
    uri = await room.ask(lambda store: store.put(key.marketplace, photo.content, photo.ending))
    name = uri.rpartition("/")[2]
    address = room.address(key.marketplace, name)
    return StoredPhoto(
        uri=uri,
        sha256=name.partition(".")[0],
        media_type=photo.media_type,
        size=len(photo.content),
        width=photo.width,
        height=photo.height,
        url=address.url,
        expires_at=address.expires_at,
    )


@router.get("/v1/files/{sha256}", summary="A fresh address of a file", operation_id="file_address")
@open_to(KeyRole.STOREFRONT, KeyRole.SUPPORT)
async def address(request: Request, key: Caller, sha256: Digest) -> Address:
    """The file of the key's marketplace that has this SHA-256."""
    room: FileRoom = request.app.state.gateway.files
    uri = await room.ask(lambda store: store.find(key.marketplace, sha256))
    if uri is None:
        raise Rejected("not_found", "There is no such file.")
    return room.address(key.marketplace, uri.rpartition("/")[2])


@router.get(
    "/files/{marketplace}/{name}",
    summary="The file, at an address that was signed",
    operation_id="show_file",
    response_class=Response,
    responses={200: {"content": dict.fromkeys(TYPES.values(), _BINARY)}, 404: {}, 422: {}, 503: {}},
)
@open_to_anyone
async def show(
    request: Request,
    marketplace: str,
    name: Annotated[str, Path(pattern=r"^[0-9a-f]{64}\.(jpg|png)$")],
    expires: Annotated[int, Query(ge=0, le=10**11)],
    signature: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")],
) -> Response:
    """Open to whoever has the address, until it expires."""
    room: FileRoom = request.app.state.gateway.files
    if not room.signer.opens(f"/files/{marketplace}/{name}", expires, signature, datetime.now(UTC)):
        raise Rejected("not_found", "The address is not ours or has expired.", remedy="Ask for a fresh address.")
    digest, _, ending = name.partition(".")
    uri = uri_of(marketplace, digest, ending)
    try:
        content = await room.ask(lambda store: b"".join(store.portions(uri)))
    except FileNotFoundError:
        raise Rejected("not_found", "There is no such file.") from None
    return Response(content, media_type=TYPES[ending], headers=_LOCKED)
