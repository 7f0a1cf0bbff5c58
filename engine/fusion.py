"""Merging ranked lists into one.

Both functions take the lists of one query, best hit first, and return the union of their passages,
best first, ties by document and passage number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.types import Hit, by_rank

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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


def in_tiers(
    fuse: Callable[[list[list[Hit]]], list[Hit]],
    runs: Sequence[list[Hit]],
    depth: int,
    key: Callable[[Hit], object] = lambda hit: hit.passage,
) -> list[Hit]:
    """Fuse the first `depth` of each run, then what four times the depth adds, and so on.

    So the order of the first hits does not depend on how far down was asked, and pages never
    overlap. What a deeper tier adds has the score of the last hit before it; `key` tells what is
    there already.
    """
    fused = fuse([run[:depth] for run in runs])
    while depth < max(map(len, runs), default=0):
        depth *= 4
        known, last = {key(hit) for hit in fused}, fused[-1].score
        deeper = fuse([run[:depth] for run in runs])
        fused += [hit._replace(score=last) for hit in deeper if key(hit) not in known]
    return fused


def normalised(scores: Sequence[float]) -> list[float]:
    """Return scores moved to [0, 1], best 1 and worst 0; all 1 where they are equal."""
    if not scores:
        return []
    low, high = min(scores), max(scores)
    if high <= low:
        return [1.0] * len(scores)
    return [(s - low) / (high - low) for s in scores]


def _summed(scored: Sequence[dict[Hit, float]]) -> list[Hit]:
    # fsum: in which order the runs come must not decide a tie.
    parts: dict[int, list[float]] = {}
    hits: dict[int, Hit] = {}
    for run in scored:
        for hit, value in run.items():
            parts.setdefault(hit.passage, []).append(value)
            hits[hit.passage] = hit
    fused = (hits[p]._replace(score=math.fsum(values)) for p, values in parts.items())
    return sorted(fused, key=by_rank)
