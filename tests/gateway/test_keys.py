"""Keys: kept as hashes, rotated with overlap, ended at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.keys import KeyRole, UnknownKey
from tests.gateway.closed import Closed
from tests.server.processes import run

ROLES = (KeyRole.STOREFRONT, KeyRole.SUPPORT)


def test_the_secret_is_kept_nowhere(closed: Closed, tmp_path: Path) -> None:
    """What the owner presents is not in the database, in no form that leads back to it."""
    _, presented = closed.keys.issue("demo", ROLES)
    closed.store.dispose()

    kept = b"".join(file.read_bytes() for file in tmp_path.glob("redress.sqlite*"))

    assert presented.rpartition("_")[2].encode() not in kept
    assert presented.split("_")[1].encode() in kept


def test_key_opens_its_scope(closed: Closed) -> None:
    """What was issued is what opens."""
    key, presented = closed.keys.issue("demo", [*ROLES, *ROLES], label="shop")

    found = closed.keys.presented(presented)

    assert key == found
    assert ("demo", ROLES, "shop") == (key.marketplace, key.roles, key.label)


def test_rotation_overlaps(closed: Closed) -> None:
    """Old and new key work side by side; the old one has an end, which is never put off by rotating again."""
    key, old = closed.keys.issue("demo", ROLES, label="shop")

    new_key, new = closed.keys.rotate(key.key_id, timedelta(hours=1))
    closed.keys.rotate(key.key_id, timedelta(days=9))

    assert closed.keys.presented(old)
    assert new_key == closed.keys.presented(new)
    assert ("demo", ROLES, "shop") == (new_key.marketplace, new_key.roles, new_key.label)
    ends = closed.keys.known()[0].expires_at
    assert ends is not None
    assert datetime.now(UTC) < ends <= datetime.now(UTC) + timedelta(hours=1)


def test_ended_keys_open_nothing(closed: Closed) -> None:
    """Revoked, expired and rotated without overlap: none of them opens anything, and all stay in the list."""
    revoked, one = closed.keys.issue("demo", ROLES)
    _, two = closed.keys.issue("demo", ROLES, expires_at=datetime.now(UTC))
    rotated, three = closed.keys.issue("demo", ROLES)

    closed.keys.revoke(revoked.key_id)
    closed.keys.rotate(rotated.key_id, timedelta(0))

    assert [None] * 3 == [closed.keys.presented(text) for text in (one, two, three)]
    assert 4 == len(closed.keys.known())


def test_unknown_key_is_named(closed: Closed) -> None:
    """Nobody believes to have revoked a key that there is not."""
    for act in (closed.keys.revoke, lambda name: closed.keys.rotate(name, timedelta(0))):
        with pytest.raises(UnknownKey):
            act("nix")


async def test_command_line_issues_lists_rotates_and_revokes(tmp_path: Path) -> None:
    """The secret alone is on standard output; wrong usage says what to write."""
    settings = {"REDRESS_DATA_DIR": str(tmp_path)}

    async def keys(*words: str) -> tuple[int, str, str]:
        return await run("-m", "gateway", "keys", *words, **settings)

    code, secret, about = await keys("issue", "--marketplace", "demo", "--role", "storefront", "--label", "shop")
    key_id = secret.split("_")[1]
    assert (0, 3) == (code, len(secret.strip().split("_", 2)))
    assert f"{key_id} for demo: storefront" in about
    rotated = await keys("rotate", key_id, "--overlap", "2h")
    assert 0 == rotated[0]
    assert (0, f"{rotated[1].split('_')[1]} opens nothing any more.\n") == (
        await keys("revoke", rotated[1].split("_")[1])
    )[:2]
    listed = (await keys("list"))[1].splitlines()
    assert [[key_id, "demo", "storefront", "ends"], "ended"] == [listed[0].split()[:4], listed[1].split()[3]]
    wrong = {
        ("issue", "--marketplace", "a/b", "--role", "support"): (2, "--marketplace is wrong"),
        ("issue", "--marketplace", "demo", "--role", "king"): (2, "king"),
        ("rotate", key_id, "--overlap", "soon"): (2, "Write a number and m, h or d"),
        ("revoke", "nix"): (5, "There is no key nix"),
    }
    answers = await asyncio.gather(*(keys(*words) for words in wrong))
    for (expected, text), (code, _, errors) in zip(wrong.values(), answers, strict=True):
        assert (expected, True) == (code, text in errors), errors


async def test_a_database_whose_folder_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is a wrong setting: 2, and what to write, without a traceback."""
    (tmp_path / "file").touch()

    code, _, told = await run("-m", "gateway", "keys", "list", REDRESS_DATA_DIR=str(tmp_path / "file" / "x"))

    assert (2, True) == (code, told.startswith("The database of REDRESS_STORE_URL cannot be used: its folder"))
    assert "Traceback" not in told
