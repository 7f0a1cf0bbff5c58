"""Small judged collections in memory, and an evaluation of them as `shortlist evaluate` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.evaluation.collection import Collection
from engine.evaluation.environment import Environment
from engine.evaluation.evaluate import evaluate
from engine.evaluation.plan import Plan
from tests.fakes import OverlapReranker, make_engine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.evaluation.plan import Progress
    from engine.protocols import Reranker


def judged(queries: Mapping[str, str], qrels: Mapping[str, Mapping[str, int]]) -> Collection:
    """Return a collection without a corpus."""
    return Collection(name="small", split="test", queries=queries, qrels=qrels)


def evaluated(
    home: Path,
    documents: Mapping[str, str],
    collection: Collection,
    plan: Plan | None = None,
    *,
    rerankers: Sequence[Reranker | None] = (OverlapReranker(),),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate documents (id -> text, a passage a line) below a folder; return report.json.

    The report lies in `home/report`, the scores of pairs in `home/scores`.
    """
    engine = make_engine(documents, rerank=False)
    try:
        return evaluate(
            engine,
            collection,
            rerankers,
            plan or Plan(timed_queries=1),
            home / "report",
            home / "scores",
            environment=Environment(versions={"shortlist": "test"}),
            progress=progress,
        )
    finally:
        engine.close()
