# pyright: basic
"""LEAF (scikit-learn): what stands in a model's shortlist.json, fitted on held-out queries.

The weight is the reranker's share of the final score; the calibrations turn a logit into the
probability that a candidate is relevant, as candidates are when they are served: one by itself, the
other beside the rest of its list.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.linear_model import LogisticRegression

from engine.rerankers.settings import Calibration, ListCalibration, ModelSettings, leads

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
    """Return weight and calibrations, and the mean realistic nDCG@10 at each weight.

    The weight is the middle of the best stretch of the curve (within half a point of its best), so
    that one lucky query does not choose it. Of few queries it is the usual one, without a curve.

    Args:
        parts: queries that the model was not trained on, of one collection or of several, and (n,)
            logits of their `pairs`. In the curve each collection counts alike.
    """
    served = [one for held_out, logits in parts for one in held_out.served(logits)]
    calibrated = _calibrated(served)
    if sum(len(held_out.collection.queries) for held_out, _ in parts) < _FEW:
        return replace(calibrated, weight=USUAL), {}
    curve = {
        weight: fmean(
            fmean(held_out.measure(logits, weight).values()) for held_out, logits in parts
        )
        for weight in WEIGHTS
    }
    return replace(calibrated, weight=_middle_of_the_best(curve)), curve


def _middle_of_the_best(curve: dict[float, float]) -> float:
    at = max(range(len(WEIGHTS)), key=lambda n: curve[WEIGHTS[n]])
    least = curve[WEIGHTS[at]] - 0.005
    first = last = at
    while first > 0 and curve[WEIGHTS[first - 1]] >= least:
        first -= 1
    while last + 1 < len(WEIGHTS) and curve[WEIGHTS[last + 1]] >= least:
        last += 1
    return WEIGHTS[(first + last) // 2]


def _calibrated(served: Sequence[tuple[FloatArray, np.ndarray]]) -> ModelSettings:
    """Return both calibrations; none where a class is missing or the order is upside down."""
    logits = np.concatenate([some for some, _ in served])
    relevant = np.concatenate([some for _, some in served])
    if not relevant.any() or relevant.all():
        return ModelSettings()
    (scale,), shift = _logistic(relevant, logits)
    if scale <= 0:
        return ModelSettings()
    led = np.concatenate([leads(some) for some, _ in served])
    (beside, lead), c = _logistic(relevant, logits, led)
    if beside < 0:  # what stands out does so in whatever heights
        beside, ((lead,), c) = 0.0, _logistic(relevant, led)
    fitted = ListCalibration(beside, lead, c) if lead > 0 else None
    return ModelSettings(calibration=Calibration(scale, shift), list_calibration=fitted)


def _logistic(relevant: np.ndarray, *features: np.ndarray) -> tuple[list[float], float]:
    """Return the weights and the intercept of a logistic regression that is hardly regularised."""
    model = LogisticRegression(C=1e6).fit(np.stack(features, 1), relevant)
    weights = [round(float(weight), 4) for weight in model.coef_[0]]
    return weights, round(float(model.intercept_[0]), 4)
