"""Where our files are: the data folder, and the files of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import runtime

if TYPE_CHECKING:
    from activities.ports import Storage

EVIDENCE_FOLDER: Final = "evidence"


def data_folder(settings: runtime.Settings) -> Path:
    """The data folder, made if it is missing. Raises runtime.SettingsError, with what to do about it."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise runtime.SettingsError(
            f"REDRESS_DATA_DIR is wrong: {settings.data_dir} cannot be made ({error.strerror}). "
            "Write a folder that we may write to, for example var."
        ) from None
    return settings.data_dir


def files_of(settings: runtime.Settings) -> Storage:
    """Files of evidence, each by the scheme of its URI: our own, or the sandbox's. Raises runtime.SettingsError."""
    from activities.files import FilesByScheme, StoredFiles
    from activities.sandbox.files import SandboxFiles

    return FilesByScheme(
        {"evidence": StoredFiles(settings.files_url)},
        otherwise=SandboxFiles(data_folder(settings) / EVIDENCE_FOLDER),
    )
