"""Evidence from the command line: files become references."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from activities.sandbox.files import SandboxFiles
from adapters.files import EVIDENCE_FOLDER
from domain.cases.record import EvidenceItem
from domain.policy import EvidenceKind
from storefront import attachments
from storefront.errors import BadInput

PICTURE = b"\xff\xd8 the front"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A file that looks like a photo."""
    path = tmp_path / "Vorn & oben.JPG"
    path.write_bytes(PICTURE)
    return path


def test_file_becomes_a_reference(photo: Path) -> None:
    """A case gets address, hash, size and media type of a file; a text comes as it is."""
    file, text = attachments.items([f"photo_front@{photo}", "serial_number=SN=1"], ["s3://evidence/1"])

    assert (
        EvidenceItem(
            kind=EvidenceKind.PHOTO_FRONT,
            uri="s3://evidence/1",
            sha256=sha256(PICTURE).hexdigest(),
            media_type="image/jpeg",
            size=len(PICTURE),
        ),
        EvidenceItem(kind=EvidenceKind.SERIAL_NUMBER, text="SN=1"),
    ) == (file, text)


def test_sandbox_keeps_the_file_where_the_worker_looks(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --sandbox, the worker's store has the very content that was hashed, under a plain name."""
    monkeypatch.setenv("REDRESS_DATA_DIR", str(tmp_path / "data"))

    (item,) = attachments.items([f"photo_front@{photo}"], sandbox=True)

    store = SandboxFiles(tmp_path / "data" / EVIDENCE_FOLDER)
    assert item.sha256 == store.sha256(item.uri, progress=lambda: None)
    assert item.uri.endswith("/Vorn---oben.JPG")


@pytest.mark.parametrize(
    ("written", "uris", "expected"),
    [
        ("foto@{}", ["s3://a/1"], "evidence: 'foto' is no kind of evidence; use one of: photo_front, photo_back"),
        ("photo_front@{}.gone", ["s3://a/1"], "evidence: there is no file "),
        ("photo_front@{}", [], "uri: say where each file is stored, with --uri once for each (files: 1, addresses: 0)"),
        ("photo_front@{}", ["s3://a/1", "s3://a/2"], "uri: say where each file is stored"),
    ],
)
def test_what_cannot_be_evidence_is_told(photo: Path, written: str, uris: list[str], expected: str) -> None:
    """Unknown kinds, missing files, and files without an address are named."""
    with pytest.raises(BadInput) as caught:
        attachments.items([written.format(photo)], uris)

    assert 1 == len(caught.value.problems)
    assert caught.value.problems[0].startswith(expected)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """A file of no known type and an address beside the sandbox are told together."""
    nameless = tmp_path / "photo"
    nameless.write_bytes(PICTURE)

    with pytest.raises(BadInput) as caught:
        attachments.items([f"other@{nameless}", "nothing"], ["s3://a/1"], sandbox=True)

    assert [f"evidence: the type of {nameless}", "evidence: item 2 is neither", "uri: with --sandbox the store"] == [
        problem[: len(start)]
        for problem, start in zip(
            caught.value.problems,
            (f"evidence: the type of {nameless}", "evidence: item 2 is neither", "uri: with --sandbox the store"),
            strict=True,
        )
    ]
