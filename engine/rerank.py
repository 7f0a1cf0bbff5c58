"""Stage two's arithmetic: which order the reranker's scores and stage one's give together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.fusion import normalised
from engine.types import Hit, by_rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.types import FloatArray


def combine(
    fused: Sequence[Hit], logits: FloatArray, weight: float, among: int | None = None
) -> list[Hit]:
    """Order the first len(logits) hits by both stages; the rest follows in its own order.

    A hit of the head scores weight * reranker + (1 - weight) * stage one, each min-max normalised
    per query (stage one over the first `among`); a hit of the tail has nothing from the reranker.
    So scores never rise from one result to the next. Where a time budget let fewer be read, the
    reranker's scores are normalised over those few: the order is that of a smaller rerank depth.

    Args:
        fused: stage one's hits, best first.
        logits: (m,) float32 of the first m hits.
        weight: in [0, 1]; 1 = the reranker alone, 0 = stage one's order.
        among: hits that stage one is normalised over, None for all; the rest has 0 from it. What
            is fetched for a later page must not change the order of the first.
    """
    second = normalised(logits.tolist())
    first = normalised([hit.score for hit in fused[:among]])
    first += [0.0] * (len(fused) - len(first))
    head = [
        hit._replace(score=weight * b + (1 - weight) * a)
        for hit, a, b in zip(fused, first, second, strict=False)
    ]
    tail = [
        hit._replace(score=(1 - weight) * a)
        for hit, a in zip(fused[len(head) :], first[len(head) :], strict=True)
    ]
    return sorted(head, key=by_rank) + tail
