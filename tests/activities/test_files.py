"""Evidence files in a folder or a bucket: by their hash, and nothing else is ever read."""

from __future__ import annotations

import uuid
from hashlib import sha256
from pathlib import Path

import pytest

from activities.files import FilesByScheme, StoredFiles
from activities.portions import PORTION
from activities.sandbox.files import SandboxFiles

CONTENT = b"a photo" * 300_000
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture(params=["folder", "bucket"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> StoredFiles:
    """A store in a folder, and one that, like a bucket, takes a file as a whole."""
    return StoredFiles(str(tmp_path / "files") if request.param == "folder" else f"memory://{uuid.uuid4()}")


def test_file_is_found_by_its_hash(files: StoredFiles) -> None:
    """What was put is read in portions and has the hash that its address names; putting it again changes nothing."""
    portions: list[None] = []

    uri = files.put("demo", CONTENT, "jpg")

    assert f"evidence://demo/{DIGEST}.jpg" == uri == files.put("demo", CONTENT, "jpg")
    assert DIGEST == files.sha256(uri, progress=lambda: portions.append(None))
    assert -(-len(CONTENT) // PORTION) == len(portions)
    assert uri == files.find("demo", DIGEST)
    assert files.find("other", DIGEST) is None


@pytest.mark.parametrize(
    "uri",
    [
        f"evidence://demo/{'0' * 64}.jpg",
        f"evidence://../{DIGEST}.jpg",
        f"evidence://demo/../../{DIGEST}.jpg",
        f"evidence://demo/{DIGEST}.jpg/../x",
        "evidence://demo/passwd.jpg",
        "file:///etc/passwd",
        "",
    ],
)
def test_nothing_else_is_an_address(files: StoredFiles, uri: str) -> None:
    """What is not there, leads elsewhere or has no hash is no file of ours."""
    files.put("demo", CONTENT, "jpg")

    assert files.sha256(uri, progress=lambda: None) is None


def test_folder_holds_no_half_files(tmp_path: Path) -> None:
    """A file is put in place as a whole: beside it nothing is left."""
    StoredFiles(str(tmp_path)).put("demo", CONTENT, "png")

    assert [f"{DIGEST}.png"] == [path.name for path in (tmp_path / "demo").iterdir()]


def test_each_store_knows_its_own_addresses(tmp_path: Path) -> None:
    """The worker finds what the gateway keeps and what the sandbox keeps, each by its scheme."""
    stored, sandbox = StoredFiles(str(tmp_path / "files")), SandboxFiles(tmp_path / "sandbox")
    both = FilesByScheme({"evidence": stored}, otherwise=sandbox)
    theirs, digest = sandbox.put(b"another", "photo.jpg")

    assert DIGEST == both.sha256(stored.put("demo", CONTENT, "jpg"), progress=lambda: None)
    assert digest == both.sha256(theirs, progress=lambda: None)
    assert both.sha256("https://elsewhere.example/1", progress=lambda: None) is None
