"""The rankings that a report compares.

For one query stage one gives `fused` hits, best first; the reranker reads the first `depth`:

    base        as stage one has it
    realistic   what is served: the first `depth` in the order of both stages, then the rest
    always      as if stage one had missed nothing: every positive that it left out is read too
    ceiling     a perfect reranker: the positives among the first `depth` first, best grade first

The gap from a perfect ranking to the ceiling is the *retrieval loss*: no reranker can win it back.
The gap from the ceiling to realistic is the *ranking loss*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.types import Hit, by_rank

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.types import FloatArray


def ceiling(fused: Sequence[Hit], grades: Mapping[str, int], depth: int) -> list[Hit]:
    """Return the best order that reranking the first `depth` hits can give."""
    head = sorted(fused[:depth], key=lambda hit: -max(grades.get(hit.document, 0), 0))
    return head + list(fused[depth:])


def missed(fused: Sequence[Hit], grades: Mapping[str, int], depth: int) -> set[str]:
    """Return the positives that are not among the first `depth` hits."""
    found = {hit.document for hit in fused[:depth]}
    return {document for document, grade in grades.items() if grade > 0} - found


def always(
    fused: Sequence[Hit],
    logits: FloatArray,
    extra: Sequence[tuple[Hit, float]],
    weight: float,
    among: int | None = None,
) -> list[Hit]:
    """Order hits as engine.rerank.combine does, as if the extra ones had been found too.

    An extra hit has the stage-one score of the last candidate, and the constants of normalisation
    come from the candidates alone, so that what was found keeps the scores that it has anyway. The
    logit of an extra hit may then lie outside of [0, 1].

    Args:
        fused: stage one's hits, best first.
        logits: (m,) float32 of the first m hits.
        extra: (hit, logit) of each missed positive; one that stands in the tail moves to the head.
        weight: the reranker's share in [0, 1].
        among: as in combine.
    """
    depth = len(logits)
    values = logits.tolist()
    second = _scale(values or [logit for _, logit in extra])
    first = _scale([hit.score for hit in fused[:among]])
    cut = len(fused) if among is None else among
    floor = fused[depth - 1].score if depth else 0.0
    pairs = [
        *((hit, first(hit.score) if n < cut else 0.0, values[n])
          for n, hit in enumerate(fused[:depth])),
        *((hit, first(floor) if depth else 0.0, logit) for hit, logit in extra),
    ]  # fmt: skip
    head = [
        hit._replace(score=weight * second(logit) + (1 - weight) * one) for hit, one, logit in pairs
    ]
    moved = {hit.document for hit, _ in extra}
    tail = [
        hit._replace(score=(1 - weight) * (first(hit.score) if n < cut else 0.0))
        for n, hit in enumerate(fused[depth:], depth)
        if hit.document not in moved
    ]
    return sorted(head, key=by_rank) + tail


def _scale(values: Sequence[float]) -> Callable[[float], float]:
    """Return what moves these values to [0, 1] as engine.fusion.normalised does, and others too."""
    if not values:
        return lambda _: 0.0
    low, high = min(values), max(values)
    if high <= low:
        return lambda value: 1.0 + (value - low)
    return lambda value: (value - low) / (high - low)
