from __future__ import annotations

import pytest

from engine.fusion import convex, in_tiers, normalised, rrf
from engine.types import Hit


def run(*scores: tuple[str, float]) -> list[Hit]:
    """Hits of one-passage documents named by a letter."""
    return [Hit(ord(name), name, 0, score) for name, score in scores]


def scored(hits: list[Hit]) -> list[tuple[str, float]]:
    return [(hit.document, round(hit.score, 6)) for hit in hits]


def test_reciprocal_ranks_add_up() -> None:
    fused = rrf([run(("a", 9), ("b", 1)), run(("b", 5))])
    assert scored(fused) == [("b", round(1 / 62 + 1 / 61, 6)), ("a", round(1 / 61, 6))]


def test_a_smaller_constant_favours_the_first_ranks() -> None:
    runs = [run(("a", 3), ("b", 2), ("c", 1)), run(("c", 3), ("b", 2), ("a", 1))]
    assert [hit.document for hit in rrf(runs, k=1)] == ["a", "c", "b"]


def test_normalised_scores_add_up_by_weight() -> None:
    fused = convex([run(("a", 30), ("b", 20), ("c", 10)), run(("c", 0.9), ("a", 0.5))], [0.6, 0.4])
    assert scored(fused) == [("a", 0.6), ("c", 0.4), ("b", 0.3)]


def test_ties_break_by_document() -> None:
    assert [hit.document for hit in rrf([run(("b", 1)), run(("a", 1))])] == ["a", "b"]
    assert [h.document for h in convex([run(("b", 1)), run(("a", 1))], [1, 1])] == ["a", "b"]


def test_no_runs_and_empty_runs_fuse_to_nothing() -> None:
    assert rrf([]) == rrf([[], []]) == convex([], []) == convex([[]], [1]) == []
    assert in_tiers(rrf, [], 5) == in_tiers(rrf, [[], []], 5) == []


def test_every_run_needs_its_weight() -> None:
    with pytest.raises(ValueError, match="zip"):
        convex([run(("a", 1))], [1, 2])


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([], []), ([5], [1]), ([2, 2], [1, 1]), ([0, 5, 10], [0, 0.5, 1]), ([-1, -3], [1, 0])],
)
def test_normalised(scores: list[float], expected: list[float]) -> None:
    assert normalised(scores) == expected


def test_a_deeper_tier_follows_with_the_last_score_of_the_first() -> None:
    runs = [run(("a", 9), ("b", 8), ("c", 7)), run(("d", 9), ("a", 8), ("e", 1))]
    first = convex([r[:2] for r in runs], [0.5, 0.5])
    tiers = in_tiers(lambda cut: convex(cut, [0.5, 0.5]), runs, 2)
    assert tiers[: len(first)] == first
    assert scored(tiers[len(first) :]) == [("c", first[-1].score), ("e", first[-1].score)]
