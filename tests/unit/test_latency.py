from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.evaluation.latency import measure_latency
from engine.evaluation.plan import Plan
from engine.evaluation.rows import Row
from engine.evaluation.scored import RememberedReranker
from tests.fakes import OverlapReranker, make_engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.types import DoubleArray, FloatArray, Scores

TEXTS = {f"d{n}.txt": f"mill word{n}" for n in range(8)}
QUERIES = [f"mill {n}" for n in range(5)]
_PAUSE = 0.03


@dataclass
class Slow:
    """See Reranker. Takes a while for each call and remembers how many pairs each had."""

    name: str = "slow"
    weight: float = 0.5
    parameters: int | None = None
    fingerprint: str = "slow"
    calls: list[int] = field(default_factory=list[int])

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        time.sleep(_PAUSE)
        self.calls.append(len(pairs))
        return OverlapReranker().score(pairs)

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        return None

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        return self.relevance(logits)

    def fluency(self, text: str) -> float:
        return 1.0


def test_a_row_is_timed_as_served_at_its_depth_with_nothing_remembered(tmp_path: Path) -> None:
    slow = Slow()
    for depth, read in ((3, 3), (50, 8)):
        row = Row("lexical", RememberedReranker(slow, tmp_path), depth)
        for _ in range(2):
            slow.calls.clear()
            found = measure_latency(make_engine(TEXTS), row, QUERIES, Plan(timed_queries=3), 0)
            assert slow.calls == [read] * 4  # one to warm up
            assert found.queries == 3
            assert found.pairs_per_second is not None
            assert read < found.pairs_per_second <= read / _PAUSE + 0.01
            assert found.ms_per_query >= found.ms_first_stage + 900 * _PAUSE


def test_a_row_without_a_reranker_has_no_pairs() -> None:
    engine = make_engine(TEXTS)
    found = measure_latency(engine, Row("lexical", None, 3), QUERIES, Plan(timed_queries=50), 0)
    assert found.pairs_per_second is None
    assert (found.queries, found.ms_per_query) == (4, found.ms_first_stage)


def test_a_single_query_is_timed_after_it_warmed_up() -> None:
    row = Row("lexical", None, 3)
    assert measure_latency(make_engine(TEXTS), row, QUERIES[:1], Plan(), 0).queries == 1
