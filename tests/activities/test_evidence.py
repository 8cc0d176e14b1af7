"""Files of evidence: compared with what was sealed, in portions, and never outside the store."""

from collections.abc import Callable
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.evidence import UNAVAILABLE, EvidenceActivities
from activities.portions import PORTION
from activities.ports import Files, Unavailable
from activities.sandbox.files import SandboxFiles
from adapters import Adapters
from adapters.files import EVIDENCE_FOLDER
from domain.requests import FileCheck, FileChecks, FileFound, FilesFound
from runtime import Settings

PHOTO = b"a blue dress"
OTHER = b"a green dress"


@pytest.fixture
def files(tmp_path: Path) -> SandboxFiles:
    """A new store, beside a file that is none of its business."""
    (tmp_path / "secret.txt").write_bytes(PHOTO)
    return SandboxFiles(tmp_path / "evidence")


def nothing() -> None:
    """What a caller does who follows no progress."""


def check(files: Files, *asked: FileCheck, heartbeat: Callable[..., None] | None = None) -> FilesFound:
    """Run the activity."""
    environment = ActivityEnvironment()
    if heartbeat:
        environment.on_heartbeat = heartbeat
    found: FilesFound = environment.run(EvidenceActivities(files).check, FileChecks(files=asked))
    return found


def put(files: SandboxFiles, item: str, content: bytes = PHOTO) -> FileCheck:
    """Hand a file in as this item, and what a case then asks."""
    uri, digest = files.put(content)
    return FileCheck(item=item, uri=uri, sha256=digest)


def found(**matches: bool | None) -> FilesFound:
    """The result in which each item turned out so."""
    return FilesFound(files=tuple(FileFound(item=item, matches=one) for item, one in matches.items()))


# --- the activity ---


def test_the_worker_serves_the_check(tmp_path: Path) -> None:
    """The name is part of every history, and the files are where a demo hands them in."""
    settings = Settings(data_dir=tmp_path, store_url="sqlite://")

    adapters = Adapters.from_settings(settings)
    asked = put(SandboxFiles(tmp_path / EVIDENCE_FOLDER), "e1")

    names = {activity._Definition.must_from_callable(run).name for run in adapters.activities()}
    assert "evidence.check" in names
    assert found(e1=True) == check(adapters.files, asked)


def test_each_file_is_compared_on_its_own(files: SandboxFiles) -> None:
    """The sealed content matches, another does not, and a file that is not there may yet come."""
    sealed, tampered = put(files, "e1"), put(files, "e2", OTHER)
    missing = FileCheck(item="e3", uri="sandbox://evidence/0123456789abcdef/photo.jpg", sha256=sealed.sha256)
    files.tamper(tampered.uri, PHOTO)

    assert found(e1=True, e2=False, e3=None) == check(files, sealed, tampered, missing)


def test_a_missing_file_may_come_later(files: SandboxFiles) -> None:
    """A file uploaded after its reference was handed in is compared like any other."""
    uri = "sandbox://evidence/0123456789abcdef/photo.jpg"
    asked = FileCheck(item="e1", uri=uri, sha256=files.put(PHOTO)[1])

    before = check(files, asked)
    files.tamper(uri, PHOTO)

    assert (found(e1=None), found(e1=True)) == (before, check(files, asked))


def test_the_case_of_the_digits_does_not_matter(files: SandboxFiles) -> None:
    """A client may write the hash in capitals."""
    asked = put(files, "e1")

    assert found(e1=True) == check(files, asked.model_copy(update={"sha256": asked.sha256.upper()}))


def test_nothing_to_check_is_nothing_found(files: SandboxFiles) -> None:
    """An empty question has an empty answer."""
    assert found() == check(files)


def test_a_silent_store_is_asked_again(files: SandboxFiles) -> None:
    """A store that does not answer is a failure to be retried, which names the items and works once it answers."""
    asked = put(files, "e1")
    files.set_faults(unavailable=1)

    with pytest.raises(ApplicationError) as caught:
        check(files, asked)
    files.set_faults()

    assert (UNAVAILABLE, False, (found(e1=None),)) == (
        caught.value.type,
        caught.value.non_retryable,
        caught.value.details,
    )
    assert "e1 (503 from the sandbox files)" in caught.value.message
    assert found(e1=True) == check(files, asked)


def test_a_silent_file_hides_no_tampered_one(files: SandboxFiles) -> None:
    """The failure tells what the files that could be read turned out to be."""

    class OneSilent:
        def sha256(self, uri: str, *, progress: Callable[[], object]) -> str | None:
            if uri == silent.uri:
                raise Unavailable("timed out")
            return files.sha256(uri, progress=progress)

    silent, tampered, sealed = put(files, "e1", b"1"), put(files, "e2", b"2"), put(files, "e3", b"3")
    files.tamper(tampered.uri, OTHER)

    with pytest.raises(ApplicationError) as caught:
        check(OneSilent(), silent, tampered, sealed)

    assert (found(e1=None, e2=False, e3=True),) == caught.value.details


async def test_what_a_failure_found_reaches_the_workflow(files: SandboxFiles) -> None:
    """The findings of a failure survive the way through Temporal, which knows no type for details."""
    asked = put(files, "e1")
    files.set_faults(unavailable=1)
    failure = Failure()

    with pytest.raises(ApplicationError) as caught:
        check(files, asked)
    await pydantic_data_converter.encode_failure(caught.value, failure)
    arrived = await pydantic_data_converter.decode_failure(failure)

    assert isinstance(arrived, ApplicationError)
    assert found(e1=None) == FilesFound.model_validate(arrived.details[0])


def test_a_large_file_is_read_in_portions_with_a_heartbeat_each(files: SandboxFiles) -> None:
    """Twenty megabytes take twenty portions, and Temporal hears of each."""
    asked = put(files, "e1", b"x" * 20 * PORTION)
    beats: list[tuple[object, ...]] = []

    matches = check(files, asked, heartbeat=lambda *details: beats.append(details))

    assert (found(e1=True), 20) == (matches, len(beats))


def test_progress_can_end_a_reading(files: SandboxFiles) -> None:
    """A reading that was cancelled stops at its next portion, however long the file is."""
    uri, _ = files.put(b"x" * 3 * PORTION)
    portions: list[int] = []

    def cancelled() -> None:
        portions.append(1)
        raise TimeoutError("overdue")

    with pytest.raises(TimeoutError, match="overdue"):
        files.sha256(uri, progress=cancelled)
    assert 1 == len(portions)


# --- the sandbox ---


def test_the_address_follows_from_content_and_name(files: SandboxFiles) -> None:
    """The same file has the same URI in every run, and the name is part of it."""
    first = files.put(PHOTO, "front.jpg")

    assert first == files.put(PHOTO, "front.jpg")
    assert f"sandbox://evidence/{first[1][:16]}/front.jpg" == first[0]
    assert first[0] != files.put(PHOTO, "back.jpg")[0]


@pytest.mark.parametrize(
    "uri",
    [
        "sandbox://evidence/../secret.txt",
        "sandbox://evidence/0123456789abcdef/../../secret.txt",
        "sandbox://evidence/0123456789abcdef/..%2F..%2Fsecret.txt",
        "sandbox://evidence/0123456789abcdef/..\\..\\secret.txt",
        "sandbox://evidence/{folder}/secret.txt",
        "sandbox://evidence//{folder}/secret.txt",
        "sandbox://evidence/faults.sqlite",
        "sandbox://evidence/0123456789abcdef/photo.jpg\n",
        "sandbox://evidence/0123456789abcdef/photo\0.jpg",
        "sandbox://evidence/0123456789abcdef/",
        "sandbox://evidence/",
        "sandbox://other/0123456789abcdef/photo.jpg",
        "file://{folder}/secret.txt",
        "{folder}/secret.txt",
        "https://files.example.org/photo.jpg",
        "",
    ],
)
def test_no_address_leads_out_of_the_store(files: SandboxFiles, tmp_path: Path, uri: str) -> None:
    """What is no address of the store is a file that is not there, whatever lies on the machine."""
    files.tamper("sandbox://evidence/0123456789abcdef/photo.jpg", PHOTO)

    assert files.sha256(uri.format(folder=tmp_path), progress=nothing) is None


@pytest.mark.parametrize("name", ["../secret.txt", "a/b.jpg", ".hidden", "", "photo.jpg\n", "x" * 101])
def test_a_file_has_a_plain_name(files: SandboxFiles, name: str) -> None:
    """A name that would lead elsewhere is refused with what to write instead, and nothing is written."""
    with pytest.raises(ValueError, match=r"Use a plain name, such as photo\.jpg"):
        files.put(PHOTO, name)


def test_only_files_of_the_store_can_be_tampered_with(files: SandboxFiles, tmp_path: Path) -> None:
    """Exchanging a file reaches nothing outside the folder either."""
    with pytest.raises(ValueError, match="no file of the sandbox"):
        files.tamper("sandbox://evidence/../secret.txt", OTHER)
    assert PHOTO == (tmp_path / "secret.txt").read_bytes()


def test_what_cannot_be_read_is_unavailable(files: SandboxFiles, tmp_path: Path) -> None:
    """A fault of the disk is no verdict on a file."""
    uri, _ = files.put(PHOTO)
    path = next((tmp_path / "evidence").glob("*/photo.jpg"))
    path.unlink()
    path.mkdir()

    with pytest.raises(Unavailable, match="cannot be read"):
        files.sha256(uri, progress=nothing)


def test_faults_are_kept_for_every_process(files: SandboxFiles, tmp_path: Path) -> None:
    """Another instance over the same folder misbehaves too, and by share and seed in the same way."""
    uri, digest = files.put(PHOTO)
    files.set_faults(unavailable=0.5, seed=1)
    other = SandboxFiles(tmp_path / "evidence")

    def answers(store: SandboxFiles) -> bool:
        try:
            return digest == store.sha256(uri, progress=nothing)
        except Unavailable:
            return False

    answered = [answers(other) for _ in range(40)]

    assert 10 < sum(answered) < 30
    files.set_faults()
    assert answers(other)
