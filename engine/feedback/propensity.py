"""Position bias: people click what they see first. What clicks say once that is taken away.

The position-based model: a click needs that a result is looked at, which depends on its rank alone,
and that it appeals. Rank r is looked at with the probability (1 / r) ** eta, its *propensity*; a
click is weighed by its inverse, which makes the estimate of relevance unbiased (Joachims,
Swaminathan, Schnabel, WSDM 2017, doi:10.1145/3018661.3018699).

eta comes from the log itself, by what happened when the same passage stood at different ranks for
the same query (intervention harvesting: Agarwal et al., WSDM 2019, doi:10.1145/3289600.3291017):
filters, new documents and new models move it. Its relevance is the same at all of them and falls
out of the comparison, so **one** number is left to estimate. Regression-EM (Wang et al., WSDM 2018)
estimates that number together with the relevance of every passage; where most of them were seen at
one rank only, as in the log of one person or one team, its answer is what it began with. Here such
passages say nothing, and with little data the estimate stays at 1 of its own accord.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

USUAL_ETA: Final = 1.0  # what Joachims et al. simulate; where a log says nothing, this is believed
_SPREAD: Final = 0.5  # how far from it eta may lie before anything is seen (one standard deviation)
STEEPEST: Final = 3.0
FLOOR: Final = 0.05  # least propensity: no click counts for more than 20
# Looks at a passage, at the mean relevance of all, that every estimate begins with: one lucky click
# far down makes no certainty.
PRIOR: Final = 2.0


class Seen(NamedTuple):
    """What happened: row i says that a pair was shown at a rank some times, and clicked some.

    `pairs` are numbers of (query, passage), from 0; a pair may have several rows. All are (n,).
    """

    pairs: Integers
    ranks: Integers
    impressions: Array
    clicks: Array

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int]]) -> Seen:
        """Return rows of (pair, rank, impressions, clicks)."""
        table = np.array(rows, np.int64).reshape(-1, 4)
        return cls(table[:, 0], table[:, 1], table[:, 2].astype(float), table[:, 3].astype(float))


@dataclass(frozen=True, slots=True)
class Bias:
    """How steeply attention falls.

    Attributes:
        eta: 0 every rank is looked at alike, 1 the second half as often as the first.
        error: its standard error; 0.5 is what is believed before anything was seen.
        clicks: on passages that were shown at several ranks; only they say something.
    """

    eta: float
    error: float
    clicks: int


class Relevance(NamedTuple):
    """Estimates of each pair, (pairs,).

    Attributes:
        values: in [0, 1]: the probability of a click by who looks at it.
        looks: how often it was looked at, as far as propensities tell.
    """

    values: Array
    looks: Array


def propensities(ranks: Integers, eta: float, floor: float = FLOOR) -> Array:
    """Return (n,) probabilities that ranks (from 1) are looked at; none is below `floor`."""
    return np.maximum(floor, ranks.astype(float) ** -eta)


def estimate_eta(seen: Seen) -> Bias:
    """Return how steeply attention falls, by maximum a posteriori.

    Given the clicks C of a pair, those at rank r are expected to be C * w_r with w_r proportional
    to impressions_r * r ** -eta: relevance has fallen out. The derivative of the log likelihood is
    linear in the clicks, so it needs only that their means are right, and it falls with eta: it is
    halved, not climbed. A normal prior (1, 0.5) is worth about eight clicks.
    """
    logs = np.log(seen.ranks.astype(float))
    clicks = _sums(seen, seen.clicks)
    low, high = 0.0, STEEPEST
    for _ in range(50):
        middle = (low + high) / 2
        means, _ = _moments(seen, logs, middle)
        slope = clicks @ means - seen.clicks @ logs - (middle - USUAL_ETA) / _SPREAD**2
        low, high = (middle, high) if slope > 0 else (low, middle)
    eta = (low + high) / 2
    _, spreads = _moments(seen, logs, eta)
    error = float((clicks @ spreads + 1 / _SPREAD**2) ** -0.5)
    return Bias(round(eta, 4), round(error, 4), int(clicks[spreads > 0].sum()))


def relevance(seen: Seen, eta: float, *, floor: float = FLOOR, prior: float = PRIOR) -> Relevance:
    """Return how relevant each pair is, whatever the ranks where it was seen.

    A click at rank r estimates relevance as 1 / propensity_r, no click as 0; the mean over
    impressions, each counted by its propensity (about its inverse variance), is clicks / looks. At
    a single rank that is the plain inverse propensity weighting.

    Args:
        seen: what happened.
        eta: how steeply attention falls.
        floor: least propensity.
        prior: looks that every pair begins with, at the mean relevance of all.
    """
    looks = _sums(seen, seen.impressions * propensities(seen.ranks, eta, floor))
    clicks = _sums(seen, seen.clicks)
    total = looks.sum()
    mean = clicks.sum() / total if total else 0.0
    weight = np.maximum(looks + prior, np.finfo(float).tiny)
    return Relevance(np.minimum(1.0, (clicks + prior * mean) / weight), looks)


def _sums(seen: Seen, values: Array) -> Array:
    return np.bincount(seen.pairs, values).astype(np.float64)


def _moments(seen: Seen, logs: Array, eta: float) -> tuple[Array, Array]:
    """Return each pair's mean and variance of log rank, where a click is expected to fall."""
    weights = seen.impressions * np.exp(-eta * logs)
    total = np.maximum(_sums(seen, weights), np.finfo(float).tiny)
    means = _sums(seen, weights * logs) / total
    spreads = _sums(seen, weights * (logs - means[seen.pairs]) ** 2) / total
    # Rounding leaves a spread where there is one rank alone.
    return means, np.where(spreads > 1e-9, spreads, 0.0)
