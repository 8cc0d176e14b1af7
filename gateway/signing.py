"""Addresses that open one file for a short while, to whoever has them: for the browsers of people in a case."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

import runtime

LIFETIME: Final = timedelta(minutes=10)
"""How long an address works: long enough to look, too short to pass around."""

KEPT_IN: Final = "gateway.secret"
"""The file in the data folder that keeps the secret where no setting gives one."""


class Signer:
    """Signs addresses with HMAC-SHA256 under a secret that all gateways share."""

    def __init__(self, secret: bytes, base: str) -> None:
        self._secret = secret
        self._base = base.rstrip("/")

    @classmethod
    def from_settings(cls, settings: runtime.Settings) -> Signer:
        """With the secret of the settings, or else one of chance that is kept in the data folder."""
        given = settings.gateway_secret
        secret = given.get_secret_value().encode() if given else _kept(settings.data_dir / KEPT_IN)
        return cls(secret, settings.gateway_url or f"http://{settings.gateway_address}")

    def address(self, path: str, until: datetime) -> str:
        """The address of this path that works until then (UTC, to the second)."""
        expires = int(until.timestamp())
        return f"{self._base}{quote(path)}?expires={expires}&signature={self._signature(path, expires)}"

    def opens(self, path: str, expires: int, signature: str, now: datetime) -> bool:
        """Whether this is an address of ours that has not expired at `now`."""
        genuine = hmac.compare_digest(self._signature(path, expires).encode(), signature.encode())
        return genuine and now.timestamp() < expires

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self._secret, f"{expires} {path}".encode(), sha256).hexdigest()


def _kept(file: Path) -> bytes:
    """The secret in this file, made if it is missing; of processes that make it at once, one wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    half.touch(mode=0o600)
    half.write_bytes(secrets.token_bytes(32))
    with contextlib.suppress(FileExistsError):
        os.link(half, file)
    half.unlink()
    return file.read_bytes()
