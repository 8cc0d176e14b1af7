"""Files of evidence in a folder or a bucket, by their hash: what the gateway puts there, the worker compares.

A file is at `evidence://<marketplace>/<sha256>.<ending>`. The marketplace's own storage is all that is ever read.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Final

import fsspec
from fsspec.implementations.local import LocalFileSystem

from activities.portions import hashed, portions
from activities.ports import Refused, Storage, Unavailable

# Nothing else is an address here, so none can lead out of the folder.
_URI: Final = re.compile(r"evidence://([A-Za-z0-9][A-Za-z0-9._-]{0,63})/([0-9a-f]{64})\.(jpg|png)")


class StoredFiles:
    """The `Storage` port over any place that fsspec knows, such as `var/files` or `s3://bucket/evidence`.

    Other places than a folder need the package that fsspec names. Raises ValueError or ImportError for a URL that
    cannot be used.
    """

    def __init__(self, url: str) -> None:
        self._system, self._root = fsspec.core.url_to_fs(url)

    def put(self, marketplace: str, content: bytes, ending: str) -> str:
        """Keep a file; its URI is the same for the same content. Raises Unavailable."""
        uri = uri_of(marketplace, sha256(content).hexdigest(), ending)
        path = self._path(uri)
        if path is None:
            raise ValueError(f"{uri} is no address of a file")
        try:
            self._write(path, content)
        except OSError as error:
            raise Unavailable(f"the file store cannot be written: {type(error).__name__}") from error
        return uri

    def find(self, marketplace: str, digest: str) -> str | None:
        """The URI of the marketplace's file with this SHA-256, or none. Raises Unavailable."""
        for ending in ("jpg", "png"):
            uri = uri_of(marketplace, digest, ending)
            path = self._path(uri)
            try:
                if path is not None and self._system.exists(path):
                    return uri
            except OSError as error:
                raise Unavailable(f"the file store cannot be read: {type(error).__name__}") from error
        return None

    def portions(self, uri: str) -> Iterator[bytes]:
        """The file in portions.

        Raises FileNotFoundError, also for a URI of elsewhere, and Unavailable.
        """
        path = self._path(uri)
        if path is None:
            raise FileNotFoundError(uri)
        try:
            with self._system.open(path, "rb") as file:
                yield from portions(file)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Unavailable(f"the file store cannot be read: {type(error).__name__}") from error

    def sha256(self, uri: str, *, progress: Callable[[], object]) -> str | None:
        """The hash of what is there now; none for a file that is not there, or not ours."""
        return hashed(self.portions(uri), progress=progress)

    def read(self, uri: str, *, most: int) -> bytes | None:
        """What is there now; none for a file that is not there, or not ours. Raises Refused and Unavailable."""
        content = bytearray()
        try:
            for portion in self.portions(uri):
                content += portion
                if len(content) > most:
                    raise Refused("too_large", f"the file {uri} has more than {most} bytes")
        except FileNotFoundError:
            return None
        return bytes(content)

    def _path(self, uri: str) -> str | None:
        parts = _URI.fullmatch(uri)
        return f"{self._root}/{parts[1]}/{parts[2]}.{parts[3]}" if parts else None

    def _write(self, path: str, content: bytes) -> None:
        if self._system.exists(path):
            return
        if not isinstance(self._system, LocalFileSystem):
            self._system.pipe_file(path, content)
            return
        # A bucket puts a file in place as a whole; in a folder a reader must not meet half of one either.
        self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
        half = f"{path}.{uuid.uuid4().hex}.new"
        self._system.pipe_file(half, content)
        self._system.mv(half, path)


class FilesByScheme:
    """The `Storage` port over several stores: each knows the URIs of its own scheme, and one all the others."""

    def __init__(self, stores: Mapping[str, Storage], otherwise: Storage) -> None:
        self._stores = stores
        self._otherwise = otherwise

    def sha256(self, uri: str, *, progress: Callable[[], object]) -> str | None:
        """What the store of this URI says."""
        return self._store(uri).sha256(uri, progress=progress)

    def read(self, uri: str, *, most: int) -> bytes | None:
        """What the store of this URI has."""
        return self._store(uri).read(uri, most=most)

    def _store(self, uri: str) -> Storage:
        return self._stores.get(uri.partition("://")[0], self._otherwise)


def uri_of(marketplace: str, digest: str, ending: str) -> str:
    """Where the marketplace's file with this SHA-256 is."""
    return f"evidence://{marketplace}/{digest}.{ending}"
