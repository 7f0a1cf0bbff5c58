"""How much a mean over queries can be trusted, and whether two differ by more than chance.

Everything takes a matrix, a row a query and a column a figure: what is drawn is drawn once for all
columns, so the work is one matrix product. Draws come in blocks; their size, and with it the
memory, does not grow with the number of queries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

_CELLS: Final = 2**20  # of a block of draws: 8 MB
# Sums that are equal on paper differ by rounding, relative to what is summed; and a tie counts.
_ROUNDING: Final = 1e-10


def intervals(
    values: Numbers, *, seed: int = 0, resamples: int = 2000, level: float = 0.95
) -> Numbers:
    """Return the bootstrap interval of each column's mean: queries are drawn with replacement.

    Percentile method (Efron 1979, doi:10.1214/aos/1176344552). One query gives a point, which
    says nothing about other queries.

    Args:
        values: (n, m), a row a query; n is at least 1.
        seed: of the draws.
        resamples: how often n queries are drawn.
        level: share of the means that the interval holds.

    Returns:
        (m, 2): lower and upper end.
    """
    means = np.concatenate([counts @ values for counts in _samples(len(values), resamples, seed)])
    ends = np.quantile(means / len(values), [(1 - level) / 2, (1 + level) / 2], axis=0).T
    return np.clip(ends, values.min(axis=0)[:, None], values.max(axis=0)[:, None])


def _samples(n: int, resamples: int, seed: int) -> Iterator[Numbers]:
    """Yield blocks of samples; a sample is how often it holds each query."""
    rng = np.random.default_rng(seed)
    most = max(1, _CELLS // n)
    for start in range(0, resamples, most):
        counts = np.empty((min(most, resamples - start), n))
        for row in counts:
            row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
        yield counts


def randomisation(differences: Numbers, *, seed: int = 0, flips: int = 10_000) -> Numbers:
    """Return the two-sided p of each column: the paired randomisation test of a mean difference.

    Were the two systems alike, a query's difference could as well have the other sign. So p is
    the share of all signs that make the mean as far from 0 as it is; of random signs, the
    observed ones among them, where there are more than `flips` (Smucker, Allan and Carterette,
    CIKM 2007, doi:10.1145/1321440.1321528).

    Args:
        differences: (n, m), a row a query; all columns share the signs.
        seed: of the signs.
        flips: how many signs are tried.

    Returns:
        (m,): in (0, 1].
    """
    some = differences[differences.any(axis=1)]  # the sign of nothing does nothing
    exact = 1 << len(some) <= flips
    if exact:
        differences = some
    n, m = differences.shape
    total = differences.sum(axis=0)
    least = np.abs(total) - _ROUNDING * np.abs(differences).sum(axis=0)
    as_far = np.zeros(m, np.int64)
    for turned in _all_signs(n) if exact else _random_signs(n, flips, seed):
        as_far += (np.abs(2 * (turned @ differences) - total) >= least).sum(axis=0)
    return as_far / (1 << n) if exact else (1 + as_far) / (1 + flips)


def _all_signs(n: int) -> Iterator[Numbers]:
    every = np.arange(1 << n)
    most = max(1, _CELLS // max(1, n))
    for start in range(0, len(every), most):
        yield (every[start : start + most, None] >> np.arange(n) & 1).astype(np.float64)


def _random_signs(n: int, flips: int, seed: int) -> Iterator[Numbers]:
    """Yield blocks of signs: 1 where a difference keeps its own, 0 where it is turned."""
    rng = np.random.default_rng(seed)
    most, words = max(1, _CELLS // n), -(-n // 64)
    for start in range(0, flips, most):
        drawn = rng.integers(0, 2**64, (min(most, flips - start), words), np.uint64)
        octets = drawn.astype("<u8").view(np.uint8)
        yield np.unpackbits(octets, axis=1, count=n, bitorder="little").astype(np.float64)


def holm(ps: ArrayLike) -> Numbers:
    """Return p values corrected for how many there are (Holm 1979, Scand. J. Statist. 6, 65-70).

    The chance that any difference is called real when none is stays what each p says.
    """
    raw = np.asarray(ps, np.float64)
    order = np.argsort(raw, kind="stable")
    steps = raw[order] * np.arange(len(raw), 0, -1)
    corrected = np.empty_like(raw)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected
