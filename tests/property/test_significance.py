from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.significance import holm, intervals, randomisation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

SEEDS = st.integers(0, 2**32)
PS = st.lists(st.floats(0, 1), max_size=30)


@st.composite
def matrices(draw: st.DrawFn, most: int = 40, low: float = 0) -> Numbers:
    n, m = draw(st.integers(1, most)), draw(st.integers(1, 4))
    value = st.floats(low, 1).map(lambda x: round(x, 3))
    cells = draw(st.lists(value, min_size=n * m, max_size=n * m))
    return np.array(cells).reshape(n, m)


@given(matrices(), SEEDS)
def test_an_interval_lies_between_the_least_and_the_most(values: Numbers, seed: int) -> None:
    low, high = intervals(values, seed=seed, resamples=50).T
    assert (values.min(0) <= low).all()
    assert (low <= high).all()
    assert (high <= values.max(0)).all()


@given(st.floats(-1, 1), st.integers(1, 50), SEEDS)
def test_an_interval_of_equal_values_is_their_value(value: float, n: int, seed: int) -> None:
    assert intervals(np.full((n, 1), value), seed=seed, resamples=20).tolist() == [[value, value]]


@given(matrices(), SEEDS)
def test_an_interval_moves_and_grows_with_the_values(values: Numbers, seed: int) -> None:
    plain = intervals(values, seed=seed, resamples=50)
    np.testing.assert_allclose(
        intervals(3 * values - 1, seed=seed, resamples=50), 3 * plain - 1, atol=1e-9
    )


@given(matrices(low=-1), SEEDS)
def test_p_is_above_0_and_at_most_1_whichever_side_is_called_first(
    differences: Numbers, seed: int
) -> None:
    ps = randomisation(differences, seed=seed, flips=200)
    assert ((ps > 0) & (ps <= 1)).all()
    assert (ps == randomisation(-differences, seed=seed, flips=200)).all()


@given(matrices(most=8, low=-1), st.randoms(use_true_random=False))
def test_p_of_all_signs_does_not_depend_on_the_order_of_queries_or_the_scale(
    differences: Numbers, rng: np.random.Generator
) -> None:
    order = list(range(len(differences)))
    rng.shuffle(order)
    ps = randomisation(differences)
    assert (ps == randomisation(differences[order])).all()
    assert (ps == randomisation(100 * differences)).all()
    assert (ps == randomisation(differences, seed=1)).all()


@given(PS)
def test_a_corrected_p_is_no_smaller_and_keeps_the_order(ps: list[float]) -> None:
    corrected = holm(ps)
    assert ((corrected >= ps) & (corrected <= 1)).all()
    ordered = corrected[np.argsort(ps, kind="stable")]
    assert (np.diff(ordered) >= 0).all()


@given(PS)
def test_equal_ps_stay_equal_and_each_is_corrected_as_holm_says(ps: list[float]) -> None:
    corrected = dict(zip(ps, holm(ps), strict=True))
    for n, p in enumerate(ps):
        assert holm(ps)[n] == corrected[p]
        smaller = sorted(q for q in ps if q <= p)
        slow = max((len(ps) - rank) * q for rank, q in enumerate(smaller))
        assert np.isclose(corrected[p], min(1.0, slow))
