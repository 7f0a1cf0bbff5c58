# pyright: basic
"""LEAF (scikit-learn): what stands in a model's shortlist.json, fitted on held-out queries.

The weight is the reranker's share of the final score; the calibration turns a logit into the
probability that a candidate is relevant, as candidates are when they are served.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.linear_model import LogisticRegression

from engine.rerankers.settings import Calibration, ModelSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.types import FloatArray
    from indexer.training.heldout import HeldOut

WEIGHTS: Final = tuple(round(0.1 * n, 1) for n in range(1, 11))
# Held-out queries below which a best weight is mostly luck. benchmarks/LOG.md, "Second stage": from
# 0.5 to 0.8 was right for every collection that was looked at.
_FEW: Final = 30
USUAL: Final = 0.7


def fit(*parts: tuple[HeldOut, FloatArray]) -> tuple[ModelSettings, dict[float, float]]:
    """Return weight and calibration, and the mean realistic nDCG@10 at each weight.

    The weight is the middle of the best stretch of the curve (within half a point of its best), so
    that one lucky query does not choose it. Of few queries it is the usual one, without a curve.

    Args:
        parts: queries that the model was not trained on, of one collection or of several, and (n,)
            logits of their `pairs`. In the curve each collection counts alike.
    """
    calibration = _calibrated(parts)
    if sum(len(held_out.collection.queries) for held_out, _ in parts) < _FEW:
        return ModelSettings(weight=USUAL, calibration=calibration), {}
    curve = {
        weight: fmean(
            fmean(held_out.measure(logits, weight).values()) for held_out, logits in parts
        )
        for weight in WEIGHTS
    }
    return ModelSettings(weight=_middle_of_the_best(curve), calibration=calibration), curve


def _middle_of_the_best(curve: dict[float, float]) -> float:
    at = max(range(len(WEIGHTS)), key=lambda n: curve[WEIGHTS[n]])
    least = curve[WEIGHTS[at]] - 0.005
    first = last = at
    while first > 0 and curve[WEIGHTS[first - 1]] >= least:
        first -= 1
    while last + 1 < len(WEIGHTS) and curve[WEIGHTS[last + 1]] >= least:
        last += 1
    return WEIGHTS[(first + last) // 2]


def _calibrated(parts: Sequence[tuple[HeldOut, FloatArray]]) -> Calibration | None:
    """Return Platt's two numbers; None where a class is missing or the order is upside down."""
    served = [held_out.served() for held_out, _ in parts]
    found, relevant = (np.concatenate(some) for some in zip(*served, strict=True))
    logits = np.concatenate([logits for _, logits in parts])[found].reshape(-1, 1)
    if not relevant[found].any() or relevant[found].all():
        return None
    model = LogisticRegression(C=1e6).fit(logits, relevant[found])
    scale, shift = float(model.coef_[0][0]), float(model.intercept_[0])
    return Calibration(round(scale, 4), round(shift, 4)) if scale > 0 else None
