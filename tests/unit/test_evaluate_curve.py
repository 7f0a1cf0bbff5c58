"""Curves, weights and intervals of report.json, held to the figures of single queries."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.evaluation.plan import Plan
from engine.evaluation.significance import holm, intervals
from tests.fakes import OverlapReranker
from tests.judged import evaluated, judged

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("base", "realistic", "always_rerank_positives", "ceiling")
WORDS = ("mill", "corn", "flour", "wheel", "river", "stone")
_RANDOM = random.Random(7)
TEXTS = {
    f"d{n:03}.txt": " ".join([*_RANDOM.choices(WORDS, k=_RANDOM.randint(2, 12)), f"w{n}"])
    for n in range(230)
} | {"far.txt": "nothing shared"}
QUERIES = {f"q{n}": " ".join(_RANDOM.sample(WORDS, 4)) for n in range(16)}


def _sharing(query: str, words: int) -> list[str]:
    asked = set(QUERIES[query].split())
    return [name for name, text in TEXTS.items() if len(asked & set(text.split())) == words]


QRELS = {
    "q0": {_sharing("q0", 4)[0]: 2, _sharing("q0", 4)[1]: 1},
    "q1": {_sharing("q1", 3)[2]: 1, "far.txt": 3},
    "q2": {_sharing("q2", 4)[0]: 1, _sharing("q2", 4)[-1]: 2, _sharing("q2", 1)[0]: 0},
    "q3": dict.fromkeys(_sharing("q3", 4), 1),
} | {query: dict.fromkeys(_sharing(query, 4)[:5], 1) for query in list(QUERIES)[4:]}
COLLECTION = judged(QUERIES, QRELS)


def test_a_curve_passes_through_the_figures_of_its_row_and_ends_where_scoring_ended(
    tmp_path: Path,
) -> None:
    plan = Plan(sources=("lexical",), depths=(5, 10, 200), timed_queries=1)
    for row in evaluated(tmp_path, TEXTS, COLLECTION, plan)["rows"]:
        points = {point["depth"]: point for point in row["curve"]}
        assert list(points) == [5, 10, 20, 30, 50, 100] + [200] * (row["depth"] == 200)
        for column in COLUMNS:
            assert points[row["depth"]][column] == pytest.approx(row[column]["nDCG@10"], abs=1e-9)
        for depth, point in points.items():
            read = depth <= row["depth"]
            assert (point["realistic"] is not None) == read
            assert (point["always_rerank_positives"] is not None) == read
            assert None not in (point["base"], point["ceiling"])


def test_a_reranker_that_half_reads_the_language_has_half_its_weight(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical",), depths=(20,), timed_queries=1)
    models = [
        OverlapReranker(name="half", weight=0.8, known=0.5, fingerprint="a"),
        OverlapReranker(name="known", weight=0.4, fingerprint="b"),
        OverlapReranker(name="all", weight=0.8, fingerprint="c"),
    ]
    evaluated(tmp_path, TEXTS, COLLECTION, plan, rerankers=models)
    half, known, all_of_it = (
        (tmp_path / f"report/runs/lexical-{name}-20.realistic.trec").read_text()
        for name in ("half", "known", "all")
    )
    assert half == known
    assert half != all_of_it


def test_every_interval_is_that_of_its_own_column(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical", "dense"), depths=(10,), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, COLLECTION, plan)
    lines = [json.loads(x) for x in (tmp_path / "report/per_query.jsonl").read_text().splitlines()]
    for number, row in enumerate(report["rows"]):
        for column in COLUMNS:
            said = [list(line["rows"][number][column].values()) for line in lines]
            values = np.array(said, np.float64)
            ends = [row["intervals"][column][measure] for measure in report["measures"]]
            np.testing.assert_allclose(ends, intervals(values), atol=1e-6)
            assert list(row[column].values()) == pytest.approx(values.mean(0))


def test_the_p_values_of_a_report_are_corrected_together(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical", "dense"), depths=(10,), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, COLLECTION, plan)
    tests = [row["significance"] for row in report["rows"]] + report["comparisons"]
    assert len(tests) == 3
    assert [t["p_corrected"] for t in tests] == pytest.approx(holm([t["p"] for t in tests]))
    assert any(abs(test["difference"]) > 0.01 for test in tests[:2])
    assert any(test["p_corrected"] > test["p"] for test in tests)
    for row, test in zip(report["rows"], tests, strict=False):
        gain = row["realistic"]["nDCG@10"] - row["base"]["nDCG@10"]
        assert test["difference"] == pytest.approx(gain)
        assert test["interval"][0] <= gain <= test["interval"][1]


def test_a_query_without_a_relevant_document_loses_nothing(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical",), depths=(10,), timed_queries=1)
    collection = judged(QUERIES, {**QRELS, "q1": {"d005.txt": 0}})
    row = evaluated(tmp_path, TEXTS, collection, plan)["rows"][0]
    reached = row["realistic"]["nDCG@10"] + row["ranking_loss"] + row["retrieval_loss"]
    assert reached == pytest.approx(15 / 16)


def test_losses_tell_ranks_from_1_and_the_best_grade_first(tmp_path: Path) -> None:
    plan = Plan(sources=("lexical",), depths=(10,), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, COLLECTION, plan, rerankers=[None, OverlapReranker()])
    losses = {loss["query"]: loss for loss in report["losses"]}
    assert {loss["row"] for loss in report["losses"]} == {1}
    lost = [loss["best"] - loss["value"] for loss in report["losses"]]
    assert all(value > 0 for value in lost)
    assert [e["grade"] for e in losses["q2"]["expected"]] == [2, 1]
    for loss in report["losses"]:
        assert [r["ranks"]["final"] for r in loss["returned"]] == [1, 2, 3]
    run = (tmp_path / "report/runs/lexical-overlap-10.realistic.trec").read_text().splitlines()
    served = [line.split()[2] for line in run if line.startswith("q2 ")][:3]
    assert [r["document"] for r in losses["q2"]["returned"]] == served


def test_at_most_ten_losses_of_each_stage_are_kept_the_largest_first(tmp_path: Path) -> None:
    queries = {f"q{n}": f"mill w{n}" for n in range(24)}
    qrels = {
        q: {"far.txt": 1} if n % 2 else {"d000.txt": 1, f"d{n:03}.txt": 1}
        for n, q in enumerate(queries)
    }
    plan = Plan(sources=("lexical",), depths=(10,), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, judged(queries, qrels), plan, rerankers=[None])
    stages = [loss["stage"] for loss in report["losses"]]
    assert stages.count("retrieval") == 10
    assert stages[:10] == ["retrieval"] * 10
    assert all(loss["value"] == 0.0 for loss in report["losses"][:10])


def test_rows_of_one_tier_share_candidates_read_to_the_deepest() -> None:
    groups = Plan(sources=("lexical", "dense"), depths=(50, 10, 150, 100)).groups([None])
    assert [(g.sources, g.depth, [r.depth for r in g.rows]) for g in groups] == [
        (sources, depth, rows)
        for sources in ("lexical", "dense")
        for depth, rows in ((100, [50, 10, 100]), (150, [150]))
    ]
