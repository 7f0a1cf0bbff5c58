"""Small judged collections in memory, and an evaluation of them as `shortlist evaluate` does it."""

from __future__ import annotations

import json
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


DOCUMENTS = {
    "mill": ("The mill", "A mill by the river grinds corn into flour."),
    "baker": ("Bread", "The baker buys flour from the miller and bakes bread."),
    "river": ("Rivers", "A river drives the wheel of the mill in spring."),
    "oven": ("Ovens", "An oven of stone keeps its heat over night."),
    "sea": ("", "Ships carry grain over the sea to other towns."),
}
QUERIES = {"q1": "who grinds corn", "q2": "what drives the wheel", "q3": "hot stone", "other": "x"}
QRELS = {"q1": {"mill": 2, "baker": 1}, "q2": {"river": 1}, "q3": {"oven": 1, "sea": 0}}


def write_collection(folder: Path) -> Path:
    """Write a collection in BEIR's layout; the query `other` is not judged."""
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": i, "title": t, "text": text} for i, (t, text) in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = [{"_id": i, "text": text} for i, text in QUERIES.items()]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    lines = [f"{q}\t{d}\t{g}" for q, grades in QRELS.items() for d, g in grades.items()]
    (folder / "qrels/test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]))
    return folder
