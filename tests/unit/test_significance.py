from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.evaluation.significance import holm, intervals, randomisation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


def drawn(n: int, m: int, seed: int = 1) -> Numbers:
    return np.random.default_rng(seed).random((n, m))


def slow_intervals(values: Numbers, seed: int, resamples: int) -> Numbers:
    """Draw the queries themselves, one sample at a time."""
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(0, len(values), len(values))].mean(0) for _ in range(resamples)]
    return np.quantile(means, [0.025, 0.975], axis=0).T


def slow_exact(differences: Numbers) -> list[float]:
    """Turn the differences themselves in every possible way."""
    seen = np.abs(differences.mean(0))
    ways = [
        np.abs((np.array(signs)[:, None] * differences).mean(0)) >= seen - 1e-9
        for signs in product((1, -1), repeat=len(differences))
    ]
    return list(np.mean(ways, axis=0))


@pytest.mark.parametrize("n", [1, 2, 7, 300, 5000])
def test_intervals_are_those_of_samples_drawn_one_by_one(n: int) -> None:
    values = drawn(n, 3)
    fast = intervals(values, seed=7, resamples=501)
    np.testing.assert_allclose(fast, slow_intervals(values, 7, 501), atol=1e-12)


def test_an_interval_is_as_wide_as_the_normal_one_where_that_is_right() -> None:
    values = np.random.default_rng(3).normal(0.5, 0.1, (2000, 1))
    half = 1.96 * values.std() / math.sqrt(len(values))
    low, high = intervals(values)[0]
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 10)


def test_a_lower_level_gives_a_narrower_interval() -> None:
    values = drawn(50, 1)
    wide, narrow = intervals(values)[0], intervals(values, level=0.5)[0]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_95_of_100_intervals_hold_the_true_mean() -> None:
    samples = np.random.default_rng(5).random((100, 400))  # a column is an experiment of its own
    ends = intervals(samples)
    assert 0.92 <= ((ends[:, 0] <= 0.5) & (ends[:, 1] >= 0.5)).mean() <= 0.98


@pytest.mark.parametrize("n", [1, 2, 5, 9, 11])
def test_p_of_few_queries_is_that_of_every_way_to_turn_them(n: int) -> None:
    # Sixteenths: many ways to turn them have exactly the same mean.
    differences = np.random.default_rng(n).integers(-8, 9, (n, 4)) / 16
    assert list(randomisation(differences)) == pytest.approx(slow_exact(differences), abs=1e-12)


def test_p_of_random_signs_is_near_that_of_all_signs() -> None:
    differences = np.random.default_rng(2).normal(0.2, 1, (12, 6))
    exact = randomisation(differences)
    np.testing.assert_allclose(randomisation(differences, flips=4000), exact, atol=0.03)


def test_a_tie_that_only_rounding_breaks_counts() -> None:
    whole = np.random.default_rng(0).integers(-5, 6, (10, 100)).astype(float)
    assert (randomisation(whole / 10) == randomisation(whole)).all()


def test_no_difference_has_p_1() -> None:
    assert list(randomisation(np.zeros((500, 3)))) == [1, 1, 1]
    assert list(randomisation(np.zeros((5, 2)))) == [1, 1]


def test_queries_without_a_difference_change_nothing() -> None:
    few = np.random.default_rng(4).normal(0.3, 1, (10, 1))
    many = np.concatenate([few, np.zeros((10_000, 1))])
    assert randomisation(many) == pytest.approx(randomisation(few))


def test_p_under_the_null_is_uniform() -> None:
    differences = np.random.default_rng(8).normal(0, 1, (60, 2000))
    ps = np.sort(randomisation(differences, flips=2000))
    uniform = np.arange(1, 2001) / 2000
    # Kolmogorov and Smirnov: 1.63 / sqrt(n) is passed in one of 100 such tests.
    assert np.abs(ps - uniform).max() < 1.63 / math.sqrt(2000)


def test_a_clear_effect_is_found_and_can_be_no_rarer_than_the_flips_say() -> None:
    better = np.random.default_rng(9).normal(0.05, 0.1, (300, 1))
    assert randomisation(better) == pytest.approx([1 / 10_001])
    assert randomisation(better, flips=99) == pytest.approx([1 / 100])


def test_results_repeat_and_depend_on_the_seed() -> None:
    values = drawn(200, 2) - 0.48
    for of in (intervals, randomisation):
        assert (of(values, seed=3) == of(values, seed=3)).all()
        assert (of(values, seed=3) != of(values, seed=4)).any()


def test_blocks_do_not_show() -> None:
    """A column's result is the same beside others, and n above a block's size works."""
    values = np.random.default_rng(6).normal(0.001, 1, (3000, 3))
    for of in (intervals, randomisation):
        together = of(values)
        apart = np.concatenate([of(values[:, [column]]) for column in range(3)])
        np.testing.assert_allclose(together, apart, atol=1e-12)
    tall = drawn(2**20 + 5, 1)
    low, high = intervals(tall, resamples=3)[0]
    assert 0.498 < low <= high < 0.502
    assert randomisation(tall, flips=3) == pytest.approx([1 / 4])


def test_nothing_to_test_is_no_error() -> None:
    assert intervals(np.empty((5, 0))).shape == (0, 2)
    assert randomisation(np.empty((5, 0))).shape == (0,)
    assert holm([]).shape == (0,)


def test_holm_gives_the_figures_of_the_textbook() -> None:
    assert list(holm([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert list(holm([0.6, 0.7])) == [1.0, 1.0]
    assert list(holm([0.02])) == [0.02]
