"""catalog.sqlite: the single source of truth; its COMMIT is the commit.

Ids are never reused (AUTOINCREMENT), so an id means the same in every generation. Passages of a
document cover its whole text, so the text itself is not stored again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from engine.config import IndexSettings
from engine.errors import ForeignIndex
from engine.filters import metadata_texts
from engine.local.connection import FILE, Cursor, translated
from engine.local.rows import (
    DOCUMENT_COLUMNS,
    PASSAGE_COLUMNS,
    as_document,
    as_passage,
    as_vector,
)
from engine.local.schema import APPLICATION, FORMAT, SCHEMA
from engine.local.selection import condition

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from engine.filters import Filter
    from engine.types import Document, FloatArray, IdArray, Passage, StoredPassage

_IDS_AT_ONCE: Final = 10_000


class Catalog:
    """The statements over one connection. Reads see the transaction that the owner began."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement; a damaged file is a DamagedIndex, a full disk an IndexFault."""
        with translated():
            return self.connection.cursor(Cursor).execute(sql, values)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row; see execute."""
        with translated():
            self.connection.executemany(sql, rows)

    # -- format and settings ---------------------------------------------------------------------

    def create(self, settings: IndexSettings) -> None:
        """Lay out an empty catalogue with these settings."""
        self.execute("PRAGMA journal_mode = WAL")
        # IMMEDIATE and in one piece: a kill leaves either no table or all of them.
        with translated():
            self.connection.executescript(
                f"BEGIN IMMEDIATE;{SCHEMA}PRAGMA application_id = {APPLICATION};"
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
            "INSERT INTO document (key, path, type, title, date, metadata)"
            " VALUES (?, ?, ?, ?, ?, ?)",
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
            f"SELECT {PASSAGE_COLUMNS} FROM passage p JOIN document d ON d.id = p.document"  # noqa: S608
            " WHERE p.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return {row[0]: as_passage(row) for row in rows}

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
            f"SELECT {PASSAGE_COLUMNS}, v.value FROM document d"  # noqa: S608
            " JOIN passage p ON p.document = d.id LEFT JOIN vector v ON v.passage = p.id"
            " WHERE d.key = ? ORDER BY p.number",
            (key,),
        )
        return [(as_passage(row), as_vector(row[-1])) for row in rows]

    def documents(self, prefix: str, after: str, limit: int) -> list[Document]:
        """Return the first documents beyond `after` whose ids begin with `prefix`."""
        # Text is compared by its bytes. No UTF-8 has an FF, so prefix + FF is above every id that
        # begins so; one bound below, not two, or each page would walk from the prefix again.
        low, beyond = (after, ">") if after >= prefix else (prefix, ">=")
        rows = self.execute(
            f"SELECT {DOCUMENT_COLUMNS} FROM document d"  # noqa: S608
            f" WHERE d.key {beyond} CAST(? AS TEXT) AND d.key < CAST(? AS TEXT)"
            " ORDER BY d.key LIMIT ?",
            (_bytes(low), _bytes(prefix) + b"\xff", max(0, limit)),
        )
        return [as_document(row) for row in rows]

    def known(self, keys: Sequence[str]) -> set[str]:
        """Return which of these document ids are here."""
        found: set[str] = set()
        for first in range(0, len(keys), _IDS_AT_ONCE):
            some = keys[first : first + _IDS_AT_ONCE]
            rows = self.execute(
                "SELECT key FROM document WHERE key IN (SELECT value FROM json_each(?))",
                (json.dumps(list(some)),),
            )
            # SQLite ends a JSON string at NUL, so it may find what was not asked.
            found |= {row[0] for row in rows}.intersection(some)
        return found

    def all_passages(self) -> Iterable[tuple[int, StoredPassage]]:
        """Yield (document number, passage) of everything, by passage id."""
        rows = self.execute(
            f"SELECT {PASSAGE_COLUMNS}, d.id FROM passage p JOIN document d ON d.id = p.document"  # noqa: S608
            " ORDER BY p.id"
        )
        for row in rows:
            yield row[-1], as_passage(row)

    def kept(self, where: Filter) -> list[int]:
        """Return the numbers of the documents that a filter keeps."""
        sql, values = condition(where)
        return [
            row[0]
            for row in self.execute(f"SELECT d.id FROM document d WHERE {sql}", values)  # noqa: S608
        ]

    def passages_kept(self, where: Filter) -> IdArray:
        """Return the ids of the passages that a filter keeps, ascending, (n,) int64."""
        sql, values = condition(where)
        rows = self.execute(
            f"SELECT p.id FROM document d JOIN passage p ON p.document = d.id WHERE {sql}",  # noqa: S608
            values,
        )
        return np.sort(np.fromiter((row[0] for row in rows), np.int64))

    # -- vectors ---------------------------------------------------------------------------------

    def add_vector(self, passage: int, vector: FloatArray) -> None:
        """Insert a passage's vector; it is kept as float16."""
        self.execute("INSERT INTO vector VALUES (?, ?)", (passage, vector.astype("<f2").tobytes()))

    def remove_vectors(self) -> None:
        """Remove all vectors, and what is known of rows of the dense file."""
        self.execute("DELETE FROM vector")
        self.execute("DELETE FROM gone")

    def vectors(self, after: int, dim: int) -> tuple[IdArray, FloatArray]:
        """Return (n,) ids above `after`, ascending, and their (n, dim) float32 rows."""
        rows = self.execute(
            "SELECT passage, value FROM vector WHERE passage > ? ORDER BY passage", (after,)
        ).fetchall()
        ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        values = np.frombuffer(b"".join(row[1] for row in rows), "<f2")
        return ids, values.reshape(len(rows), dim).astype(np.float32)

    def gone(self) -> IdArray:
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


def _bytes(text: str) -> bytes:
    """Return text as bytes that order as it does; no stored id has a surrogate, a bound may."""
    return text.encode("utf-8", "surrogatepass")
