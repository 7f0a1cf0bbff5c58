from __future__ import annotations

import numpy as np

from engine.rerank import combine
from engine.types import FloatArray, Hit

FUSED = [Hit(n, f"d{n}", 0, 1.0 - n / 10) for n in range(5)]


def logits(*values: float) -> FloatArray:
    return np.array(values, np.float32)


def order(hits: list[Hit]) -> list[int]:
    return [hit.passage for hit in hits]


def test_the_reranker_alone_orders_the_head() -> None:
    out = combine(FUSED, logits(-2, 5, 1), 1.0)
    assert order(out) == [1, 2, 0, 3, 4]
    assert [round(hit.score, 4) for hit in out] == [1, 0.4286, 0, 0, 0]


def test_both_stages_share_the_score_by_weight() -> None:
    out = combine(FUSED, logits(0, 1), 0.25)
    assert order(out) == [1, 0, 2, 3, 4]
    expected = [0.25 * 1 + 0.75 * 0.75, 0.75, 0.75 * 0.5, 0.75 * 0.25, 0]
    assert np.allclose([hit.score for hit in out], expected)


def test_weight_zero_keeps_stage_one_s_order() -> None:
    assert order(combine(FUSED, logits(1, 2, 3, 4, 5), 0.0)) == order(FUSED)


def test_equal_logits_say_nothing() -> None:
    assert order(combine(FUSED, logits(3, 3, 3), 0.5)) == order(FUSED)


def test_extreme_logits_do_not_lose_the_order_of_the_others() -> None:
    out = combine(FUSED, logits(0.001, 0.002, -80, 80), 1.0)
    assert order(out)[:4] == [3, 1, 0, 2]


def test_hits_beyond_those_counted_do_not_change_the_head() -> None:
    deeper = [*FUSED, Hit(9, "d9", 0, -50.0)]
    head = combine(FUSED, logits(1, 3, 2), 0.5)
    assert combine(deeper, logits(1, 3, 2), 0.5, among=5)[:5] == head
    assert combine(deeper, logits(1, 3, 2), 0.5)[:3] != head[:3]


def test_nothing_combines_to_nothing() -> None:
    assert combine([], logits(), 1.0) == []
    assert order(combine(FUSED, logits(), 0.5)) == order(FUSED)
