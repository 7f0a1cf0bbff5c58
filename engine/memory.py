"""The exact reference store, in memory: plain loops that are easy to believe.

It is the oracle of the local store (tests/contract runs against both) and serves as `memory://`.
Every passage is scored for every query, so it is for thousands of passages, not for millions.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from engine.analysis import Analyzer
from engine.errors import IndexLocked, ModelError
from engine.storable import storable
from engine.types import Document, Hit, StoredPassage, by_rank, context_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from engine.filters import Filter
    from engine.protocols import Encoder
    from engine.query import Constraint, Query
    from engine.types import FloatArray, Passage

K1, B = 1.2, 0.75  # as tantivy has them


@dataclass(frozen=True, slots=True)
class _Entry:
    stored: StoredPassage
    body: list[str]
    title: list[str]
    vector: FloatArray | None


@dataclass(frozen=True, slots=True)
class _State:
    """One commit: documents and their entries by document id, never changed once published."""

    generation: int = 0
    next_id: int = 1
    documents: dict[str, Document] = field(default_factory=dict[str, Document])
    entries: dict[str, list[_Entry]] = field(default_factory=dict[str, list[_Entry]])


class MemoryStore:
    """See Store. Lives as long as the object."""

    def __init__(self, analyzer: Analyzer | None = None) -> None:
        self.analyzer = analyzer or Analyzer()
        self.state = _State()
        self.writing = False

    def snapshot(self) -> MemorySnapshot:
        """See Store."""
        return MemorySnapshot(self.state)

    def writer(self) -> MemoryWriter:
        """See Store."""
        if self.writing:
            raise IndexLocked("this store is being written to")
        self.writing = True
        return MemoryWriter(self)


class MemorySnapshot:
    """See Snapshot."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self._entries = [e for entries in state.entries.values() for e in entries]
        self._by_id = {e.stored.id: e.stored for e in self._entries}
        self._counts = [Counter(e.body) for e in self._entries]
        self._average = max(
            1.0, sum(len(e.body) for e in self._entries) / max(1, len(self._entries))
        )

    @property
    def generation(self) -> int:
        """See Snapshot."""
        return self._state.generation

    def search_text(self, queries: Sequence[Query], depth: int, where: Filter) -> list[list[Hit]]:
        """See Snapshot; Lucene's BM25 (Kamphuis 2020, doi:10.1007/978-3-030-45442-5_4)."""
        return [self._search_text(q, where.narrowed(q))[:depth] for q in queries]

    def _search_text(self, query: Query, where: Filter) -> list[Hit]:
        if query.wordless:
            return []
        idf = {term: self._idf(term) for term in query.terms}
        prefixes = [self._prefix(prefix) for prefix in query.prefixes]
        hits: list[Hit] = []
        for entry, counts in zip(self._entries, self._counts, strict=True):
            if not _kept(entry, query, where):
                continue
            norm = K1 * (1 - B + B * len(entry.body) / self._average)
            score = sum(
                w * counts[t] * (K1 + 1) / (counts[t] + norm) for t, w in idf.items() if counts[t]
            )
            score += sum(any(map(match, counts)) for match in prefixes)
            if score or not (query.terms or query.prefixes):
                hits.append(_hit(entry, score))
        return sorted(hits, key=by_rank)

    def _prefix(self, prefix: str) -> Callable[[str], bool]:
        """Match terms that begin so; where none does, the longest that the prefix begins with."""
        terms = {term for counts in self._counts for term in counts}
        if any(term.startswith(prefix) for term in terms):
            return lambda term: term.startswith(prefix)
        shorter = [prefix[:end] for end in range(len(prefix) - 1, 2, -1) if prefix[:end] in terms]
        return lambda term: term == shorter[0] if shorter else False

    def _idf(self, term: str) -> float:
        having = sum(term in counts for counts in self._counts)
        return math.log(1 + (len(self._entries) - having + 0.5) / (having + 0.5))

    def search_vectors(
        self, queries: Sequence[Query], vectors: FloatArray, depth: int, where: Filter
    ) -> list[list[Hit]]:
        """See Snapshot."""
        return [
            self._search_vector(q, v, where.narrowed(q))[:depth] if v.any() else []
            for q, v in zip(queries, vectors, strict=True)
        ]

    def _search_vector(self, query: Query, vector: FloatArray, where: Filter) -> list[Hit]:
        hits = [
            _hit(e, round(float(np.dot(e.vector, vector)), 6))
            for e in self._entries
            if e.vector is not None and _kept(e, query, where)
        ]
        return sorted(hits, key=by_rank)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """See Snapshot."""
        return [self._by_id[i] for i in ids if i in self._by_id]

    def document_passages(self, document: str) -> list[tuple[StoredPassage, FloatArray | None]]:
        """See Snapshot."""
        return [(e.stored, e.vector) for e in self._state.entries.get(document, [])]

    def documents(self, prefix: str = "", after: str = "", limit: int = 1000) -> list[Document]:
        """See Snapshot."""
        ids = sorted(id_ for id_ in self._state.documents if id_.startswith(prefix) and id_ > after)
        return [self._state.documents[id_] for id_ in ids[: max(0, limit)]]

    def known(self, documents: Sequence[str]) -> set[str]:
        """See Snapshot."""
        return {id_ for id_ in documents if id_ in self._state.documents}

    def count(self) -> tuple[int, int]:
        """See Snapshot."""
        return len(self._state.entries), len(self._entries)

    def close(self) -> None:
        """See Snapshot; there is nothing to give back."""


class MemoryWriter:
    """See IndexWriter."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._next_id = store.state.next_id
        self._documents = dict(store.state.documents)
        self._entries = dict(store.state.entries)
        self._changed = False

    def add(
        self, document: Document, passages: Sequence[Passage], vectors: FloatArray | None
    ) -> None:
        """See IndexWriter."""
        document, passages = storable(document, passages, vectors)
        self.delete_document(document.id)
        self._changed = True
        analyzer = self._store.analyzer
        title = analyzer.terms(document.title)
        entries: list[_Entry] = []
        for row, passage in enumerate(passages):
            stored = StoredPassage(id=self._next_id, document=document, passage=passage)
            body = analyzer.terms(context_text(document.title, passage.heading, passage.text))
            vector = None if vectors is None else _kept_vector(vectors[row])
            entries.append(_Entry(stored, body, title, vector))
            self._next_id += 1
        self._documents[document.id] = document
        self._entries[document.id] = sorted(entries, key=lambda e: e.stored.passage.number)

    def delete_document(self, document: str) -> bool:
        """See IndexWriter."""
        self._documents.pop(document, None)
        there = self._entries.pop(document, None) is not None
        self._changed |= there
        return there

    def reencode(
        self, encoder: Encoder, source: str = "", tell: Callable[[int], None] | None = None
    ) -> None:
        """See IndexWriter; a store in memory is never opened again, so `source` is not kept."""
        del source
        entries: dict[str, list[_Entry]] = {}
        for document, before in self._entries.items():
            vectors = encoder.encode_passages([entry.stored.context for entry in before])
            if vectors.shape != (len(before), encoder.dim):
                raise ModelError(f"{encoder.name} gave vectors of {vectors.shape}")
            entries[document] = [
                replace(entry, vector=_kept_vector(row))
                for entry, row in zip(before, vectors, strict=True)
            ]
            if tell is not None:
                tell(len(before))
        self._entries = entries
        self._changed = True

    def commit(self) -> int:
        """See IndexWriter. Without a change there is no new generation."""
        generation = self._store.state.generation
        if generation and not self._changed:
            return generation
        generation, self._changed = generation + 1, False
        self._store.state = _State(
            generation, self._next_id, dict(self._documents), dict(self._entries)
        )
        return generation

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.writing = False


def _kept_vector(row: FloatArray) -> FloatArray | None:
    """Return a vector as it is stored; a zero row is none."""
    kept = row.astype(np.float16).astype(np.float32)
    return kept if kept.any() else None


def _hit(entry: _Entry, score: float) -> Hit:
    stored = entry.stored
    return Hit(stored.id, stored.document.id, stored.passage.number, score)


def _kept(entry: _Entry, query: Query, where: Filter) -> bool:
    return where.keeps(entry.stored.document) and all(
        _holds(constraint, entry) for constraint in query.constraints
    )


def _holds(constraint: Constraint, entry: _Entry) -> bool:
    words = entry.title if constraint.field == "title" else entry.body
    n = len(constraint.terms)
    there = any(tuple(words[i : i + n]) == constraint.terms for i in range(len(words) - n + 1))
    return there != constraint.negative
