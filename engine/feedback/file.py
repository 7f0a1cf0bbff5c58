"""LEAF (sqlite3): the file of a feedback log: its format, its transactions, its errors."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from engine.errors import DamagedIndex, ForeignIndex, IndexFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

APPLICATION: Final = 0x53484C46  # "SHLF"
FORMAT: Final = 1
_HEAD: Final = b"SQLite format 3\0"
_BUSY: Final = 10.0  # seconds
_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS search (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL,
    time REAL NOT NULL, query TEXT NOT NULL, plain INTEGER NOT NULL, filter TEXT NOT NULL,
    snapshot INTEGER NOT NULL, models TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shown (search INTEGER NOT NULL REFERENCES search ON DELETE CASCADE,
    rank INTEGER NOT NULL, document TEXT NOT NULL, passage INTEGER NOT NULL, digest BLOB NOT NULL,
    stage TEXT NOT NULL, PRIMARY KEY (search, rank)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS click (search INTEGER NOT NULL, rank INTEGER NOT NULL,
    time REAL NOT NULL, dwell REAL, PRIMARY KEY (search, rank),
    FOREIGN KEY (search, rank) REFERENCES shown ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judgement (query TEXT NOT NULL, document TEXT NOT NULL,
    passage INTEGER NOT NULL, judge TEXT NOT NULL, digest BLOB NOT NULL, grade INTEGER NOT NULL,
    time REAL NOT NULL, PRIMARY KEY (query, document, passage, judge)) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
COMMIT;
"""


class LogFile:
    """One connection that writes, for all threads; a connection of its own for each reader."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open the file; see FeedbackLog."""
        self.path = path
        self._lock = threading.Lock()
        if create:
            self._make_private()
        elif not path.is_file():
            raise UsageError(f"there is no feedback at {path}; nothing was recorded for this index")
        self._refuse_foreign()
        self._connection = self._connect("rw")
        try:
            with self._translated():
                self._lay_out()
        except BaseException:
            self._connection.close()
            raise

    def _make_private(self) -> None:
        """Make an empty file that only its owner reads; SQLite gives its other files the same."""
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise IndexFault(f"the feedback log {self.path} cannot be written: {reason}") from error

    def _refuse_foreign(self) -> None:
        """Refuse a file that is no database; SQLite takes a very short one for an empty one."""
        with self.path.open("rb") as file:
            head = file.read(len(_HEAD))
        if head not in (b"", _HEAD):
            raise self._foreign()

    def _foreign(self) -> ForeignIndex:
        return ForeignIndex(f"{self.path} is no feedback log; move it away or name another place")

    def _connect(self, mode: str) -> sqlite3.Connection:
        with self._translated():
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=_BUSY,
            )
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _lay_out(self) -> None:
        """Refuse what is not ours before anything is written to it; lay out an empty file."""
        tables = self.value("SELECT count(*) FROM sqlite_master")
        application = self.value("PRAGMA application_id")
        version = self.value("PRAGMA user_version")
        if (tables or application) and application != APPLICATION:
            raise self._foreign()
        if version > FORMAT:
            raise ForeignIndex(
                f"{self.path} has format {version}, this version reads up to {FORMAT}:"
                " use a newer Shortlist"
            )
        if not tables:
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self._write_ahead()
            self._connection.executescript(_SCHEMA)

    def _write_ahead(self) -> None:
        """Turn the write-ahead log on; two that do so at once do not wait for each other."""
        end = time.monotonic() + _BUSY
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return

    @contextmanager
    def writing(self) -> Generator[None]:
        """Write what a block says, all of it or nothing."""
        with self._lock, self._translated():
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self.execute("ROLLBACK")
                raise

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement of a block of `writing`."""
        return self._connection.execute(sql, values)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement of a block of `writing` for each row."""
        self._connection.executemany(sql, rows)

    def value(self, sql: str) -> int:
        """Return the one number that a statement of a block of `writing` asks for."""
        return self.execute(sql).fetchone()[0]

    def used(self) -> int:
        """Return the bytes that hold something; asked in a block of `writing`."""
        pages = self.value("PRAGMA page_count") - self.value("PRAGMA freelist_count")
        return pages * self.value("PRAGMA page_size")

    def shrink(self) -> None:
        """Give back the room of what was removed, and drop the write-ahead log that still has it.

        A reader that is still busy keeps that log until the next time.
        """
        with self._lock, self._translated():
            self.execute("PRAGMA incremental_vacuum").fetchall()
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def rows(self, sql: str) -> Iterator[Any]:
        """Yield rows over a connection of their own: whoever reads slowly holds up no writer."""
        with self._translated(), closing(self._connect("ro")) as connection:
            yield from connection.execute(sql)

    @contextmanager
    def _translated(self) -> Generator[None]:
        """Turn SQLite's errors inside a block into ours."""
        try:
            yield
        except sqlite3.Error as error:
            if "not a database" in str(error):
                raise self._foreign() from error
            if "malformed" in str(error):
                raise DamagedIndex(
                    f"the feedback log {self.path} is damaged ({error}); move it away to begin anew"
                ) from error
            raise IndexFault(
                f"the feedback log {self.path} cannot be read or written: {error}"
            ) from error

    def close(self) -> None:
        """Give the file back; using it afterwards is an error."""
        with self._lock:
            self._connection.close()
