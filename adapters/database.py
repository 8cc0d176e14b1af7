"""Our own database, opened for a process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import runtime

if TYPE_CHECKING:
    from sqlalchemy import Engine


def open_database(url: str) -> Engine:
    """Our own database. Raises runtime.SettingsError, with what to do about it."""
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    from activities import store

    try:
        return store.open_store(url)
    except (ArgumentError, ImportError, ValueError):
        raise runtime.SettingsError(
            "REDRESS_STORE_URL is wrong: no database driver here understands it. "
            "Write an SQLAlchemy URL, for example sqlite:///var/redress.sqlite."
        ) from None
    except store.StoreOutdated as error:
        raise runtime.SettingsError(f"The database of REDRESS_STORE_URL cannot be used. {error}") from None
    except OSError as error:
        raise runtime.SettingsError(
            f"The database of REDRESS_STORE_URL cannot be used: its folder cannot be made ({error.strerror}). "
            "Write another URL or, if you have written none, another REDRESS_DATA_DIR."
        ) from None
    except SQLAlchemyError as error:
        # The cause alone: the whole text may show the URL, and in it a password.
        cause = getattr(error, "orig", None) or type(error).__name__
        raise runtime.SettingsError(
            f"The database of REDRESS_STORE_URL cannot be used: {cause}. Start it, or write another URL."
        ) from None


def open_existing(url: str) -> Engine:
    """The same, for who only looks: a file that is missing is told, not made and then said to be empty."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    file = parsed.database if parsed is not None and parsed.get_backend_name() == "sqlite" else None
    if file and file != ":memory:" and not Path(file).exists():
        raise runtime.SettingsError("There is no store at REDRESS_STORE_URL yet; a worker makes it. Check the setting.")
    return open_database(url)
