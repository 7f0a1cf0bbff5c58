"""The parts of the benchmarks of a server that need no server."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.attacks import KINDS, attacks
from benchmarks.clients import Asked, figures
from benchmarks.one_by_one import OneByOne
from benchmarks.rewriting import contradicts
from benchmarks.schema import failures_of
from engine.protocols import AnytimeReranker
from tests.fakes import OverlapReranker, SlowReranker

if TYPE_CHECKING:
    from engine.types import Scores

PAIRS = [("cats purr", f"cats {'purr' * (n % 2)} {n}") for n in range(9)]


def test_the_same_seed_makes_the_same_attacks_and_all_kinds_of_them() -> None:
    once, again, other = (list(attacks(3 * len(KINDS), seed)) for seed in (1, 1, 2))
    assert once == again != other
    assert {attack.kind for attack in once} == {attack.kind for attack in other}
    assert len({attack.kind for attack in once}) > 25
    assert all(attack.parts for attack in once)


def test_figures_are_of_what_was_answered_and_count_what_was_not() -> None:
    late = {"degraded_reason": "queue"}
    some = [Asked(0, float(n), 0.1 * (n + 1), 200, late if n == 3 else {}) for n in range(4)]
    some += [Asked(1, 0.5, 9.0, 503), Asked(1, 1.0, 0.0, 0)]
    found = figures(some)
    assert (found["requests"], found["refused_503"], found["failed"]) == (6, 1, 1)
    assert found["degraded"] == {"queue": 1}
    assert (found["p50"], found["seconds"]) == (250.0, 9.5)
    assert found["per_second"] == round(4 / 9.5, 2)
    assert figures([Asked(0, 0.0, 1.0, 503)])["p95"] is None


@pytest.mark.parametrize("most", [1, 4, 100])
def test_the_server_to_compare_with_gives_the_scores_of_the_model(most: int) -> None:
    shared = OneByOne(OverlapReranker(), most)
    assert isinstance(shared, AnytimeReranker)
    assert np.array_equal(shared.score(PAIRS).logits, OverlapReranker().score(PAIRS).logits)
    assert len(shared.score([]).logits) == 0


def test_the_server_to_compare_with_reads_whole_requests_in_the_order_they_came() -> None:
    slow = SlowReranker(seconds=0.02)
    shared = OneByOne(slow, 100)
    requests = [[(f"q{n}", text) for _, text in PAIRS] for n in range(3)]
    with ThreadPoolExecutor(3) as pool:
        running: list[Future[Scores]] = []
        for pairs in requests:
            running.append(pool.submit(shared.score, pairs))
            time.sleep(0.05)
        assert all(len(each.result().logits) == len(PAIRS) for each in running)
    assert [batch[0][0] for batch in slow.batches] == ["q0", "q1", "q2"]


def test_the_server_to_compare_with_gives_up_a_wait_at_the_deadline() -> None:
    go, reading = threading.Event(), threading.Event()

    def wait(_: float) -> None:
        reading.set()
        go.wait(30)

    shared = OneByOne(SlowReranker(sleep=wait), 100)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shared.score_until, PAIRS, math.inf)
        assert reading.wait(30)
        late = shared.score_until(PAIRS, time.perf_counter() + 0.1)
        go.set()
        assert len(first.result().logits) == len(PAIRS)
    assert len(late.logits) == 0
    assert len(shared.score(PAIRS).logits) == len(PAIRS)


def test_an_answer_of_two_commits_is_seen() -> None:
    history = {"a": [(1, 1), (4, 2)], "b": [(2, 1), (5, 2)]}

    def mixed(snapshot: int, **rounds: int) -> bool:
        return contradicts({"snapshot": snapshot, "results": [*rounds.items()]}, history)

    assert not mixed(3, a=1, b=1)
    assert not mixed(4, a=2, b=1)
    assert not mixed(9, a=2, b=2)
    assert mixed(4, a=1, b=1)
    assert mixed(4, a=2, b=2)
    assert mixed(1, b=1)
    assert mixed(9, c=1)


def test_whatever_schemathesis_could_not_try_is_a_failure_too() -> None:
    report: dict[str, Any] = {"failures": [], "errors": [], "complete": True}
    assert failures_of(report) == []
    failure = {"title": "Server error", "operations": ["GET /a", "PUT /b"]}
    found = failures_of(report | {"failures": [failure], "errors": ["no schema"]})
    assert found == ["Server error: GET /a, PUT /b", "schemathesis: no schema"]
    assert failures_of(report | {"complete": False, "stop_reason": "max_time"})
