"""What a reranker says of texts that come with the request, not from the index.

Nothing of stage one counts here, nor how well the model knows the language: whoever sends texts to
be ranked wants this model's word on each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.errors import ModelError, RerankerBusy
from engine.rerankers.settings import Calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.protocols import Reranker
    from engine.types import DoubleArray, FloatArray

# Pairs given to the reranker at once: a long list would not find room for all of them.
PART: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTexts:
    """The scores of n texts.

    Attributes:
        model: the reranker's name.
        scores: (n,) float64, in [0, 1] unless logits were asked for.
        order: numbers of the texts, best first, of equal ones the first first.
        calibrated: whether the scores are probabilities of relevance.
    """

    model: str
    scores: DoubleArray
    order: list[int]
    calibrated: bool


def score_texts(
    reranker: Reranker,
    query: str,
    texts: Sequence[str],
    *,
    raw: bool = False,
    again: Callable[[], bool] = lambda: False,
) -> ScoredTexts:
    """Score texts for a query.

    Args:
        reranker: the model.
        query: may be empty, as may texts.
        texts: equal ones are read once, and score the same.
        raw: whether to give logits; else relevance, or the sigmoid of a model without calibration.
        again: asked where the reranker is too busy in the midst of a long list; may wait.

    Raises:
        RerankerBusy: if it is so at the beginning, or `again` says no.
        ModelError: if a score is not a number.
    """
    # Neighbours of one length waste no padding.
    lengths = sorted(dict.fromkeys(texts), key=len, reverse=True)
    distinct = {text: number for number, text in enumerate(lengths)}
    pairs = [(query, text) for text in distinct]
    parts: list[FloatArray] = [np.empty(0, np.float32)]
    while (done := PART * (len(parts) - 1)) < len(pairs):
        try:
            parts.append(reranker.score(pairs[done : done + PART]).logits)
        except RerankerBusy:
            # What was read would have to be read again.
            if not (done and again()):
                raise
    logits = np.concatenate(parts)[[distinct[text] for text in texts]]
    if not np.isfinite(logits).all():
        raise ModelError(f"{reranker.name} gave a score that is no number")
    relevance = reranker.relevance(logits)
    wide = logits.astype(np.float64)
    chances = Calibration().relevance(logits) if relevance is None else relevance
    scores = wide if raw else chances
    # Where scores are equal the logits may still differ, and the last key is the first looked at.
    order = np.lexsort((-wide, -scores))
    return ScoredTexts(
        model=reranker.name,
        scores=scores,
        order=order.tolist(),
        calibrated=relevance is not None,
    )
