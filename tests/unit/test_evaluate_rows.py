"""Rows, their files, and what an evaluation says when its place is bad."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.errors import ShortlistError, UsageError
from engine.evaluation.held import held
from engine.evaluation.plan import Plan
from engine.evaluation.trec import read_run
from tests.fakes import OverlapReranker
from tests.judged import evaluated, judged

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = {f"d{n}": f"mill corn {'flour ' * n}word{n}" for n in range(9)}
QUERIES = {"d3": "mill corn flour word3", "q": "mill corn word7"}
QRELS = {"d3": {"d4": 1, "d8": 1}, "q": {"d7": 1}}
COLLECTION = judged(QUERIES, QRELS)


@pytest.mark.parametrize("depth", [1, 3, 8, 9, 50])
def test_where_identical_ids_are_dropped_the_next_candidate_is_read_instead(
    tmp_path: Path, depth: int
) -> None:
    plan = Plan(depths=(depth, 2), drop_identical_ids=True, timed_queries=1)
    row = evaluated(tmp_path, TEXTS, COLLECTION, plan)["rows"][0]
    for column in ("base", "realistic", "always"):
        run = read_run(tmp_path / f"report/runs/{row['name']}.{column}.trec")
        assert set(run["d3"]) == TEXTS.keys() - {"d3"}
        assert set(run["q"]) == TEXTS.keys()
    lines = (tmp_path / "report/per_query.jsonl").read_text().splitlines()
    read = [json.loads(line)["rows"][0]["candidates"] for line in lines]
    assert read == [min(depth, 8), min(depth, 9)]


def test_models_of_one_name_have_files_of_their_own(tmp_path: Path) -> None:
    models = [
        OverlapReranker(name=name, weight=weight, fingerprint=f"{weight}")
        for name, weight in (("final (cross-encoder)", 0.0), ("final (cross-encoder)", 1.0),
                             ("Final", 0.5), ("none", 0.7), ("final-2", 0.8), ("x" * 300, 0.9))
    ]  # fmt: skip
    plan = Plan(sources=("lexical",), depths=(5,), timed_queries=1)
    report = evaluated(tmp_path, TEXTS, COLLECTION, plan, rerankers=[*models, None])
    assert [row["name"] for row in report["rows"]] == [
        *("lexical-final-5", "lexical-final-2-5", "lexical-Final-3-5", "lexical-none-2-5"),
        *("lexical-final-2-2-5", f"lexical-{'x' * 60}-5", "lexical-none-5"),
    ]
    for row in report["rows"][:-1]:
        run = read_run(tmp_path / f"report/runs/{row['name']}.realistic.trec")
        assert list(run) == list(QUERIES)


def test_a_report_that_another_evaluation_writes_is_left_alone(tmp_path: Path) -> None:
    with held(tmp_path / "report"), pytest.raises(UsageError, match="another evaluation"):
        evaluated(tmp_path, TEXTS, COLLECTION)
    assert list((tmp_path / "report").iterdir()) == []
    evaluated(tmp_path, TEXTS, COLLECTION)  # it is free again


def test_a_report_that_failed_is_free_again(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), held(tmp_path / "report"):
            _ = 1 // 0


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ShortlistError, match=r"no report can be written to .*not a directory"):
        evaluated(tmp_path / "file", TEXTS, COLLECTION, rerankers=[None])
    with pytest.raises(ShortlistError, match=r"scores cannot be kept in .*not a directory"):
        evaluated(tmp_path / "file", TEXTS, COLLECTION)
    with pytest.raises(UsageError, match="is a file"), held(tmp_path / "file"):
        pass


def test_a_negative_seed_is_refused_before_any_work() -> None:
    with pytest.raises(UsageError, match="a seed is 0 or more"):
        replace(Plan(), seed=-1)
