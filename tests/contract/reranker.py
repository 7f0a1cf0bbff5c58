"""What every reranker promises. A subclass gives the `reranker` fixture."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.anytime import score_until

if TYPE_CHECKING:
    from engine.protocols import Reranker

QUERY = "what is the heart of a fish"
PASSAGES = [
    "the red fish swims",
    "",
    "a blue sea " * 10,
    "heart",
    "the fish swims in the sea. " * 4,
    "the red fish swims",
]
HARD = [
    "",
    " ",
    "🙂" * 50,
    "\ud800 lone",
    "[SEP] [CLS] <s>",
    "ไทย 中文 العربية",
    "\x00\x07",
    "a\u0301" * 90,
]


class RerankerContract:
    """Inherit, and define a fixture `reranker`."""

    longest = 100_000

    @pytest.fixture
    def reranker(self) -> Reranker:
        raise NotImplementedError

    def test_logits_are_finite_float32_one_for_each_pair(self, reranker: Reranker) -> None:
        scores = reranker.score([(QUERY, passage) for passage in PASSAGES])
        assert scores.logits.shape == (len(PASSAGES),)
        assert scores.logits.dtype == np.float32
        assert np.isfinite(scores.logits).all()

    def test_no_pair_gives_no_logit(self, reranker: Reranker) -> None:
        scores = reranker.score([])
        assert scores.logits.shape == (0,)
        assert scores.logits.dtype == np.float32
        assert scores.windowed == 0

    def test_logits_follow_the_order_of_the_pairs(self, reranker: Reranker) -> None:
        pairs = [(QUERY, passage) for passage in PASSAGES]
        forth, back = reranker.score(pairs).logits, reranker.score(pairs[::-1]).logits
        np.testing.assert_allclose(forth, back[::-1], atol=1e-4)
        assert np.ptp(forth) > 1e-3

    def test_a_logit_does_not_depend_on_the_pairs_beside_it(self, reranker: Reranker) -> None:
        pairs = [(QUERY, passage) for passage in PASSAGES]
        alone = [reranker.score([pair]).logits[0] for pair in pairs]
        np.testing.assert_allclose(reranker.score(pairs).logits, alone, atol=1e-4)

    def test_reading_within_a_time_gives_the_same_logits(self, reranker: Reranker) -> None:
        long = ("the red fish swims " * 150)[: self.longest]
        pairs = [(QUERY, passage) for passage in [*PASSAGES, long]]
        soon = time.perf_counter() + 60
        at_once, in_parts = reranker.score(pairs), score_until(reranker, pairs, soon)
        np.testing.assert_allclose(in_parts.logits, at_once.logits, atol=1e-5)
        assert in_parts.windowed == at_once.windowed
        assert len(score_until(reranker, pairs, 0.0).logits) == 0

    def test_equal_pairs_have_equal_logits(self, reranker: Reranker) -> None:
        logits = reranker.score([(QUERY, passage) for passage in PASSAGES]).logits
        assert logits[0] == logits[-1]

    def test_pairs_of_several_queries_may_be_mixed(self, reranker: Reranker) -> None:
        pairs = [("red", "fish"), ("blue", "fish"), ("red", "sea"), ("blue", "sea")]
        alone = [reranker.score([pair]).logits[0] for pair in pairs]
        np.testing.assert_allclose(reranker.score(pairs).logits, alone, atol=1e-4)

    def test_any_text_is_scored(self, reranker: Reranker) -> None:
        pairs = [(query, passage) for query in HARD for passage in HARD]
        assert np.isfinite(reranker.score(pairs).logits).all()

    def test_a_very_long_text_is_read_in_windows(self, reranker: Reranker) -> None:
        long = ("the red fish swims in the blue sea. " * 2800)[: self.longest]
        scores = reranker.score([(QUERY, long), (QUERY, "fish"), (long, "fish"), (long, long)])
        assert np.isfinite(scores.logits).all()
        assert scores.windowed == 3

    @pytest.mark.parametrize("of", ["relevance", "relevance_among"])
    def test_relevance_is_a_probability_that_keeps_the_order(
        self, reranker: Reranker, of: str
    ) -> None:
        chances = getattr(reranker, of)(np.array([-1000, -2, 0, 2, 1000], dtype=np.float32))
        if chances is None:
            pytest.skip("not calibrated: it says None")
        assert chances.dtype == np.float64
        assert 0 <= chances[0] < chances[1] < chances[2] < chances[3] < chances[4] <= 1

    def test_it_says_what_it_is(self, reranker: Reranker) -> None:
        assert reranker.name
        assert 0 <= reranker.weight <= 1

    def test_fluency_is_a_share_for_any_text(self, reranker: Reranker) -> None:
        assert all(0 <= reranker.fluency(text) <= 1 for text in HARD)
