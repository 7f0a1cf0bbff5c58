"""What clicks say once the rank is taken away, on clicks of a known truth."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.feedback.propensity import (
    FLOOR,
    USUAL_ETA,
    Seen,
    estimate_eta,
    propensities,
    relevance,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

RANKS = 10


def simulated(
    truth: Sequence[Sequence[float]], eta: float, *, sessions: int, shifts: Sequence[int], seed: int
) -> Seen:
    """Return clicks of the position-based model.

    `truth` holds the relevance of each query's passages, in the order in which they are ranked;
    an order is turned by one of `shifts`, each as often.
    """
    rng = np.random.default_rng(seed)
    shown: Counter[tuple[int, int]] = Counter()
    clicked: Counter[tuple[int, int]] = Counter()
    for query, passages in enumerate(truth):
        for session in range(sessions):
            shift = shifts[session % len(shifts)]
            for place, appeal in enumerate(passages):
                rank = (place + shift) % len(passages) + 1
                pair = (query * len(passages) + place, rank)
                shown[pair] += 1
                looked = rng.random() < rank**-eta
                clicked[pair] += int(looked and rng.random() < appeal)
    return Seen.of([(*pair, shown[pair], clicked[pair]) for pair in shown])


def true_relevance(queries: int, seed: int) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    return rng.choice([0.05, 0.1, 0.4, 0.8], (queries, RANKS), p=[0.5, 0.2, 0.2, 0.1]).tolist()


@pytest.mark.parametrize("eta", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_eta_of_simulated_clicks_is_recovered(eta: float, seed: int) -> None:
    seen = simulated(true_relevance(60, seed), eta, sessions=30, shifts=(0, 3), seed=seed)
    found = estimate_eta(seen)
    assert abs(found.eta - eta) < 0.2
    assert abs(found.eta - eta) < 4 * found.error
    assert found.error < 0.1


def test_the_estimated_error_is_that_of_many_logs() -> None:
    found = [
        estimate_eta(simulated(true_relevance(25, s), 1.0, sessions=20, shifts=(0, 4), seed=s))
        for s in range(40)
    ]
    spread = float(np.std([one.eta for one in found]))
    stated = float(np.mean([one.error for one in found]))
    # Clicks vary less than Poisson's counts, which the error supposes.
    assert 0.4 * stated < spread < 1.2 * stated


def test_a_bad_top_result_no_longer_beats_a_good_one_at_rank_8() -> None:
    """The passage at rank 1 appeals to 20 %, that at rank 8 to 90 %; other queries move theirs."""
    truth = [[0.2, *[0.1] * 6, 0.9, 0.1, 0.1]] * 2 + true_relevance(40, 5)
    still = simulated(truth[:2], 1.0, sessions=300, shifts=(0,), seed=6)
    moved = simulated(truth[2:], 1.0, sessions=30, shifts=(0, 5), seed=7)
    first = len(truth[:2]) * RANKS
    seen = Seen(
        np.concatenate([still.pairs, moved.pairs + first]),
        np.concatenate([still.ranks, moved.ranks]),
        np.concatenate([still.impressions, moved.impressions]),
        np.concatenate([still.clicks, moved.clicks]),
    )
    top, eighth = 0, 7
    naive = np.bincount(seen.pairs, seen.clicks) / np.bincount(seen.pairs, seen.impressions)
    assert naive[top] > naive[eighth]
    eta = estimate_eta(seen).eta
    assert abs(eta - 1) < 0.2
    corrected = relevance(seen, eta).values
    assert corrected[eighth] > 2 * corrected[top]
    assert corrected[top] == pytest.approx(0.2, abs=0.08)
    assert corrected[eighth] == pytest.approx(0.9, abs=0.25)


def test_the_relevance_of_every_passage_comes_closer_to_the_truth_than_clicks_do() -> None:
    truth = true_relevance(40, 8)
    seen = simulated(truth, 1.0, sessions=200, shifts=(0, 3, 6), seed=9)
    flat = np.array(truth).ravel()
    naive = np.bincount(seen.pairs, seen.clicks) / np.bincount(seen.pairs, seen.impressions)
    corrected = relevance(seen, estimate_eta(seen).eta).values
    assert np.abs(corrected - flat).mean() < 0.06
    assert np.abs(corrected - flat).mean() < np.abs(naive - flat).mean() / 3


def test_passages_that_never_moved_say_nothing_of_eta() -> None:
    still = simulated(true_relevance(30, 3), 2.0, sessions=20, shifts=(0,), seed=3)
    found = estimate_eta(still)
    assert (found.eta, found.error, found.clicks) == (USUAL_ETA, 0.5, 0)


def test_an_empty_log_leaves_what_is_believed() -> None:
    found = estimate_eta(Seen.of([]))
    assert (found.eta, found.error, found.clicks) == (USUAL_ETA, 0.5, 0)
    assert relevance(Seen.of([]), 1.0).values.size == 0


def test_one_click_that_moved_hardly_moves_eta() -> None:
    found = estimate_eta(Seen.of([(0, 1, 1, 0), (0, 10, 1, 1)]))
    assert 0.5 < found.eta < 1
    assert found.clicks == 1


def test_clicks_that_do_not_care_for_ranks_give_no_bias() -> None:
    seen = Seen.of([(pair, rank, 50, 10) for pair in range(40) for rank in (1, 9)])
    assert estimate_eta(seen).eta < 0.05


def test_clicks_at_the_bottom_alone_do_not_make_eta_negative() -> None:
    seen = Seen.of([(p, r, 50, 0 if r == 1 else 40) for p in range(40) for r in (1, 9)])
    assert estimate_eta(seen).eta == pytest.approx(0, abs=0.001)


def test_no_rank_is_looked_at_less_than_the_floor() -> None:
    ranks = np.array([1, 2, 10, 10_000])
    assert propensities(ranks, 1.0).tolist() == [1, 0.5, 0.1, FLOOR]
    assert propensities(ranks, 0.0).tolist() == [1, 1, 1, 1]
    assert propensities(ranks, 1.0, floor=0.2).tolist() == [1, 0.5, 0.2, 0.2]


def test_at_one_rank_without_a_prior_it_is_plain_inverse_propensity_weighting() -> None:
    found = relevance(Seen.of([(0, 4, 100, 10), (1, 1, 100, 10)]), 1.0, prior=0)
    assert found.values.tolist() == pytest.approx([0.4, 0.1])
    assert found.looks.tolist() == pytest.approx([25, 100])


def test_one_lucky_click_far_down_makes_no_certainty() -> None:
    others = [(pair, 1, 100, 10) for pair in range(4, 14)]
    rows = [(0, 10, 1, 1), (1, 1, 100, 90), (2, 1, 20, 0), (3, 2, 20, 0), *others]
    assert relevance(Seen.of(rows), 1.0, prior=0).values[0] == 1
    lucky, proven, *never = relevance(Seen.of(rows), 1.0).values
    assert never[0] < never[1] < 0.2 < lucky < proven < 0.95
