"""Small models that obey the protocols of engine.protocols, and an engine made of them.

They are deterministic and need no weights: their scores can be worked out by hand.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from engine.analysis import Analyzer
from engine.memory import MemoryStore
from engine.search import SearchEngine
from engine.types import Document, DoubleArray, FloatArray, Passage, Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.protocols import Encoder, Reranker


def words(text: str) -> list[str]:
    """Return the lower-case words of a text."""
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


@dataclass(frozen=True)
class HashEncoder:
    """See Encoder. A text is the sum of its words' buckets, so shared words make a cosine."""

    name: str = "hash"
    dim: int = 64
    known: float = 1.0  # what fluency says of every text

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(texts)

    def fluency(self, text: str) -> float:
        return self.known

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in words(text):
                row[zlib.crc32(word.encode("utf-8", "surrogatepass")) % self.dim] += 1
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(norms > 0, norms, 1)).astype(np.float32)


@dataclass(frozen=True)
class OverlapReranker:
    """See Reranker. The logit is the number of distinct words that query and passage share."""

    name: str = "overlap"
    weight: float = 1.0
    known: float = 1.0  # what fluency says of every text
    calibrated: bool = True
    parameters: int | None = None
    fingerprint: str = "overlap"

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        shared = [len(set(words(query)) & set(words(passage))) for query, passage in pairs]
        return Scores(np.array(shared, np.float32))

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        return 1 - np.exp(-logits.astype(np.float64)) if self.calibrated else None

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        return self.relevance(logits)

    def fluency(self, text: str) -> float:
        return self.known


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class SlowReranker(OverlapReranker):
    """Takes its time for each pair, and keeps what it was given."""

    seconds: float = 0.001  # for a pair
    sleep: Callable[[float], None] = time.sleep
    batches: list[list[tuple[str, str]]] = field(default_factory=list[list[tuple[str, str]]])

    @property
    def read(self) -> list[tuple[str, str]]:
        return [pair for batch in self.batches for pair in batch]

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        self.batches.append(list(pairs))
        self.sleep(self.seconds * len(pairs))
        return super().score(pairs)


def fill(store: MemoryStore, documents: Mapping[str, str], encoder: Encoder) -> int:
    """Put documents (id -> text, a passage a line) and commit; return the generation."""
    with store.writer() as writer:
        for id_, text in documents.items():
            passages = passages_of(text)
            title = id_.rpartition("/")[2].partition(".")[0]
            type_, metadata = id_.rpartition(".")[2], {"letter": title[:1]}
            document = Document(id=id_, title=title, path=id_, type=type_, metadata=metadata)
            vectors = encoder.encode_passages([p.text for p in passages])
            writer.add(document, passages, vectors)
        return writer.commit()


def passages_of(text: str) -> list[Passage]:
    """Return a passage for every line of a text."""
    passages: list[Passage] = []
    start = 0
    for number, line in enumerate(text.splitlines(keepends=True)):
        end = start + len(line)
        passages.append(Passage(number=number, start=start, end=end, text=line))
        start = end
    return passages


def make_engine(
    documents: Mapping[str, str],
    *,
    encoder: Encoder | None = None,
    reranker: Reranker | None = None,
    rerank: bool = True,
    reranker_fault: str = "",
) -> SearchEngine:
    """Return an engine over documents in memory (id -> text, a passage a line).

    The reranker is an OverlapReranker, or none with `rerank=False` or a fault.
    """
    store = MemoryStore()
    encoder = encoder or HashEncoder()
    fill(store, documents, encoder)
    wanted = rerank and not reranker_fault
    second = (reranker or OverlapReranker()) if wanted else None
    return SearchEngine(store.snapshot(), encoder, second, Analyzer(), reranker_fault)
