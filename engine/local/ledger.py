"""Which files the documents came from: roots, file states, and the documents of each file.

The indexer compares this with the disk to find what changed; results compare it to say `stale`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from engine.types import FileState, Origin, Root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.local.catalog import Catalog


class Ledger:
    """Reads and writes the ledger inside the writer's transaction."""

    def __init__(self, catalog: Catalog, begin: Callable[[], None]) -> None:
        self._catalog = catalog
        self._begin = begin

    def roots(self) -> list[Root]:
        """Return the folders and files that the index was made from."""
        rows = self._catalog.execute("SELECT id, path, name, options FROM root ORDER BY id")
        return [Root(id=i, path=p, name=n, options=json.loads(o)) for i, p, n, o in rows]

    def put_root(self, path: str, name: str, options: Mapping[str, object]) -> Root:
        """Add a root, or change the options of one that is there."""
        self._begin()
        text = json.dumps(dict(options))
        self._catalog.execute(
            "INSERT INTO root (path, name, options) VALUES (?, ?, ?)"
            " ON CONFLICT (path) DO UPDATE SET name = excluded.name, options = excluded.options",
            (path, name, text),
        )
        return next(root for root in self.roots() if root.path == path)

    def files(self, root: Root) -> dict[str, FileState]:
        """Return the state of every file of a root when it was indexed, by relative path."""
        rows = self._catalog.execute(
            "SELECT path, size, mtime_ns, hash FROM file WHERE root = ?", (root.id,)
        )
        return {p: FileState(size=s, mtime_ns=m, hash=h) for p, s, m, h in rows}

    def document_counts(self, root: Root) -> dict[str, int]:
        """Return how many documents each file of a root gave, by relative path."""
        rows = self._catalog.execute(
            "SELECT f.path, count(d.id) FROM file f LEFT JOIN document d ON d.file = f.id"
            " WHERE f.root = ? GROUP BY f.id",
            (root.id,),
        )
        return dict(cast("list[tuple[str, int]]", rows.fetchall()))

    def documents(self, root: Root, path: str) -> dict[str, bytes]:
        """Return the content hash of each document of a file, by document id."""
        rows = self._catalog.execute(
            "SELECT d.key, d.hash FROM document d JOIN file f ON f.id = d.file"
            " WHERE f.root = ? AND f.path = ?",
            (root.id, path),
        )
        return dict(cast("list[tuple[str, bytes]]", rows.fetchall()))

    def owner(self, document: str) -> tuple[int | None, str] | None:
        """Return (root id, path) of a document's file; root None if it came from no file."""
        row = self._catalog.execute(
            "SELECT f.root, f.path FROM document d LEFT JOIN file f ON f.id = d.file"
            " WHERE d.key = ?",
            (document,),
        ).fetchone()
        return None if row is None else (row[0], row[1] or "")

    def put_file(
        self, root: Root, path: str, state: FileState, documents: Mapping[str, bytes]
    ) -> None:
        """Remember a file's state, and the documents that came from it with their hashes."""
        self._begin()
        self._catalog.execute(
            "INSERT INTO file (root, path, size, mtime_ns, hash) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (root, path) DO UPDATE SET size = excluded.size,"
            " mtime_ns = excluded.mtime_ns, hash = excluded.hash",
            (root.id, path, state.size, state.mtime_ns, state.hash),
        )
        file = self._catalog.execute(
            "SELECT id FROM file WHERE root = ? AND path = ?", (root.id, path)
        ).fetchone()[0]
        self._catalog.execute_many(
            "UPDATE document SET file = ?, hash = ? WHERE key = ?",
            [(file, digest, key) for key, digest in documents.items()],
        )

    def remove_file(self, root: Root, path: str) -> None:
        """Forget a file; its documents are the writer's to delete."""
        self._begin()
        self._catalog.execute("DELETE FROM file WHERE root = ? AND path = ?", (root.id, path))


def origins(catalog: Catalog, documents: Sequence[str]) -> dict[str, Origin]:
    """Return where documents came from, by id; those that came from no file are left out."""
    rows = catalog.execute(
        # A root that is itself a file has the one path that it is.
        "SELECT d.key, CASE WHEN r.options ->> '$.single' THEN r.path"
        " ELSE rtrim(r.path, '/') || '/' || f.path END, f.size, f.mtime_ns FROM document d"
        " JOIN file f ON f.id = d.file JOIN root r ON r.id = f.root"
        " WHERE d.key IN (SELECT value FROM json_each(?))",
        (json.dumps(list(documents)),),
    )
    return {key: Origin(path=p, size=s, mtime_ns=m) for key, p, s, m in rows}
