from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.answer import LONGEST_BUDGET, Answer, SearchRequest
from engine.anytime import MICRO_BATCH, score_heads, score_until
from engine.errors import ModelError, RerankerBusy, UsageError
from engine.types import Scores
from tests.fakes import Clock, OverlapReranker, SlowReranker, make_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS = {f"d{n:02}": f"cats {'purr ' * (n % 7)} and{n} sleep" for n in range(40)}
ASKED = SearchRequest(query="cats purr", k=40, rerank_depth=30, depth=40)


def pairs_of(*lengths: int) -> list[tuple[str, str]]:
    return [("cat", f"cat {n} " + "x" * length) for n, length in enumerate(lengths)]


def without_times(answer: Answer) -> Answer:
    return replace(answer, timings_ms={}, notes=[], degraded=False, degraded_reason=None)


# -- reading until a deadline ----------------------------------------------------------------------


def test_without_a_deadline_all_pairs_are_read_in_one_call() -> None:
    reranker = SlowReranker(seconds=0)
    pairs = [*pairs_of(5, 500, 50), *pairs_of(5)]
    scores = score_until(reranker, pairs, math.inf)
    assert reranker.batches == [pairs]
    assert scores.logits.tolist() == OverlapReranker().score(pairs).logits.tolist()


@given(
    st.lists(st.integers(0, 2000), max_size=60),
    st.floats(0, 2),
    st.floats(1e-5, 0.3),
)
def test_reading_ends_at_most_one_small_batch_after_the_deadline(
    lengths: list[int], deadline: float, seconds: float
) -> None:
    clock = Clock()
    reranker = SlowReranker(seconds=seconds, sleep=clock.sleep)
    pairs = pairs_of(*lengths)
    scores = score_until(reranker, pairs, deadline, clock)
    read = len(scores.logits)
    assert reranker.read == pairs[:read]
    assert scores.logits.tolist() == OverlapReranker().score(pairs[:read]).logits.tolist()
    last = len(reranker.batches[-1]) if reranker.batches else 0
    assert clock.now <= deadline + last * seconds + 1e-9
    assert read == len(pairs) or clock.now >= deadline
    assert len(reranker.batches[0]) == 1 if read else deadline == 0 or not pairs


def test_batches_grow_until_they_take_as_long_as_one_may() -> None:
    clock = Clock()
    reranker = SlowReranker(seconds=0.002, sleep=clock.sleep)
    score_until(reranker, pairs_of(*[300] * 2000), 3.0, clock)
    sizes = [len(batch) for batch in reranker.batches]
    assert sizes[:2] == [1, 4]
    assert 12 <= sizes[2] <= 16
    assert max(sizes) * 0.002 <= MICRO_BATCH
    assert sum(sizes) >= 0.95 * 3.0 / 0.002


def test_equal_pairs_are_read_once_whichever_batch_they_are_in() -> None:
    reranker = SlowReranker(seconds=0)
    pairs = pairs_of(1, 2, 3)
    scores = score_until(reranker, pairs * 3, time.perf_counter() + 60)
    assert reranker.read == pairs
    assert scores.logits.tolist() == OverlapReranker().score(pairs * 3).logits.tolist()


def test_several_queries_are_read_in_turn_each_to_its_own_deadline() -> None:
    reranker = SlowReranker(seconds=0.01)
    heads = [pairs_of(*[9] * 50), pairs_of(*[9] * 3), [], [("cat", "cat y"), ("cat", "z")]]
    start = time.perf_counter()
    read = score_heads(reranker, heads, [start + 0.15, start + 0.15, 0.0, math.inf])
    assert 0 < len(read[0].logits) < 50
    assert [len(scores.logits) for scores in read[1:]] == [3, 0, 2]
    assert read[3].logits.tolist() == [1, 0]
    turns = [heads[0][0], heads[1][0], heads[3][0], heads[0][1], heads[1][1], heads[3][1]]
    assert reranker.read[:4] == list(dict.fromkeys(turns))[:4]


# -- searching within a budget ---------------------------------------------------------------------


@pytest.mark.parametrize("weight", [1.0, 0.6])
def test_an_answer_within_a_budget_is_that_of_a_smaller_rerank_depth(weight: float) -> None:
    slow = make_engine(TEXTS, reranker=SlowReranker(weight=weight, seconds=0.01))
    start = time.perf_counter()
    answer = slow.search(replace(ASKED, budget_ms=120))
    assert time.perf_counter() - start < 0.12 + MICRO_BATCH + 0.1
    read = [r.stage for r in answer.results].count("reranked")
    assert 0 < read < 30
    assert [r.stage for r in answer.results] == ["reranked"] * read + ["fused"] * (40 - read)
    assert (answer.degraded, answer.degraded_reason) == (True, "budget")
    assert answer.notes == [f"reranked {read} of 30 candidates: the budget was used up"]
    quick = make_engine(TEXTS, reranker=OverlapReranker("overlap", weight))
    same = quick.search(replace(ASKED, rerank_depth=read))
    assert without_times(answer) == without_times(same)


def test_a_budget_that_suffices_changes_nothing() -> None:
    engine = make_engine(TEXTS)
    answer = engine.search(replace(ASKED, budget_ms=60_000))
    assert answer.degraded is False
    assert without_times(answer) == without_times(engine.search(ASKED))


def test_a_budget_of_nothing_leaves_the_answer_of_stage_one() -> None:
    answer = make_engine(TEXTS).search(replace(ASKED, budget_ms=0))
    assert answer.degraded_reason == "budget"
    assert answer.notes == ["reranked 0 of 30 candidates: the budget was used up"]
    first = make_engine(TEXTS).search(replace(ASKED, rerank=False))
    assert answer.results == first.results


def test_a_search_without_a_budget_is_not_cut_by_that_of_another() -> None:
    engine = make_engine(TEXTS, reranker=SlowReranker(seconds=0.005))
    limited, free = engine.search_many([replace(ASKED, budget_ms=60), ASKED])
    assert limited.degraded_reason == "budget"
    assert free.degraded is False
    assert without_times(free) == without_times(make_engine(TEXTS).search(ASKED))


def test_a_source_that_failed_matters_more_than_the_budget() -> None:
    class Short(OverlapReranker):
        def score_until(self, pairs: Sequence[tuple[str, str]], deadline: float) -> Scores:
            return Scores(np.zeros(2, np.float32))

    # It gave up by itself: no budget of the request was used up.
    answer = make_engine(TEXTS, reranker=Short()).search(ASKED)
    assert answer.degraded_reason == "queue"
    assert answer.notes == ["reranked 2 of 30 candidates: the reranker is busy"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ModelError("no weights"), "reranker_unavailable"), (RerankerBusy("too many"), "queue")],
)
def test_a_reranker_that_fails_within_a_budget_leaves_stage_one(
    error: ModelError, reason: str
) -> None:
    class Failing(OverlapReranker):
        def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
            raise error

    for budget in (None, 1000):
        answer = make_engine(TEXTS, reranker=Failing()).search(replace(ASKED, budget_ms=budget))
        assert (answer.degraded_reason, answer.notes) == (reason, [f"not reranked: {error}"])


@pytest.mark.parametrize("budget", [-1, LONGEST_BUDGET + 1])
def test_a_budget_out_of_range_is_refused(budget: int) -> None:
    with pytest.raises(UsageError, match="budget_ms"):
        replace(ASKED, budget_ms=budget)
