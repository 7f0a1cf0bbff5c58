"""Other ways of doing what the product does, for choosing between them; none of them ships."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, cast

from engine.errors import CollectionError
from engine.fusion import rrf
from engine.retrieve import with_one_passage_each
from engine.search import SearchEngine
from indexer.judged.written import written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.evaluation.collection import Collection
    from engine.protocols import Reranker
    from engine.shortlist import Shortlist
    from engine.types import DoubleArray, FloatArray, Hit, Scores

Titles = Literal["as is", "none", "twice"]
_REPEATS: Final[dict[Titles, int]] = {"as is": 1, "none": 0, "twice": 2}


class RankFusion(SearchEngine):
    """Fuses by reciprocal rank instead of by scores; of documents, the first tier alone."""

    @classmethod
    def like(cls, engine: SearchEngine) -> RankFusion:
        """Return an engine over the same snapshot."""
        return cls(engine.snapshot, engine.encoder, engine.reranker, engine.analyzer)

    def _fuse(self, shortlist: Shortlist) -> list[Hit]:
        runs = list(shortlist.sources.values())
        return rrf(with_one_passage_each(runs)) if len(runs) > 1 else runs[0]


def retitled(collection: Collection, titles: Titles, folder: Path) -> Collection:
    """Return a collection whose documents have their titles so often, written to a folder."""
    if titles == "as is":
        return collection
    if collection.corpus is None:
        raise CollectionError(f"{collection.label} has no corpus of its own")
    path = folder / collection.corpus.name
    with collection.corpus.open(encoding="utf-8") as lines, written(path) as out:
        for line in lines:
            record = cast("dict[str, str]", json.loads(line))
            record["title"] = " ".join([record.get("title", "")] * _REPEATS[titles])
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
        checksum = out.checksum
    checksums = {**collection.checksums, path.name: checksum}
    return replace(collection, corpus=path, checksums=checksums)


def has_titles(collection: Collection) -> bool:
    """Return whether any document has a title."""
    if collection.corpus is None:
        return False
    with collection.corpus.open(encoding="utf-8") as lines:
        return any(json.loads(line).get("title") for line in lines)


class Weighted:
    """See Reranker. Another one with another share of the final score, which its name says."""

    def __init__(self, reranker: Reranker, weight: float) -> None:
        self._reranker = reranker
        self.weight = weight
        self.name = f"{weight:g} of {reranker.name}"
        self.parameters = reranker.parameters
        self.fingerprint = reranker.fingerprint  # so the scores are the same file's

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """See Reranker."""
        return self._reranker.score(pairs)

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self._reranker.relevance(logits)

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self._reranker.relevance_among(logits)

    def fluency(self, text: str) -> float:
        """See Reranker."""
        return self._reranker.fluency(text)
