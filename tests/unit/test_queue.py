from __future__ import annotations

import contextvars
import math
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ModelError, RerankerBusy
from engine.types import Scores
from server.calls import CALL, Call, ClientLeftError
from server.queue import SharedReranker
from tests.contract.reranker import RerankerContract
from tests.fakes import OverlapReranker, SlowReranker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.protocols import Reranker

Pair = tuple[str, str]


@dataclass(frozen=True)
class Gated(SlowReranker):
    """Reads a batch each time that it is let; fails at pairs whose text says so."""

    seconds: float = 0.0
    permits: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    reading: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.reading.release()
        assert self.permits.acquire(timeout=30)
        if any("fail" in text for _, text in pairs):
            raise ModelError("cannot read this")
        if any("crash" in text for _, text in pairs):
            raise ValueError("a bug")
        return super().score(pairs)


def pairs_of(owner: str, count: int, words: str = "") -> list[Pair]:
    """Return pairs of which the first batch holds one."""
    return [(owner, f"{owner} {number} {words} {'long' * 1000}") for number in range(count)]


def until(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("it never came true")


def submit(
    pool: ThreadPoolExecutor, call: Call | None, work: Callable[[], Scores]
) -> Future[Scores]:
    """Do something as if for a request."""
    context = contextvars.copy_context()
    context.run(CALL.set, call)
    return pool.submit(context.run, work)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as pool:
        yield pool


@pytest.fixture
def gated() -> Iterator[Gated]:
    gated = Gated()
    yield gated
    gated.permits.release(10_000)


class Windowed(OverlapReranker):
    """Reads what has more than 100 characters in windows."""

    def score(self, pairs: Sequence[Pair]) -> Scores:
        long = [len(query) > 100 or len(text) > 100 for query, text in pairs]
        return Scores(super().score(pairs).logits, np.array(long, dtype=bool))

    def relevance(self, logits: np.ndarray) -> np.ndarray | None:
        return None

    def relevance_among(self, logits: np.ndarray) -> np.ndarray | None:
        return self.relevance(logits)


class TestContract(RerankerContract):
    @pytest.fixture
    def reranker(self) -> Iterator[Reranker]:
        shared = SharedReranker(Windowed())
        yield shared
        shared.close()


# -- answers ---------------------------------------------------------------------------------------


def test_many_threads_get_what_the_model_alone_says(pool: ThreadPoolExecutor) -> None:
    alone, slow = OverlapReranker(), SlowReranker(seconds=0.00002)
    shared = SharedReranker(slow)
    asked = [
        [(f"cat {n}", f"cat {m % 7} {'purr ' * (m % 5)}") for m in range(n * 3)] for n in range(60)
    ]

    def ask(number: int) -> Scores:
        pairs = asked[number]
        return shared.score(pairs) if number % 2 else shared.score_until(pairs, math.inf)

    found = list(pool.map(ask, range(60)))
    for pairs, scores in zip(asked, found, strict=True):
        assert scores.logits.tolist() == alone.score(pairs).logits.tolist()
        assert scores.waited >= 0
    assert any(len({query for query, _ in batch}) > 1 for batch in slow.batches)
    shared.close()


def test_a_model_in_use_is_never_called_twice_at_a_time(pool: ThreadPoolExecutor) -> None:
    inside = threading.Lock()

    class Alone(OverlapReranker):
        def score(self, pairs: Sequence[Pair]) -> Scores:
            assert inside.acquire(blocking=False)
            time.sleep(0.0005)
            inside.release()
            return super().score(pairs)

    shared = SharedReranker(Alone())
    asked = [pairs_of(str(number), 9) for number in range(40)]
    assert all(len(scores.logits) == 9 for scores in pool.map(shared.score, asked))
    shared.close()


# -- fairness --------------------------------------------------------------------------------------


def slow_twin(arrivals: list[list[Pair]]) -> list[Pair]:
    """Return in which order pairs of requests that came together are read, one at a time."""
    left, order = [list(pairs) for pairs in arrivals], list[Pair]()
    while any(left):
        for pairs in left:
            if pairs:
                order.append(pairs.pop(0))
    return order


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 25), min_size=1, max_size=6), st.booleans())
def test_requests_are_read_in_turn_as_by_the_slow_twin(sizes: list[int], short: bool) -> None:
    gated = Gated()
    shared = SharedReranker(gated)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(shared.score_until, pairs_of("first", 1), time.perf_counter() + 60)
        assert gated.reading.acquire(timeout=30)
        asked = [pairs_of(f"r{n}", size) for n, size in enumerate(sizes)]
        if short:
            asked = [[(owner, text[:20]) for owner, text in pairs] for pairs in asked]
        for number, pairs in enumerate(asked):
            pool.submit(shared.score_until, pairs, time.perf_counter() + 60)
            until(lambda n=number: shared.waiting == sum(sizes[: n + 1]))
        gated.permits.release(1000)
        first.result()
        until(lambda: len(gated.read) == 1 + sum(sizes))
    assert gated.read[1:] == slow_twin(asked)
    shared.close()


def test_a_short_request_overtakes_a_long_one(pool: ThreadPoolExecutor, gated: Gated) -> None:
    shared = SharedReranker(gated)
    long = pool.submit(shared.score, pairs_of("long", 500))
    assert gated.reading.acquire(timeout=30)
    short = pool.submit(shared.score, pairs_of("short", 3))
    until(lambda: shared.waiting >= 502)
    gated.permits.release(10_000)
    short.result()
    last = max(place for place, (owner, _) in enumerate(gated.read) if owner == "short")
    assert last <= 6
    assert len(long.result().logits) == 500


def test_without_a_deadline_neighbours_have_one_length() -> None:
    slow = SlowReranker(seconds=0.0)
    shared = SharedReranker(slow)
    shared.score([("cat", "x" * (n * 37 % 100)) for n in range(32)])
    lengths = [len(text) for _, text in slow.read]
    for block in (lengths[:16], lengths[16:]):
        assert block == sorted(block, reverse=True)
    shared.close()


# -- deadlines -------------------------------------------------------------------------------------


def test_a_deadline_ends_reading_with_the_first_candidates(pool: ThreadPoolExecutor) -> None:
    slow = SlowReranker(seconds=0.005)
    shared = SharedReranker(slow)
    start = time.perf_counter()
    others = [pool.submit(shared.score, pairs_of(f"other{n}", 100)) for n in range(3)]
    asked = pairs_of("mine", 200)
    scores = shared.score_until(asked, start + 0.3)
    spent = time.perf_counter() - start
    batch = max(len(batch) for batch in slow.batches) * 0.005
    assert spent < 0.3 + batch + 0.15
    read = [pair for pair in slow.read if pair[0] == "mine"]
    assert 0 < len(read) < 200
    assert read == asked[: len(read)]
    assert len(scores.logits) == len(read)
    assert shared.waiting <= 300
    assert all(len(other.result().logits) == 100 for other in others)
    shared.close()


def test_what_is_never_reached_is_an_empty_answer_at_the_deadline(
    pool: ThreadPoolExecutor, gated: Gated
) -> None:
    shared = SharedReranker(gated)
    stuck = pool.submit(shared.score, pairs_of("stuck", 1))
    assert gated.reading.acquire(timeout=30)
    start = time.perf_counter()
    scores = shared.score_until(pairs_of("mine", 5), start + 0.1)
    assert time.perf_counter() - start < 0.3
    assert len(scores.logits) == 0
    assert scores.waited >= 0.09
    assert shared.waiting == 0
    assert len(shared.score_until(pairs_of("late", 5), start).logits) == 0
    gated.permits.release()
    assert len(stuck.result().logits) == 1


def test_a_request_whose_time_is_over_is_told_so(pool: ThreadPoolExecutor, gated: Gated) -> None:
    shared = SharedReranker(gated)
    pool.submit(shared.score, pairs_of("stuck", 1))
    assert gated.reading.acquire(timeout=30)
    soon = [Call(time.perf_counter() + 0.1) for _ in range(2)]
    late = submit(pool, soon[0], lambda: shared.score(pairs_of("a", 3)))
    search = submit(pool, soon[1], lambda: shared.score_until(pairs_of("b", 3), math.inf))
    with pytest.raises(RerankerBusy, match="in time"):
        late.result()
    assert len(search.result().logits) == 0
    assert shared.waiting == 0


# -- who leaves, what fails, what is too much ------------------------------------------------------


def test_a_request_that_is_left_is_out_of_the_queue_at_once(
    pool: ThreadPoolExecutor, gated: Gated
) -> None:
    shared = SharedReranker(gated)
    calls = [Call() for _ in range(3)]
    asked = ("reading", "waiting", "staying")
    found = [
        submit(pool, call, lambda owner=owner: shared.score(pairs_of(owner, 40)))
        for call, owner in zip(calls, asked, strict=True)
    ]
    assert gated.reading.acquire(timeout=30)
    until(lambda: shared.waiting >= 119)
    for call in calls[:2]:
        call.leave()
    for future in found[:2]:
        with pytest.raises(ClientLeftError):
            future.result(timeout=30)
    assert shared.waiting <= 40
    gated.permits.release(10_000)
    assert len(found[2].result().logits) == 40
    assert sum(owner != "staying" for owner, _ in gated.read) <= 1
    with pytest.raises(ClientLeftError):
        submit(pool, calls[0], lambda: shared.score(pairs_of("again", 1))).result()


@pytest.mark.parametrize("word", ["fail", "crash"])
def test_a_batch_that_fails_is_the_fault_of_the_requests_in_it_alone(
    word: str, pool: ThreadPoolExecutor, gated: Gated, caplog: pytest.LogCaptureFixture
) -> None:
    shared = SharedReranker(gated)
    broken = pool.submit(shared.score, pairs_of("broken", 3, word))
    assert gated.reading.acquire(timeout=30)
    sound = pool.submit(shared.score, pairs_of("sound", 3))
    until(lambda: shared.waiting >= 3)
    gated.permits.release(10_000)
    with pytest.raises(ModelError, match="cannot read this" if word == "fail" else "a bug"):
        broken.result()
    assert len(sound.result().logits) == 3
    assert len(shared.score(pairs_of("later", 3)).logits) == 3
    assert "failed at a batch of 1 pairs" in caplog.text


def test_a_model_that_forgets_a_pair_fails(caplog: pytest.LogCaptureFixture) -> None:
    class Forgetful(OverlapReranker):
        def score(self, pairs: Sequence[Pair]) -> Scores:
            return Scores(super().score(pairs).logits[1:])

    shared = SharedReranker(Forgetful())
    with pytest.raises(ModelError, match="0 scores for 1"):
        shared.score(pairs_of("a", 3))
    assert caplog.records
    shared.close()


def test_a_full_queue_takes_no_more_but_one_alone_may_be_long(
    pool: ThreadPoolExecutor, gated: Gated
) -> None:
    shared = SharedReranker(gated, most=10)
    long = pool.submit(shared.score, pairs_of("long", 50))
    assert gated.reading.acquire(timeout=30)
    with pytest.raises(RerankerBusy, match="too many"):
        shared.score(pairs_of("more", 1))
    gated.permits.release(10_000)
    assert len(long.result().logits) == 50
    assert len(shared.score(pairs_of("later", 1)).logits) == 1


def test_closing_gives_up_what_waits_and_ends_the_thread(
    pool: ThreadPoolExecutor, gated: Gated
) -> None:
    shared = SharedReranker(gated)
    waiting = [pool.submit(shared.score, pairs_of(str(n), 5)) for n in range(3)]
    assert gated.reading.acquire(timeout=30)
    until(lambda: shared.waiting >= 14)
    closing = pool.submit(shared.close)
    for future in waiting:
        with pytest.raises(RerankerBusy, match="closed"):
            future.result(timeout=30)
    gated.permits.release()
    closing.result(timeout=30)
    with pytest.raises(RerankerBusy, match="closed"):
        shared.score(pairs_of("later", 1))


def test_an_idle_thread_ends_and_the_next_request_starts_another() -> None:
    def threads() -> int:
        return sum(thread.name == "shortlist-rerank" for thread in threading.enumerate())

    before = threads()
    shared = SharedReranker(OverlapReranker(), idle=0.01)
    for _ in range(3):
        assert len(shared.score(pairs_of("a", 3)).logits) == 3
        until(lambda: threads() <= before)


def test_the_size_of_each_batch_is_told() -> None:
    sizes: list[int] = []
    slow = SlowReranker(seconds=0.0)
    shared = SharedReranker(slow, seen=sizes.append)
    shared.score(pairs_of("a", 30))
    assert sizes == [len(batch) for batch in slow.batches]
    assert all(a <= b * 4 for b, a in pairwise(sizes))
    shared.close()
