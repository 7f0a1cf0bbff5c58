"""Merging ranked lists into one.

Both functions take the lists of one query, best hit first, and return the union of their passages,
best first, ties by document and passage number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.types import Hit, by_rank

if TYPE_CHECKING:
    from collections.abc import Sequence


def rrf(runs: Sequence[Sequence[Hit]], k: int = 60) -> list[Hit]:
    """Fuse by reciprocal rank: the sum of 1 / (k + rank); scores in (0, len(runs) / (k + 1)].

    Source: Cormack, Clarke, Buettcher, SIGIR 2009, doi:10.1145/1571941.1572114.
    """
    return _summed([{h: 1.0 / (k + rank) for rank, h in enumerate(run, 1)} for run in runs])


def convex(runs: Sequence[Sequence[Hit]], weights: Sequence[float]) -> list[Hit]:
    """Fuse by the weighted sum of min-max normalised scores; scores in [0, sum(weights)].

    A passage that a list lacks has 0 there, as the worst of the list has.
    Source: Bruch, Gai, Ingber, TOIS 2023, doi:10.1145/3596512.
    """
    scored: list[dict[Hit, float]] = []
    for run, weight in zip(runs, weights, strict=True):
        values = normalised([h.score for h in run])
        scored.append({h: weight * v for h, v in zip(run, values, strict=True)})
    return _summed(scored)


def normalised(scores: Sequence[float]) -> list[float]:
    """Return scores moved to [0, 1], best 1 and worst 0; all 1 where they are equal."""
    if not scores:
        return []
    low, high = min(scores), max(scores)
    if high <= low:
        return [1.0] * len(scores)
    return [(s - low) / (high - low) for s in scores]


def _summed(scored: Sequence[dict[Hit, float]]) -> list[Hit]:
    total: dict[int, float] = {}
    hits: dict[int, Hit] = {}
    for run in scored:
        for hit, value in run.items():
            total[hit.passage] = total.get(hit.passage, 0.0) + value
            hits[hit.passage] = hit
    return sorted((hits[p]._replace(score=s) for p, s in total.items()), key=by_rank)
