"""What tests of indexing share: an encoder that counts, and a folder with its index."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.answer import SearchRequest
from engine.config import IndexSettings
from engine.local.store import LocalStore
from engine.search import SearchEngine
from indexer.build import BuildOptions, build
from tests.fakes import HashEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.answer import Result
    from engine.types import Document, FloatArray
    from indexer.report import BuildReport, Progress


@dataclass
class CountingEncoder:
    """See Encoder. Remembers every passage that it was asked to encode."""

    name: str = "hash"
    dim: int = 64
    read: list[str] = field(default_factory=list[str])

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return HashEncoder().encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        self.read += texts
        return HashEncoder().encode_passages(texts)

    def fluency(self, text: str) -> float:
        return 1.0


class Shelf:
    """A folder `docs` and its index, beside each other below one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.docs = home / "docs"
        self.docs.mkdir()
        settings = IndexSettings(encoder="hash", dim=64, passage_words=30, overlap_words=0)
        self.store = LocalStore(home / "index", settings)
        self.encoder = CountingEncoder()

    def write(self, files: Mapping[str, str]) -> None:
        """Write files below the folder (relative path -> text)."""
        for name, text in files.items():
            path = self.docs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def index(
        self,
        *roots: Path,
        options: BuildOptions | None = None,
        progress: Progress | None = None,
    ) -> BuildReport:
        """Index the folder, or other roots; what the encoder read before is forgotten."""
        self.encoder.read.clear()
        return build(self.store, self.encoder, roots or (self.docs,), options, progress)

    def documents(self) -> dict[str, Document]:
        """Return every document of the index, by id."""
        snapshot = self.store.snapshot()
        try:
            ids = range(1, 100_000)
            return {p.document.id: p.document for p in snapshot.passages(ids)}
        finally:
            snapshot.close()

    def ids(self) -> list[str]:
        """Return the ids of all documents, sorted."""
        return sorted(self.documents())

    def search(self, query: str, where: str = "") -> list[Result]:
        """Return the results of the words of a query."""
        engine = SearchEngine(self.store.snapshot(), self.encoder, None)
        try:
            request = SearchRequest(query=query, sources="lexical", filter=where, k=1000)
            return engine.search(request).results
        finally:
            engine.close()

    def found(self, query: str, where: str = "") -> list[str]:
        """Return the ids of the documents that hold words of a query, sorted."""
        return sorted({result.document for result in self.search(query, where)})


def later(path: Path, seconds: int = 10) -> None:
    """Let a file look as if it were written later."""
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + seconds * 10**9))
