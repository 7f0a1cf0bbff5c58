"""An evaluation that was stopped goes on only if nothing that its outcome depends on changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from engine.evaluation.plan import Plan, Silent
from tests.fakes import OverlapReranker
from tests.judged import evaluated, judged

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = {f"d{n}.txt": f"mill word{n}" for n in range(5)}
QUERIES = {f"q{n}": f"mill word{n % 5}" for n in range(260)}
COLLECTION = judged(QUERIES, {q: {f"d{n % 5}.txt": 1} for n, q in enumerate(QUERIES)})
PLAN = Plan(sources=("lexical",), depths=(3,), timed_queries=1)


@dataclass
class Watch(Silent):
    """Stops an evaluation once so many queries are done; remembers where it began."""

    most: float = 1e9
    done: float = 0
    began: list[int] = field(default_factory=list[int])

    def start(self, what: str, queries: int, done: int) -> None:
        self.began.append(done)

    def advance(self, queries: float) -> None:
        self.done += queries
        if self.done > self.most:
            raise KeyboardInterrupt


CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "the plan": {"plan": replace(PLAN, seed=1)},
    "the model": {"rerankers": [OverlapReranker(fingerprint="other")]},
    "its weight": {"rerankers": [OverlapReranker(weight=0.5)]},
    "a grade": {"collection": replace(COLLECTION, qrels={**COLLECTION.qrels, "q9": {"d0.txt": 1}})},
    "a query": {"collection": replace(COLLECTION, queries={**QUERIES, "q9": "mill"})},
    "the index": {"documents": {**TEXTS, "new.txt": "mill"}},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_stopped_evaluation_goes_on_only_where_nothing_changed(
    tmp_path: Path, changed: str
) -> None:
    given: dict[str, Any] = {"documents": TEXTS, "collection": COLLECTION, "plan": PLAN}
    with pytest.raises(KeyboardInterrupt):
        evaluated(tmp_path, **given, progress=Watch(most=255))
    watch = Watch()
    report = evaluated(tmp_path, **given | CHANGES[changed], progress=watch)
    assert watch.began == [250 if changed == "nothing" else 0]
    lines = (tmp_path / "report/per_query.jsonl").read_text().splitlines()
    assert len(lines) == report["queries"] == 260
