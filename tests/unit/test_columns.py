from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.columns import always, ceiling, missed
from engine.rerank import combine
from engine.types import Hit

if TYPE_CHECKING:
    from engine.types import FloatArray


def hits(*scores: float, first: int = 0) -> list[Hit]:
    return [Hit(n, f"d{n}", 0, score) for n, score in enumerate(scores, first)]


def logits(*values: float) -> FloatArray:
    return np.array(values, np.float32)


def names(ranking: list[Hit]) -> list[str]:
    return [hit.document for hit in ranking]


def test_a_perfect_reranker_puts_the_best_grade_of_the_head_first_and_leaves_the_tail() -> None:
    found = ceiling(hits(5, 4, 3, 2, 1), {"d2": 2, "d1": 1, "d4": 3}, 3)
    assert names(found) == ["d2", "d1", "d0", "d3", "d4"]


def test_a_perfect_reranker_keeps_the_order_among_equals() -> None:
    assert names(ceiling(hits(3, 2, 1), {"d1": 1, "d2": 1}, 3)) == ["d1", "d2", "d0"]


def test_what_is_judged_below_0_is_as_good_as_what_is_not_judged() -> None:
    assert names(ceiling(hits(3, 2, 1), {"d0": -1, "d2": 1}, 3)) == ["d2", "d0", "d1"]


def test_what_lies_below_the_depth_is_missed_and_what_is_judged_0_is_not() -> None:
    grades = {"d0": 1, "d1": 0, "d2": 1, "elsewhere": 2, "judged": 0}
    assert missed(hits(3, 2, 1), grades, 2) == {
        "d2",
        "elsewhere",
    }


def test_a_missed_positive_stands_where_its_logit_puts_it() -> None:
    extra = [(Hit(9, "d9", 0, 0.0), 2.0)]
    assert names(always(hits(3, 2), logits(3, 1), extra, 1.0)) == ["d0", "d9", "d1"]


def test_a_missed_positive_has_the_first_stage_score_of_the_last_candidate() -> None:
    # Equal logits: the first stage decides, and the missed one ties with the last candidate.
    extra = [(Hit(9, "a-missed", 0, 0.0), 1.0)]
    found = always(hits(4, 3, 2), logits(1, 1, 1), extra, 0.5)
    assert names(found) == ["d0", "d1", "a-missed", "d2"]
    assert found[2].score == found[3].score


def test_the_last_candidate_is_the_last_that_was_read() -> None:
    extra = [(Hit(9, "d9", 0, 0.0), 1.0)]
    found = {hit.document: hit.score for hit in always(hits(4, 3, 2, 0), logits(1, 1), extra, 0.0)}
    assert found["d9"] == found["d1"] == 0.75


def test_a_missed_positive_does_not_move_what_was_found() -> None:
    extra = [(Hit(9, "d9", 0, 0.0), 100.0)]
    found = {h.document: h.score for h in always(hits(4, 3, 2), logits(1, 5, 3), extra, 0.6)}
    before = {h.document: h.score for h in combine(hits(4, 3, 2), logits(1, 5, 3), 0.6)}
    assert {d: found[d] for d in before} == pytest.approx(before)
    assert found["d9"] > 1


def test_a_positive_of_the_tail_moves_to_the_head_and_stands_once() -> None:
    fused = hits(5, 4, 3, 2, 1)
    found = always(fused, logits(1, 2), [(fused[3], 9.0)], 1.0)
    assert names(found) == ["d3", "d1", "d0", "d2", "d4"]


def test_where_nothing_was_found_the_missed_ones_stand_by_their_logits() -> None:
    extra = [(Hit(1, "a", 0, 0.0), 1.0), (Hit(2, "b", 0, 0.0), 2.0)]
    assert names(always([], logits(), extra, 0.5)) == ["b", "a"]


@given(
    st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=12),
    st.data(),
    st.sampled_from([0.0, 0.4, 1.0]),
    st.sampled_from([None, 2, 5]),
)
def test_with_nothing_missed_always_is_realistic(
    scores: list[float], data: st.DataObject, weight: float, among: int | None
) -> None:
    fused = hits(*sorted(scores, reverse=True))
    depth = data.draw(st.integers(1, len(fused)))
    read = logits(*data.draw(st.lists(st.floats(-9, 9, width=32), min_size=depth, max_size=depth)))
    mine, theirs = always(fused, read, [], weight, among), combine(fused, read, weight, among)
    assert names(mine) == names(theirs)
    assert [h.score for h in mine] == pytest.approx([h.score for h in theirs])
