"""catalog.sqlite: the single source of truth; its COMMIT is the commit.

Ids are never reused (AUTOINCREMENT), so an id means the same in every generation. Passages of a
document cover its whole text, so the text itself is not stored again.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from engine.config import IndexSettings
from engine.errors import DamagedIndex, ForeignIndex, IndexFault, NoIndex
from engine.filters import metadata_texts, path_patterns
from engine.types import Document, Passage, StoredPassage

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from engine.filters import Filter
    from engine.types import FloatArray

FILE: Final = "catalog.sqlite"
APPLICATION: Final = 0x53484C54  # "SHLT"
FORMAT: Final = 1
_BUSY_MS: Final = 10_000

_SCHEMA: Final = """
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE root (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT UNIQUE NOT NULL,
    name TEXT NOT NULL, options TEXT NOT NULL);
CREATE TABLE file (id INTEGER PRIMARY KEY AUTOINCREMENT,
    root INTEGER NOT NULL REFERENCES root ON DELETE CASCADE, path TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, hash BLOB NOT NULL, UNIQUE (root, path));
CREATE TABLE document (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL,
    file INTEGER REFERENCES file ON DELETE SET NULL, hash BLOB,
    path TEXT NOT NULL, type TEXT NOT NULL, title TEXT NOT NULL, date REAL, metadata TEXT NOT NULL);
CREATE INDEX document_file ON document (file);
CREATE TABLE field (document INTEGER NOT NULL REFERENCES document ON DELETE CASCADE,
    name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, value, document)) WITHOUT ROWID;
CREATE INDEX field_document ON field (document);
CREATE TABLE passage (id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES document ON DELETE CASCADE, number INTEGER NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL,
    text TEXT NOT NULL, UNIQUE (document, number));
CREATE TABLE vector (passage INTEGER PRIMARY KEY REFERENCES passage ON DELETE CASCADE,
    value BLOB NOT NULL);
CREATE TABLE gone (passage INTEGER PRIMARY KEY);
CREATE TABLE part (name TEXT PRIMARY KEY, size INTEGER NOT NULL, checksum TEXT NOT NULL)
    WITHOUT ROWID;
"""

_PASSAGE_COLUMNS: Final = """p.id, p.number, p.start, p."end", p.page, p.heading, p.text,
    d.key, d.title, d.path, d.type, d.date, d.metadata"""


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
        # Read-only media, cleanly closed: without a log nothing can be missed (PARTS.md 6).
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
def _translated() -> Generator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise IndexFault(f"the catalogue cannot be read or written: {error}") from error
    except sqlite3.DatabaseError as error:
        if "malformed" in str(error) or "not a database" in str(error):
            raise DamagedIndex(f"the catalogue is damaged: {error}") from error
        raise


class Catalog:
    """The statements over one connection. Reads see the transaction that the owner began."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement; a damaged file is a DamagedIndex, a full disk an IndexFault."""
        with _translated():
            return self.connection.execute(sql, values)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row; see execute."""
        with _translated():
            self.connection.executemany(sql, rows)

    # -- format and settings ---------------------------------------------------------------------

    def create(self, settings: IndexSettings) -> None:
        """Lay out an empty catalogue with these settings."""
        self.execute("PRAGMA journal_mode = WAL")
        # IMMEDIATE and in one piece: a kill leaves either no table or all of them.
        with _translated():
            self.connection.executescript(
                f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA application_id = {APPLICATION};"
                f"PRAGMA user_version = {FORMAT};"
            )
        self.put("settings", settings.to_json())
        self.put("generation", "0")
        self.execute("COMMIT")

    def check_format(self) -> bool:
        """Return whether the catalogue is laid out.

        Raises:
            ForeignIndex: if it is not ours, or of another format version.
        """
        application = self.execute("PRAGMA application_id").fetchone()[0]
        version = self.execute("PRAGMA user_version").fetchone()[0]
        tables = self.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables:
            return False
        if application != APPLICATION:
            raise ForeignIndex(f"{FILE} in this folder was not made by Shortlist")
        if version != FORMAT:
            raise ForeignIndex(
                f"the index has format {version}, this version reads {FORMAT}:"
                " update Shortlist, or index the folder again into a new place"
            )
        return True

    def get(self, key: str) -> str | None:
        """Return a setting's text."""
        row = self.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def put(self, key: str, value: str) -> None:
        """Set a setting's text."""
        self.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))

    @property
    def generation(self) -> int:
        """Number of the newest commit in sight; 0 before the first."""
        return int(self.get("generation") or 0)

    @property
    def settings(self) -> IndexSettings:
        """The index's settings."""
        return IndexSettings.from_json(self.get("settings") or "{}")

    # -- documents and passages ------------------------------------------------------------------

    def add_document(self, document: Document) -> int:
        """Insert a document and its fields; return its number."""
        metadata = json.dumps(dict(document.metadata), ensure_ascii=False)
        row = (document.id, document.path, document.type, document.title, document.date, metadata)
        number = self.execute(
            "INSERT INTO document (key, path, type, title, date, metadata) VALUES (?, ?, ?, ?, ?, ?)",
            row,
        ).lastrowid
        fields = [
            (number, name, text)
            for name, value in document.metadata.items()
            for text in metadata_texts(value)
        ]
        if fields:
            self.execute_many("INSERT OR IGNORE INTO field VALUES (?, ?, ?)", fields)
        return cast("int", number)

    def add_passage(self, document: int, passage: Passage) -> int:
        """Insert a passage; return its id."""
        heading = json.dumps(passage.heading, ensure_ascii=False) if passage.heading else ""
        cursor = self.execute(
            'INSERT INTO passage (document, number, start, "end", page, heading, text)'
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (document, passage.number, passage.start, passage.end, passage.page, heading,
             passage.text),
        )  # fmt: skip
        return cast("int", cursor.lastrowid)

    def document_number(self, key: str) -> int | None:
        """Return the number of a document id."""
        row = self.execute("SELECT id FROM document WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def delete_document(self, number: int, file_rows_to: int) -> None:
        """Delete a document; remember which rows of the dense file (ids up to a limit) are gone."""
        self.execute(
            "INSERT INTO gone SELECT v.passage FROM vector v JOIN passage p ON p.id = v.passage"
            " WHERE p.document = ? AND v.passage <= ?",
            (number, file_rows_to),
        )
        self.execute("DELETE FROM document WHERE id = ?", (number,))

    def count(self) -> tuple[int, int]:
        """Return (documents, passages)."""
        return self.execute(
            "SELECT (SELECT count(*) FROM document), (SELECT count(*) FROM passage)"
        ).fetchone()

    def passages(self, ids: Sequence[int]) -> dict[int, StoredPassage]:
        """Return the passages of these ids that exist."""
        rows = self.execute(
            f"SELECT {_PASSAGE_COLUMNS} FROM passage p JOIN document d ON d.id = p.document"  # noqa: S608
            " WHERE p.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return {row[0]: _stored(row) for row in rows}

    def places(self, ids: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Return (document id, passage number) of these passage ids: what ties are broken by."""
        rows = self.execute(
            "SELECT p.id, d.key, p.number FROM passage p JOIN document d ON d.id = p.document"
            " WHERE p.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    def document_passages(self, key: str) -> list[tuple[StoredPassage, FloatArray | None]]:
        """Return a document's passages by number, each with its vector."""
        rows = self.execute(
            f"SELECT {_PASSAGE_COLUMNS}, v.value FROM document d JOIN passage p ON p.document = d.id"  # noqa: S608
            " LEFT JOIN vector v ON v.passage = p.id WHERE d.key = ? ORDER BY p.number",
            (key,),
        )
        return [(_stored(row), _vector(row[-1])) for row in rows]

    def all_passages(self) -> Iterable[tuple[int, StoredPassage]]:
        """Yield (document number, passage) of everything, by passage id."""
        rows = self.execute(
            f"SELECT {_PASSAGE_COLUMNS}, d.id FROM passage p JOIN document d ON d.id = p.document"  # noqa: S608
            " ORDER BY p.id"
        )
        for row in rows:
            yield row[-1], _stored(row)

    def kept(self, where: Filter) -> list[int]:
        """Return the numbers of the documents that a filter keeps."""
        condition, values = _condition(where)
        return [
            row[0]
            for row in self.execute(f"SELECT d.id FROM document d WHERE {condition}", values)  # noqa: S608
        ]

    def passages_kept(self, where: Filter) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the ids of the passages that a filter keeps, ascending, (n,) int64."""
        condition, values = _condition(where)
        rows = self.execute(
            f"SELECT p.id FROM document d JOIN passage p ON p.document = d.id WHERE {condition}",  # noqa: S608
            values,
        )
        return np.sort(np.fromiter((row[0] for row in rows), np.int64))

    # -- vectors ---------------------------------------------------------------------------------

    def add_vector(self, passage: int, vector: FloatArray) -> None:
        """Insert a passage's vector; it is kept as float16."""
        self.execute("INSERT INTO vector VALUES (?, ?)", (passage, vector.astype("<f2").tobytes()))

    def vectors(self, after: int, dim: int) -> tuple[np.ndarray[Any, np.dtype[np.int64]], FloatArray]:
        """Return (n,) ids above `after`, ascending, and their (n, dim) float32 rows."""
        rows = self.execute(
            "SELECT passage, value FROM vector WHERE passage > ? ORDER BY passage", (after,)
        ).fetchall()
        ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        values = np.frombuffer(b"".join(row[1] for row in rows), "<f2")
        return ids, values.reshape(len(rows), dim).astype(np.float32)

    def gone(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the ids in the dense file whose passages were removed since, ascending."""
        rows = self.execute("SELECT passage FROM gone ORDER BY passage").fetchall()
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    # -- derived parts ---------------------------------------------------------------------------

    def parts(self) -> dict[str, tuple[int, str]]:
        """Return (size, checksum) of every derived file of this generation, by relative name."""
        rows = self.execute("SELECT name, size, checksum FROM part")
        return {name: (size, checksum) for name, size, checksum in rows}

    def put_parts(self, parts: dict[str, tuple[int, str]]) -> None:
        """Replace the list of derived files."""
        self.execute("DELETE FROM part")
        rows = [(name, size, checksum) for name, (size, checksum) in parts.items()]
        self.execute_many("INSERT INTO part VALUES (?, ?, ?)", rows)


def _stored(row: Sequence[Any]) -> StoredPassage:
    heading = cast("list[str]", json.loads(row[5])) if row[5] else []
    return StoredPassage(
        id=row[0],
        document=Document(
            id=row[7], title=row[8], path=row[9], type=row[10], date=row[11],
            metadata=json.loads(row[12]),
        ),
        passage=Passage(
            number=row[1], start=row[2], end=row[3], page=row[4], heading=tuple(heading),
            text=row[6],
        ),
    )  # fmt: skip


def _vector(blob: bytes | None) -> FloatArray | None:
    return None if blob is None else np.frombuffer(blob, "<f2").astype(np.float32)


def _condition(where: Filter) -> tuple[str, list[Any]]:
    """Return a filter as SQL over `document d`; the exact twin of Filter.keeps."""
    parts: list[str] = []
    values: list[Any] = []
    for group in where.paths:
        globs = [_glob(p) for pattern in group for p in path_patterns(pattern)]
        parts.append("(" + " OR ".join(["d.path GLOB ?"] * len(globs)) + ")")
        values += globs
    for pattern in where.not_paths:
        globs = [_glob(p) for p in path_patterns(pattern)]
        parts.append("NOT (" + " OR ".join(["d.path GLOB ?"] * len(globs)) + ")")
        values += globs
    if where.types:
        parts.append(f"d.type IN ({', '.join('?' * len(where.types))})")
        values += where.types
    if where.dates:
        ranges = [
            "(d.date IS NOT NULL AND d.date >= coalesce(?, d.date) AND (? IS NULL OR d.date < ?))"
            for _ in where.dates
        ]
        parts.append("(" + " OR ".join(ranges) + ")")
        values += [v for r in where.dates for v in (r.start, r.end, r.end)]
    for name, texts in where.fields:
        parts.append(
            "d.id IN (SELECT document FROM field"
            f" WHERE name = ? AND value IN ({', '.join('?' * len(texts))}))"
        )
        values += [name, *texts]
    return " AND ".join(parts) or "1", values


def _glob(pattern: str) -> str:
    """Return a path pattern for SQLite's GLOB, where [ would begin a set."""
    return pattern.replace("[", "[[]")
