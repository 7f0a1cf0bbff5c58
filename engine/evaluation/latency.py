"""How long a query takes as it is served: alone, ten results, nothing remembered."""

from __future__ import annotations

import random
import time
from copy import copy
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from engine.answer import SearchRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluation.plan import Plan
    from engine.evaluation.rows import Row
    from engine.search import SearchEngine

_SECONDS: Final = 15.0  # spent on one row, once three queries are timed
_LEAST: Final = 3


@dataclass(frozen=True, slots=True)
class Latency:
    """Medians over `queries` queries; pairs per second is None where nothing is reranked."""

    queries: int
    ms_per_query: float
    ms_first_stage: float
    pairs_per_second: float | None


def measure_latency(
    engine: SearchEngine, row: Row, texts: Sequence[str], plan: Plan, number: int
) -> Latency:
    """Time a row on some of the queries, others for each row so that no cache answers."""
    served = copy(engine)
    served.reranker = row.reranker.reranker if row.reranker else None
    chosen = random.Random(f"{plan.seed} {number}").sample(  # noqa: S311
        texts, min(len(texts), plan.timed_queries + 1)
    )
    _time(served, row, chosen.pop())  # the first one also waits for pages and caches
    begun = time.monotonic()
    timed: list[tuple[float, float, int]] = []
    for text in chosen or texts[:1]:
        timed.append(_time(served, row, text))
        if len(timed) >= _LEAST and time.monotonic() - begun > _SECONDS:
            break
    totals, reranks, pairs = zip(*timed, strict=True)
    spent = sum(reranks)
    return Latency(
        queries=len(timed),
        ms_per_query=round(median(totals), 2),
        ms_first_stage=round(median(t - r for t, r, _ in timed), 2),
        pairs_per_second=round(1000 * sum(pairs) / spent, 2) if spent else None,
    )


def _time(engine: SearchEngine, row: Row, text: str) -> tuple[float, float, int]:
    """Return (milliseconds, those of stage two, pairs scored)."""
    request = SearchRequest(
        query=text, sources=row.sources, rerank=row.reranker is not None,
        rerank_depth=row.depth, plain=True,
    )  # fmt: skip
    answer = engine.search(request)
    rerank = answer.timings_ms["rerank"]
    pairs = min(row.depth, answer.total_candidates) if rerank else 0
    return answer.timings_ms["total"], rerank, pairs
