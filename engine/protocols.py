"""The seams: batch in, batch out. Every backend of one passes its contract in tests/contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from engine.filters import Filter
    from engine.query import Query
    from engine.types import (
        Document,
        DoubleArray,
        FloatArray,
        Hit,
        Origin,
        Passage,
        Scores,
        StoredPassage,
    )


class Encoder(Protocol):
    """Turns text into vectors whose dot product is a cosine."""

    @property
    def name(self) -> str:
        """Name written into an index; opening it with another encoder is an error."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Return (n, dim) float32 unit rows; a text without a known token gives a zero row."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        """Return (n, dim) float32 unit rows; a text without a known token gives a zero row."""
        ...

    def fluency(self, text: str) -> float:
        """Return in [0, 1] how well the vocabulary knows the text's language (1 = as English)."""
        ...


class Reranker(Protocol):
    """Reads query and passage together, or stands in for a model that does."""

    @property
    def name(self) -> str:
        """What it is, as every output shows it."""
        ...

    @property
    def weight(self) -> float:
        """Its share of the final score in [0, 1]; the rest is stage one's."""
        ...

    @property
    def parameters(self) -> int | None:
        """Numbers that it was trained to have; None where nobody can tell."""
        ...

    @property
    def fingerprint(self) -> str:
        """A name for files, another one whenever its scores could be others."""
        ...

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """Score (query, passage) pairs; logits, so that no saturation makes ties."""
        ...

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        """Return (n,) probabilities in [0, 1] of relevance, or None if it is not calibrated.

        In float64, so that different logits give different ones wherever that can be.
        """
        ...

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        """Return the same of one query's candidates, where how each stands out may count too."""
        ...

    def fluency(self, text: str) -> float:
        """Return in [0, 1] how well the vocabulary knows the text's language (1 = as English)."""
        ...


@runtime_checkable
class AnytimeReranker(Protocol):
    """What a reranker can do that keeps deadlines itself, as one that many requests share."""

    def score_until(self, pairs: Sequence[tuple[str, str]], deadline: float) -> Scores:
        """Score pairs from the first on until the deadline (`time.perf_counter`, in seconds).

        The scores are those of the first m pairs; fewer than all also if it gives up by itself.

        Raises:
            RerankerBusy: it has no room for them.
        """
        ...


class Snapshot(Protocol):
    """An immutable view of one commit."""

    @property
    def generation(self) -> int:
        """Number of the commit that this view shows; 0 is the empty index."""
        ...

    def search_text(self, queries: Sequence[Query], depth: int, where: Filter) -> list[list[Hit]]:
        """Return for each query the best `depth` passages by BM25, best first.

        Only passages that `where` and the query's own constraints keep are ranked, so a filter
        never leaves fewer than there are.
        """
        ...

    def search_vectors(
        self, queries: Sequence[Query], vectors: FloatArray, depth: int, where: Filter
    ) -> list[list[Hit]]:
        """Return for each query and its row of (n, dim) the best `depth` passages by cosine.

        Constraints as in `search_text`; a zero row finds nothing.
        """
        ...

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """Return the passages of these ids, in their order; ids that are gone are left out."""
        ...

    def document_passages(self, document: str) -> list[tuple[StoredPassage, FloatArray | None]]:
        """Return a document's passages by number, each with its vector; empty if it is not here."""
        ...

    def documents(self, prefix: str = "", after: str = "", limit: int = 1000) -> list[Document]:
        """Return the first `limit` documents beyond `after` whose ids begin with `prefix`.

        Ids ascend by code point, so the last one of a page is where the next begins.
        """
        ...

    def known(self, documents: Sequence[str]) -> set[str]:
        """Return which of these document ids are here."""
        ...

    def count(self) -> tuple[int, int]:
        """Return (documents, passages)."""
        ...

    def close(self) -> None:
        """Give back what the view holds; using it afterwards is an error."""
        ...


@runtime_checkable
class Origins(Protocol):
    """What a snapshot can do whose documents came from files."""

    def origins(self, documents: Sequence[str]) -> dict[str, Origin]:
        """Return where documents came from, by id; those that came from no file are left out."""
        ...


class IndexWriter(Protocol):
    """The one mutable thing. Nothing is visible before commit; leaving without it discards all."""

    def add(
        self, document: Document, passages: Sequence[Passage], vectors: FloatArray | None
    ) -> None:
        """Put a document, in place of one with the same id; (n, dim) vectors, a row a passage."""
        ...

    def delete_document(self, document: str) -> bool:
        """Remove a document and its passages; return whether it was there."""
        ...

    def reencode(
        self, encoder: Encoder, source: str = "", tell: Callable[[int], None] | None = None
    ) -> None:
        """Encode every passage again; from the next commit on the index is this encoder's.

        Vectors that are added later are to be of it too. If it fails, all vectors stay.

        Args:
            encoder: reads each passage below its title and headings.
            source: what it is loaded from when the index is opened: a folder or hub name, empty
                for the default.
            tell: told how many passages more are done.

        Raises:
            ModelError: if the encoder does not give a row of its length for each passage.
        """
        ...

    def commit(self) -> int:
        """Publish everything since the last commit at once; return the new generation."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Store(Protocol):
    """A place where an index lives."""

    def snapshot(self) -> Snapshot:
        """Return the newest commit."""
        ...

    def writer(self) -> IndexWriter:
        """Return the writer; there is one at a time. Raises IndexLocked."""
        ...
