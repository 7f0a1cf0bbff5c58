from __future__ import annotations

import math
from itertools import pairwise, permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.fusion import convex, in_tiers, normalised, rrf
from engine.rerank import combine
from engine.types import Hit, by_rank

# Eighths: apart by what survives a normalisation in floating point.
SCORES = st.integers(-8_000_000, 8_000_000).map(lambda n: n / 8)


def as_run(scores: dict[int, float]) -> list[Hit]:
    """Passage n is number n % 3 of document n // 3, as ids in a store are one place each."""
    return sorted((Hit(p, f"d{p // 3}", p % 3, s) for p, s in scores.items()), key=by_rank)


RUN = st.dictionaries(st.integers(0, 30), SCORES, max_size=20).map(as_run)
RUNS = st.lists(RUN, min_size=1, max_size=4)


def ids(run: list[Hit]) -> list[int]:
    return [hit.passage for hit in run]


@given(RUNS)
def test_rrf_gives_the_union_once_best_first_with_scores_in_range(runs: list[list[Hit]]) -> None:
    fused = rrf(runs)
    assert sorted(ids(fused)) == sorted({hit.passage for run in runs for hit in run})
    assert fused == sorted(fused, key=by_rank)
    assert all(0 < hit.score <= len(runs) / 61 + 1e-12 for hit in fused)


@given(RUNS)
def test_rrf_does_not_care_in_which_order_the_runs_come(runs: list[list[Hit]]) -> None:
    fused = rrf(runs)
    for order in permutations(runs):
        assert rrf(order) == fused


@given(RUN)
def test_rrf_of_one_run_keeps_its_order(run: list[Hit]) -> None:
    assert ids(rrf([run])) == ids(run)


@given(RUNS, st.integers(1, 100))
def test_rrf_scores_are_the_sum_of_reciprocal_ranks(runs: list[list[Hit]], k: int) -> None:
    for hit in rrf(runs, k):
        ranks = [ids(run).index(hit.passage) + 1 for run in runs if hit.passage in ids(run)]
        assert math.isclose(hit.score, sum(1 / (k + rank) for rank in ranks))


@given(RUNS, st.data())
def test_convex_gives_the_union_once_best_first_with_scores_in_range(
    runs: list[list[Hit]], data: st.DataObject
) -> None:
    weight = st.floats(0, 1)
    weights = data.draw(st.lists(weight, min_size=len(runs), max_size=len(runs)))
    fused = convex(runs, weights)
    assert sorted(ids(fused)) == sorted({hit.passage for run in runs for hit in run})
    assert fused == sorted(fused, key=by_rank)
    assert all(0 <= hit.score <= sum(weights) + 1e-9 for hit in fused)


@given(RUNS)
def test_convex_follows_the_run_that_has_all_the_weight(runs: list[list[Hit]]) -> None:
    weights = [1.0] + [0.0] * (len(runs) - 1)
    fused = [hit for hit in convex(runs, weights) if hit.passage in ids(runs[0])]
    expected = dict(zip(ids(runs[0]), normalised([h.score for h in runs[0]]), strict=True))
    assert [hit.score for hit in fused] == [expected[hit.passage] for hit in fused]


@given(RUNS, st.floats(0.5, 100), st.integers(-100, 100))
def test_convex_does_not_care_for_the_scale_of_a_run(
    runs: list[list[Hit]], scale: float, shift: int
) -> None:
    weights = [1.0 / len(runs)] * len(runs)
    moved = [[h._replace(score=h.score * scale + shift) for h in run] for run in runs]
    scores = {hit.passage: hit.score for hit in convex(runs, weights)}
    spread = min((max(h.score for h in r) - min(h.score for h in r) for r in runs if r), default=0)
    if spread > 1:  # below, the float itself loses the differences
        for hit in convex(moved, weights):
            assert abs(hit.score - scores[hit.passage]) < 1e-3


@given(st.lists(SCORES))
def test_normalised_scores_span_0_to_1_in_the_same_order(scores: list[float]) -> None:
    out = normalised(scores)
    assert len(out) == len(scores)
    if scores:
        assert max(out) == 1
        assert min(out) in (0, 1)
        assert out[scores.index(max(scores))] == 1
    order = sorted(range(len(scores)), key=scores.__getitem__)
    assert all(out[a] <= out[b] for a, b in pairwise(order))


@given(RUNS, st.integers(1, 10))
def test_tiers_give_everything_once_with_scores_that_never_rise(
    runs: list[list[Hit]], depth: int
) -> None:
    fused = in_tiers(rrf, runs, depth)
    assert sorted(ids(fused)) == sorted(ids(rrf(runs)))
    assert all(a.score >= b.score for a, b in pairwise(fused))


@given(RUNS, st.integers(1, 5), st.integers(0, 3))
def test_tiers_begin_the_same_however_deep_was_asked(
    runs: list[list[Hit]], depth: int, tiers: int
) -> None:
    shallow = in_tiers(rrf, [run[: depth * 4**tiers] for run in runs], depth)
    assert in_tiers(rrf, runs, depth)[: len(shallow)] == shallow


@given(RUN, st.data(), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_combining_reorders_the_head_alone_and_scores_never_rise(
    run: list[Hit], data: st.DataObject, weight: float
) -> None:
    logits = np.array(data.draw(st.lists(SCORES, max_size=len(run))), np.float32)
    for among in (None, max(1, len(logits)), len(run) + 5):
        out = combine(run, logits, weight, among)
        head = len(logits)
        assert sorted(ids(out[:head])) == sorted(ids(run[:head]))
        assert ids(out[head:]) == ids(run[head:])
        assert all(a.score >= b.score - 1e-12 for a, b in pairwise(out))
        assert all(-1e-9 <= hit.score <= 1 + 1e-9 for hit in out)


@given(RUN, st.data())
def test_the_weight_says_who_orders_the_head(run: list[Hit], data: st.DataObject) -> None:
    size = len(run)
    logits = np.array(data.draw(st.lists(SCORES, min_size=size, max_size=size)), np.float32)
    by_reranker = combine(run, logits, 1.0)
    of = dict(zip(ids(run), logits.tolist(), strict=True))
    assert all(of[a.passage] >= of[b.passage] for a, b in pairwise(by_reranker))
    assert ids(combine(run, logits, 0.0)) == ids(run)
