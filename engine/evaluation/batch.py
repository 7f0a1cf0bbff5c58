"""Some queries through all rows: candidates, scores, rankings, and what ir-measures says."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.evaluation.candidates import LEAST, Candidates, find, with_missed
from engine.evaluation.plan import CURVE
from engine.evaluation.reports import PER_QUERY
from engine.evaluation.rows import RUNS, Column, Row, Scored, documents, rankings
from engine.runs import trec_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.evaluation.collection import Collection
    from engine.evaluation.measures import Judge, Measures
    from engine.evaluation.plan import Group, Progress
    from engine.evaluation.scored import RememberedReranker
    from engine.search import SearchEngine
    from engine.shortlist import Shortlist

_CURVE_COLUMNS: Final[tuple[Column, ...]] = (
    "base", "realistic", "always_rerank_positives", "ceiling",
)  # fmt: skip
_UNREAD: Final[tuple[Column, ...]] = ("base", "ceiling")


@dataclass(slots=True)
class Outcome:
    """What a batch gave: text for each file, in the order of the queries."""

    runs: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))
    per_query: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict[str, list[dict[str, Any]]](list)
    )

    def texts(self, queries: Mapping[str, str]) -> dict[str, str]:
        """Return file -> text to add to it."""
        lines = [
            json.dumps({"query": q, "text": queries[q], "rows": rows}, ensure_ascii=False)
            for q, rows in self.per_query.items()
        ]
        found = {name: "\n".join(lines) + "\n" for name, lines in self.runs.items() if lines}
        return found | {PER_QUERY: "\n".join(lines) + "\n"}


class Runner:
    """Answers the queries of one collection."""

    def __init__(
        self,
        engine: SearchEngine,
        collection: Collection,
        measures: Measures,
        groups: Sequence[Group],
        *,
        drop_identical_ids: bool,
    ) -> None:
        self.engine = engine
        self.collection = collection
        self.measures = measures
        self.groups = groups
        self._drop = drop_identical_ids

    def run(self, queries: Sequence[str], progress: Progress) -> Outcome:
        """Return what some queries of the collection give."""
        outcome = Outcome()
        judge = self.measures.judge({q: self.collection.qrels[q] for q in queries})
        for group in self.groups:
            candidates = [self.candidates(group, query) for query in queries]
            rerankers = dict.fromkeys(row.reranker for row in group.rows)
            scored = {r: self.score(r, candidates, progress, len(self.groups) * len(rerankers))
                      for r in rerankers}  # fmt: skip
            for row in group.rows:
                self._row(row, candidates, scored[row.reranker], judge, outcome)
        return outcome

    def candidates(self, group: Group, query: str) -> Candidates:
        """Return a query's candidates as the rows of a group read them."""
        reads = any(row.reranker is not None for row in group.rows)
        text = self.collection.queries[query]
        shortlist = find(self.engine, group.sources, group.depth, text, read=reads)
        if self._drop:
            _drop_own(self.engine, shortlist, query, group.depth if reads else 0)
        if not reads:
            return Candidates(query, shortlist, group.depth, [])
        grades = self.collection.qrels[query]
        return with_missed(self.engine, query, shortlist, group.depth, grades)

    def score(
        self,
        reranker: RememberedReranker | None,
        candidates: Sequence[Candidates],
        progress: Progress,
        shares: int,
    ) -> list[Scored | None]:
        """Return for each query what a reranker says of what it reads."""
        if reranker is None:
            progress.advance(len(candidates) / shares)
            return [None] * len(candidates)
        fluencies = [self._fluency(reranker, c) for c in candidates]
        texts = [c.texts() if f > 0 else [] for c, f in zip(candidates, fluencies, strict=True)]
        pairs = [(c.shortlist.query.text, text)
                 for c, some in zip(candidates, texts, strict=True) for text in some]  # fmt: skip
        share = len(candidates) / shares / max(1, len(pairs))
        logits = reranker.score(pairs, lambda done: progress.advance(done * share)).logits
        parts = np.split(logits, np.cumsum([len(some) for some in texts])[:-1])
        return [
            Scored(part, reranker.weight * fluency)
            for part, fluency in zip(parts, fluencies, strict=True)
        ]

    def _fluency(self, reranker: RememberedReranker, candidates: Candidates) -> float:
        shortlist = candidates.shortlist
        if not shortlist.query.text or not candidates.texts():
            return 0.0  # as in a search: there is nothing to judge by
        return self.engine.fluency_of(reranker, shortlist)

    def _row(
        self,
        row: Row,
        candidates: Sequence[Candidates],
        scored: Sequence[Scored | None],
        judge: Judge,
        outcome: Outcome,
    ) -> None:
        both = list(zip(candidates, scored, strict=True))
        found = {c.query: rankings(c, s, self.collection.qrels[c.query], row.depth)
                 for c, s in both}  # fmt: skip
        values = {
            column: judge.values({q: documents(found[q][column]) for q in found})
            for column in row.columns
        }
        curve = self._curve(row, both, judge)
        for c, _ in both:
            for column in row.columns:
                ranked = [(hit.document, hit.score) for hit in found[c.query][column]]
                outcome.runs[RUNS[column].format(row.name)] += trec_lines(c.query, ranked)
            outcome.per_query[c.query].append({
                **{column: values[column][c.query] if column in values else None
                   for column in RUNS},
                "candidates": min(row.depth, len(c.fused)),
                "curve": [[depth, *(by.get(column, {}).get(c.query) for column in _CURVE_COLUMNS)]
                          for depth, by in curve.items()],
            })  # fmt: skip

    def _curve(
        self, row: Row, both: Sequence[tuple[Candidates, Scored | None]], judge: Judge
    ) -> dict[int, dict[Column, dict[str, float]]]:
        """Return depth -> column -> query -> value of the primary measure."""
        curve: dict[int, dict[Column, dict[str, float]]] = {}
        cutoff, qrels = self.measures.cutoff(), self.collection.qrels
        for depth in CURVE:
            if depth > max(LEAST, row.depth):
                break
            read = depth <= row.depth
            found = {
                c.query: rankings(c, s if read else None, qrels[c.query], depth) for c, s in both
            }
            columns: list[Column] = [
                x for x in _CURVE_COLUMNS if x in row.columns and (read or x in _UNREAD)
            ]
            curve[depth] = {}
            for column in columns:
                run = {query: documents(by[column][:cutoff]) for query, by in found.items()}
                curve[depth][column] = judge.primary(run)
        return curve


def _drop_own(engine: SearchEngine, shortlist: Shortlist, query: str, depth: int) -> None:
    """Take the document that has the query's own id out of its candidates, as BEIR does.

    The one behind it then is among the first `depth`, so its passage is fetched.
    """
    shortlist.fused = [hit for hit in shortlist.fused if hit.document != query]
    read = [hit.passage for hit in shortlist.fused[:depth]]
    lacking = [passage for passage in read if passage not in shortlist.passages]
    shortlist.passages |= {found.id: found for found in engine.snapshot.passages(lacking)}
