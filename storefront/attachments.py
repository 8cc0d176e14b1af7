"""Evidence from the command line: files become references, by hash, size and media type; their bytes go nowhere else.

`photo_front@front.jpg` is a file, `serial_number=C02XK1` a text, each after the kind of evidence that it is.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import runtime
from activities.sandbox.files import SandboxFiles
from adapters.files import EVIDENCE_FOLDER
from domain.cases.record import EvidenceItem
from domain.policy import EvidenceKind
from storefront.errors import BadInput

_ITEM: Final = re.compile("([a-z_]+)([@=])(.+)", re.DOTALL)
_UNUSUAL: Final = re.compile("[^A-Za-z0-9._-]")


def items(written: Sequence[str], uris: Sequence[str] = (), *, sandbox: bool = False) -> tuple[EvidenceItem, ...]:
    """The evidence as it is handed in. The `uris` say where the files are stored, in their order.

    With `sandbox`, the files are put into the sandbox's store. Raises BadInput, which tells everything that is wrong.
    """
    parsed = [_ITEM.fullmatch(text) for text in written]
    wrong = [fault for number, found in enumerate(parsed, 1) if (fault := _fault(number, found))]
    files = [found[3] for found in parsed if found and found[2] == "@"]
    if sandbox and uris:
        wrong.append("uri: with --sandbox the store gives the address; leave out one of them")
    elif not sandbox and len(uris) != len(files):
        wrong.append(
            f"uri: say where each file is stored, with --uri once for each (files: {len(files)}, addresses: "
            f"{len(uris)}), or try things out with --sandbox"
        )
    if wrong:
        raise BadInput("Nothing was sent, because of", wrong)
    stored = iter([_put(Path(file)) for file in files] if sandbox else uris)
    return tuple(
        _file(EvidenceKind(found[1]), Path(found[3]), next(stored))
        if found[2] == "@"
        else EvidenceItem(kind=EvidenceKind(found[1]), text=found[3])
        for found in parsed
        if found
    )


def unknown_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    """What is wrong with these names of kinds: a case would keep them, but no checklist would find them."""
    known = ", ".join(EvidenceKind)
    return tuple(
        f"evidence: {kind[:40]!r} is no kind of evidence; use one of: {known}"
        for kind in kinds
        if kind not in set(EvidenceKind)
    )


def _fault(number: int, found: re.Match[str] | None) -> str | None:
    if found is None:
        return f"evidence: item {number} is neither KIND@FILE nor KIND=TEXT, as in photo_front@front.jpg"
    if unknown := unknown_kinds((found[1],)):
        return unknown[0]
    if found[2] == "=":
        return None
    if not Path(found[3]).is_file():
        return f"evidence: there is no file {found[3]}; check the path"
    if mimetypes.guess_type(found[3])[0] is None:
        return f"evidence: the type of {found[3]} cannot be told; give its name an ending such as .jpg, .mp4 or .pdf"
    return None


def _file(kind: EvidenceKind, path: Path, uri: str) -> EvidenceItem:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}). Check the path.") from None
    media_type = mimetypes.guess_type(path.name)[0] or ""
    return EvidenceItem(kind=kind, uri=uri, sha256=digest, media_type=media_type, size=size)


def _put(path: Path) -> str:
    """The address at which the sandbox has the file from now on."""
    folder = runtime.load_settings().data_dir / EVIDENCE_FOLDER
    try:
        content = path.read_bytes()
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{path} cannot be read or stored ({error.strerror}). Check the path.") from None
    plain = _UNUSUAL.sub("-", path.name)[-90:].lstrip("._-")
    return SandboxFiles(folder).put(content, plain or "file")[0]
