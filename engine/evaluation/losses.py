"""The queries that went worst, with what was expected, what came instead, and where it was lost."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final

from engine.evaluation.plan import Silent
from engine.evaluation.reports import read_per_query
from engine.evaluation.rows import rankings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.evaluation.batch import Runner
    from engine.types import Hit, StoredPassage

_MOST: Final = 10  # of each kind
_EXPECTED, _RETURNED, _CHARACTERS = 3, 3, 300


def worst_losses(runner: Runner, folder: Path, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the queries that lost most in stage one, and those that lost most in stage two.

    They are of the first row that reranks, or else of the first. Queries that lost nothing are left
    out.
    """
    rows = report["rows"]
    row = next((n for n, r in enumerate(rows) if r["realistic"]), 0)
    chosen = _chosen(runner, folder, report["primary"], row, rows[row]["realistic"] is not None)
    return [_Loss(runner, row, line).describe() | known for line, known in chosen]


def _chosen(
    runner: Runner,
    folder: Path,
    measure: str,
    row: int,
    reranked: bool,
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return (line of per_query.jsonl, what it lost) of the worst, the largest loss first."""
    by_stage: dict[str, list[tuple[float, int, dict[str, Any], dict[str, Any]]]]
    by_stage = {"retrieval": [], "ranking": []}
    for number, line in enumerate(read_per_query(folder)):
        said = line["rows"][row]
        grades = runner.collection.qrels[line["query"]]
        if not any(grade > 0 for grade in grades.values()):
            continue
        best, ceiling = 1.0, said["ceiling"][measure]
        value = said["realistic" if reranked else "base"][measure]
        lost = {"retrieval": best - ceiling, "ranking": ceiling - value}
        stage = max(lost, key=lambda name: lost[name])
        if lost[stage] <= 0:
            continue
        known = {"row": row, "value": value, "best": best, "stage": stage}
        heap = by_stage[stage]
        heapq.heappush(heap, (lost[stage], -number, line, known))
        if len(heap) > _MOST:
            heapq.heappop(heap)
    worst = sorted((*by_stage["ranking"], *by_stage["retrieval"]), key=lambda x: (-x[0], -x[1]))
    return [(line, known) for _, _, line, known in worst]


class _Loss:
    """One query, answered again."""

    def __init__(self, runner: Runner, row: int, line: Mapping[str, Any]) -> None:
        self._runner = runner
        self._query: str = line["query"]
        self._text: str = line["text"]
        self._grades = runner.collection.qrels[self._query]
        group, mine = next(
            (group, mine)
            for n, (group, mine) in enumerate((g, r) for g in runner.groups for r in g.rows)
            if n == row
        )
        self._candidates = runner.candidates(group, self._query)
        [scored] = runner.score(mine.reranker, [self._candidates], Silent(), 1)
        found = rankings(self._candidates, scored, self._grades, mine.depth)
        self._final = found.get("realistic", found["base"])

    def describe(self) -> dict[str, Any]:
        positives = sorted((d for d, g in self._grades.items() if g > 0), key=self._by_grade)
        returned = [hit.document for hit in self._final[:_RETURNED]]
        return {
            "query": self._query,
            "text": self._text,
            "expected": [self._document(d) for d in positives[:_EXPECTED]],
            "returned": [self._document(d) for d in returned],
        }

    def _by_grade(self, document: str) -> tuple[int, str]:
        return -self._grades[document], document

    def _document(self, document: str) -> dict[str, Any]:
        stored = self._passage(document)
        shortlist = self._candidates.shortlist
        runs = {**shortlist.sources, "fused": shortlist.fused, "final": self._final}
        ranks = {stage: _rank(runs.get(stage, []), document)
                 for stage in ("lexical", "dense", "fused", "final")}  # fmt: skip
        return {
            "document": document,
            "title": stored.document.title if stored else "",
            "text": stored.passage.text[:_CHARACTERS] if stored else "(not in the index)",
            "grade": self._grades.get(document, 0),
            "ranks": ranks,
        }

    def _passage(self, document: str) -> StoredPassage | None:
        """Return the passage that a document was judged by, or else its first."""
        snapshot = self._runner.engine.snapshot
        ranked = (*self._final, *(hit for hit, _ in self._candidates.extra))
        passage = next((hit.passage for hit in ranked if hit.document == document), None)
        if passage is not None:
            return next(iter(snapshot.passages([passage])), None)
        found = snapshot.document_passages(document)
        return found[0][0] if found else None


def _rank(hits: Sequence[Hit], document: str) -> int | None:
    return next((n for n, hit in enumerate(hits, 1) if hit.document == document), None)
