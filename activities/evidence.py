"""Comparing the files of evidence with what was sealed, so that another picture under the same address is noticed."""

from __future__ import annotations

from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.ports import Files, Unavailable
from domain.requests import FileCheck, FileChecks, FileFound, FilesFound

UNAVAILABLE: Final = "FilesUnavailable"
"""The error type when a file could not be read now; its only detail is a `FilesFound` with what is known so far."""


class EvidenceActivities:
    """Reads files through the port; their content stays here, and only the comparison leaves."""

    def __init__(self, files: Files) -> None:
        self._files = files

    @activity.defn(name="evidence.check")
    def check(self, ask: FileChecks) -> FilesFound:
        """What each file turns out to be, in the order of the question; no file is ever held in memory.

        True for the sealed content, False for any other, none for a file that is not there: it may yet be uploaded.
        Raises ApplicationError, retryable as `FilesUnavailable`, once all files were tried and some did not answer.
        """
        found: list[FileFound] = []
        silent: list[str] = []
        for file in ask.files:
            matches = None
            try:
                matches = self._matches(file)
            except Unavailable as error:
                silent.append(f"{file.item} ({error})")
            found.append(FileFound(item=file.item, matches=matches))
        result = FilesFound(files=tuple(found))
        if silent:
            raise ApplicationError(
                f"The files of these items could not be read yet: {', '.join(silent)}", result, type=UNAVAILABLE
            )
        return result

    def _matches(self, file: FileCheck) -> bool | None:
        # Each heartbeat is also where a cancelled or overdue reading ends, however long the file is.
        digest = self._files.sha256(file.uri, progress=activity.heartbeat)
        return None if digest is None else digest == file.sha256.lower()
