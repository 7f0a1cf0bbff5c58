"""Opening catalog.sqlite, and what SQLite's errors mean here."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from engine.errors import DamagedIndex, IndexFault, NoIndex

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

FILE: Final = "catalog.sqlite"
_BUSY_MS: Final = 10_000


def connect(folder: Path, *, write: bool) -> sqlite3.Connection:
    """Open the catalogue of an index folder; readers need no write access to it.

    Raises:
        NoIndex: if there is none.
        IndexFault: if the folder is read-only and holds a commit that needs its log replayed.
    """
    path = folder / FILE
    if not write and not path.is_file():
        raise NoIndex(f"no index at {folder} (make one with: shortlist index FOLDER -i {folder})")
    mode = "rwc" if write else "ro"
    connection = _open(path, mode)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        log = path.with_name(FILE + "-wal")
        if write or (log.exists() and log.stat().st_size):
            raise IndexFault(
                f"the catalogue cannot be opened ({error}); copy the index to a writable folder"
            ) from error
        # Read-only media, cleanly closed: without a log nothing can be missed.
        connection = _open(path, "ro&immutable=1")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise DamagedIndex(f"{path.name} is no catalogue: {error}") from error
    return connection


def _open(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_MS / 1000,
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def translated() -> Generator[None]:
    """Turn SQLite's errors inside a block into ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _ours(error) from error


def _ours(error: sqlite3.DatabaseError) -> Exception:
    if isinstance(error, sqlite3.OperationalError):
        return IndexFault(f"the catalogue cannot be read or written: {error}")
    if "malformed" in str(error) or "not a database" in str(error):
        return DamagedIndex(f"the catalogue is damaged: {error}")
    return error


class Cursor(sqlite3.Cursor):
    """Rows of which SQLite reads one after another: a damaged page is met only on the way."""

    def __next__(self) -> Any:  # noqa: ANN401 - a row is what its query asked for
        try:
            return super().__next__()
        except sqlite3.DatabaseError as error:
            raise _ours(error) from error

    def fetchone(self) -> Any:  # noqa: ANN401
        """Return the next row, or None; see translated."""
        with translated():
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        """Return all rows that are left; see translated."""
        with translated():
            return super().fetchall()
