"""API keys: who may come in, for which marketplace, in which roles, and until when.

A key is `rk_<id>_<secret>`. The id finds its row; of the secret only the SHA-256 is kept. A slow hash is for secrets
that people choose: this one has 256 bits of chance, which no guessing reaches, and it is checked with each request.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from sqlalchemy import JSON, Column, Engine, RowMapping, String, Table, insert, select, update

from activities.store import UtcInstant, metadata
from domain.base import Instant, Model
from domain.parties import Id

_FORM: Final = re.compile(r"rk_([a-z0-9]{10})_([A-Za-z0-9_-]{43})")
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"

table = Table(
    "api_keys",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("secret_hash", String, nullable=False),
    Column("marketplace", String, nullable=False, index=True),
    Column("roles", JSON, nullable=False),
    Column("label", String, nullable=False),
    Column("created_at", UtcInstant, nullable=False),
    Column("expires_at", UtcInstant),
)


class KeyRole(StrEnum):
    """What a key may do. A key can have several roles."""

    STOREFRONT = "storefront"
    """Sells, and passes on what buyers and sellers say."""
    SUPPORT = "support"
    """Works on cases as agents of the support desk."""
    CARRIER = "carrier"
    """Tells news of parcels."""
    PAYMENTS = "payments"
    """Tells of chargebacks."""
    OPERATIONS = "operations"
    """Moves clocks in a disruption."""


class ApiKey(Model):
    """A key without its secret. Instants are in UTC; a key without `expires_at` is in force until it is revoked."""

    key_id: str
    marketplace: Id
    roles: tuple[KeyRole, ...]
    label: str = ""
    created_at: Instant
    expires_at: Instant | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether the key opens anything at `now`."""
        return self.expires_at is None or now < self.expires_at


class UnknownKey(Exception):
    """There is no key of this id."""


class ApiKeys:
    """The keys in the database that `open_store` has opened."""

    def __init__(self, store: Engine) -> None:
        self._store = store

    def issue(
        self, marketplace: str, roles: Iterable[KeyRole], *, label: str = "", expires_at: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """A new key, and what its owner presents: shown here once, and kept nowhere."""
        key = ApiKey(
            key_id="".join(secrets.choice(_LETTERS) for _ in range(10)),
            marketplace=marketplace,
            roles=tuple(dict.fromkeys(roles)),
            label=label,
            created_at=datetime.now(UTC),
            expires_at=expires_at,
        )
        secret = secrets.token_urlsafe(32)
        row = key.model_dump() | {"roles": list(key.roles), "secret_hash": _hashed(secret)}
        with self._store.begin() as connection:
            connection.execute(insert(table).values(row))
        return key, f"rk_{key.key_id}_{secret}"

    def rotate(self, key_id: str, overlap: timedelta) -> tuple[ApiKey, str]:
        """A new key like this one, which ends itself once `overlap` has passed. Raises UnknownKey."""
        old = self._of(key_id)
        new = self.issue(old.marketplace, old.roles, label=old.label)
        self._end(old, datetime.now(UTC) + overlap)
        return new

    def revoke(self, key_id: str) -> ApiKey:
        """End the key now: the next request with it is refused. Raises UnknownKey."""
        return self._end(self._of(key_id), datetime.now(UTC))

    def known(self) -> tuple[ApiKey, ...]:
        """Every key that was ever issued, oldest first."""
        with self._store.connect() as connection:
            rows = connection.execute(select(table).order_by(table.c.created_at)).mappings().all()
        return tuple(map(ApiKey.model_validate, rows))

    def presented(self, text: str) -> ApiKey | None:
        """The key that opens with this text now, or none."""
        parts = _FORM.fullmatch(text)
        if parts is None:
            return None
        row = self._row(parts[1])
        if row is None or not hmac.compare_digest(row["secret_hash"], _hashed(parts[2])):
            return None
        key = ApiKey.model_validate(row)
        return key if key.in_force(datetime.now(UTC)) else None

    def _of(self, key_id: str) -> ApiKey:
        row = self._row(key_id)
        if row is None:
            raise UnknownKey(key_id)
        return ApiKey.model_validate(row)

    def _row(self, key_id: str) -> RowMapping | None:
        with self._store.connect() as connection:
            return connection.execute(select(table).where(table.c.key_id == key_id)).mappings().first()

    def _end(self, key: ApiKey, at: datetime) -> ApiKey:
        """End the key at this instant, unless it ends sooner anyway."""
        ends = min(key.expires_at or at, at)
        with self._store.begin() as connection:
            connection.execute(update(table).where(table.c.key_id == key.key_id).values(expires_at=ends))
        return key.model_copy(update={"expires_at": ends})


def _hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
