"""Held-out queries with what stage one finds for them: any model can be asked how it ranks that.

While a model learns, and when its share of the final score is chosen, the same candidates are
ranked again and again; they are retrieved once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.errors import CollectionError
from engine.evaluation.candidates import find, with_missed
from engine.evaluation.collection import Collection
from engine.evaluation.measures import Measures
from engine.evaluation.rows import Scored, documents, rankings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluation.rows import Column
    from engine.search import SearchEngine
    from engine.types import FloatArray
    from indexer.training.examples import Example

MEASURE: Final = "nDCG@10"


def in_index(example: Example) -> bool:
    """Whether an index has a document that answers a question."""
    return any(candidate.document for candidate in example.positives)


def held_out(name: str, examples: Sequence[Example]) -> Collection:
    """Return examples as a judged collection about the index; what it does not hold cannot count.

    Raises:
        CollectionError: if no positive is in the index.
    """
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    left_out = 0
    for number, example in enumerate(examples):
        if not in_index(example):
            left_out += 1
            continue
        grades = {c.document: 1 for c in example.positives if c.document}
        queries[f"q{number}"] = example.query
        qrels[f"q{number}"] = grades
    if not queries:
        raise CollectionError(
            f"no answer of the {len(examples):,} held-out questions of {name} is in the index, so"
            " nothing can be said about the model; index the documents that hold the answers"
        )
    notes = (f"{left_out:,} questions left out: their answers are not in the index",)
    return Collection(
        name=name, split="dev", queries=queries, qrels=qrels, notes=notes if left_out else ()
    )


class HeldOut:
    """Queries and their candidates."""

    def __init__(self, engine: SearchEngine, collection: Collection, depth: int) -> None:
        """Retrieve the candidates of every query: hybrid, as served."""
        self.collection = collection
        self._depth = depth
        self._judge = Measures([MEASURE]).judge(collection.qrels)
        self._candidates = [
            with_missed(
                engine, query, find(engine, "hybrid", depth, text), depth, collection.qrels[query]
            )
            for query, text in collection.queries.items()
        ]
        self.pairs = [
            (c.shortlist.query.text, text) for c in self._candidates for text in c.texts()
        ]
        self._ends = np.cumsum([len(c.texts()) for c in self._candidates])[:-1]

    def measure(
        self, logits: FloatArray, weight: float, column: Column = "realistic"
    ) -> dict[str, float]:
        """Return query -> nDCG@10 of the order that logits of `pairs` give at a weight."""
        run: dict[str, list[str]] = {}
        parts = np.split(logits, self._ends)
        for candidates, part in zip(self._candidates, parts, strict=True):
            grades = self.collection.qrels[candidates.query]
            found = rankings(candidates, Scored(part, weight), grades, self._depth)
            run[candidates.query] = documents(found[column])[:10]
        return self._judge.primary(run)

    def served(self, logits: FloatArray) -> list[tuple[FloatArray, np.ndarray]]:
        """Return of each query the logits of what stage one found, and (n,) bool: is it relevant.

        Args:
            logits: of `pairs`.
        """
        found: list[tuple[FloatArray, np.ndarray]] = []
        for candidates, part in zip(self._candidates, np.split(logits, self._ends), strict=True):
            grades = self.collection.qrels[candidates.query]
            head = candidates.fused[: candidates.depth]
            relevant = [grades.get(hit.document, 0) > 0 for hit in head]
            found.append((part[: len(head)], np.array(relevant, bool)))
        return found
