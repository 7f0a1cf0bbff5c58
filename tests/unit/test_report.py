"""What report.json says of a small collection whose figures can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import UsageError
from engine.evaluation.plan import Plan
from tests.fakes import OverlapReranker
from tests.judged import evaluated, judged

if TYPE_CHECKING:
    from pathlib import Path

# Each document shares one word with each query; the reranker counts shared words of the passage.
TEXTS = {
    "a.txt": "mill corn",
    "b.txt": "mill mill mill",
    "c.txt": "mill corn flour",
    "far.txt": "nothing shared",
}
QUERIES = {"q1": "mill corn flour", "q2": "mill"}
QRELS = {"q1": {"c.txt": 1, "far.txt": 1}, "q2": {"b.txt": 1, "a.txt": 0}}


def test_losses_and_what_was_reached_add_up_to_a_perfect_ranking(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical",), depths=(1, 10), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, judged(QUERIES, QRELS), plan)
    for row in report["rows"]:
        reached = row["realistic"]["nDCG@10"]
        assert reached + row["ranking_loss"] + row["retrieval_loss"] == pytest.approx(1.0)
    # q1's second positive shares no word: only always has it.
    row = report["rows"][1]
    assert row["ceiling"]["R@100"] == row["realistic"]["R@100"] == 0.75
    assert row["always_rerank_positives"]["R@100"] == 1.0


def test_counts_say_what_was_judged_and_what_was_read(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical",), depths=(2, 10), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, judged(QUERIES, QRELS), plan)
    assert report["data"]["positives"] == {"min": 1, "mean": 1.5, "max": 2}
    assert report["data"]["candidates"] == {"min": 2, "mean": 2.0, "max": 2}
    assert report["data"]["documents"] == 4


def test_a_row_that_is_another_s_base_is_not_tested_twice(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical",), depths=(10,), timed_queries=1)
    models = [OverlapReranker(), None]
    report = evaluated(tmp_path, TEXTS, judged(QUERIES, QRELS), plan, rerankers=models)
    assert report["rows"][0]["significance"] is not None
    assert report["rows"][1]["significance"] is None
    assert report["comparisons"] == []


def test_rows_that_differ_are_compared(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical", "dense"), depths=(10,), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, judged(QUERIES, QRELS), plan, rerankers=[None])
    [compared] = report["comparisons"]
    values = [row["base"]["nDCG@10"] for row in report["rows"]]
    assert (compared["a"], compared["b"]) == (0, 1)
    assert compared["difference"] == pytest.approx(values[1] - values[0])


def test_the_curve_ends_for_realistic_where_scoring_ended(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical",), depths=(10,), timed_queries=1)
    curve = evaluated(tmp_path, TEXTS, judged(QUERIES, QRELS), plan)["rows"][0]["curve"]
    assert [point["depth"] for point in curve] == [5, 10, 20, 30, 50, 100]
    assert [point["realistic"] is not None for point in curve] == [True, True] + 4 * [False]
    assert all(point["ceiling"] is not None for point in curve)


def test_recall_is_reported_at_every_depth_that_is_asked_for(tmp_path: Path) -> None:
    plan = Plan(depths=(10, 150), measures=("MRR@10", "P@3"), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, judged(QUERIES, QRELS), plan)
    assert report["measures"] == ["nDCG@10", "RR@10", "AP", "P@1", "R@100", "R@150", "P@3"]


def test_a_reranker_that_cannot_read_the_language_changes_nothing(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical",), depths=(10,), timed_queries=1)
    blind = OverlapReranker(known=0.0)
    row = evaluated(tmp_path, TEXTS, judged(QUERIES, QRELS), plan, rerankers=[blind])["rows"][0]
    assert row["realistic"] == row["always_rerank_positives"] == row["base"]


def test_the_worst_losses_say_what_was_expected_and_at_which_stage_it_was_lost(
    tmp_path: Path,
) -> None:
    plan = Plan(sources=("lexical",), depths=(10,), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, judged(QUERIES, QRELS), plan)
    loss = next(loss for loss in report["losses"] if loss["query"] == "q1")
    assert loss["stage"] == "retrieval"
    far = next(e for e in loss["expected"] if e["document"] == "far.txt")
    assert set(far["ranks"].values()) == {None}
    assert far["text"] == "nothing shared"


@pytest.mark.parametrize("depths", [(), (0,), (20_000,)])
def test_a_depth_that_makes_no_sense_is_refused(depths: tuple[int, ...]) -> None:
    with pytest.raises(UsageError):
        Plan(depths=depths)
