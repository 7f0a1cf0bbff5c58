"""An immutable view of one commit: catalogue transaction, text and dense part stay open."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from engine.errors import DamagedIndex, NoIndex
from engine.local.catalog import Catalog
from engine.local.connection import connect
from engine.local.dense import DensePart
from engine.local.files import checksum, size_of
from engine.local.ledger import Ledger, origins
from engine.local.parts import Parts
from engine.local.text import TextPart
from engine.types import Hit, by_rank

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.filters import Filter
    from engine.query import Query
    from engine.types import Document, FloatArray, Origin, Root, StoredPassage

_T = TypeVar("_T")
_TRIES: Final = 5


def open_snapshot(folder: Path) -> LocalSnapshot:
    """Return the newest commit of an index folder.

    Raises:
        NoIndex: if nothing was ever committed there.
        DamagedIndex: if a named part is missing or not what it was.
    """
    for last in (False,) * (_TRIES - 1) + (True,):
        catalog = Catalog(connect(folder, write=False))
        try:
            if not catalog.check_format() or not catalog.generation:
                raise NoIndex(f"no index at {folder}: its first build did not reach a commit")
            catalog.execute("BEGIN")
            return LocalSnapshot(folder, catalog)
        except DamagedIndex:
            # Between reading the names and opening the files they can be removed by three commits.
            generation = catalog.generation
            catalog.connection.close()
            if last or not _moved_on(folder, generation):
                raise
        except BaseException:
            catalog.connection.close()
            raise
    raise AssertionError("unreachable")


def _moved_on(folder: Path, generation: int) -> bool:
    connection = connect(folder, write=False)
    try:
        return Catalog(connection).generation != generation
    finally:
        connection.close()


class LocalSnapshot:
    """See Snapshot. May be used from several threads."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self.settings = catalog.settings
        self._generation = catalog.generation
        self._folder = folder
        self._committed = float(catalog.get("committed") or 0)
        self.parts = Parts.read(catalog)
        self._text = TextPart(folder / self.parts.text)
        self._dense = _open_dense(folder, catalog, self.parts)
        # A filter is asked by both sources, and by every query of a batch.
        self._documents_kept = _remembered(self._lock, catalog.kept)
        self._passages_kept = _remembered(self._lock, catalog.passages_kept)

    @property
    def generation(self) -> int:
        """See Snapshot."""
        return self._generation

    def search_text(self, queries: Sequence[Query], depth: int, where: Filter) -> list[list[Hit]]:
        """See Snapshot."""
        return [self._search_text(query, depth, where.narrowed(query)) for query in queries]

    def _search_text(self, query: Query, depth: int, where: Filter) -> list[Hit]:
        documents = self._documents_kept(where) if where else None
        return self._ranked(self._text.search(query, depth, documents), depth)

    def search_vectors(
        self, queries: Sequence[Query], vectors: FloatArray, depth: int, where: Filter
    ) -> list[list[Hit]]:
        """See Snapshot."""
        return [
            self._search_vector(query, vector, depth, where.narrowed(query))
            for query, vector in zip(queries, vectors, strict=True)
        ]

    def _search_vector(
        self, query: Query, vector: FloatArray, depth: int, where: Filter
    ) -> list[Hit]:
        if not vector.any():
            return []
        allowed = self._passages_kept(where) if where else None
        if query.constraints:
            matching = self._text.matching(query.constraints)
            allowed = matching if allowed is None else np.intersect1d(allowed, matching)
        return self._ranked(self._dense.search(vector, depth, allowed), depth)

    def _ranked(self, found: Sequence[tuple[int, float]], depth: int) -> list[Hit]:
        """Order by score, document and passage number, then cut: the cut may fall among ties."""
        with self._lock:
            places = self._catalog.places([passage for passage, _ in found])
        hits = [Hit(p, *places[p], score) for p, score in found if p in places]
        return sorted(hits, key=by_rank)[:depth]

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """See Snapshot."""
        with self._lock:
            found = self._catalog.passages(ids)
        return [found[i] for i in ids if i in found]

    def document_passages(self, document: str) -> list[tuple[StoredPassage, FloatArray | None]]:
        """See Snapshot."""
        with self._lock:
            return self._catalog.document_passages(document)

    def documents(self, prefix: str = "", after: str = "", limit: int = 1000) -> list[Document]:
        """See Snapshot."""
        with self._lock:
            return self._catalog.documents(prefix, after, limit)

    def known(self, documents: Sequence[str]) -> set[str]:
        """See Snapshot."""
        with self._lock:
            return self._catalog.known(documents)

    def origins(self, documents: Sequence[str]) -> dict[str, Origin]:
        """See Origins."""
        with self._lock:
            return origins(self._catalog, documents)

    def roots(self) -> list[Root]:
        """Return the folders and files that the index was made from."""
        with self._lock:
            return Ledger(self._catalog, _read_only).roots()

    @property
    def committed(self) -> float:
        """When the commit was made, in seconds since the epoch; 0 if nobody wrote it down."""
        return self._committed

    def size_bytes(self) -> int:
        """Return how large the folder is, with what is kept of earlier commits."""
        return size_of(self._folder)

    def count(self) -> tuple[int, int]:
        """See Snapshot."""
        with self._lock:
            return self._catalog.count()

    def close(self) -> None:
        """See Snapshot."""
        with self._lock:
            self._text.close()
            self._catalog.connection.close()


def _read_only() -> None:
    raise AssertionError("a snapshot does not write")


def _remembered(lock: threading.Lock, find: Callable[[Filter], _T]) -> Callable[[Filter], _T]:
    """Return `find` with a memory; it knows no snapshot, which dies with its last user."""

    def locked(where: Filter) -> _T:
        with lock:
            return find(where)

    return lru_cache(maxsize=8)(locked)


def _checksum(path: Path) -> str | None:
    try:
        return checksum(path)
    except OSError:  # also one that a writer removes at this moment
        return None


def _open_dense(folder: Path, catalog: Catalog, parts: Parts) -> DensePart:
    path = folder / parts.dense if parts.dense else None
    if path is not None:
        # FAISS loads a file with flipped bytes and answers wrongly; it is read whole anyway.
        _, wanted = catalog.parts().get(parts.dense, (0, ""))
        if _checksum(path) != wanted:
            raise DamagedIndex(f"{parts.dense} is missing or damaged (shortlist verify --repair)")
    ids, vectors = catalog.vectors(parts.dense_through, catalog.settings.dim)
    return DensePart(path, catalog.gone(), ids, vectors)
